"""From minutes to images: how long a training can be on this machine, on how many threads and with what width.

First from a probe, then from the training's own speed.
"""

import json
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

import torch

from ..core import distributed, files, machine
from ..core.sums import proven, summed
from ..core.version import __version__
from ..data.dataset import Dataset
from ..networks.layers import NetworkSettings
from ..recipes.recipe import Recipe
from ..recipes.settings import to_json
from .loop import train

__all__ = ["Budget", "Threads", "fitted", "whole_batches", "widths"]

PROBE_SECONDS = 3.0
SLOW = 0.8  # threads are slow below this share of the best known pace
TWICE = 2  # slow looks in a row before another number of threads is used
AGAIN = 2  # looks before the slow number is tried again; doubled after each failed trial
LOOKS = 12  # adjustments of a run's length to the measured speed
SOON = 300.0  # seconds, at most, to the first of them in a session, which may end long before a twelfth of a long run
ASIDE = 0.2  # at most, of the remaining time reserved for other work, such as sheets, signs, scores and saving


class Threads:
    """Which number of threads trains fastest, of those tried.

    Args:
        paces: images per second by number of threads; 0 where unknown.
    """

    def __init__(self, paces: Mapping[int, float]) -> None:
        self._paces = dict(paces)
        self._slow, self._rest, self._wait = 0, 0, AGAIN
        self._left: int | None = None  # the slow number, to be tried again
        self._away: int | None = None  # the number to return to if that trial fails

    @classmethod
    def probed(cls, recipe: Recipe, data: Dataset, *, seed: int, minutes: float) -> "Threads":
        """Try torch's number of threads, then half of it and so on while fewer are faster (small or shared cores).

        Measured by short trainings that are thrown away. The result is not cached, as the load of a machine changes.
        """
        count, paces = torch.get_num_threads(), dict[int, float]()
        if count == 1 or distributed.world() > 1:
            return cls({count: 0.0})
        while count and (not paces or paces[min(paces)] == max(paces.values())):
            with machine.threads(count):
                seconds = min(PROBE_SECONDS, 3 * minutes) / 2
                paces[count] = _pace(recipe, data, seed, seconds=seconds, device=torch.device("cpu"))
            count //= 2
        return cls(paces)

    @property
    def fastest(self) -> int:
        """The number of threads that was fastest when last tried."""
        return max(self._paces, key=self._paces.__getitem__)

    def turn(self, pace: float) -> bool:
        """Whether the number of threads is changed, given the present pace in images per second; called at each look.

        Threads that wait for each other suffer most when other programs use the cores. So a number that was slow twice
        in a row gives way to the fastest one known, and is tried again for one look, after ever longer waits.
        """
        now = torch.get_num_threads()
        self._paces[now] = pace
        if self._away is not None:
            home, self._away = self._away, None
            if pace >= self._paces[home]:
                self._left, self._wait = None, AGAIN
                return False
            self._wait *= 2
            return self._take(home)
        self._slow = self._slow + 1 if pace < SLOW * self._paces[self.fastest] else 0
        if self._slow == TWICE:
            self._slow, self._left = 0, now
            return self._take(self.fastest)
        self._rest -= 1
        if self._left is None or self._slow or self._rest > 0:
            return False
        self._away = now
        return self._take(self._left)

    def _take(self, threads: int) -> bool:
        torch.set_num_threads(threads)
        self._rest = self._wait
        return True


def fitted(recipe: Recipe, data: Dataset, *, seed: int, minutes: float, device: torch.device) -> Recipe:
    """The recipe with the length and width for so many minutes, by short trainings that are thrown away."""
    narrow, *wider = widths(recipe)
    images = _affordable(narrow, data, seed, minutes=minutes, device=device)
    times = sum(images >= least for least in recipe.widen)
    if not times:
        return replace(narrow, images=images)
    wide = wider[times - 1]
    return replace(wide, images=_affordable(wide, data, seed, minutes=minutes, device=device))


def widths(recipe: Recipe) -> list[Recipe]:
    """The recipe, and for each entry of `widen` one 1.5 times as wide as the one before; `widen` is unset in all."""
    variants = [replace(recipe, widen=())]
    for _ in recipe.widen:
        networks = {name: _half_as_wide_again(network) for name, network in variants[-1].networks.items()}
        variants.append(replace(variants[-1], networks=networks))
    return variants


