"""From a few words to a trained model: plan a recipe, train it within its budget, keep its run folder up to date."""

import math
import shlex
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from ..core import checkpoint, console, distributed, files, machine
from ..core.errors import Diverged, DoesNotFit
from ..data.dataset import Dataset
from ..models.model import Model
from ..recipes.plan import default_recipe, name_of_run, plan
from ..recipes.recipe import Recipe
from ..recipes.settings import differences, to_json
from ..runs import report
from ..runs.run import Run
from .budget import Budget, fastest_threads, fitted, whole_batches, widths
from .loop import start, train
from .meter import Meter
from .recorder import Recorder
from .start_from import adapted, adopt

__all__ = ["fit"]

ROWS = 300  # log lines per run
CHECKPOINT_SECONDS = 120


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
    if images is not None and minutes is not None:
        raise DoesNotFit("Give --images or --minutes, not both: each says how long to train.")
    if minutes is not None and not 0 < minutes < math.inf:
        raise DoesNotFit(f"--minutes takes a positive number, not {minutes}.")
    if images is not None and images < 1:
        raise DoesNotFit(f"--images takes a whole number from 1, not {images}.")
    if seed < 0:
        raise DoesNotFit(f"--seed takes a whole number from 0, not {seed}.")
    target, chosen = str(target) if isinstance(target, Path) else target, ""
    if isinstance(target, str) and Run(Path(target)).exists:
        if data or size or settings or out or start_from:
            raise DoesNotFit(f"{target} is a run and goes on with its own recipe; only its length can be changed.")
        run = Run(Path(target))
        if run.about.get("published"):
            raise DoesNotFit(f"{target} was published and does not go on; start from it: --from {target}.")
        recipe, seed, start_from = run.recipe, run.about["seed"], run.about.get("from")
    else:
        name = name_of_run(target, data, size, seed, start_from)
        if isinstance(target, str):
            like = adapted(start_from) if start_from else None
            if not like and (named := default_recipe(target, data)) != target:
                target, data = named, data or target
                chosen = f"The recipe for {data} is {named}: `ganvas show {named}`."
            target = plan(target, data=data, size=size, settings=settings, like=like)
        recipe = replace(target, widen=()) if start_from else target  # weights fit one width alone
        run = Run(Path(out or Path("runs") / name))
    if run.exists and images is None and minutes is None:
        minutes = run.about["minutes"]
    begun_with = str(start_from) if start_from else None
    where = machine.device(device)
    machine.keep_memory()
    distributed.start(where)
    quiet = quiet or not distributed.is_first()
    console.say(chosen, quiet=quiet or not chosen)
    with console.watching(quiet=quiet) as watch:
        samples = recipe.data.open(watch)
    console.skipped(samples.skipped, quiet=quiet)
    if run.exists:  # the last bits of a sum depend on how many threads share it
        threads = run.about["machine"]["threads"]
    elif len(samples.shape) == 1:
        threads = 1
    elif minutes is not None and where.type == "cpu":
        threads = fastest_threads(recipe, samples, seed=seed, minutes=minutes)
    else:
        threads = torch.get_num_threads()
    with machine.threads(threads):
        recipe = _in_length(run, recipe, samples, seed, images=images, minutes=minutes, device=where)
        found = run.newest_sound()
        _refuse_another(run, recipe, seed, begun_with, found)
        if not found:  # what does not fit is refused before there is a folder
            state = start(recipe, samples, seed=seed)
            if start_from:
                adopt(state, recipe, start_from)
        recorder = Recorder(run)
        with recorder.held() if distributed.is_first() else nullcontext():
            if distributed.is_first():
                with files.writing(run.path):
                    recorder.begin(
                        recipe,
                        samples,
                        seed=seed,
                        minutes=minutes,
                        start_from=begun_with,
                        device=where,
                        go_on_from=found,
                    )
            begin = partial(_beginning, recorder, recipe, samples, seed, start_from=start_from, device=where)
            _train(recorder, recipe, samples, seed, begin, found, minutes=minutes, device=where, quiet=quiet)
    if distributed.is_first():
        with files.writing(run.path):
            report.write(run.path)
    return run


