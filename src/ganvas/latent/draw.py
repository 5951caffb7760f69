"""Draw and save the pictures of places (models/place.py).

draw(model, [Place.read('{"seed": 9, "words": "3d fruit", "moves": {"warmth": 1.5}}')], found=directions)
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from ..core import distributed, files
from ..core.errors import DoesNotFit, NotFound
from ..models.made import Layout, Made
from ..models.model import Model
from ..models.place import Place, names_of
from ..models.sheets import is_vector, refuse_huge, save_sample, save_sheet, zoom_of
from .directions import Directions
from .morph import Stop
from .places import ENDING, Latent, fingerprint, moved, places

__all__ = ["PLACES", "added", "as_latent", "draw", "given", "save_places", "stops_of"]

PLACES = Path("studio") / "places"
"""The folder of latents that are named just by their hash: the studio's, in a workspace."""

SAVED = 64  # number of separate files that are drawn at once


@lru_cache(4096)
def _latent(path: Path, _changed: int) -> Latent:
    return Latent.read(path)


def _start(place: Place, folder: Path) -> int | Latent:
    if place.latent is None:
        return place.seed or 0
    path = files.expanded(place.latent)
    path = path if place.latent.endswith(ENDING) else folder / f"{place.latent}{ENDING}"
    if not path.is_file():
        raise NotFound(f"There is no latent {path}; `ganvas project MODEL PICTURE` writes one.")
    return _latent(path, path.stat().st_mtime_ns)


def given(
    model: Model, place: Place, *, found: Directions | None = None, folder: Path = PLACES
) -> tuple[Float[Tensor, "1 l"], Float[Tensor, "1 k"] | None]:
    """The network's input for a place before truncation: z and the condition.

    Args:
        model: any generator of pictures or clips.
        place: the place.
        found: the model's directions; only needed for moves.
        folder: the folder of latents that are named by their hash.

    Raises:
        NotFound or DoesNotFit: the model does not know the words or a direction, or the latent is missing or belongs to
            another model.
    """
    z, conditions = places(model.varied(place.variety), [(_start(place, folder), place.words or None)])
    if not place.moves:
        return z, conditions
    if found is None:
        raise NotFound("The directions of this model are not known yet: `ganvas directions MODEL` finds them.")
    by = torch.stack([strength * found.vector(name) for name, strength in place.moves.items()]).sum(0)
    return moved(model, z, conditions, by[None])


def draw(
    model: Model,
    chosen: Sequence[Place],
    *,
    found: Directions | None = None,
    folder: Path = PLACES,
    large: bool = False,
) -> Float[Tensor, "n *shape"]:
    """The samples of these places, in order and in the form of `Model.generate`; the rest as in `given`.

    `large` draws them twice as large with a model that `doubles`.
    """
    rows = [given(model, place, found=found, folder=folder) for place in chosen]
    made = [torch.empty(0)] * len(rows)
    for share in dict.fromkeys(place.truncation for place in chosen):
        some = [row for row, place in enumerate(chosen) if place.truncation == share]
        conditions = [rows[row][1] for row in some]
        condition = None if conditions[0] is None else torch.cat([each for each in conditions if each is not None])
        samples = model.truncated(share).make(torch.cat([rows[row][0] for row in some]), condition, large=large)
        for row, sample in zip(some, samples, strict=True):
            made[row] = sample
    return torch.stack(made) if made else torch.empty(0, *model.shape)


def added(model: Model, place: Place) -> list[str]:
    """The words that the seed of a place adds to its own words, such as the kind of a thing; none for a latent."""
    return [] if place.seed is None else model.varied(place.variety).added(place.words or None, place.seed)


def as_latent(model: Model, place: Place, *, found: Directions | None = None, folder: Path = PLACES) -> Latent:
    """The place as a latent, which can be saved, morphed and edited; arguments and errors as in `given`."""
    z, conditions = given(model, place, found=found, folder=folder)
    return Latent(z[0], None if conditions is None else conditions[0], fingerprint(model.network), place.words or "")


