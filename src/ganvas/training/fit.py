"""From a few words to a trained model: plan a recipe, train it within its budget, keep its run folder up to date."""

import math
import shlex
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ..core import checkpoint, console, distributed, files, machine
from ..core.batch import Kind
from ..core.errors import DoesNotFit
from ..data.dataset import Dataset
from ..recipes.plan import choose, name_of_run, plan
from ..recipes.recipe import Recipe
from ..recipes.settings import differences, to_json
from ..runs import report
from ..runs.run import Run
from .budget import fastest_threads, fitted, widths
from .loop import State, start
from .recorder import Recorder
from .session import Session
from .start_from import adapted, adopt
from .status import Status

__all__ = ["fit"]


def fit(
    target: str | Path | Recipe = "icons",
    *,
    data: str | None = None,
    size: int | tuple[int, int] | None = None,
    images: int | None = None,
    minutes: float | None = None,
    seed: int = 0,
    settings: Sequence[str] = (),
    start_from: str | Path | None = None,
    out: str | Path | None = None,
    device: str | None = None,
    quiet: bool = False,
) -> Run:
    """Train and leave a run folder. Called again with the same arguments, it goes on where it was left.

    Args:
        target: a recipe or its name, a source of data (a folder, a zip, `icons:portraits`), or a run folder.
        data: a source that takes the place of the recipe's own.
        size: of the pictures in pixels, one number for squares or (width, height).
        images: length of the run.
        minutes: length of the run as time, turned into images by a short probe of the machine's speed.
        seed: what all randomness follows from.
        settings: changes such as "generator.width=96", see `recipe.change`.
        start_from: a model that comes with the toolkit, or a run, whose weights the networks begin with; for data of
            one's own its recipe is taken too.
        out: the run folder; by default under runs/, named after the target.
        device: "cpu", "cuda", "cuda:1", "mps"; by default the fastest there is.
        quiet: show nothing.

    Raises:
        GanvasError: something asked for does not exist or does not fit, or the training diverged.
    """
    _refuse_numbers(images, minutes, seed)
    if not isinstance(target, Recipe) and Run(Path(target)).exists:
        if data or size or settings or out or start_from:
            raise DoesNotFit(f"{target} is a run and goes on with its own recipe; only its length can be changed.")
        task = _continued(Run(Path(target)))
    else:
        task = _begun(target, data, size, seed, settings=settings, start_from=start_from, out=out)
    if task.run.exists and images is None and minutes is None:
        minutes = task.run.about["minutes"]
    where = machine.device(device)
    machine.keep_memory()
    distributed.start(where)
    quiet = quiet or not distributed.is_first()
    console.say(task.note, quiet=quiet or not task.note)
    with console.watching(quiet=quiet) as watch:
        samples = task.recipe.data.open(watch)
    console.skipped(samples.skipped, quiet=quiet)
    with machine.threads(_threads(task, samples, minutes, where)):
        recipe = _in_length(task, samples, images=images, minutes=minutes, device=where)
        _train(replace(task, recipe=recipe), samples, minutes=minutes, device=where, quiet=quiet)
    return task.run


@dataclass(frozen=True)
class _Task:
    """What is to be trained, from which seed and with whose weights in the beginning, and into which folder."""

    run: Run
    recipe: Recipe
    seed: int
    start_from: str | None
    note: str = ""


def _refuse_numbers(images: int | None, minutes: float | None, seed: int) -> None:
    if images is not None and minutes is not None:
        raise DoesNotFit("Give `images=` or `minutes=`, not both: each says how long to train.")
    if minutes is not None and not 0 < minutes < math.inf:
        raise DoesNotFit(f"`minutes=` takes a positive number, not {minutes}.")
    if images is not None and images < 1:
        raise DoesNotFit(f"`images=` takes a whole number from 1, not {images}.")
    if seed < 0:
        raise DoesNotFit(f"`seed=` takes a whole number from 0, not {seed}.")


def _continued(run: Run) -> _Task:
    """An existing run, as it was begun."""
    about = run.about
    if about.get("published"):
        raise DoesNotFit(f"{run.path} was published and does not go on; start from it: `start_from='{run.path}'`.")
    return _Task(run, run.recipe, about["seed"], about.get("from"))


