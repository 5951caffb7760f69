"""Rescues: rollbacks of a training that diverged, as run.json records them under `rescues`, oldest first."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Rescue", "rescues"]


@dataclass(frozen=True)
class Rescue:
    """One rollback of a training to a state in which its numbers were sound.

    player  whose rate is halved from there on
    back    images seen in the state to which it went back
    at      images seen when it diverged
    why     what was wrong, such as "critic.loss is no longer a number"
    """

    player: str
    back: int
    at: int
    why: str

    def __str__(self) -> str:
        return (
            f"At {self.at:,} images {self.why}. The training went back to {self.back:,} images and continues from "
            f"there with half the learning rate for the {self.player}."
        )

    def as_json(self) -> dict[str, Any]:
        """The rescue as a JSON value."""
        return asdict(self)


def rescues(about: Mapping[str, Any]) -> list[Rescue]:
    """The rescues that a run.json records."""
    found = about.get("rescues")
    rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    kinds = {"player": str, "back": int, "at": int, "why": str}
    return [
        Rescue(**{name: row[name] for name in kinds})
        for row in rows
        if all(type(row.get(name)) is kind for name, kind in kinds.items())
    ]