def _train(
    recorder: Recorder,
    recipe: Recipe,
    data: Dataset,
    seed: int,
    begin: Callable[[], dict[str, Tensor]],
    found: Path | None,
    *,
    minutes: float | None,
    device: torch.device,
    quiet: bool,
) -> None:
    """Consume the ticks: log, draw, save, show, until the recipe's end or an interruption.

    What it goes on from, the checkpoint `found` or else what `begin` gives, is as large as the state: it is let go of.
    """
    run = recorder.run
    seen = int(found.name) if found else 0
    restore: dict[str, Tensor] | None = checkpoint.read(found / checkpoint.STATE) if found else begin()
    earlier = run.seconds
    first = distributed.is_first()
    budget = Budget(minutes, seen, earlier)
    together = math.lcm(*(turn.every for turn in recipe.game.turns()))  # steps from one with all turns to the next
    meter = Meter(data, every=recipe.measure_images, device=device)
    terms: dict[str, float] = {}
    saved = time.perf_counter()
    with console.training(recipe.images, str(run.path), quiet=quiet) as display, _interruptions() as interrupted:
        while seen < recipe.images:
            for tick in train(recipe, data, seed=seed, device=device, restore=restore):
                seen, restore = tick.images, None
                due = _due(seen, recipe, ROWS, every=together) or meter.asked(seen, recipe.batch)
                if due:
                    terms, scores = tick.terms(), None
                    _refuse_divergence(run, seen, terms, {})
                    if first and meter.due(seen, recipe.batch, budget.seconds):
                        scores = meter.measure(Model(tick.state.average, tick.state.condition))
                        recorder.keep_best(recipe, tick.state, scores)
                    if first:
                        recorder.log(seen, budget.seconds, budget.speed(seen), terms, scores)
                display.update(seen, budget.speed(seen), terms)
                if first and _due(seen, recipe, recipe.sheets):
                    recorder.sheet(seen, tick.state, data)
                if due or distributed.world() == 1:  # processes act on the clock and on signals in the same step
                    stop = distributed.either(seen >= recipe.images or interrupted(), device)
                    if stop or distributed.either(time.perf_counter() - saved > CHECKPOINT_SECONDS, device):
                        _refuse_divergence(run, seen, tick.terms(), tick.state.tensors())
                        if first:
                            recorder.save(seen, recipe, tick.state)
                        saved = time.perf_counter()
                    if stop:
                        return
                if distributed.world() == 1 and (left := budget.look(seen)) is not None:
                    recipe = replace(recipe, images=seen + whole_batches(left, recipe))
                    restore = tick.state.tensors()
                    recorder.plan(recipe)
                    display.expect(recipe.images)
                    break


def _beginning(
    recorder: Recorder, recipe: Recipe, data: Dataset, seed: int, *, start_from: str | Path | None, device: torch.device
) -> dict[str, Tensor]:
    """The state before the first step, of which the first sheet is drawn."""
    state = start(recipe, data, seed=seed, device=device)
    if start_from:
        adopt(state, recipe, start_from)
    if distributed.is_first():
        recorder.sheet(0, state, data)
    return state.tensors()


def _due(images: int, recipe: Recipe, times: int, *, every: int = 1) -> bool:
    """Whether this step is one of about `times` evenly spaced ones, in a resumed run as in an unbroken one.

    They are the last one and else of those that begin a group of `every` steps.
    """
    before, group = images - recipe.batch, every * recipe.batch
    due = (before + group) * times // recipe.images > before * times // recipe.images
    return images >= recipe.images or (before % group == 0 and due)


def _in_length(
    run: Run,
    recipe: Recipe,
    data: Dataset,
    seed: int,
    *,
    images: int | None,
    minutes: float | None,
    device: torch.device,
) -> Recipe:
    """The recipe with the images to train for in all, and as wide as the run, or as so many minutes are worth."""
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


def _refuse_another(run: Run, recipe: Recipe, seed: int, start_from: str | None, found: Path | None) -> None:
    if not found:
        return
    if recipe.images < int(found.name):
        raise DoesNotFit(
            f"{run.path} has seen {int(found.name):,} images already, and {recipe.images:,} are fewer. Give more, "
            "or --out another folder to begin anew."
        )
    about = run.about
    asked = {"seed": seed, "from": start_from}
    other = [f"{name}: {value}, not {about.get(name)}" for name, value in asked.items() if value != about.get(name)]
    wanted, held = to_json(replace(recipe, images=1)), to_json(replace(run.recipe, images=1))
    if other := other + differences(wanted, held):
        raise DoesNotFit(
            f"{run.path} holds another run ({'; '.join(other[:3])}). Give --out another folder, "
            f"or go on with this one by `ganvas train {shlex.quote(str(run.path))}`."
        )


def _refuse_divergence(run: Run, images: int, terms: dict[str, float], tensors: dict[str, Tensor]) -> None:
    broken = [name for name, value in terms.items() if not math.isfinite(value)]
    broken += [name for name, value in tensors.items() if not value.isfinite().all()]
    if broken:
        raise Diverged(
            f"The training diverged at {images:,} images: {broken[0]} is no longer a number. Try a lower rate, for "
            f"instance --set optimizer.rate=1e-4, with another --out. Checkpoints from before are in {run.path}."
        )


@contextmanager
def _interruptions() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C and a polite kill finish the step and save; a second Ctrl-C stops at once."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped.is_set
        return

    def stop(number: int, _frame: object) -> None:
        stopped.set()
        signal.signal(number, before[number])

    before = {int(number): signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
