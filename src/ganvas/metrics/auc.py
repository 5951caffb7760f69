"""The area under the ROC curve: how well a score tells two sets apart, with its interval.

It is the probability that a sample of the first set scores above one of the second, ties counted half: 1/2 is chance.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from ..core.errors import DoesNotFit

__all__ = ["Area", "auc"]

NORMAL = 1.959964  # half of the 95 % interval, in standard deviations
TAIL = 0.025  # what is left out of it on either side


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
    """The area for scores of which those of the first set ought to be higher.

    The error is that of DeLong, DeLong & Clarke-Pearson 1988 (Biometrics 44, 837-845), and the interval is symmetric on
    the scale of the logit, so that it stays within [0, 1]. Where the sets do not overlap at all that error is zero,
    and the interval is the exact binomial one (Clopper & Pearson 1934) of as many pairs as can be formed of samples
    that are used once: wider than need be, but no pretence of certainty.

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
        middle, half = math.log(value / (1 - value)), NORMAL * error / (value * (1 - value))
        low, high = _logistic(middle - half), _logistic(middle + half)
    return Area(value, error, low, high, counts)


def _placements(scores: NDArray[np.float64], among: NDArray[np.float64]) -> NDArray[Any]:
    """For each score the share of the others that are lower, ties counted half."""
    ordered = np.sort(among)
    return (np.searchsorted(ordered, scores, "left") + np.searchsorted(ordered, scores, "right")) / (2 * len(among))


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0
