"""A diagnosis: one thing that is wrong with a training, as a value that a log, a report, a page and a shell share."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..recipes.recipe import Recipe
from .advice import advice

__all__ = ["Diagnosis", "divergence"]


@dataclass(frozen=True)
class Diagnosis:
    """Something that is wrong with a training.

    kind      what, in a word; docs/doctor.md lists them
    severity  "bad" if going on is no use, "look" if it may be
    text      a sentence or two
    numbers   the evidence
    setting   the NAME=VALUE most likely to mend it in a new training, or None if none is
    """

    kind: str
    severity: str
    text: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    setting: str | None = None

    def __str__(self) -> str:
        return self.text

    @property
    def advice(self) -> str:
        """The text, and the setting to try in a new training, as functions take it; `as_options` has it for a shell."""
        return f"{self.text} Try `settings=['{self.setting}']`." if self.setting else self.text

    def as_json(self) -> dict[str, Any]:
        """The same, as what JSON can hold."""
        numbers = {name: value if math.isfinite(value) else None for name, value in self.numbers.items()}
        own = {"kind": self.kind, "severity": self.severity, "text": self.text}
        return own | {"numbers": numbers, "setting": self.setting}


def divergence(images: int, why: str, recipe: Recipe | None = None) -> Diagnosis:
    """What is said of a training whose numbers blew up.

    Args:
        images: after how many it was noticed.
        why: in words, such as "critic.loss is no longer a number".
        recipe: of the training, from whose rate the advice is taken.
    """
    return Diagnosis(
        "diverged",
        "bad",
        f"The training diverged at {images:,} images: {why}.",
        {"images": images},
        advice("diverged", recipe),
    )
