"""A small detector of one model's pictures: a classifier trained on some of them and on real ones.

    detect = fit_detector(real, fake, features("efficientnet_lite0"))
    detect(pictures)                                 # log odds [N]; higher is more real

It is a logistic regression on frozen features, or without features a small network trained on pixels.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ..data.dataset import Dataset, Watch, unwatched
from ..metrics.features.classifier import classifier
from ..metrics.features.extractor import Extractor

__all__ = ["Detector", "Logistic", "fit_detector", "fit_logistic"]

Pictures = NDArray[np.uint8]

STRENGTHS = (1e-2, 1e-1, 1.0, 10.0)  # of the penalty, chosen by cross-validation
FOLDS = 5


@dataclass(frozen=True)
class Detector:
    """Pictures uint8 [N, H, W, C] -> log odds [N] of real against fake, assuming equal numbers of both.

    run      scores the pictures
    about    what it depends on
    """

    run: Callable[[Pictures], Float[Tensor, " n"]]
    about: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, pictures: Pictures) -> Float[Tensor, " n"]:
        """The score of each picture."""
        return self.run(pictures)


@dataclass(frozen=True)
class Logistic:
    """A logistic regression: x [N, D] -> log odds [N]."""

    weight: Float[Tensor, " d"]
    bias: float

    def __call__(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """The log odds of each row."""
        return x.double() @ self.weight + self.bias


def fit_detector(
    real: Pictures, fake: Pictures, describe: Extractor | None = None, *, watch: Watch = unwatched
) -> Detector:
    """Train a detector on these pictures, uint8 [N, H, W, C]; both sets have the same total weight.

    Args:
        real: real pictures.
        fake: pictures of the model.
        describe: the feature extractor; without it a small network learns from the pixels, in about a minute.
        watch: told of the progress.
    """
    pictures, label = np.concatenate([fake, real]), np.repeat(np.arange(2), [len(fake), len(real)])
    if describe is None:
        learned = classifier(Dataset(pictures, classes=("fake", "real"), labels=label), watch=watch)
        return Detector(lambda some: learned.logits(some).diff(dim=1)[:, 0].double(), {"detector": "network"})
    x, is_real = describe(pictures, watch=watch).double(), torch.from_numpy(label == 1)
    mean, deviation = x.mean(0), x.std(0).clamp_min(1e-6)
    x = (x - mean) / deviation
    strength = _best_strength(x, is_real, watch)
    found = fit_logistic(x, is_real, strength=strength)
    about = {"detector": "logistic regression", "penalty": strength, **describe.about}
    return Detector(lambda some: found((describe(some).double() - mean) / deviation), about)


def fit_logistic(x: Float[Tensor, "n d"], is_real: Bool[Tensor, " n"], *, strength: float) -> Logistic:
    """Minimise the mean log loss, with equal class weights, plus strength/2 times the squared norm of the weights."""
    y, size = is_real.double(), len(x)
    weights = torch.where(is_real, 0.5 * size / y.sum(), 0.5 * size / (size - y.sum()))
    x, found = x.double(), torch.zeros(x.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [found], max_iter=300, tolerance_grad=1e-6, tolerance_change=1e-12, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        logits = x @ found[:-1] + found[-1]
        value = F.binary_cross_entropy_with_logits(logits, y, weights) + strength / 2 * found[:-1].square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    learned = found.detach()
    return Logistic(learned[:-1], float(learned[-1]))


def _best_strength(x: Tensor, is_real: Tensor, watch: Watch) -> float:
    """The penalty with the lowest log loss in five-fold cross-validation."""
    fold = torch.empty(len(x), dtype=torch.int64)
    dice = torch.Generator().manual_seed(0)
    for each in (is_real, ~is_real):
        fold[each] = torch.randperm(int(each.sum()), generator=dice) % FOLDS
    losses = []
    for number, strength in enumerate(STRENGTHS):
        logits = torch.empty(len(x), dtype=torch.float64)
        for left_out in range(FOLDS):
            watch("Fitting the detector", number * FOLDS + left_out, len(STRENGTHS) * FOLDS)
            learned = fit_logistic(x[fold != left_out], is_real[fold != left_out], strength=strength)
            logits[fold == left_out] = learned(x[fold == left_out])
        losses.append(_log_loss(logits, is_real))
    watch("Fitting the detector", len(STRENGTHS) * FOLDS, len(STRENGTHS) * FOLDS)
    return STRENGTHS[int(np.argmin(losses))]


def _log_loss(logits: Tensor, is_real: Tensor) -> float:
    """The sum over both classes of the mean log loss within each."""
    return float(F.softplus(-logits[is_real]).mean() + F.softplus(logits[~is_real]).mean())
