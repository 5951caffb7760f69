"""Values that change during a run: progress in [0, 1] -> value.

Progress is the share of the run's images already seen, so a schedule always fits the budget: runs of three minutes and
of three days both complete it. A setting of type `Value` takes a schedule, or a number for a constant.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

from ..core.catalog import part
from ..core.errors import DoesNotFit

__all__ = ["Cosine", "Linear", "Schedule", "Value", "at", "within"]


class Schedule(ABC):
    """A value as a function of progress."""

    @abstractmethod
    def __call__(self, progress: float) -> float:
        """The value once this share of the run, in [0, 1], has been seen."""


Value = float | Schedule


def at(value: Value, progress: float) -> float:
    """The value of a constant or a schedule at this progress in [0, 1]."""
    return value(progress) if isinstance(value, Schedule) else value


def within(name: str, value: Value, low: float, high: float = math.inf, *, closed: bool = False) -> None:
    """Reject a setting outside [low, high), or outside [low, high] if the range is `closed`.

    Schedules are taken to be monotonic, so only their values at the beginning and the end of the run are checked.

    Raises:
        DoesNotFit: it is outside.
    """
    ends = [at(value, progress) for progress in (0.0, 1.0)]
    if not all(low <= end < high or (closed and end == high) for end in ends):
        limit = "on" if high == math.inf else f"to {high:g}" if closed else f"to below {high:g}"
        raise DoesNotFit(f"{name} takes a number from {low:g} {limit}, not {value}.")


@dataclass(frozen=True)
class _Ramp(Schedule):
    """From `start` to `end` over the first `over` of the run, then flat."""

    start: float
    end: float
    over: float = 1.0

    def __post_init__(self) -> None:
        """Reject a schedule that takes no time, or longer than the run.

        Raises:
            DoesNotFit: `over` is not in (0, 1].
        """
        if not 0 < self.over <= 1:
            raise DoesNotFit(f"A schedule's `over` is a share of the run, above 0 and at most 1, not {self.over}.")


@part("schedule")
@dataclass(frozen=True)
class Linear(_Ramp):
    """A straight line from `start` to `end` over the first `over` of the run, then flat."""

    def __call__(self, progress: float) -> float:
        """See `Schedule.__call__`."""
        return self.start + (self.end - self.start) * min(progress / self.over, 1.0)


@part("schedule")
@dataclass(frozen=True)
class Cosine(_Ramp):
    """Half a cosine from `start` to `end` over the first `over` of the run, then flat (arXiv:2501.05441, app. D)."""

    def __call__(self, progress: float) -> float:
        """See `Schedule.__call__`."""
        share = min(progress / self.over, 1.0)
        return self.end + (self.start - self.end) * (1 + math.cos(math.pi * share)) / 2
