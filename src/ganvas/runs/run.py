"""A run folder: everything a training leaves behind, and all that any other tool needs to know of it.

runs/NAME/
    recipe.json     the whole recipe
    run.json        seed, budget, data, machine: what a recipe does not say
    log.jsonl       one line per measurement: images, seconds, the mean of every loss term
    samples/        a sheet of the same seeds every so many images: 000046080.png; of clips newest.gif too
                    reconstructions/ of the same samples, each below its original, if the product can make them
    checkpoints/    the newest two, see core/checkpoint.py
    best/           the model of the lowest score so far, if scores are taken
    report.html     all of it on one page
    .lock           held by the process that trains in it
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from ..core import checkpoint, files
from ..core.errors import GanvasError, NotFound
from ..data.dataset import Dataset, Watch, unwatched
from ..recipes.recipe import Recipe
from ..recipes.settings import from_json

__all__ = ["Run"]


@dataclass(frozen=True)
class Run:
    """A run folder, whether its training is finished, under way or interrupted. It is read here, and not written."""

    path: Path

    @property
    def exists(self) -> bool:
        """Whether a training was ever started here."""
        return (self.path / "run.json").exists()

    @property
    def recipe(self) -> Recipe:
        """What is trained."""
        recipe: Recipe = from_json(self._read("recipe.json"), Recipe)
        return recipe

    @property
    def about(self) -> dict[str, Any]:
        """What run.json holds: seed, minutes, data, machine."""
        about: dict[str, Any] = self._read("run.json")
        return about

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The log so far, oldest first."""
        log, rows = self.path / "log.jsonl", []
        for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else ():
            with suppress(ValueError):  # the last line is torn if the power was cut
                rows.append(json.loads(line))
        return rows

    @property
    def finished(self) -> bool:
        """Whether the training came to the end of its recipe."""
        return self.images >= self.recipe.images

    @property
    def moves(self) -> bool:
        """Whether its samples are clips."""
        return len(self.about["data"]["shape"]) == 4

    @property
    def newest(self) -> Path | None:
        """The newest sound checkpoint."""
        return checkpoint.newest(self.path / "checkpoints")

    @property
    def images(self) -> int:
        """How many images the newest sound checkpoint has seen."""
        return int(self.newest.name) if self.newest else 0

    @property
    def newest_sheet(self) -> Path | None:
        """The newest sheet of samples."""
        return next((path for _, path in reversed(files.numbered(self.path / "samples"))), None)

    def learned_from(self, watch: Watch = unwatched, *, instead: str) -> Dataset:
        """The data of the recipe.

        Raises:
            GanvasError: they are not here; `instead` says what to do then.
        """
        try:
            data: Dataset = self.recipe.data.open(watch)
        except GanvasError as error:
            reason = str(error).rstrip(".")
            raise NotFound(f"What {self.path.name} learned from is not here ({reason}). {instead}") from None
        return data

    def restore(self) -> dict[str, Tensor] | None:
        """What `train` needs to go on from the newest sound checkpoint, or None if there is none."""
        newest = self.newest
        return checkpoint.read(newest / "state.safetensors") if newest else None

    def _read(self, name: str) -> Any:
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise NotFound(f"{self.path} is not a run folder: it has no {name}.") from None
