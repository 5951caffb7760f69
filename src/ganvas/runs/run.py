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

import dataclasses
import datetime
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout
from torch import Tensor

from .. import __version__
from ..core import checkpoint, files, machine, pixels
from ..core.catalog import name_of
from ..core.errors import GanvasError
from ..data.dataset import Dataset, Source, Watch, unwatched
from ..learning.conditions import ROW
from ..models.model import Model, metadata, save_clips
from ..recipes.recipe import Recipe, from_json, to_json
from ..training.loop import State, count_parameters

__all__ = ["Run"]

PICTURES, CLIPS, POINTS = 64, 8, 2000  # on a sheet
RECONSTRUCTED = 32  # pictures, in rows of 8


@dataclass(frozen=True)
class Run:
    """A run folder, whether its training is finished, under way or interrupted."""

    path: Path

    @property
    def exists(self) -> bool:
        """Whether a training was ever started here."""
        return (self.path / "run.json").exists()

    @property
    def recipe(self) -> Recipe:
        """What is trained."""
        recipe: Recipe = from_json(self._read("recipe.json"))
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
            raise GanvasError(f"What {self.path.name} learned from is not here ({reason}). {instead}") from None
        return data

    def restore(self) -> dict[str, Tensor] | None:
        """What `train` needs to go on from the newest sound checkpoint, or None if there is none."""
        newest = self.newest
        return checkpoint.read(newest / "state.safetensors") if newest else None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from training in this folder; the system lets go of it if this one dies.

        Raises:
            GanvasError: another one trains in it.
        """
        lock = FileLock(self.path / ".lock", timeout=0)
        with files.told(self.path), suppress(NotImplementedError):  # where files cannot be locked, go without
            self.path.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire()
            except Timeout:
                raise GanvasError(
                    f"Another process is training in {self.path}. Wait for it, or give --out another folder."
                ) from None
        try:
            yield
        finally:
            lock.release()

    def begin(
        self,
        recipe: Recipe,
        data: Dataset,
        *,
        seed: int,
        minutes: float | None,
        start_from: str | None,
        device: torch.device,
    ) -> None:
        """Make the folder, or bring it back to what it was at its newest checkpoint."""
        seen, before = self.images, self.about if self.exists else {}
        about = {
            "ganvas": __version__,
            "source": _words(recipe.data),
            "parameters": count_parameters(recipe, data),
            "seed": seed,
            "minutes": minutes,
            "from": start_from,
            "started": before.get("started") or datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            "machine": machine.describe(device),
            "data": {"count": len(data), "shape": data.shape, "classes": data.classes, "skipped": data.skipped},
        }
        samples = self.path / "samples"
        samples.mkdir(parents=True, exist_ok=True)
        for images, sheet in files.numbered(samples) + files.numbered(samples / "reconstructions"):
            if images > seen:
                sheet.unlink()
        kept = [json.dumps(row) + "\n" for row in self.rows if row["images"] <= seen]
        files.write(self.path / "log.jsonl", "".join(kept))
        self.plan(recipe)
        files.write(self.path / "run.json", json.dumps(about, indent=1))

    def plan(self, recipe: Recipe) -> None:
        """Say what is trained from now on."""
        files.write(self.path / "recipe.json", json.dumps(to_json(recipe), indent=1))

    def log(
        self, images: int, seconds: float, speed: float, terms: dict[str, float], scores: dict[str, float] | None = None
    ) -> None:
        """Add one line to the log; what is not finite becomes null."""
        row: dict[str, Any] = {"images": images, "seconds": round(seconds, 3), "images_per_second": round(speed, 2)}
        for key, values in (("terms", terms), ("scores", scores)):
            if values is not None:
                row[key] = {name: value if math.isfinite(value) else None for name, value in values.items()}
        with files.told(self.path), (self.path / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(row) + "\n")

    def sheet(self, images: int, state: State, data: Dataset) -> None:
        """Save a sheet of samples, always of the same seeds; points are plotted as far out as those of the data go."""
        model, columns = Model(state.average, state.condition), None
        seeds: Sequence[int] = range({1: POINTS, 3: PICTURES, 4: CLIPS}[len(model.shape)])
        told = None
        if model.condition and len(model.shape) > 1:
            seeds, told = model.condition.survey()
            columns = ROW
        if told is not None and model.moves:
            seeds, told, columns = seeds[::ROW], told[::ROW], None  # a clip is a whole row
        made = model.generate(seeds, told)
        sheet = pixels.sheet(made, columns=columns, extent=1.3 * data.extent)
        with files.told(self.path):
            pixels.to_image(sheet).save(self.path / "samples" / f"{images:09}.png")
        if model.moves:
            save_clips(made, self.path / "samples" / "newest.gif", columns=4)
        if (strips := _strips(model, data)) is not None:
            with files.told(self.path):
                folder = self.path / "samples" / "reconstructions"
                folder.mkdir(exist_ok=True)
                pixels.to_image(strips).save(folder / f"{images:09}.png")

    def save(self, images: int, recipe: Recipe, state: State) -> None:
        """Write a checkpoint: the product by itself, and all that it takes to go on."""
        about = metadata(recipe.networks[recipe.product], Model(state.average, state.condition))
        contents = {
            "model.safetensors": (state.average.state_dict(), about),
            "state.safetensors": (state.tensors(), {}),
        }
        checkpoint.write(self.path / "checkpoints" / f"{images:09}", contents, keep=2)

    def keep_best(self, recipe: Recipe, state: State, scores: dict[str, float]) -> None:
        """Keep the product by itself in best/ if no score that was logged is lower, of whatever is scored first."""
        name, value = next(iter(scores.items()))
        known = [found for row in self.rows if (found := row.get("scores", {}).get(name)) is not None]
        if value <= min(known, default=math.inf):
            about = metadata(recipe.networks[recipe.product], Model(state.average, state.condition))
            checkpoint.write(self.path / "best", {"model.safetensors": (state.average.state_dict(), about)})

    def _read(self, name: str) -> Any:
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise GanvasError(f"{self.path} is not a run folder: it has no {name}.") from None


@torch.no_grad()
def _strips(model: Model, data: Dataset) -> pixels.Pictures | None:
    """Samples spread evenly over the data with their reconstructions below them; None if none can be made."""
    count = POINTS if len(data.shape) == 1 else RECONSTRUCTED
    rows = np.linspace(0, len(data) - 1, count).astype(np.int64)
    originals, device = data.take(rows), next(model.network.parameters()).device
    told = model.condition.take(data, rows).to(device) if model.condition else None
    made = model.network.reconstruct(originals.to(device), told)
    if made is None:
        return None
    if len(data.shape) != 3:
        above, below = (pixels.sheet(points, extent=1.3 * data.extent) for points in (originals, made))
        return np.concatenate([above, below])
    pairs = zip(originals.split(ROW), made.cpu().split(ROW), strict=True)
    return pixels.sheet(torch.cat([row for pair in pairs for row in pair]), columns=ROW)


def _words(source: Source) -> str:
    """The source as it is named on the command line, such as icons:portraits."""
    values = [getattr(source, field.name) for field in dataclasses.fields(source)]  # type: ignore[arg-type]
    first = values[0] if values else ""
    return f"{name_of(source)}:{first}" if isinstance(first, str) and first else name_of(source)
