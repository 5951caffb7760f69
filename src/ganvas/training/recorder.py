"""The writing half of a run folder, whose reading half is runs/run.py: what a training leaves behind as it goes on."""

import dataclasses
import datetime
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout
from torch import Tensor

from ..core import checkpoint, files, machine, pixels
from ..core.batch import Kind
from ..core.catalog import name_of
from ..core.errors import Busy, GanvasError
from ..core.sums import summed
from ..core.version import __version__
from ..core.weights import read_header
from ..data.dataset import Dataset, Source
from ..learning.conditions import ROW
from ..models.model import Model, metadata
from ..recipes.recipe import Recipe
from ..recipes.settings import to_json
from ..runs.mends import Mend, begun, mend_of
from ..runs.rescues import Rescue, rescues
from ..runs.run import COPIES, LOG, Run
from .dealer import Cut, cuts
from .loop import State, count_parameters

__all__ = ["Recorder", "return_step"]

ON_A_SHEET = {Kind.POINTS: 2000, Kind.PICTURES: 64, Kind.CLIPS: 8}
MOST_SHEETS = 400  # that are kept, unless a recipe asks for more
RECONSTRUCTED = 32  # pictures, in rows of 8
RETURN_STEPS = 1024  # at least so many lie between two steps that a training may return to


def return_step(step: int) -> int:
    """The last step, up to this one, whose checkpoint is always written and kept until the next; 0 is the beginning.

    They lie an eighth of the way from each other, or `RETURN_STEPS`, so there are eight from one power of two to the
    next, and a return never costs more than an eighth of a long training. Nothing else than its number makes a step one
    of them, for the weights of a training that goes back are to depend on nothing else.
    """
    apart = max(RETURN_STEPS, 2 ** max(step.bit_length() - 4, 0))
    return step - step % apart


