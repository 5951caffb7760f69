"""Place: everything that specifies one picture, in the form in which people keep and share it.

    Place.read('{"seed": 9, "words": "3d fruit", "moves": {"warmth": 1.5}}')

Omitted fields have the defaults of `ganvas sample`, so a place with just a seed is exactly that seed's picture, bit for
bit. latent/draw.py draws places.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..core.errors import DoesNotFit
from ..core.seeds import refuse_seeds

__all__ = ["ENDING", "Place", "names_of"]

ENDING = ".safetensors"
"""Extension of a file that holds a latent."""

MOST_WORDS, MOST_MOVES, FURTHEST = 200, 8, 6.0
FIELDS = ("seed", "latent", "words", "variety", "truncation", "moves")


@dataclass(frozen=True)
class Place:
    """Everything that specifies one picture; either `seed` or `latent` is given.

    seed        a whole number from 0
    latent      a .safetensors file by `ganvas project`, or the hash of one in the studio's folder
    words       a class, or keywords
    variety     see `Model.varied`, 0 to 4
    truncation  see `Model.truncated`, 0 to 4
    moves       direction -> strength, within +-6; at most 8
    """

    seed: int | None = None
    latent: str | None = None
    words: str | None = None
    variety: float | None = None
    truncation: float = 1.0
    moves: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            DoesNotFit: neither or both of a seed and a latent are given, or a value is out of range.
        """
        if (self.seed is None) == (self.latent is None):
            raise DoesNotFit("A place has a seed or a latent, one of the two.")
        if self.seed is not None:
            refuse_seeds([self.seed])
        if len(self.words or "") > MOST_WORDS:
            raise DoesNotFit(f"The words of a place are at most {MOST_WORDS} letters long.")
        if self.variety is not None and not 0 <= self.variety <= 4:
            raise DoesNotFit(f"The variety of a place is from 0 to 4, not {self.variety}.")
        if not 0 <= self.truncation <= 4:
            raise DoesNotFit(f"The truncation of a place is from 0 to 4, not {self.truncation}.")
        if len(self.moves) > MOST_MOVES or not all(abs(move) <= FURTHEST for move in self.moves.values()):
            raise DoesNotFit(f"A place has at most {MOST_MOVES} moves, each from -{FURTHEST:g} to {FURTHEST:g}.")

    @classmethod
    def read(cls, text: str) -> "Place":
        """Parse a place from JSON.

        Raises:
            DoesNotFit: the text is not JSON, or not that of a place.
        """
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            raise DoesNotFit(f"""A place is JSON such as {{"seed": 9, "words": "3d fruit"}}, not {text!r}.""") from None
        return cls.of(found)

    @classmethod
    def of(cls, found: Any) -> "Place":
        """The place for a parsed JSON value; its `parents`, which record its origin, are ignored.

        Raises:
            DoesNotFit: it has other fields, or values of other types.
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
        """The canonical JSON of this place: sorted, without spaces, and without fields that have their defaults."""
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

    def moved(self, by: Mapping[str, float], share: float = 1.0) -> "Place":
        """The place that lies a share of these moves further.

        Raises:
            DoesNotFit: those are more or longer moves than a place may have.
        """
        more = {name: round(self.moves.get(name, 0.0) + share * move, 6) for name, move in by.items()}
        return replace(self, moves={**self.moves, **more})

    @property
    def name(self) -> str:
        """A file name: 3d-fruit-9, or seed-0009 without words; for a latent the number is the start of its name."""
        words = re.sub(r"[^a-z0-9]+", "-", (self.words or "").lower()).strip("-")[:60]
        number = Path(self.latent).stem[:6] if self.latent else str(self.seed)
        if words:
            return f"{words}-{number}"
        return f"place-{number}" if self.latent else f"seed-{self.seed:04}"

    @property
    def caption(self) -> tuple[str, str]:
        """The caption of its picture: the words, and the rest."""
        moves = [f"{name} {move:+g}" for name, move in self.moves.items() if move]
        variety = [] if self.variety is None else [f"variety {self.variety:g}"]
        share = [] if self.truncation == 1 else [f"trunc. {self.truncation:g}"]
        start = f"seed {self.seed}" if self.latent is None else Path(self.latent).stem
        return self.words or "", ", ".join([start, *variety, *share, *moves])


def _number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


def _short(value: float) -> float:
    """1.0 as 1, as JavaScript writes it."""
    return int(value) if float(value).is_integer() else value


def names_of(chosen: Sequence[Place]) -> list[str]:
    """A different file name for each place."""
    taken, found = set[str](), list[str]()
    for place in chosen:
        name, more = place.name, 2
        while name in taken:
            name, more = f"{place.name}-{more}", more + 1
        taken.add(name)
        found.append(name)
    return found
