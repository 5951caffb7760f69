"""Places spelled out, as people keep and send them: what one picture is made of, in words, and the pictures of many.

    place = Place.read('{"seed": 9, "words": "3d fruit", "moves": {"warmth": 1.5}}')
    draw(model, [place], found=directions)

Whatever a place does not say is left as `ganvas sample` has it, so a place of a seed alone is that seed's picture, bit
for bit.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..core import files, pixels
from ..core.batch import Kind
from ..core.errors import DoesNotFit, NotFound
from ..models.model import Model
from .directions import Directions
from .morph import Stop
from .places import ENDING, Latent, fingerprint, moved, places

__all__ = ["PLACES", "Place", "as_latent", "draw", "given", "names_of", "save_places", "stops_of"]

PLACES = Path("studio") / "places"
"""Where a latent is looked for that is named by its hash alone: the folder that the studio keeps, in a workspace."""

MOST_WORDS, MOST_MOVES, FURTHEST = 200, 8, 6.0
FIELDS = ("seed", "latent", "words", "variety", "truncation", "moves")


@dataclass(frozen=True)
class Place:
    """What one picture is made of; one of `seed` and `latent` is given.

    seed        a whole number from 0
    latent      a .safetensors of `ganvas project`, or the hash of one in the studio's folder
    words       a class, or keywords
    variety     see `Model.varied`
    truncation  see `Model.truncated`
    moves       direction -> strength, within +-6
    """

    seed: int | None = None
    latent: str | None = None
    words: str | None = None
    variety: float | None = None
    truncation: float = 1.0
    moves: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what is no place.

        Raises:
            DoesNotFit: neither or both of a seed and a latent are given, or a number is out of its range.
        """
        if (self.seed is None) == (self.latent is None):
            raise DoesNotFit("A place has a seed or a latent, one of the two.")
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise DoesNotFit(f"A seed is a whole number from 0, not {self.seed}.")
        if len(self.words or "") > MOST_WORDS:
            raise DoesNotFit(f"The words of a place are at most {MOST_WORDS} letters long.")
        if self.variety is not None and not 0 <= self.variety <= 4:
            raise DoesNotFit(f"The variety of a place is from 0 to 4, not {self.variety}.")
        if not 0 <= self.truncation <= 1:
            raise DoesNotFit(f"The truncation of a place is from 0 to 1, not {self.truncation}.")
        if len(self.moves) > MOST_MOVES or not all(abs(move) <= FURTHEST for move in self.moves.values()):
            raise DoesNotFit(f"A place has at most {MOST_MOVES} moves, each from -{FURTHEST:g} to {FURTHEST:g}.")

    @classmethod
    def read(cls, text: str) -> "Place":
        """The place of this JSON.

        Raises:
            DoesNotFit: it is no JSON, or none of a place.
        """
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            raise DoesNotFit(f"""A place is JSON such as {{"seed": 9, "words": "3d fruit"}}, not {text!r}.""") from None
        return cls.of(found)

    @classmethod
    def of(cls, found: Any) -> "Place":
        """The place of this value, as JSON holds it; `parents`, which is where it came from, is no part of it.

        Raises:
            DoesNotFit: it has other fields, or they are of other types.
        """
        if not isinstance(found, dict):
            raise DoesNotFit('A place is a JSON object such as {"seed": 9}.')
        if other := found.keys() - {*FIELDS, "parents"}:
            raise DoesNotFit(f"A place has no {sorted(map(str, other))[0]!r}; it may have {', '.join(FIELDS)}.")
        said = {name: found[name] for name in FIELDS if found.get(name) is not None}
        moves = said.get("moves", {})
        right = (
            isinstance(said.get("latent", ""), str)
            and isinstance(said.get("words", ""), str)
            and type(said.get("seed", 0)) is int
            and all(_number(said.get(name, 0)) for name in ("variety", "truncation"))
            and isinstance(moves, dict)
            and all(isinstance(name, str) and _number(move) for name, move in moves.items())
        )
        if not right:
            raise DoesNotFit(
                "In a place, seed is a whole number, latent and words are texts, and the rest are numbers."
            )
        return cls(**said)

    def as_json(self) -> str:
        """The one spelling of this place: sorted, without spaces, and without what is as `ganvas sample` has it."""
        moves = {name: _short(move) for name, move in self.moves.items() if move}
        said = {
            "seed": self.seed,
            "latent": self.latent,
            "words": self.words or None,
            "variety": None if self.variety is None else _short(self.variety),
            "truncation": None if self.truncation == 1 else _short(self.truncation),
            "moves": moves or None,
        }
        kept = {name: value for name, value in said.items() if value is not None}
        return json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @property
    def name(self) -> str:
        """A name for its file: 3d-fruit-9, or without words seed-0009; of a latent the first letters of its name."""
        words = re.sub(r"[^a-z0-9]+", "-", (self.words or "").lower()).strip("-")[:60]
        number = Path(self.latent).stem[:6] if self.latent else str(self.seed)
        if words:
            return f"{words}-{number}"
        return f"place-{number}" if self.latent else f"seed-{self.seed:04}"


