"""A diagnosis: one problem of a training, as a value that the log, the report, pages and the shell share."""

import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..recipes.recipe import Recipe
from .advice import advice

__all__ = ["Diagnosis", "divergence"]


@dataclass(frozen=True)
class Diagnosis:
    """A problem of a training.

    kind      in a word; docs/doctor.md lists them
    severity  "bad" if continuing is no use, "look" if it may be
    text      a sentence or two
    numbers   the evidence
    setting   the NAME=VALUE most likely to fix it in a new training, or None if none is
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
        """The text, and what to try in a new training, as Python takes it; `as_options` gives it for a shell."""
        return f"{self.text} Try `{self.argument}`." if self.setting else self.text

    @property
    def argument(self) -> str:
        """The setting as an argument of a training: its length, or one of its `settings`."""
        setting = self.setting or ""
        return setting if setting.startswith("images=") else f"settings=['{setting}']"

    @property
    def option(self) -> str:
        """The same as an option of the command line."""
        name, value = (self.setting or "").split("=", 1)
        return f"--images {value}" if name == "images" else f"--set {shlex.quote(f'{name}={value}')}"

    def as_json(self) -> dict[str, Any]:
        """The diagnosis as a JSON value; numbers that are not finite become None."""
        numbers = {name: value if math.isfinite(value) else None for name, value in self.numbers.items()}
        own = {"kind": self.kind, "severity": self.severity, "text": self.text}
        return own | {"numbers": numbers, "setting": self.setting}


def divergence(images: int, why: str, recipe: Recipe | None = None) -> Diagnosis:
    """The diagnosis of a training that diverged.

    Args:
        images: how many it had seen when this was noticed.
        why: in words, such as "critic.loss is no longer a number".
        recipe: of the training, for the advice.
    """
    return Diagnosis(
        "diverged",
        "bad",
        f"The training diverged at {images:,} images: {why}.",
        {"images": images},
        advice("diverged", recipe),
    )
