"""From a few words to a trained model: plan a recipe, fit it to the budget, train it, keep its run folder."""

import math
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from . import catalog, console, distributed, files, machine, report
from .dataset import Dataset, Source, Watch, source, unwatched
from .errors import GanvasError
from .recipe import Recipe, change, differences, to_json
from .run import Run
from .training import start, train

__all__ = ["fit", "open_source", "plan"]

ROWS = 300  # log lines per run
SHEETS = 60  # sample sheets per run, so that its film is a few seconds long
CHECKPOINT_SECONDS = 120
PROBE_SECONDS = 3.0
LOOKS = (0.05, 0.15, 0.35, 0.65)  # when, as shares of --minutes, a run's length is fitted anew to the machine's speed


def plan(
    target: str,
    *,
    data: str | None = None,
    size: int | tuple[int, int] | None = None,
    images: int | None = None,
    settings: Sequence[str] = (),
) -> Recipe:
    """The recipe that a few words ask for.

    Args:
        target: a recipe's name; or a source of data, which is then trained by the default recipe for its kind.
        data: a source that takes the place of the recipe's own.
        size: of the pictures in pixels, one number for squares or (width, height).
        images: length of the run.
        settings: changes such as "generator.width=96", see `recipe.change`.

    Raises:
        GanvasError: one of them does not exist or does not fit.
    """
    if target in catalog.names("recipe"):
        recipe: Recipe = catalog.find(target, "recipe")()
    else:
        data = data or target
        recipe = catalog.find("icons" if hasattr(source(data), "size") else "ring", "recipe")()
    if data is not None:
        size = size or getattr(recipe.data, "size", None)
        recipe = replace(recipe, data=source(data))
    recipe = replace(recipe, data=_of_size(recipe.data, size))
    recipe = replace(recipe, images=images or recipe.images)
    for setting in settings:
        recipe = change(recipe, setting)
    return recipe