def _half_as_wide_again(network: NetworkSettings) -> NetworkSettings:
    width = getattr(network, "width", None)
    return network if width is None else replace(network, width=width * 3 // 2)  # type: ignore[type-var]


def _affordable(recipe: Recipe, data: Dataset, seed: int, *, minutes: float, device: torch.device) -> int:
    """How many images can be trained on in so many minutes."""
    pace = _known_pace(recipe, data, seed, seconds=min(PROBE_SECONDS, 3 * minutes), device=device)
    pace = float(distributed.mean(torch.tensor(pace, device=device)))
    return whole_batches(pace * max(60 * minutes - PROBE_SECONDS, 45 * minutes), recipe)


def _known_pace(recipe: Recipe, data: Dataset, seed: int, *, seconds: float, device: torch.device) -> float:
    """`_pace`, cached by machine, recipe, shape of the data, and versions."""
    if distributed.world() > 1:  # either all processes probe or none
        return _pace(recipe, data, seed, seconds=seconds, device=device)
    parts = {name: value for name, value in to_json(recipe).items() if name not in ("data", "images", "widen")}
    told = recipe.condition.of(data).length if recipe.condition else 0
    about = (__version__, machine.describe(device), parts, data.shape, told)
    kept = files.cache_folder() / "paces" / f"{files.key(about)}.json"
    with suppress(OSError, ValueError, TypeError, AttributeError):
        found = (proven(json.loads(kept.read_text(encoding="utf-8"))) or {}).get("images_per_second")
        if isinstance(found, float) and 0 < found < math.inf:
            return found
    pace = _pace(recipe, data, seed, seconds=seconds, device=device)
    with suppress(OSError):
        files.write(kept, json.dumps(summed({"images_per_second": pace})))
    return pace


def _pace(recipe: Recipe, data: Dataset, seed: int, *, seconds: float, device: torch.device) -> float:
    """Images per second, measured by a short training that is thrown away."""
    ticks = train(replace(recipe, images=2**62), data, seed=seed, device=device)
    next(islice(ticks, 2, None)).terms()  # skip the first steps, which are slower
    began, images = time.perf_counter(), 0
    for tick in ticks:
        tick.terms()
        images += recipe.batch
        if distributed.either(time.perf_counter() - began > seconds, device):
            break
    return images / (time.perf_counter() - began)


class Budget:
    """The time a training may take, and the number of images that fit into it at the measured speed.

    pace  images per second of its steps between the last two looks
    """

    def __init__(self, minutes: float | None, seen: int, earlier_seconds: float) -> None:
        self._total_seconds = 60 * minutes if minutes else math.inf
        self._seen, self._earlier, self._began = seen, earlier_seconds, time.perf_counter()
        self._looked, self._aside = _Look(seen, earlier_seconds, 0.0), 0.0
        self._wait = min(self._total_seconds / LOOKS, SOON)
        self.pace = 0.0

    @property
    def seconds(self) -> float:
        """Training time so far, including earlier calls but not the pauses between them."""
        return self._earlier + time.perf_counter() - self._began

    @property
    def spent(self) -> float | None:
        """`seconds` if they are limited, else None: files of a training for so many images do not depend on time."""
        return self.seconds if self._total_seconds < math.inf else None

    def speed(self, seen: int) -> float:
        """Images per second in this call."""
        return (seen - self._seen) / (time.perf_counter() - self._began)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Do other work than steps, such as measuring: it uses up time, but does not count for the pace."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._aside += time.perf_counter() - began

    def lose(self, images: int) -> None:
        """Account for a rollback by so many images, which are to be seen again; their time stays spent."""
        self._seen, self._looked = self._seen - images, self._looked._replace(seen=self._looked.seen - images)

    def look(self, seen: int) -> float | None:
        """How many more images fit into the time left; None if it is too early for a look.

        Assumes the pace since the last look, and the share of other work so far; that share is capped, since work that
        took long becomes rare later, and a training that is planned too short ends before the next look.
        """
        last, here = self._looked, _Look(seen, self.seconds, self._aside)
        if math.isinf(self._total_seconds) or here.seconds - last.seconds < self._wait:
            return None
        self._looked, self._wait = here, self._total_seconds / LOOKS
        self.pace = (seen - last.seen) / (here.seconds - last.seconds - (here.aside - last.aside))
        aside = min(here.aside / (here.seconds - self._earlier), ASIDE)
        return self.pace * (1 - aside) * max(self._total_seconds - here.seconds, 0.0)


class _Look(NamedTuple):
    """Images seen, seconds of training, and seconds of this call spent on other work than steps."""

    seen: int
    seconds: float
    aside: float


def whole_batches(images: float, recipe: Recipe) -> int:
    """Round to whole batches, at least one."""
    return max(1, round(images / recipe.batch)) * recipe.batch