@dataclass(frozen=True)
class Recorder:
    """What writes the folder of a run."""

    run: Run

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from training in this folder; the system lets go of it if this one dies.

        Raises:
            Busy: another one trains in it.
        """
        lock = FileLock(self.run.path / ".lock", timeout=0)
        with files.writing(self.run.path), suppress(NotImplementedError):  # where files cannot be locked, go without
            self.run.path.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire()
            except Timeout:
                raise Busy(
                    f"Another process is training in {self.run.path}. Wait for it, or give `out=` another folder."
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
        stage: str,
        device: torch.device,
        auto: bool,
        go_on_from: Path | None,
    ) -> None:
        """Make the folder, or bring it back to what it was at the checkpoint that it goes on from."""
        seen = int(go_on_from.name) if go_on_from else 0
        before = self.run.about if self.run.exists else {}
        held = self._held(recipe, seed)
        if held and (mend := mend_of(before)):
            recipe = mend.recipe(recipe, seen)
        about = {
            "ganvas": __version__,
            "source": _words(recipe.data),
            "parameters": count_parameters(recipe, data),
            "seed": seed,
            "minutes": minutes,
            "from": start_from,
            "stage": stage,
            "auto": auto,
            **(self._kept(before) if held else {"rescues": [], "pieces": [], "mended": None}),
            "started": before.get("started") or datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            "machine": machine.describe(device),
            "data": {
                "count": len(data),
                "shape": data.shape,
                "classes": data.classes,
                "skipped": data.skipped,
                "digest": data.digest(),
            },
        }
        checkpoint.recover(self.run.path / "best")
        for folder in (self.run.path, *(self.run.path / name for name in (COPIES, "checkpoints", "samples"))):
            files.sweep(folder, seconds=0)  # no other process writes here while the lock is held
        checkpoint.set_aside(self.run.path / "checkpoints", after=go_on_from)
        self._cut(seen)
        self.plan(recipe)
        self._tell(about)

    def _held(self, recipe: Recipe, seed: int) -> bool:
        """Whether the folder is of this training, though it may be longer or have no checkpoint yet."""
        if not self.run.exists:
            return False
        about = self.run.about
        held, asked = (to_json(replace(each, images=1)) for each in (begun(self.run.recipe, about), recipe))
        return held == asked and about.get("seed") == seed

    def _kept(self, before: dict[str, Any]) -> dict[str, Any]:
        """What a training has found that changes how it goes on."""
        mended = {"mended": before.get("mended") if mend_of(before) else None}
        return {"rescues": [each.as_json() for each in rescues(before)], "pieces": cuts(before)} | mended

    def mend(self, mend: Mend) -> None:
        """Tell that from here on one setting is another; the recipe is told when a checkpoint goes with it."""
        with files.writing(self.run.path):
            self._tell(self.run.about | {"mended": mend.as_json()})

    def split(self, found: Sequence[Cut]) -> None:
        """Tell from where on batches are played in pieces."""
        with files.writing(self.run.path):
            self._tell(self.run.about | {"pieces": list(found)})

    def turn(self, threads: int) -> None:
        """Tell on how many threads it goes on, resumed or not."""
        with files.writing(self.run.path):
            self._tell(self.run.about | {"machine": self.run.about["machine"] | {"threads": threads}})

    def go_back(self, found: Path | None, rescue: Rescue) -> None:
        """Forget what is newer than this checkpoint, or all, and only then that the training goes on otherwise there.

        Killed before it is told, the training goes on from an older checkpoint as it did before, and comes here again.
        """
        with files.writing(self.run.path):
            checkpoint.forget(self.run.path / "checkpoints", after=found)
            self._cut(rescue.back)
            told = [*rescues(self.run.about), rescue]
            self._tell(self.run.about | {"rescues": [each.as_json() for each in told]})

    def give_up(self, why: str) -> None:
        """Tell that the training has ended for good, and why."""
        with files.writing(self.run.path):
            self._tell(self.run.about | {"diverged": why})

    def _tell(self, about: dict[str, Any]) -> None:
        self._keep("run.json", about)

    def _cut(self, seen: int) -> None:
        """Leave nothing of the log and of the sheets that is newer than so many images."""
        samples = self.run.path / "samples"
        samples.mkdir(parents=True, exist_ok=True)
        for images, sheet in files.numbered(samples) + files.numbered(samples / "reconstructions"):
            if images > seen:
                sheet.unlink()
        kept = [json.dumps(summed(row)) + "\n" for row in self.run.rows if row["images"] <= seen]
        files.write(self.run.path / "log.jsonl", "".join(kept))

    def plan(self, recipe: Recipe) -> None:
        """Say what is trained from now on."""
        self._keep("recipe.json", to_json(recipe))

    def _keep(self, name: str, value: dict[str, Any]) -> None:
        """Write down what the run is twice: without it, sound checkpoints would be of no use."""
        for folder in (self.run.path / COPIES, self.run.path):
            files.write(folder / name, json.dumps(summed(value), indent=1))

    def log(
        self,
        images: int,
        seconds: float,
        speed: float,
        terms: dict[str, float],
        scores: dict[str, float] | None = None,
        signs: dict[str, float] | None = None,
        notice: str = "",
        changed: str = "",
    ) -> None:
        """Add one line to the log; what is not finite becomes null, and `changed` is a setting that is new."""
        row: dict[str, Any] = {"images": images, "seconds": round(seconds, 3), "images_per_second": round(speed, 2)}
        for key, values in (("terms", terms), ("scores", scores), ("signs", signs)):
            if values is not None:
                row[key] = {name: value if math.isfinite(value) else None for name, value in values.items()}
        if notice:
            row["notice"] = notice
        if changed:
            row["changed"] = changed
        with files.writing(self.run.path), (self.run.path / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(summed(row)) + "\n")

    def sheet(self, images: int, state: State, data: Dataset) -> None:
        """Save a sheet of samples, always of the same seeds; points are plotted as far out as those of the data go."""
        model, columns = Model(state.average, state.condition), None
        seeds: Sequence[int] = range(ON_A_SHEET[model.kind])
        conditions = None
        if model.condition and model.kind is not Kind.POINTS:
            seeds, conditions = model.condition.survey()
            columns = ROW
        if conditions is not None and model.moves:
            seeds, conditions, columns = seeds[::ROW], conditions[::ROW], None  # a clip is a whole row
        made = model.generate(seeds, conditions)
        sheet = pixels.sheet(made, columns=columns, extent=1.3 * data.extent)
        pixels.save_picture(sheet, self.run.path / "samples" / f"{images:09}.png")
        if model.moves:
            pixels.save_clips(made, self.run.path / "samples" / "newest.gif", columns=4)
        if (strips := _strips(model, data)) is not None:
            pixels.save_picture(strips, self.run.path / "samples" / "reconstructions" / f"{images:09}.png")

    def thin(self, recipe: Recipe) -> None:
        """Leave out every second sheet but the first and the newest, if runs that were made longer left too many."""
        samples = self.run.path / "samples"
        for folder in (samples, samples / "reconstructions"):
            sheets = files.numbered(folder)
            if len(sheets) > max(MOST_SHEETS, 2 * recipe.sheets):
                with files.writing(folder):
                    for _, sheet in sheets[1:-1:2]:
                        sheet.unlink(missing_ok=True)

    def save(self, images: int, recipe: Recipe, state: State) -> None:
        """Write a checkpoint: the product by itself, and all that it takes to go on; the newest two are kept.

        And so is the one that the training would return to from here.
        """
        contents = {
            checkpoint.MODEL: _product(recipe, state),
            checkpoint.STATE: (state.tensors(), {LOG: json.dumps(summed({"rows": self.run.logged}))}),
        }
        spare = f"{return_step(state.step) * recipe.batch:09}"
        checkpoint.write(self.run.path / "checkpoints" / f"{images:09}", contents, keep=2, spare=spare)

    def keep_best(self, recipe: Recipe, state: State, scores: dict[str, float]) -> None:
        """Keep the product by itself in best/ if no score is lower, of whatever is scored first.

        What counts are the scores in the log and that of the model in best/, whose row may have been cut off the log
        when an interrupted run went back to a checkpoint.
        """
        name, value = next(iter(scores.items()))
        known = [row["scores"].get(name) for row in self.run.rows if "scores" in row]
        known.append(_score_of(self.run.path / "best", name))
        if value <= min((each for each in known if isinstance(each, int | float)), default=math.inf):
            tensors, about = _product(recipe, state)
            about["score"] = json.dumps({name: value})
            checkpoint.write(self.run.path / "best", {checkpoint.MODEL: (tensors, about)})


def _product(recipe: Recipe, state: State) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of what is drawn with, and what their file says of itself."""
    tensors = state.average.state_dict()
    return tensors, metadata(recipe.networks[recipe.product], Model(state.average, state.condition), tensors)


