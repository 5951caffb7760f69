"""From a few words to a trained model: plans a recipe, trains it within its budget, and maintains its run folder."""

import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import torch

from ..core import checkpoint, console, distributed, files, machine
from ..core.batch import Kind
from ..core.errors import Busy, Diverged, DoesNotFit, NotFound, Unreadable
from ..core.seeds import whole
from ..data.dataset import Dataset, Watch
from ..recipes.recipe import Recipe
from ..recipes.settings import differences, to_json
from ..runs import report
from ..runs.mends import begun
from ..runs.run import COPIES, Run
from .budget import Threads, fitted, widths
from .mender import Mender, refuse_contradictions
from .recorder import Recorder
from .rescue import Rescuer
from .session import Session
from .stages import in_stages
from .start_from import adopt
from .state import State, start
from .state import begin as begin_game
from .status import Status
from .task import STAGES, Task, asked, refuse_numbers

__all__ = ["fit"]


@machine.plainly()
def fit(
    target: str | Path | Recipe = "icons",
    *,
    data: str | Path | None = None,
    size: int | Sequence[int] | None = None,
    images: int | None = None,
    minutes: float | None = None,
    seed: int = 0,
    settings: Sequence[str] = (),
    start_from: str | Path | None = None,
    out: str | Path | None = None,
    device: torch.device | str | None = None,
    data_changed: bool = False,
    rescue: bool = True,
    auto: bool = False,
    quiet: bool = False,
) -> Run:
    """Train and leave a run folder; called again with the same arguments, continue where it stopped.

    A recipe that begins with others trains them first, in the run's folder `stages`. The length is that of all stages
    together; if a stage is interrupted, its run is returned.

    Args:
        target: a recipe or its name, a source of data (a folder, a zip, `icons:portraits`), or a run folder.
        data: a source that replaces the recipe's own; for a run, where its data are now.
        size: of the pictures in pixels, one number for squares or (width, height).
        images: length of the run.
        minutes: length of the run as time, turned into images by a short probe of the machine's speed.
        seed: determines all randomness.
        settings: changes such as "generator.width=96", see `recipe.change`.
        start_from: a run or a published model, by its path, its name or hf:user/name, whose weights the networks start
            from; for the user's own data its recipe is used too.
        out: the run folder; by default under runs/, named after the target.
        device: "cpu", "cuda", "cuda:1", "mps"; by default the fastest there is.
        data_changed: continue a run although its data have changed; its classes must be the same.
        rescue: on divergence, go back to a sound state and continue with smaller steps, up to three times; otherwise
            the training ends.
        auto: if there is a grave problem for a while, follow the doctor's advice, once; a resumed run keeps this.
        quiet: show nothing.

    Raises:
        GanvasError: something asked for does not exist or does not fit.
        Diverged: the training diverged, and rescue was off or did not help.
    """
    seed, images = whole("seed", seed), None if images is None else whole("images", images)
    refuse_numbers(images, minutes, seed, settings)
    task = asked(target, data, size, seed, settings=settings, start_from=start_from, out=out)
    where = machine.device(device)
    machine.keep_memory()
    distributed.start(where)
    if auto:
        refuse_contradictions(rescue=rescue)
    quiet = quiet or not distributed.is_first()
    for line in task.note.split("\n"):
        console.say(line, quiet=quiet)
    with console.watching(quiet=quiet) as watch:
        samples = _opened(task, watch)
    console.skipped(samples.skipped, quiet=quiet)
    console.notes((*samples.notes, *_inside(task)), quiet=quiet)
    if images is not None or minutes is not None:
        task = replace(task, images=images, minutes=minutes)
    task, run = replace(task, data_changed=data_changed, rescue=rescue, auto=auto), task.run
    for stage in in_stages(task, samples):
        if stage.stage:
            console.say(f"Stage {stage.stage}, in {stage.run.path}.", quiet=quiet)
        run = _fit(stage, samples, device=where, quiet=quiet)
        distributed.either(False, where)  # a barrier: the others wait until the first has written
        if not run.finished:
            break
    return run


def _fit(task: Task, data: Dataset, *, device: torch.device, quiet: bool) -> Run:
    """Train a single run."""
    if task.run.exists and task.images is None and task.minutes is None:
        task = replace(task, minutes=task.run.about["minutes"])
    threads = _threads(task, data, device)
    with machine.threads(threads.fastest):
        task = replace(task, recipe=_in_length(task, data, device))
        _train(task, data, device=device, threads=threads, quiet=quiet)
    return task.run


