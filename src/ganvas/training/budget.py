"""From minutes to images: how long a training may be on this machine, on how many threads and how wide at best.

First by a probe, then by the training's own speed.
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
SLOW = 0.8  # of what other threads made when tried
TWICE = 2  # looks at which threads are slow before others take over
AGAIN = 2  # looks after which these are tried again, and twice as many each time
LOOKS = 12  # times that a run's length is fitted anew to the machine's speed
ASIDE = 0.2  # of the time to come that may go to what is no step, such as sheets, signs, scores and saving


class Threads:
    """How many threads train fastest, as far as was tried.

    Args:
        paces: images per second by threads; 0 where that is not known.
    """

    def __init__(self, paces: Mapping[int, float]) -> None:
        self._paces = dict(paces)
        self._slow, self._rest, self._wait = 0, 0, AGAIN
        self._left: int | None = None  # what was slow, to be tried again
        self._away: int | None = None  # what made way for such a trial

    @classmethod
    def probed(cls, recipe: Recipe, data: Dataset, *, seed: int, minutes: float) -> "Threads":
        """As many as torch takes, then half of them and so on, as long as fewer are faster: small or shared cores.

        Short trainings tell, that are thrown away. What they found is not kept, for other work comes and goes.
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
        """What was fastest when last tried."""
        return max(self._paces, key=self._paces.__getitem__)

    def turn(self, pace: float) -> bool:
        """Whether others go on, as torch's threads make but so many images a second: called after each look.

        Threads that wait for each other suffer most where other programs want the cores. So those that were slow twice
        in a row make way for what was faster when tried, and are tried again for one look, later each time.
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
    """The recipe in the length and the width for so many minutes, by short trainings that are thrown away."""
    narrow, *wider = widths(recipe)
    images = _affordable(narrow, data, seed, minutes=minutes, device=device)
    times = sum(images >= least for least in recipe.widen)
    if not times:
        return replace(narrow, images=images)
    wide = wider[times - 1]
    return replace(wide, images=_affordable(wide, data, seed, minutes=minutes, device=device))


def widths(recipe: Recipe) -> list[Recipe]:
    """The recipe as it is, and with networks half as wide again as often as it says; none of them says so any more."""
    variants = [replace(recipe, widen=())]
    for _ in recipe.widen:
        networks = {name: _half_as_wide_again(network) for name, network in variants[-1].networks.items()}
        variants.append(replace(variants[-1], networks=networks))
    return variants


def _half_as_wide_again(network: NetworkSettings) -> NetworkSettings:
    width = getattr(network, "width", None)
    return network if width is None else replace(network, width=width * 3 // 2)  # type: ignore[type-var]


def _affordable(recipe: Recipe, data: Dataset, seed: int, *, minutes: float, device: torch.device) -> int:
    """How many images fit into so many minutes."""
    pace = _known_pace(recipe, data, seed, seconds=min(PROBE_SECONDS, 3 * minutes), device=device)
    pace = float(distributed.mean(torch.tensor(pace, device=device)))
    return whole_batches(pace * max(60 * minutes - PROBE_SECONDS, 45 * minutes), recipe)


def _known_pace(recipe: Recipe, data: Dataset, seed: int, *, seconds: float, device: torch.device) -> float:
    """The same as `_pace`, kept in the cache: by machine, recipe, shape of the data, and versions."""
    if distributed.world() > 1:  # all of them have to probe, or none
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


class Budget:
    """The time a training may take, and how many images that is at the speed it turns out to have.

    pace  images per second of its steps between the last two looks
    """

    def __init__(self, minutes: float | None, seen: int, earlier_seconds: float) -> None:
        self._total_seconds = 60 * minutes if minutes else math.inf
        self._seen, self._earlier, self._began = seen, earlier_seconds, time.perf_counter()
        self._looked, self._aside = _Look(seen, earlier_seconds, 0.0), 0.0
        self.pace = 0.0

    @property
    def seconds(self) -> float:
        """Training time so far, pauses between calls not counted."""
        return self._earlier + time.perf_counter() - self._began

    def speed(self, seen: int) -> float:
        """Images per second in this call."""
        return (seen - self._seen) / (time.perf_counter() - self._began)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Do what is no step, such as measuring: it takes of the time, and says nothing of how fast the steps are."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._aside += time.perf_counter() - began

    def lose(self, images: int) -> None:
        """So many images are to be seen again; the time that they took is spent."""
        self._seen, self._looked = self._seen - images, self._looked._replace(seen=self._looked.seen - images)

    def look(self, seen: int) -> float | None:
        """How many more images fit into the time left; None if it is early for a look.

        Steps are as fast as since the last one, and what else is done takes its share as so far, or less where that was
        much, since it is done seldom from then on: a training that is planned too short ends before the next look.
        """
        last, here = self._looked, _Look(seen, self.seconds, self._aside)
        if here.seconds - last.seconds < self._total_seconds / LOOKS:
            return None
        self._looked = here
        self.pace = (seen - last.seen) / (here.seconds - last.seconds - (here.aside - last.aside))
        aside = min(here.aside / (here.seconds - self._earlier), ASIDE)
        return self.pace * (1 - aside) * max(self._total_seconds - here.seconds, 0.0)


class _Look(NamedTuple):
    """Images seen, seconds of training, and seconds of this call that were no steps."""

    seen: int
    seconds: float
    aside: float


def whole_batches(images: float, recipe: Recipe) -> int:
    """At least one batch."""
    return max(1, round(images / recipe.batch)) * recipe.batch
