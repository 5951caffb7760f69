"""One session of a training: acts on its ticks, from the first to the recipe's end or an interruption."""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor

from ..core import console, distributed
from ..data.dataset import Dataset
from ..models.model import Model
from ..networks.layers import BatchNorm
from ..recipes.recipe import Recipe
from ..runs.diagnosis import Diagnosis
from ..runs.doctor import diagnoses
from ..runs.run import Run
from .alarm import Alarm, BlewUp
from .allowance import Allowance
from .budget import Budget, Threads, whole_batches
from .dealer import Pieces, cuts
from .events import Events
from .loop import Tick, train
from .mender import Mender, carried
from .meter import Meter
from .pulse import PULSES, Pulse
from .recorder import Recorder, return_step
from .rescue import Rescuer
from .status import Status

__all__ = ["Session"]

ROWS = 300  # log lines per run
CHECKPOINT_SECONDS = 120


class Session:
    """Consumes the ticks of one training: logs, scores, draws, shows and saves.

    Args:
        recorder: of the run.
        status: of the run, in the first process; else None.
        recipe: what to train; with `minutes` its length follows the measured speed.
        data: the samples.
        seed: determines all randomness.
        restore: the tensors of the state to continue from. They are as large as the state and are freed after loading,
            so the caller must not hold them either.
        seen: images that this state has seen.
        minutes: the time it may take, including earlier sessions; None for no limit.
        drawing: seconds that it took to draw the first sheet; 0 if that was in an earlier session.
        threads: how many to compute with, of those that were tried.
        device: where to compute.
        rescuer: rolls the training back if it diverges.
        mender: follows the doctor's advice.
    """

    def __init__(
        self,
        recorder: Recorder,
        recipe: Recipe,
        data: Dataset,
        *,
        status: Status | None,
        seed: int,
        restore: dict[str, Tensor],
        seen: int,
        minutes: float | None,
        drawing: float,
        threads: Threads,
        device: torch.device,
        rescuer: Rescuer,
        mender: Mender,
    ) -> None:
        recipe = mender.recipe(recipe, seen)
        self._recorder, self._recipe, self._data, self._seed, self._device = recorder, recipe, data, seed, device
        self._restore: dict[str, Tensor] | None = restore
        self._status = status
        self._seen, self._first = seen, distributed.is_first()
        self._budget, self._threads = Budget(minutes, seen, recorder.run.seconds), threads
        self._meter = Meter(data, every=recipe.measure_images, device=device)
        self._pulse = Pulse(data, recipe.product)
        self._for_signs, self._for_sheets = Allowance(drawing), Allowance(drawing)
        self._events = Events(recorder.run.path, seen=seen) if self._first else None
        self._alarm = Alarm()
        self._rescuer, self._mender = rescuer, mender
        self._pieces = Pieces(recipe.batch, cuts(recorder.run.about) if recorder.run.exists else [])
        self._cuts = len(self._pieces.cuts)
        self._terms: dict[str, float] = {}
        self._found: list[Diagnosis] = []
        self._logged = _last(recorder.run)
        self._saved = time.perf_counter()

    def run(self, *, quiet: bool) -> None:
        """Train until the recipe's end or an interruption.

        Raises:
            Diverged: its numbers diverged, and going back does not help; what was saved before is sound.
            Unwritable: the disk is full.
        """
        title = str(self._recorder.run.path)
        if self._logged:
            self._find()
        with console.training(self._recipe.images, title, quiet=quiet) as display, _interruptions() as interrupted:
            while self._seen < self._recipe.images and self._goes_on(display, interrupted):
                display.expect(self._recipe.images)
        if self._events:
            self._events.close()

    def _goes_on(self, display: console.Display, interrupted: Callable[[], bool]) -> bool:
        """Train until the end or a restart; returns whether there is more to do."""
        try:
            return self._trains(display, interrupted)
        except BlewUp as error:
            blown = error.with_traceback(None)  # the traceback holds the state
        self._go_back(blown, display)
        return True

    def _go_back(self, blown: BlewUp, display: console.Display) -> None:
        rescue, self._restore = self._rescuer.bring_back(blown, self._recipe)
        self._budget.lose(self._seen - rescue.back)
        self._seen, self._logged, self._terms = rescue.back, _last(self._recorder.run), {}
        self._recipe = self._mender.recipe(self._recipe, self._seen)
        self._saved = time.perf_counter()
        if self._events:
            self._events.close()
            self._events = Events(self._recorder.run.path, seen=rescue.back)
        if self._status:
            self._status.notice(str(rescue))
        display.say(f"{rescue}")

    def _is_mended(self, tick: Tick, display: console.Display) -> bool:
        """Whether a setting changes from here on, as the doctor advised."""
        mend = self._mender.taken
        if mend is None or mend.at != self._seen:
            return False
        self._look()
        before, self._recipe = self._recipe, self._mender.recipe(self._recipe, self._seen)
        self._restore = carried(tick.state, before, self._recipe, self._data, seed=self._seed, device=self._device)
        self._saved = -math.inf  # save soon: recipe.json has to match the newest checkpoint
        if self._status:
            self._status.notice(str(mend))
        display.say(f"{mend}")
        return True

    @property
    def _group(self) -> int:
        """Steps until all turns coincide again."""
        return math.lcm(*(turn.every for turn in self._recipe.game.turns()))

    def _tell_of_cuts(self, tick: Tick, display: console.Display) -> None:
        """Report that memory ran out in this step, and record where, so that a resumed training splits there, too."""
        self._cuts = len(self._pieces.cuts)
        if self._first:
            self._recorder.split(self._pieces.cuts)
        networks = tick.state.networks.items()
        mixing = [name for name, network in networks if any(isinstance(each, BatchNorm) for each in network.modules())]
        same = "with the same result except for rounding"
        if mixing:
            same = f"and as the batch norm of the {' and '.join(mixing)} sees only these, the result differs a little"
        display.say(
            f"Memory ran out: from here on, {self._pieces.at(tick.step, 0)} samples are processed at a time, {same}."
        )

    def _trains(self, display: console.Display, interrupted: Callable[[], bool]) -> bool:
        """Train until the end, or until a restart with a new length, setting or speed; returns whether to go on."""
        ticks = train(
            self._recipe,
            self._data,
            seed=self._seed,
            device=self._device,
            restore=self._restore,
            alarm=self._alarm,
            halved=self._rescuer.halved(),
            pieces=self._pieces,
        )
        for tick in ticks:
            self._restore, self._seen = None, tick.images
            if len(self._pieces.cuts) > self._cuts:
                self._tell_of_cuts(tick, display)
            due = self._is_due(ROWS, every=self._group) or self._meter.wanted_at(self._seen, self._recipe.batch)
            if due:
                with self._budget.aside():
                    self._log(tick)
            speed = self._budget.speed(self._seen)
            display.look_out([each.kind for each in self._found])
            display.update(self._seen, speed, self._terms)
            if self._status:
                self._status.update(self._seen, self._recipe.images, speed)
            if self._is_due(self._recipe.sheets):
                with self._budget.aside():
                    self._draw(tick)
            if self._is_mended(tick, display):
                return True
            # Processes act on clocks and signals only in agreed steps.
            together = distributed.world() == 1 or return_step(tick.step) == tick.step
            if (due or together) and self._ends(tick, interrupted):
                return False
            if self._is_fitted_anew(tick, display):
                return True
        return False

    def _draw(self, tick: Tick) -> None:
        """Draw a sheet, if there is time. With several processes, all of them call this together."""
        self._look()
        if self._first and (self._is_over or self._for_sheets.affords()):
            self._say("drawing")
            with self._for_sheets.spends():
                self._recorder.sheet(self._seen, tick.state, self._data)
            self._recorder.thin(self._recipe)

    def _is_due(self, times: int, *, every: int = 1) -> bool:
        """Whether this step is one of about `times` evenly spaced ones, the same in a resumed and an unbroken run.

        These are the last step, and otherwise steps that begin a group of `every`.
        """
        batch, images = self._recipe.batch, self._recipe.images
        before, group = self._seen - batch, every * batch
        due = (before + group) * times // images > before * times // images
        return self._is_over or (before % group == 0 and due)

    @property
    def _is_over(self) -> bool:
        """Whether this step is the last."""
        return self._seen >= self._recipe.images

    def _log(self, tick: Tick) -> None:
        """Write a line, with scores if they are due. With several processes, all of them call this together."""
        self._look()
        self._terms, scores = tick.terms(), None
        if not self._first:
            return
        model = Model(tick.state.average, tick.state.condition)
        if self._meter.due(model, self._seen, self._recipe.batch, self._budget.seconds):
            self._say("measuring")
            scores = self._meter.measure(model)
            self._recorder.keep_best(self._recipe, tick.state, scores)
        signs = None
        needed = self._is_over or self._mender.wanted  # the mender's decisions must not depend on speed
        if self._is_due(PULSES, every=self._group) and (needed or self._for_signs.affords()):
            with self._for_signs.spends():
                signs = self._pulse.take(tick.state)
        notices = [str(each) for each in self._rescuer.made if self._logged <= each.back < self._seen]
        mend = self._mender.taken
        changed = mend.setting if mend and self._logged <= mend.at < self._seen else ""
        notice = " ".join([*notices, *([str(mend)] if changed else [])])
        speed = self._budget.speed(self._seen)
        self._recorder.log(self._seen, self._budget.seconds, speed, self._terms, scores, signs, notice, changed)
        self._logged = self._seen
        if signs:
            self._diagnose()
        if self._events:
            self._events.log(self._seen, self._terms | (scores or {}) | (signs or {}))

    def _diagnose(self) -> None:
        """Let the doctor look at the log, and follow its advice if that is wanted; cheap, as it is rare."""
        self._find()
        self._mender.look(self._recipe, self._seen)

    def _find(self) -> None:
        """Report what seems wrong in the log so far."""
        run = self._recorder.run
        start_from = run.about.get("from")
        self._found = diagnoses(run.rows, samples=len(self._data), recipe=self._recipe, start_from=start_from)
        if self._status:
            self._status.diagnosed(self._found)

    def _ends(self, tick: Tick, interrupted: Callable[[], bool]) -> bool:
        """Whether this was the last step; saves after it, and now and then before."""
        ends = distributed.either(self._is_over or interrupted(), self._device)
        due = return_step(tick.step) == tick.step or time.perf_counter() - self._saved > CHECKPOINT_SECONDS
        if ends or distributed.either(due, self._device):
            with self._budget.aside():
                self._look(tick)
                self._say("saving")
                if self._first:
                    self._recorder.save(self._seen, self._recipe, tick.state, self._budget.spent)
                    if self._saved == -math.inf:
                        self._recorder.plan(self._recipe)
            self._saved = time.perf_counter()
        return ends

    def _look(self, tick: Tick | None = None) -> None:
        """Check for divergence before something is written; with `tick`, check the whole state as well.

        Raises:
            BlewUp: a number is not sound.
        """
        if tick:
            tensors, players = tick.state.tensors(copied=False), tick.state.networks
            self._alarm.state(tensors, images=self._seen, players=players, product=self._recipe.product)
        else:
            self._alarm.read()

    def _say(self, phase: str) -> None:
        if self._status:
            self._status.during(phase)

    def _is_fitted_anew(self, tick: Tick, display: console.Display) -> bool:
        """Whether the recipe's length has been adjusted to the measured speed."""
        left = self._budget.look(self._seen) if distributed.world() == 1 else None
        if left is None:
            return False
        before = torch.get_num_threads()
        if self._threads.turn(self._budget.pace):
            self._recorder.turn(now := torch.get_num_threads())
            why = "Other programs need the cores, too" if now < before else "The cores may be free again"
            display.say(f"{why}: the training continues on {now} of them.")
        self._look()
        self._recipe = replace(self._recipe, images=self._seen + whole_batches(left, self._recipe))
        self._restore = tick.state.tensors(copied=False)
        self._recorder.plan(self._recipe)
        return True


def _last(run: Run) -> int:
    """The images of the last row of the log."""
    return run.rows[-1]["images"] if run.rows else 0


@contextmanager
def _interruptions() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C, a termination signal and a closed terminal finish the step and save; a second Ctrl-C stops at once.

    On Windows the only such signal from another process is Ctrl-Break, here SIGBREAK.
    """
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped.is_set
        return

    hangup = getattr(signal, "SIGHUP", None)  # of a terminal that is closed

    def stop(number: int, _frame: object) -> None:
        stopped.set()
        if number != hangup:  # which both the system and the shell send
            signal.signal(number, before[number])

    polite = [number for name in ("SIGINT", "SIGTERM", "SIGBREAK") if (number := getattr(signal, name, None))]
    if hangup and signal.getsignal(hangup) is not signal.SIG_IGN:  # as under nohup
        polite.append(hangup)
    before = {int(number): signal.signal(number, stop) for number in polite}
    try:
        yield stopped.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
