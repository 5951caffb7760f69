"""The area under the ROC curve: how well a score tells two sets apart, with its interval.

It is the probability that a sample of the first set scores above one of the second, ties counted half: 1/2 is chance.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from ..core.errors import DoesNotFit

__all__ = ["Area", "auc", "interval_of_pairs"]

NORMAL = 1.959964  # half of the 95 % interval, in standard deviations
TAIL = 0.025  # the probability outside it on either side


@dataclass(frozen=True)
class Area:
    """An area under the ROC curve.

    value      in [0, 1]
    error      its standard error (DeLong et al. 1988), 0 where the sets do not overlap
    low, high  the 95 % interval, see `auc`
    counts     samples of the upper and of the lower set
    """

    value: float
    error: float
    low: float
    high: float
    counts: tuple[int, int]

    def __str__(self) -> str:
        return (
            f"{self.value:.3f} (95 % interval {self.low:.3f} to {self.high:.3f}; {self.counts[0]} and {self.counts[1]})"
        )


def auc(upper: Float[Tensor, " n"], lower: Float[Tensor, " m"]) -> Area:
    """The area under the ROC curve of two sets of scores, the first of which should be higher.

    The error is that of DeLong, DeLong & Clarke-Pearson 1988 (Biometrics 44, 837-845), and the interval is symmetric on
    the logit scale, so that it stays within [0, 1]. Where the sets do not overlap at all, that error is zero, and the
    interval is the exact binomial one (Clopper & Pearson 1934) for as many pairs as can be formed using each sample
    once: wider than necessary, but without false certainty. Where it is zero because all scores are equal, the
    binomial error of as many pairs takes its place.

    >>> print(auc(torch.tensor([3.0, 2.0, 4.0, 5.0]), torch.tensor([1.0, 2.5, 0.0, -1.0])))
    0.938 (95 % interval 0.438 to 0.997; 4 and 4)

    Raises:
        DoesNotFit: one of the sets has fewer than two samples, or a score is not finite.
    """
    scores = [each.detach().double().cpu().numpy() for each in (upper, lower)]
    counts = (len(scores[0]), len(scores[1]))
    if min(counts) < 2 or not all(np.isfinite(each).all() for each in scores):
        raise DoesNotFit(
            f"An AUC needs two finite scores of each set at least; here there are {counts[0]}, {counts[1]}."
        )
    above, below = _placements(*scores), 1 - _placements(*scores[::-1])
    value = float(above.mean())
    error = math.sqrt(above.var(ddof=1) / counts[0] + below.var(ddof=1) / counts[1])
    if value in {0.0, 1.0}:
        gap = 1 - TAIL ** (1 / min(counts))
        low, high = (1 - gap, 1.0) if value else (0.0, gap)
    else:
        spread = error or math.sqrt(value * (1 - value) / min(counts))
        middle, half = math.log(value / (1 - value)), NORMAL * spread / (value * (1 - value))
        low, high = _logistic(middle - half), _logistic(middle + half)
    return Area(value, error, low, high, counts)


def interval_of_pairs(right: int, pairs: int) -> tuple[float, float]:
    """The exact 95 % interval of the area, given in how many of the independent pairs the better one was found.

    This is for people who say which of two pictures is real (two-alternative forced choice, Green & Swets 1966); the
    interval is the binomial one of Clopper & Pearson 1934.

    >>> interval_of_pairs(10, 10)
    (0.6915, 1.0)

    Raises:
        DoesNotFit: there are no pairs, or fewer than were right.
    """
    if not 0 <= right <= pairs or pairs < 1:
        raise DoesNotFit(f"Of {pairs} pairs {right} cannot have been right.")
    low = 0.0 if right == 0 else _where(lambda share: 1 - _at_most(right - 1, pairs, share), TAIL)
    high = 1.0 if right == pairs else _where(lambda share: 1 - _at_most(right, pairs, share), 1 - TAIL)
    return round(low, 4), round(high, 4)


def _at_most(most: int, trials: int, share: float) -> float:
    """The probability of at most so many successes."""
    if share in {0.0, 1.0}:
        return float(share == 0 or most >= trials)
    up, down, whole = math.log(share), math.log1p(-share), math.lgamma(trials + 1)
    ways = (whole - math.lgamma(k + 1) - math.lgamma(trials - k + 1) for k in range(most + 1))
    return math.fsum(math.exp(way + k * up + (trials - k) * down) for k, way in enumerate(ways))


def _where(rising: Callable[[float], float], level: float) -> float:
    """The share at which an increasing function has this value."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < level else (low, middle)
    return high


def _placements(scores: NDArray[np.float64], among: NDArray[np.float64]) -> NDArray[Any]:
    """For each score the share of `among` that is lower, ties counted half."""
    ordered = np.sort(among)
    return (np.searchsorted(ordered, scores, "left") + np.searchsorted(ordered, scores, "right")) / (2 * len(among))


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0