def fit(
    target: str | Recipe = "icons",
    *,
    data: str | None = None,
    size: int | tuple[int, int] | None = None,
    images: int | None = None,
    minutes: float | None = None,
    seed: int = 0,
    settings: Sequence[str] = (),
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
        out: the run folder; by default under runs/, named after the target.
        device: "cpu", "cuda", "cuda:1", "mps"; by default the fastest there is.
        quiet: show nothing.

    Raises:
        GanvasError: something asked for does not exist or does not fit, or the training diverged.
    """
    if images is not None and minutes is not None:
        raise GanvasError("Give --images or --minutes, not both: each says how long to train.")
    if minutes is not None and not 0 < minutes < math.inf:
        raise GanvasError(f"--minutes takes a positive number, not {minutes}.")
    if isinstance(target, str) and Run(Path(target)).exists:
        run = Run(Path(target))
        recipe, seed = run.recipe, run.about["seed"]
    else:
        recipe = target if isinstance(target, Recipe) else plan(target, data=data, size=size, settings=settings)
        run = Run(Path(out or Path("runs") / _name(target, data, size, seed)))
    where = machine.device(device)
    machine.keep_memory()
    distributed.start(where)
    quiet = quiet or not distributed.is_first()
    with console.watching(quiet=quiet) as watch:
        samples = recipe.data.open(watch)
    console.skipped(samples.skipped, quiet=quiet)
    with machine.threads(1 if len(samples.shape) == 1 else torch.get_num_threads()):
        length = _length(run, recipe, samples, seed, images=images, minutes=minutes, device=where)
        recipe = replace(recipe, images=length)
        _refuse_another(run, recipe, seed)
        if distributed.is_first():
            with files.told(run.path):
                run.begin(recipe, samples, seed=seed, minutes=minutes, device=where)
        _train(run, recipe, samples, seed, minutes=minutes, device=where, quiet=quiet)
    if distributed.is_first():
        with files.told(run.path):
            report.write(run.path)
    return run


def _of_size(chosen: Source, size: int | tuple[int, int] | None) -> Source:
    """The source with its pictures in this size, or as it is if none is asked for."""
    if size is None:
        return chosen
    if not hasattr(chosen, "size"):
        raise GanvasError("--size is for pictures; this source holds points.")
    return replace(chosen, size=size)  # type: ignore[type-var]


def open_source(text: str, *, size: int | tuple[int, int] | None = None, watch: Watch = unwatched) -> Dataset:
    """The samples of a source named in words, as `ganvas train` would see them.

    Raises:
        GanvasError: there is no such source, or nothing usable in it.
    """
    return _of_size(source(text), size).open(watch)


def _train(
    run: Run,
    recipe: Recipe,
    data: Dataset,
    seed: int,
    *,
    minutes: float | None,
    device: torch.device,
    quiet: bool,
) -> None:
    """Consume the ticks: log, draw, save, show, until the recipe's end or an interruption."""
    seen, restore = run.images, run.restore()
    earlier = run.rows[-1]["seconds"] if run.rows else 0.0
    first, extent = distributed.is_first(), 1.3 * data.extent
    if first and not seen:
        run.sheet(0, start(recipe, data, seed=seed, device=device), extent=extent)
    budget = _Budget(minutes, seen, earlier)
    terms: dict[str, float] = {}
    saved = time.perf_counter()
    with console.training(recipe.images, str(run.path), quiet=quiet) as display, _interruptions() as interrupted:
        while seen < recipe.images and not interrupted():
            for tick in train(recipe, data, seed=seed, device=device, restore=restore):
                seen, due = tick.images, _due(tick.images, recipe, ROWS)
                if due:
                    terms = tick.terms()
                    _refuse_divergence(run, seen, terms, {})
                    if first:
                        run.log(seen, budget.seconds, budget.speed(seen), terms)
                display.update(seen, budget.speed(seen), terms)
                if first and _due(seen, recipe, SHEETS):
                    run.sheet(seen, tick.state, extent=extent)
                if due or distributed.world() == 1:  # processes act on the clock and on signals in the same step
                    stop = distributed.either(seen >= recipe.images or interrupted(), device)
                    if stop or distributed.either(time.perf_counter() - saved > CHECKPOINT_SECONDS, device):
                        _refuse_divergence(run, seen, tick.terms(), tick.state.tensors())
                        distributed.average_buffers([*tick.state.networks.values(), tick.state.average])
                        if first:
                            run.save(seen, recipe, tick.state)
                        saved = time.perf_counter()
                    if stop:
                        return
                if distributed.world() == 1 and budget.wants_another_length():
                    recipe = replace(recipe, images=seen + _whole_batches(budget.images_left(seen), recipe))
                    restore = tick.state.tensors()
                    run.plan(recipe)
                    display.expect(recipe.images)
                    break


class _Budget:
    """The time a training may take, and how many images that is at the speed it turns out to have."""

    def __init__(self, minutes: float | None, seen: int, earlier_seconds: float) -> None:
        self._total_seconds = 60 * minutes if minutes else math.inf
        self._looks = [look for look in LOOKS if look * self._total_seconds > earlier_seconds] if minutes else []
        self._seen, self._earlier, self._began = seen, earlier_seconds, time.perf_counter()

    @property
    def seconds(self) -> float:
        """Training time so far, pauses between calls not counted."""
        return self._earlier + time.perf_counter() - self._began

    def speed(self, seen: int) -> float:
        """Images per second in this call."""
        return (seen - self._seen) / (time.perf_counter() - self._began)

    def wants_another_length(self) -> bool:
        """Whether it is time to look whether the length planned still fits."""
        if self._looks and self.seconds > self._looks[0] * self._total_seconds:
            self._looks.pop(0)
            return True
        return False

    def images_left(self, seen: int) -> float:
        """How many more images fit into the time left."""
        return self.speed(seen) * max(self._total_seconds - self.seconds, 0.0)


def _whole_batches(images: float, recipe: Recipe) -> int:
    """At least one batch."""
    return max(1, round(images / recipe.batch)) * recipe.batch


def _due(images: int, recipe: Recipe, times: int) -> bool:
    """Whether this step is one of about `times` evenly spaced ones, in a resumed run as in an unbroken one."""
    return images * times // recipe.images > (images - recipe.batch) * times // recipe.images


def _length(
    run: Run,
    recipe: Recipe,
    data: Dataset,
    seed: int,
    *,
    images: int | None,
    minutes: float | None,
    device: torch.device,
) -> int:
    """How many images to train for in all."""
    if images is not None:
        return images
    if run.exists:
        planned, before = run.recipe.images, run.about["minutes"]
        if minutes is None or minutes == before:
            return planned
        if before is not None:
            return round(float(planned * minutes / before))
    if minutes is None:
        return recipe.images
    pace = _pace(recipe, data, seed, seconds=min(PROBE_SECONDS, 3 * minutes), device=device)
    pace = float(distributed.mean(torch.tensor(pace, device=device)))
    return _whole_batches(pace * max(60 * minutes - PROBE_SECONDS, 45 * minutes), recipe)


def _pace(recipe: Recipe, data: Dataset, seed: int, *, seconds: float, device: torch.device) -> float:
    """Images per second, from a short training that is thrown away."""
    ticks = train(replace(recipe, images=2**62), data, seed=seed, device=device)
    next(islice(ticks, 2, None)).terms()  # the first steps are slower
    began, images = time.perf_counter(), 0
    for tick in ticks:
        tick.terms()
        images += recipe.batch
        if distributed.either(time.perf_counter() - began > seconds, device):
            break
    return images / (time.perf_counter() - began)


def _refuse_another(run: Run, recipe: Recipe, seed: int) -> None:
    if not run.exists:
        return
    other = [f"seed: {seed}, not {run.about['seed']}"] if seed != run.about["seed"] else []
    wanted, held = to_json(replace(recipe, images=1)), to_json(replace(run.recipe, images=1))
    if other := other + differences(wanted, held):
        raise GanvasError(
            f"{run.path} holds another run ({'; '.join(other[:3])}). Give --out another folder, "
            f"or go on with this one by `ganvas train {run.path}`."
        )


def _refuse_divergence(run: Run, images: int, terms: dict[str, float], tensors: dict[str, Tensor]) -> None:
    broken = [name for name, value in terms.items() if not math.isfinite(value)]
    broken += [name for name, value in tensors.items() if not value.isfinite().all()]
    if broken:
        raise GanvasError(
            f"The training diverged at {images:,} images: {broken[0]} is no longer a number. Try a lower rate, for "
            f"instance --set optimizer.rate=1e-4, with another --out. Checkpoints from before are in {run.path}."
        )


def _name(target: str | Recipe, data: str | None, size: int | tuple[int, int] | None, seed: int) -> str:
    """A folder name that tells runs of different words apart."""
    named = [target if isinstance(target, str) else "run", data]
    words = [Path(word).stem if os.sep in word or "." in word else word for word in named if word]
    if size is not None:
        words.append("x".join(map(str, size)) if isinstance(size, tuple) else str(size))
    if seed:
        words.append(f"seed{seed}")
    return re.sub(r"[^\w.-]+", "-", "-".join(words)).strip("-.") or "run"


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
