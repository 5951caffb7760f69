"""Limits the share of a training's time for work other than learning."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Allowance"]

SHARE = 0.05  # of the elapsed time
SECONDS = 5.0  # available at once, so that nothing is skipped where it is quick
QUICK = 1.0  # seconds below which one piece of work counts as quick


class Allowance:
    """The time for one kind of side work, such as drawing sheets: a share of the elapsed time.

    Quick work is always allowed at first. Otherwise a network that draws a sheet in the time of ten training images
    would do little else.

    Args:
        last: seconds that such work is known to have taken before; 0 if unknown, so that the first is allowed.
    """

    def __init__(self, last: float = 0.0) -> None:
        self._began, self._spent, self._last = time.perf_counter(), 0.0, last

    def affords(self) -> bool:
        """Whether there is time for one more, if it takes as long as the last."""
        gone = time.perf_counter() - self._began
        return self._spent + self._last <= (SECONDS if self._last < QUICK else 0.0) + SHARE * gone

    @contextmanager
    def spends(self) -> Iterator[None]:
        """Count the time spent in this context."""
        began = time.perf_counter()
        yield
        self._last = time.perf_counter() - began
        self._spent += self._last