def _inside(task: Task) -> Iterator[str]:
    """A note if the run folder is inside the data, where it is excluded from them."""
    data, run = getattr(task.recipe.data, "path", ""), task.run.path
    if data and run.resolve().is_relative_to(files.expanded(data).resolve()):
        yield f"the run folder {run} is inside the data, and left out of them; use --out to put it elsewhere"


def _opened(task: Task, watch: Watch) -> Dataset:
    """The samples of a task.

    Raises:
        GanvasError: they are not there; for a run the message tells how to give their new place.
    """
    try:
        data: Dataset = task.recipe.data.open(watch)
    except NotFound as error:
        if not task.run.exists:
            raise
        reason = str(error).rstrip(".")
        again = f"`ganvas train {shlex.quote(str(task.run.path))} --data FOLDER`"
        raise NotFound(f"{reason}. If the data of this run were moved, give their new place: {again}.") from None
    return data


def _threads(task: Task, data: Dataset, device: torch.device) -> Threads:
    """How many threads to train with."""
    if task.run.exists:  # the rounding of sums depends on the number of threads
        return Threads({int(task.run.about["machine"]["threads"]): 0.0})
    if data.kind is Kind.POINTS:
        return Threads({1: 0.0})
    if task.minutes is not None and device.type == "cpu":
        return Threads.probed(task.recipe, data, seed=task.seed, minutes=task.minutes)
    return Threads({torch.get_num_threads(): 0.0})


def _train(task: Task, data: Dataset, *, device: torch.device, threads: Threads, quiet: bool) -> None:
    """Begin or resume the task in its folder, which is locked against other processes meanwhile."""
    folder = task.run.path / "checkpoints"
    known = checkpoint.named(folder)
    state, found = None, task.run.newest_sound()
    if found:
        _refuse_another(task, seen=int(found.name))
        _refuse_changed(task, data, quiet=quiet)
        restore = checkpoint.read(found / checkpoint.STATE)
    else:
        _refuse_damaged(task.run)
        _refuse_strangers(task.run)
        state = _start(task, data, device)  # refuses what does not fit before there is a folder
        restore = state.tensors(copied=False)
    recorder, first = Recorder(task.run), distributed.is_first()
    auto = task.auto or (task.run.exists and task.run.about.get("auto") is True)
    with recorder.held() if first else nullcontext():
        if first:
            if checkpoint.named(folder) != known:  # another process trained here between that look and this lock
                raise Busy(f"Another process has just trained in {task.run.path}. Give the same command again.")
            with files.writing(task.run.path):
                recorder.begin(
                    task.recipe,
                    data,
                    seed=task.seed,
                    minutes=task.minutes,
                    start_from=task.start_from,
                    stage=task.stage,
                    device=device,
                    auto=auto,
                    go_on_from=found,
                )
        distributed.either(False, device)  # a barrier: the others read what the first has written
        seen = int(found.name) if found else 0
        status = _status(task, seen) if first else None
        with status.kept() if status else nullcontext():
            began = time.perf_counter()
            if first and state:
                recorder.sheet(0, state, data)
            session = Session(
                recorder,
                task.recipe,
                data,
                status=status,
                seed=task.seed,
                restore=restore,
                seen=seen,
                minutes=task.minutes,
                drawing=time.perf_counter() - began,
                threads=threads,
                device=device,
                rescuer=Rescuer(
                    recorder,
                    lambda: _start(task, data, device).tensors(copied=False),
                    wanted=task.rescue,
                    device=device,
                ),
                mender=Mender(recorder, data, wanted=auto and distributed.world() == 1, anew=not task.start_from),
            )
            del state, restore  # the session frees them, too, once the training has loaded them
            try:
                session.run(quiet=quiet)
            except Diverged:
                _report(task.run, status)
                raise
            _report(task.run, status)


def _status(task: Task, seen: int) -> Status:
    folder = task.run.path
    around = folder.parent.parent if folder.parent.name == STAGES and task.stage else None
    return Status(folder, images=seen, wanted=task.recipe.images, stage=task.stage, around=around)


def _report(run: Run, status: Status | None) -> None:
    """Write the report, in the one process that writes."""
    if status:
        status.during("reporting")
        with files.writing(run.path):
            report.write(run.path)


