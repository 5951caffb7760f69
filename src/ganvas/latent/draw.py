"""The pictures of places (models/place.py), drawn and saved.

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
from ..models.sheets import is_vector, save_sample, save_sheet, zoom_of
from .directions import Directions
from .morph import Stop
from .places import ENDING, Latent, fingerprint, moved, places

__all__ = ["PLACES", "added", "as_latent", "draw", "given", "save_places", "stops_of"]

PLACES = Path("studio") / "places"
"""Where a latent is looked for that is named by its hash alone: the folder that the studio keeps, in a workspace."""

LARGEST_SHEET = 2**29  # numbers in one picture of many samples
SAVED = 64  # separate files that are drawn before the first of them is saved


@lru_cache(4096)
def _latent(path: Path, _changed: int) -> Latent:
    return Latent.read(path)


def _start(place: Place, folder: Path) -> int | Latent:
    if place.latent is None:
        return place.seed or 0
    path = Path(place.latent).expanduser()
    path = path if place.latent.endswith(ENDING) else folder / f"{place.latent}{ENDING}"
    if not path.is_file():
        raise NotFound(f"There is no latent {path}; `ganvas project MODEL PICTURE` writes one.")
    return _latent(path, path.stat().st_mtime_ns)


def given(
    model: Model, place: Place, *, found: Directions | None = None, folder: Path = PLACES
) -> tuple[Float[Tensor, "1 l"], Float[Tensor, "1 k"] | None]:
    """What the network is given for a place, z and what it is told, but for the truncation.

    Args:
        model: any generator of pictures or clips.
        place: where.
        found: the model's directions; only moves need them.
        folder: where latents are that are named by their hash.

    Raises:
        NotFound or DoesNotFit: the model does not know the words or a direction, or the latent is not there or another
            model's.
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
    """The samples of these places, in their order, as `Model.generate` gives them; the rest as in `given`.

    `large` has a model that `doubles` draw them twice as large.
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
    """The words that the seed of a place adds to its own, such as what kind of a thing is drawn; none with a latent."""
    return [] if place.seed is None else model.varied(place.variety).added(place.words or None, place.seed)


def as_latent(model: Model, place: Place, *, found: Directions | None = None, folder: Path = PLACES) -> Latent:
    """The place as what can be saved, morphed and edited like any other; arguments and errors as in `given`."""
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
) -> Path:
    """Save the samples of these places as one picture or film, or each as a file of its own in the folder `out`.

    Several processes share what is to be drawn; of one picture of all, the first saves it.

    A PNG and an SVG say what made them, see models/made.py. A model that doubles does so for a scale from 2 on, below
    captions, and for what is traced.

    Args:
        model: what draws them.
        chosen: the places.
        out: the file or, of a layout of separate files, the folder.
        layout: how they are laid out; in separate files, `out` ends in .svg for those, and they go where it leads
            without that.
        found: the model's directions, for moves.
        names: of separate files; by default `names_of`.
        name: what the model is called in what the file says made it.

    Raises:
        DoesNotFit or Unwritable: there are none or too many, `out` cannot be written, the layout is none for what this
            model makes, or as in `given`.
    """
    layout = layout or Layout()
    if not chosen:
        raise DoesNotFit("No place was given to be drawn.")
    more = tuple(tuple(added(model, place)) for place in chosen) if layout.captions or is_vector(out) else ()
    made = Made(name, fingerprint(model.network), tuple(chosen), layout, added=more)
    large = model.doubles and (is_vector(out) or zoom_of(model.shape, layout) > 1)
    if not layout.separate:
        if len(chosen) * math.prod(model.shape) * (4 if large else 1) > LARGEST_SHEET:
            raise DoesNotFit(f"{len(chosen):,} samples are too many for one picture: take fewer, or a file for each.")
        samples = _drawn_together(model, chosen, found=found, large=large)
        return save_sheet(samples, out, made, shape=model.shape) if distributed.is_first() else out
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
    """As `draw`, each process a part of them: a picture is the same whatever is drawn beside it."""
    if distributed.world() == 1:
        return draw(model, chosen, found=found, large=large)
    mine = distributed.share(len(chosen))
    made = draw(model, chosen[mine.start : mine.stop], found=found, large=large)
    factor = 2 if large else 1
    shape = (*model.shape[:-2], *(factor * side for side in model.shape[-2:])) if len(model.shape) > 1 else model.shape
    return distributed.gathered(made.reshape(len(mine), -1)).reshape(-1, *shape)