def _score_of(best: Path, name: str) -> float | None:
    """What the model in best/ scored; None if there is none that is sound, or it was scored by something else."""
    if checkpoint.sound(best):
        with suppress(GanvasError, ValueError):
            score = json.loads(read_header(best / checkpoint.MODEL).metadata.get("score", "{}")).get(name)
            return score if isinstance(score, int | float) else None
    return None


@torch.no_grad()
def _strips(model: Model, data: Dataset) -> pixels.Pictures | None:
    """Samples spread evenly over the data with their reconstructions below them; None if none can be made."""
    count = ON_A_SHEET[data.kind] if data.kind is Kind.POINTS else RECONSTRUCTED
    rows = np.linspace(0, len(data) - 1, count).astype(np.int64)
    originals, device = data.take(rows), next(model.network.parameters()).device
    conditions = model.condition.take(data, rows).to(device) if model.condition else None
    made = model.network.reconstruct(originals.to(device), conditions)
    if made is None:
        return None
    if data.kind is not Kind.PICTURES:
        above, below = (pixels.sheet(points, extent=1.3 * data.extent) for points in (originals, made))
        return np.concatenate([above, below])
    pairs = zip(originals.split(ROW), made.cpu().split(ROW), strict=True)
    return pixels.sheet(torch.cat([row for pair in pairs for row in pair]), columns=ROW)


def _words(source: Source) -> str:
    """The source as it is named on the command line, such as icons:portraits."""
    values = [getattr(source, field.name) for field in dataclasses.fields(source)]  # type: ignore[arg-type]
    first = values[0] if values else ""
    return f"{name_of(source)}:{first}" if isinstance(first, str) and first else name_of(source)