def _begun(
    target: str | Path | Recipe,
    data: str | None,
    size: int | tuple[int, int] | None,
    seed: int,
    *,
    settings: Sequence[str],
    start_from: str | Path | None,
    out: str | Path | None,
) -> _Task:
    """The run that these words begin, or go on with if they have begun it."""
    begun_with, note = str(start_from) if start_from else None, ""
    target = str(target) if isinstance(target, Path) else target
    name = name_of_run(target, data, size, seed, start_from)
    if isinstance(target, str):
        choice = choose(target, data, like=adapted(start_from) if start_from else None)
        if choice.name != target:
            note = f"The recipe for {data or target} is {choice.name}: `ganvas show {choice.name}`."
        target = plan(choice, size=size, settings=settings)
    recipe = replace(target, widen=()) if start_from else target  # weights fit one width alone
    return _Task(Run(Path(out or Path("runs") / name)), recipe, seed, begun_with, note)


def _threads(task: _Task, data: Dataset, minutes: float | None, device: torch.device) -> int:
    """How many threads to train with."""
    if task.run.exists:  # the last bits of a sum depend on how many threads share it
        return int(task.run.about["machine"]["threads"])
    if data.kind is Kind.POINTS:
        return 1
    if minutes is not None and device.type == "cpu":
        return fastest_threads(task.recipe, data, seed=task.seed, minutes=minutes)
    return torch.get_num_threads()


def _train(task: _Task, data: Dataset, *, minutes: float | None, device: torch.device, quiet: bool) -> None:
    """Begin the task or go on with it, in its folder, which no other process may train in meanwhile."""
    state, found = None, task.run.newest_sound()
    if found:
        _refuse_another(task, seen=int(found.name))
        restore = checkpoint.read(found / checkpoint.STATE)
    else:
        state = _start(task, data, device)  # what does not fit is refused before there is a folder
        restore = state.tensors()
    recorder, first = Recorder(task.run), distributed.is_first()
    with recorder.held() if first else nullcontext():
        if first:
            with files.writing(task.run.path):
                recorder.begin(
                    task.recipe,
                    data,
                    seed=task.seed,
                    minutes=minutes,
                    start_from=task.start_from,
                    device=device,
                    go_on_from=found,
                )
        seen = int(found.name) if found else 0
        status = Status(task.run.path, images=seen, wanted=task.recipe.images) if first else None
        with status.kept() if status else nullcontext():
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
                minutes=minutes,
                device=device,
            )
            del state, restore  # the session lets go of them too, when the training has taken them up
            session.run(quiet=quiet)
            if status:
                status.during("reporting")
                with files.writing(task.run.path):
                    report.write(task.run.path)


def _start(task: _Task, data: Dataset, device: torch.device) -> State:
    """The state before the first step."""
    state = start(task.recipe, data, seed=task.seed, device=device)
    if task.start_from:
        adopt(state, task.recipe, task.start_from)
    return state


def _in_length(
    task: _Task,
    data: Dataset,
    *,
    images: int | None,
    minutes: float | None,
    device: torch.device,
) -> Recipe:
    """The recipe with the images to train for in all, and as wide as the run, or as so many minutes are worth."""
    run, recipe, seed = task.run, task.recipe, task.seed
    if not run.exists:
        if minutes is not None:
            return fitted(recipe, data, seed=seed, minutes=minutes, device=device)
        return replace(recipe, images=images or recipe.images, widen=())
    variants = widths(recipe)
    held = next((each for each in variants if each.networks == run.recipe.networks), variants[0])
    if images is None and minutes is not None:
        if run.about["minutes"] is None:
            return fitted(held, data, seed=seed, minutes=minutes, device=device)
        images = round(run.recipe.images * minutes / run.about["minutes"])
    return replace(held, images=images or run.recipe.images)


def _refuse_another(task: _Task, *, seen: int) -> None:
    """Refuse to go on with a run that was begun with other words, or has seen more than is asked for."""
    run, about = task.run, task.run.about
    if task.recipe.images < seen:
        raise DoesNotFit(
            f"{run.path} has seen {seen:,} images already, and {task.recipe.images:,} are fewer. Give more, or `out=` "
            "another folder to begin anew."
        )
    asked = {"seed": task.seed, "from": task.start_from}
    other = [f"{name}: {value}, not {about.get(name)}" for name, value in asked.items() if value != about.get(name)]
    wanted, held = to_json(replace(task.recipe, images=1)), to_json(replace(run.recipe, images=1))
    if other := other + differences(wanted, held):
        raise DoesNotFit(
            f"{run.path} holds another run ({'; '.join(other[:3])}). Give `out=` another folder, "
            f"or go on with this one by `ganvas train {shlex.quote(str(run.path))}`."
        )
