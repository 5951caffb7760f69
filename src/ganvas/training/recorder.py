"""The writing half of a run folder; runs/run.py is the reading half."""

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
from ..core.errors import Busy, GanvasError, Unwritable
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
from .state import State, count_parameters

__all__ = ["Recorder", "return_step"]

ON_A_SHEET = {Kind.POINTS: 2000, Kind.PICTURES: 64, Kind.CLIPS: 8}
MOST_SHEETS = 400  # are kept, unless a recipe asks for more
RECONSTRUCTED = 32  # pictures, in rows of 8
RETURN_STEPS = 1024  # the least distance between two steps to which a training may return


def return_step(step: int) -> int:
    """The latest return step up to this one; its checkpoint is always written, and kept until the next. 0 is the start.

    Return steps are `RETURN_STEPS` apart, or an eighth of the last power of two if that is more, so that going back
    never costs more than an eighth of a long training. They depend on the step number alone, so that the weights of a
    training that goes back depend on nothing else.
    """
    apart = max(RETURN_STEPS, 2 ** max(step.bit_length() - 4, 0))
    return step - step % apart


@dataclass(frozen=True)
class Recorder:
    """Writes the folder of a run."""

    run: Run

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from training in this folder; the system releases the lock if this process dies.

        Raises:
            Busy: another process trains in it.
        """
        lock = FileLock(self.run.path / ".lock", timeout=0)
        with files.writing(self.run.path), suppress(NotImplementedError):  # if files cannot be locked, go without
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
        """Create the folder, or restore it to its state at the checkpoint from which the training continues."""
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
        """Whether the folder holds this training, perhaps of another length or without a checkpoint yet."""
        if not self.run.exists:
            return False
        about = self.run.about
        held, asked = (to_json(replace(each, images=1)) for each in (begun(self.run.recipe, about), recipe))
        return held == asked and about.get("seed") == seed

    def _kept(self, before: dict[str, Any]) -> dict[str, Any]:
        """Facts found during a training that change its course."""
        mended = {"mended": before.get("mended") if mend_of(before) else None}
        return {"rescues": [each.as_json() for each in rescues(before)], "pieces": cuts(before)} | mended

    def mend(self, mend: Mend) -> None:
        """Record that a setting changes from here on; recipe.json follows with the next checkpoint."""
        with files.writing(self.run.path):
            self._tell(self.run.about | {"mended": mend.as_json()})

    def split(self, found: Sequence[Cut]) -> None:
        """Record from where on batches are played in pieces."""
        with files.writing(self.run.path):
            self._tell(self.run.about | {"pieces": list(found)})

    def turn(self, threads: int) -> None:
        """Record the number of threads from here on, which a resumed training keeps."""
        with files.writing(self.run.path):
            self._tell(self.run.about | {"machine": self.run.about["machine"] | {"threads": threads}})

    def go_back(self, found: Path | None, rescue: Rescue) -> None:
        """Remove what is newer than this checkpoint, or everything; only then record the rescue.

        If it is killed before that, the training continues from an older checkpoint as before, and gets here again.
        """
        with files.writing(self.run.path):
            checkpoint.forget(self.run.path / "checkpoints", after=found)
            self._cut(rescue.back)
            told = [*rescues(self.run.about), rescue]
            self._tell(self.run.about | {"rescues": [each.as_json() for each in told]})

    def give_up(self, why: str) -> None:
        """Record that the training has ended for good, and why."""
        with files.writing(self.run.path):
            self._tell(self.run.about | {"diverged": why})

    def _tell(self, about: dict[str, Any]) -> None:
        self._keep("run.json", about)

    def _cut(self, seen: int) -> None:
        """Remove from the log and the sheets what is newer than so many images."""
        samples = self.run.path / "samples"
        samples.mkdir(parents=True, exist_ok=True)
        for images, sheet in files.numbered(samples) + files.numbered(samples / "reconstructions"):
            if images > seen:
                sheet.unlink()
        kept = [json.dumps(summed(row)) + "\n" for row in self.run.rows if row["images"] <= seen]
        files.write(self.run.path / "log.jsonl", "".join(kept))

    def plan(self, recipe: Recipe) -> None:
        """Write down the recipe that holds from now on."""
        self._keep("recipe.json", to_json(recipe))

    def _keep(self, name: str, value: dict[str, Any]) -> None:
        """Write a file in two copies: without it, sound checkpoints would be of no use."""
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
        """Add one line to the log; values that are not finite become null; `changed` is a setting new since then."""
        self._stay()
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
        """Save a sheet of samples from fixed seeds; points are plotted to the extent of the data."""
        self._stay()
        model, columns = Model(state.average, state.condition), None
        seeds: Sequence[int] = range(ON_A_SHEET[model.kind])
        conditions = None
        if model.condition and model.kind is not Kind.POINTS:
            seeds, conditions = model.condition.survey()
            columns = ROW
        if conditions is not None and model.moves:
            seeds, conditions, columns = seeds[::ROW], conditions[::ROW], None  # a clip fills a row
        made = model.generate(seeds, conditions)
        sheet = pixels.sheet(made, columns=columns, extent=1.3 * data.extent)
        pixels.save_picture(sheet, self.run.path / "samples" / f"{images:09}.png")
        if model.moves:
            pixels.save_clips(made, self.run.path / "samples" / "newest.gif", columns=4)
        if (strips := _strips(model, data)) is not None:
            pixels.save_picture(strips, self.run.path / "samples" / "reconstructions" / f"{images:09}.png")

    def _stay(self) -> None:
        """Refuse to write into a folder that is no longer the run, which would come into being anew, without run.json.

        Raises:
            Unwritable: it was moved or removed.
        """
        if not self.run.exists:
            raise Unwritable(
                f"{self.run.path} was moved or removed while it trained. Go on where it is now: `ganvas train FOLDER`."
            )

    def thin(self, recipe: Recipe) -> None:
        """Remove every second sheet except the first and the newest, if runs that were extended left too many."""
        samples = self.run.path / "samples"
        for folder in (samples, samples / "reconstructions"):
            sheets = files.numbered(folder)
            if len(sheets) > max(MOST_SHEETS, 2 * recipe.sheets):
                with files.writing(folder):
                    for _, sheet in sheets[1:-1:2]:
                        sheet.unlink(missing_ok=True)

    def save(self, images: int, recipe: Recipe, state: State, seconds: float | None = None) -> None:
        """Write a checkpoint: the product by itself, and the whole state to continue from.

        It tells how many seconds a training for so many minutes has had: the log's last row may be much older.

        The newest two are kept, and the one that the training would go back to from here.
        """
        self._stay()
        told = summed({"rows": self.run.logged} | ({} if seconds is None else {"seconds": round(seconds, 3)}))
        contents = {
            checkpoint.MODEL: _product(recipe, state),
            checkpoint.STATE: (state.tensors(copied=False), {LOG: json.dumps(told)}),
        }
        spare = f"{return_step(state.step) * recipe.batch:09}"
        checkpoint.write(self.run.path / "checkpoints" / f"{images:09}", contents, keep=2, spare=spare)

    def keep_best(self, recipe: Recipe, state: State, scores: dict[str, float]) -> None:
        """Keep the product by itself in best/ if no earlier value of the first score is lower.

        Compared are the scores in the log and that of the model in best/, whose row may have been removed from the log
        when an interrupted run went back to a checkpoint.
        """
        self._stay()
        name, value = next(iter(scores.items()))
        known = [row["scores"].get(name) for row in self.run.rows if "scores" in row]
        known.append(_score_of(self.run.path / "best", name))
        if value <= min((each for each in known if isinstance(each, int | float)), default=math.inf):
            tensors, about = _product(recipe, state)
            about["score"] = json.dumps({name: value})
            checkpoint.write(self.run.path / "best", {checkpoint.MODEL: (tensors, about)})


def _product(recipe: Recipe, state: State) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of the product, and the metadata of their file."""
    tensors = state.average.state_dict()
    return tensors, metadata(recipe.networks[recipe.product], Model(state.average, state.condition), tensors)


def _score_of(best: Path, name: str) -> float | None:
    """The score of the model in best/; None if there is no sound one, or it has no score of this name."""
    if checkpoint.sound(best):
        with suppress(GanvasError, ValueError):
            score = json.loads(read_header(best / checkpoint.MODEL).metadata.get("score", "{}")).get(name)
            return score if isinstance(score, int | float) else None
    return None


@torch.no_grad()
def _strips(model: Model, data: Dataset) -> pixels.Pictures | None:
    """Samples spread evenly over the data above their reconstructions; None if the product makes none."""
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