def _refuse_changed(task: Task, data: Dataset, *, quiet: bool) -> None:
    """Refuse to continue with data that differ from the run's, unless that is asked for."""
    run = task.run
    change, before = run.changed(data), run.about["data"]
    if not change:
        return
    if list(before["classes"]) != list(data.classes):
        raise DoesNotFit(
            f"The data of {run.path} have changed: {change}. What it has learned about one class would be applied to "
            "another. Restore the classes, or give `out=` another folder."
        )
    if not task.data_changed:
        raise DoesNotFit(
            f"The data of {run.path} have changed: {change}. Restore them, continue with them as they are now with "
            "`data_changed=True`, or give `out=` another folder."
        )
    console.say(f"The data have changed: {change}.", quiet=quiet)


def _refuse_damaged(run: Run) -> None:
    """Refuse to begin anew if every checkpoint is damaged: a new beginning would remove the log."""
    folder = run.path / "checkpoints"
    if names := checkpoint.named(folder):
        raise Unreadable(
            f"Every checkpoint in {folder} is damaged ({', '.join(names)}), so {run.path} cannot continue. "
            "Nothing was deleted. Restore a checkpoint from a copy, or give `out=` another folder."
        )


def _refuse_strangers(run: Run) -> None:
    """Refuse to begin in a folder that is no run and holds what a run would remove or replace."""
    if run.exists or (run.path / COPIES).exists():
        return
    sheets = [sheet for name in ("samples", "samples/reconstructions") for _, sheet in files.numbered(run.path / name)]
    others = [run.path / name for name in ("recipe.json", "log.jsonl", "report.html")]
    for found in (*sheets, *others):
        if found.is_file() and found.stat().st_size:
            raise DoesNotFit(
                f"{run.path} is no run and holds {found.relative_to(run.path)}, which a run would remove or replace. "
                "Give `out=` another folder."
            )


def _start(task: Task, data: Dataset, device: torch.device) -> State:
    """The state before the first step."""
    state = start(task.recipe, data, seed=task.seed, device=device)
    if task.start_from:
        adopt(state, task.recipe, task.start_from)
    elif task.recipe.frozen:
        name = next(iter(task.recipe.frozen))
        raise DoesNotFit(f"The {name} of the recipe learns nothing itself: take it from a run with `start_from=`.")
    begin_game(state, task.recipe, data)
    return state


def _in_length(task: Task, data: Dataset, device: torch.device) -> Recipe:
    """The recipe with its total length, and with the run's width, or the width that so many minutes allow."""
    run, recipe, seed, images, minutes = task.run, task.recipe, task.seed, task.images, task.minutes
    if not run.exists:
        if minutes is not None:
            return fitted(recipe, data, seed=seed, minutes=minutes, device=device)
        return replace(recipe, images=images or recipe.images, widen=())
    variants = widths(recipe)
    held = next((each for each in variants if each.networks == begun(run.recipe, run.about).networks), variants[0])
    if images is None and minutes is not None:
        if run.about["minutes"] is None:
            return fitted(held, data, seed=seed, minutes=minutes, device=device)
        images = round(run.recipe.images * minutes / run.about["minutes"])
    return replace(held, images=images or run.recipe.images)


def _refuse_another(task: Task, *, seen: int) -> None:
    """Refuse to continue a run that was begun with other arguments, or has seen more images than asked for."""
    run, about = task.run, task.run.about
    if task.recipe.images <= seen - task.recipe.batch:  # the last batch may exceed the length
        raise DoesNotFit(
            f"{run.path} has already seen {seen:,} images, more than the {task.recipe.images:,} asked for. Ask for "
            "more, or give `out=` another folder to start again."
        )
    asked = {"seed": task.seed} | ({} if task.stage else {"from": task.start_from})  # a stage starts from its neighbour
    other = [f"{name}: {value}, not {about.get(name)}" for name, value in asked.items() if value != about.get(name)]
    wanted, held = (to_json(replace(each, images=1)) for each in (task.recipe, begun(run.recipe, about)))
    for each in (wanted, held):
        each["data"].pop("path", None)  # their place does not matter; their digest identifies them
    if other := other + differences(wanted, held):
        raise DoesNotFit(
            f"{run.path} holds another run ({'; '.join(other[:3])}). Give `out=` another folder, "
            f"or continue this one with `ganvas train {shlex.quote(str(run.path))}`."
        )
