"""How much time a training gives to what teaches it nothing."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Allowance"]

SHARE = 0.05  # of the time that goes by
SECONDS = 5.0  # that may be taken at once, so that nothing is left out where it is quick
QUICK = 1.0  # seconds that each takes at most there


class Allowance:
    """The time for one thing of many in a training, such as its sheets: a share of all that goes by.

    What takes little is always allowed. A network that draws a sheet in as long as it learns from ten pictures would
    else do little but draw.

    Args:
        last: seconds that one is known to have taken before; 0 if none is, so that the first is always allowed.
    """

    def __init__(self, last: float = 0.0) -> None:
        self._began, self._spent, self._last = time.perf_counter(), 0.0, last

    def affords(self) -> bool:
        """Whether there is time for another one, if it takes as long as the last."""
        gone = time.perf_counter() - self._began
        return self._spent + self._last <= (SECONDS if self._last < QUICK else 0.0) + SHARE * gone

    @contextmanager
    def spends(self) -> Iterator[None]:
        """Count the time that this takes."""
        began = time.perf_counter()
        yield
        self._last = time.perf_counter() - began
        self._spent += self._last