def _number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


def _short(value: float) -> float:
    """1.0 as 1, which is how JavaScript writes it."""
    return int(value) if float(value).is_integer() else value


def names_of(chosen: Sequence[Place]) -> list[str]:
    """A name for the file of each, no two alike."""
    taken, found = set[str](), list[str]()
    for place in chosen:
        name, more = place.name, 2
        while name in taken:
            name, more = f"{place.name}-{more}", more + 1
        taken.add(name)
        found.append(name)
    return found


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
    model: Model, chosen: Sequence[Place], *, found: Directions | None = None, folder: Path = PLACES
) -> Float[Tensor, "n *shape"]:
    """The samples of these places, in their order, as `Model.generate` gives them; the rest as in `given`."""
    rows = [given(model, place, found=found, folder=folder) for place in chosen]
    made = torch.empty(len(rows), *model.shape)
    for share in dict.fromkeys(place.truncation for place in chosen):
        some = [row for row, place in enumerate(chosen) if place.truncation == share]
        conditions = [rows[row][1] for row in some]
        condition = None if conditions[0] is None else torch.cat([each for each in conditions if each is not None])
        made[some] = model.truncated(share).make(torch.cat([rows[row][0] for row in some]), condition)
    return made


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
    found: Directions | None = None,
    columns: int | None = None,
    separate: bool = False,
    names: Sequence[str] = (),
    scale: int | None = None,
) -> Path:
    """Save the samples of these places as one picture or film, or each as a file of its own in the folder `out`.

    Args:
        model: what draws them.
        chosen: the places.
        out: the file or, with `separate`, the folder.
        found: the model's directions, for moves.
        columns: pictures per row.
        separate: a file for each.
        names: of the files; by default `names_of`.
        scale: enlarges pictures by a whole number without smoothing; by default sheets of small ones are enlarged.

    Raises:
        DoesNotFit or Unwritable: there are none, `out` cannot be written, `scale` is no whole number from 1 or given
            for others than pictures, or as in `given`.
    """
    if not chosen:
        raise DoesNotFit("No place was given to be drawn.")
    if separate and out.suffix:
        raise DoesNotFit(f"With `separate=`, `out=` is a folder; {out} looks like a file.")
    if scale is not None and (scale < 1 or model.kind is not Kind.PICTURES):
        raise DoesNotFit(f"`scale=` enlarges pictures by a whole number from 1; not this model's by {scale}.")
    made = draw(model, chosen, found=found)
    if not separate and scale:
        return pixels.save_picture(
            pixels.grid(pixels.to_uint8(made).numpy(), columns=columns, zoom=scale), out, sheet=len(made) > 1
        )
    if not separate:
        if model.moves and out.suffix.lower() in pixels.FILMS:
            return pixels.save_clips(made, out, columns=columns)
        return pixels.save_picture(pixels.sheet(made, columns=columns), out, sheet=len(made) > 1)
    with files.writing(out):
        out.mkdir(parents=True, exist_ok=True)
    for name, sample in zip(names or names_of(chosen), made.split(1), strict=True):
        if model.moves:
            pixels.save_clips(sample, out / f"{name}.gif")
        else:
            picture = pixels.to_uint8(sample).numpy()[0].repeat(scale or 1, axis=0).repeat(scale or 1, axis=1)
            pixels.save_picture(picture, out / f"{name}.png", sheet=False)
    return out