def stops_of(model: Model, chosen: Sequence[Place], *, found: Directions | None = None) -> tuple[Model, list[Stop]]:
    """A morph through these places: the model with their truncation, and the stops; errors as in `given`.

    Raises:
        DoesNotFit: their truncations differ, and a morph has one.
    """
    shares = {place.truncation for place in chosen}
    if len(shares) > 1:
        raise DoesNotFit("The places of a morph have one truncation, not several.")
    latents = [as_latent(model, place, found=found) for place in chosen]
    return model.truncated(*shares), [Stop(each) for each in latents]


def save_places(
    model: Model,
    chosen: Sequence[Place],
    out: Path,
    *,
    layout: Layout | None = None,
    found: Directions | None = None,
    names: Sequence[str] = (),
    name: str = "",
    alone: bool = False,
) -> Path:
    """Save the samples of these places as one picture or film, or as separate files in the folder `out`.

    Distributed processes share the drawing; the first one saves a common picture.

    PNG and SVG files record what made them, see models/made.py. A model that `doubles` does so if the scale is at least
    2, including the enlargement above captions, and for tracing.

    Args:
        model: the model.
        chosen: the places.
        out: the file, or with a layout of separate files the folder.
        layout: how they are laid out; for separate files as SVG, `out` is the folder with .svg appended.
        found: the model's directions, for moves.
        names: of separate files; by default `names_of`.
        name: the model's name to be recorded.
        alone: one place with a layout of separate files is saved as `out` itself, a .png or .svg.

    Raises:
        DoesNotFit or Unwritable: there are no places, or too many for one file at this scale, `out` cannot be written,
            the layout does not suit this model, or as in `given`.
    """
    layout = layout or Layout()
    if not chosen:
        raise DoesNotFit("No place was given to be drawn.")
    more = tuple(tuple(added(model, place)) for place in chosen) if layout.captions or is_vector(out) else ()
    made = Made(name, fingerprint(model.network), tuple(chosen), layout, added=more)
    large = model.doubles and (is_vector(out) or zoom_of(model.shape, layout) > 1)
    zoom = max((not is_vector(out) and layout.scale) or 1, 2 if large else 1) * (layout.repeat or 1)
    refuse_huge(1 if layout.separate else len(chosen), model.shape, zoom=zoom)
    if not layout.separate:
        samples = _drawn_together(model, chosen, found=found, large=large)
        return save_sheet(samples, out, made, shape=model.shape) if distributed.is_first() else out
    if alone:
        sample = draw(model, chosen, found=found, large=large)
        place = out if is_vector(out) else out.with_suffix("")
        return save_sample(sample, place, made, shape=model.shape) if distributed.is_first() else out
    folder, ending = (out.with_suffix(""), ".svg") if is_vector(out) else (out, "")
    if folder.suffix:
        raise DoesNotFit(f"With `separate=`, `out=` is a folder; {out} looks like a file.")
    with files.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    called = names or names_of(chosen)
    mine = distributed.share(len(chosen))
    for first in range(mine.start, mine.stop, SAVED):
        some = slice(first, min(first + SAVED, mine.stop))
        samples = draw(model, chosen[some], found=found, large=large).split(1)
        for number, (title, sample) in enumerate(zip(called[some], samples, strict=True), first):
            save_sample(sample, folder / f"{title}{ending}", made.alone(number), shape=model.shape)
    distributed.together()
    return folder


def _drawn_together(
    model: Model, chosen: Sequence[Place], *, found: Directions | None, large: bool
) -> Float[Tensor, "n *shape"]:
    """As `draw`, shared between processes: a picture does not depend on what is drawn with it."""
    if distributed.world() == 1:
        return draw(model, chosen, found=found, large=large)
    mine = distributed.share(len(chosen))
    made = draw(model, chosen[mine.start : mine.stop], found=found, large=large)
    factor = 2 if large else 1
    shape = (*model.shape[:-2], *(factor * side for side in model.shape[-2:])) if len(model.shape) > 1 else model.shape
    return distributed.gathered(made.reshape(len(mine), math.prod(shape))).reshape(-1, *shape)
