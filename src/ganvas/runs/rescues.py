"""How often a training blew up and went back, as run.json has it under `rescues`, oldest first."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Rescue", "rescues"]


@dataclass(frozen=True)
class Rescue:
    """One return of a training to where its numbers were sound.

    player  who learns at half the rate that it had, from there on
    back    images that had been seen where it went on from
    at      images after which it blew up
    why     what was wrong, such as "critic.loss is no longer a number"
    """

    player: str
    back: int
    at: int
    why: str

    def __str__(self) -> str:
        return (
            f"At {self.at:,} images {self.why}: the training went back to {self.back:,} images, and from there on the "
            f"{self.player} learns at half the rate."
        )

    def as_json(self) -> dict[str, Any]:
        """The same, as what JSON can hold."""
        return asdict(self)


def rescues(about: Mapping[str, Any]) -> list[Rescue]:
    """Those that a run.json tells of."""
    found = about.get("rescues")
    rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    kinds = {"player": str, "back": int, "at": int, "why": str}
    return [
        Rescue(**{name: row[name] for name in kinds})
        for row in rows
        if all(type(row.get(name)) is kind for name, kind in kinds.items())
    ]
