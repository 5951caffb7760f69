"""Mean and covariance of features, computed in one pass, and the Frechet distance between two sets.

Everything is float64. Covariances divide by N - 1, as pytorch-fid, clean-fid, torch-fidelity and EDM do; StyleGAN's
code divides by N.
"""

import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..core import files
from ..core.catalog import part
from ..core.errors import DoesNotFit, NotFound, Unreadable
from .score import FEWEST, Features, Score, as_features, as_pair

__all__ = ["RunningStatistics", "Statistics", "frechet_at_infinity", "frechet_distance"]

UNBIASED = 20  # with fewer samples a dimension the bias always needs a note, with more if it is above the error

ROWS = 4096
"""How many rows of features are converted to float64 at a time."""


@final
@dataclass(frozen=True)
class Statistics:
    """What the Frechet distance needs of a set: mean [D], covariance [D, D], and the number of samples.

    The count is None if a file does not state it, as those of pytorch-fid and ADM do not.
    """

    mean: Float[Tensor, " d"]
    covariance: Float[Tensor, "d d"]
    count: int | None = None

    @classmethod
    def of(cls, features: Features, *, name: str = "given") -> "Statistics":
        """The statistics of features [N, D]."""
        running = RunningStatistics()
        for rows in as_features(features, name=name, fewest=2).split(ROWS):
            running.add(rows)
        return running.statistics()

    def save(self, path: str | Path) -> None:
        """Write an .npz that pytorch-fid, clean-fid and ADM read too: `mu` and `sigma`, and additionally `count`.

        Raises:
            Unwritable: the file cannot be written.
        """
        arrays: dict[str, Any] = {"mu": self.mean.cpu().numpy(), "sigma": self.covariance.cpu().numpy()}
        if self.count is not None:
            arrays["count"] = np.array(self.count)
        path = Path(path)
        with files.writing(path), files.replacing(path) as draft, draft.open("wb") as file:
            np.savez(file, **arrays)

    @classmethod
    def load(cls, path: str | Path) -> "Statistics":
        """Read an .npz of `mu` and `sigma`.

        Raises:
            NotFound or Unreadable: there is no such file, or it holds no valid mean and covariance.
        """
        try:
            with Path(path).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                mean, covariance = file["mu"].astype(np.float64), file["sigma"].astype(np.float64)
                count = int(file["count"]) if "count" in file else None
        except FileNotFoundError:
            raise NotFound(f"There is no file {path}.") from None
        except (OSError, ValueError, TypeError, KeyError, AttributeError, zipfile.BadZipFile):
            raise Unreadable(
                f"{path} does not hold statistics: an .npz with the arrays `mu` and `sigma`, without pickles."
            ) from None
        if mean.ndim != 1 or covariance.shape != (len(mean), len(mean)):
            raise Unreadable(f"{path}: a mean of shape {mean.shape} does not go with covariances {covariance.shape}.")
        if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
            raise Unreadable(f"{path} holds NaN or infinity; make the statistics anew from the pictures.")
        diagonal = np.diagonal(covariance)
        if (diagonal < 0).any() or not np.allclose(covariance, covariance.T, atol=1e-6 * diagonal.max(initial=1e-300)):
            raise Unreadable(f"{path}: `sigma` is no covariance; it must be symmetric with a diagonal of at least 0.")
        return cls(torch.from_numpy(mean), torch.from_numpy((covariance + covariance.T) / 2), count)


@final
class RunningStatistics:
    """Statistics computed batch by batch; memory does not grow with the number of samples.

    Batch sizes and order make no difference beyond rounding: parts are merged about their own means by the formula of
    Chan, Golub & LeVeque (1983), which avoids cancellation.
    """

    def __init__(self) -> None:
        self._count = 0
        self._mean = self._scatter = torch.empty(0)

    def add(self, features: Features) -> None:
        """Add features [N, D].

        Raises:
            DoesNotFit: they hold NaN or infinity, or have other dimensions than those before.
        """
        batch = as_features(features, name="added", fewest=0).double()
        if not len(batch):
            return
        mean = batch.mean(0)
        self._join(len(batch), mean, batch - mean)

    def merge(self, other: "RunningStatistics") -> None:
        """Add all that another instance has seen, for example in another process.

        Raises:
            DoesNotFit: its features have another number of dimensions.
        """
        if other._count:
            self._join(other._count, other._mean, torch.empty(0))
            self._scatter += other._scatter.to(self._scatter.device)

    def statistics(self) -> Statistics:
        """The mean and covariance of what was added so far.

        Raises:
            DoesNotFit: fewer than two samples were added.
        """
        if self._count < 2:
            raise DoesNotFit(f"A covariance needs two samples at least; {self._count} were added.")
        upper = self._scatter.triu() / (self._count - 1)
        return Statistics(self._mean.clone(), upper + upper.triu(1).T, self._count)

    def _join(self, count: int, mean: Tensor, deviations: Tensor) -> None:
        if not self._count:
            self._mean = torch.zeros_like(mean)
            self._scatter = mean.new_zeros(len(mean), len(mean))
        if len(mean) != len(self._mean):
            raise DoesNotFit(
                f"Features of {len(mean)} dimensions do not go with those of {len(self._mean)} before: use one network "
                "and layer for all."
            )
        total, step = self._count + count, mean.to(self._mean.device) - self._mean
        between = step * math.sqrt(self._count * count / total)
        rows = torch.cat([deviations.to(step).view(-1, len(step)), between[None]])
        size = max(64, len(step) // 4)
        for at in range(0, len(step), size):  # symmetric: only on and above the diagonal blocks
            self._scatter[at : at + size, at:].addmm_(rows[:, at : at + size].T, rows[:, at:])
        self._mean += step * (count / total)
        self._count = total


@part("metric")
def frechet_distance(real: Statistics | Features, fake: Statistics | Features) -> Score:
    """|mu1 - mu2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)), FID where the features are Inception's (arXiv:1706.08500).

    Never negative, never complex. tr (S1 S2)^(1/2) is the sum of the singular values of F1 F2^T with S = F^T F. If a
    set has no more samples than dimensions and its features are given, F is made from them, centred, which avoids the
    rounding of a singular covariance. Takes features [N, D], or statistics.

    The error is that of the limit law for Gaussians (Rippl, Munk & Sturm 2016, arXiv:1507.04090) with the samples' own
    spread in place of the Gaussian one. It needs the features of both sets, and more samples than dimensions; otherwise
    it is None. The distance of finite sets is biased upwards, about in proportion to 1/N: compare only distances of
    equal counts, or see `frechet_at_infinity`. A note says about how much wherever that is more than the error.

    >>> real = np.random.default_rng(0).standard_normal((1000, 8))
    >>> round(frechet_distance(real, real + 1).value, 6)  # |mu1 - mu2|^2 in 8 dimensions
    8.0
    >>> known = Statistics.of(real)  # to be kept by `known.save(path)`
    >>> round(frechet_distance(known, 2 * real + 1).value) >= 8
    True

    Raises:
        DoesNotFit: a set has fewer than 10 samples, NaNs, or other dimensions than the other.
    """
    if isinstance(real, Statistics) or isinstance(fake, Statistics):
        pair = _whole(real, "real"), _whole(fake, "fake")
        features = None
    else:
        features = as_pair(real, fake)
        pair = _whole(features[0], "real"), _whole(features[1], "fake")
    (mean1, factor1, count1), (mean2, factor2, count2) = pair
    dimensions = len(mean1)
    if dimensions != len(mean2):
        raise DoesNotFit(
            f"The real statistics have {dimensions} dimensions and the fake ones {len(mean2)}: compute both with the "
            "same network and layer."
        )
    factor2, shift = factor2.to(factor1.device), mean2.to(mean1.device) - mean1
    overlap = factor1 @ factor2.T
    error = squares = None
    if features and len(factor1) == len(factor2) == dimensions < min(map(len, features)):
        squares, vectors = torch.linalg.eigh(overlap @ overlap.T)
        error = _error(features, shift=shift, factor=factor1, squares=squares, vectors=vectors)
    roots = _sum_of_roots(overlap, squares)
    value = float(shift.square().sum() + factor1.square().sum() + factor2.square().sum() - 2 * roots)
    counts = {"real": count1, "fake": count2}
    notes = [
        f"biased upwards: {count} {name} samples for {dimensions} dimensions; give more than {dimensions}, or use the "
        "kernel distance, which has no bias"
        for name, count in counts.items()
        if count is not None and count <= dimensions
    ]
    notes += [f"it is not known of how many {name} samples" for name, count in counts.items() if count is None]
    least = min((count for count in counts.values() if count is not None), default=math.inf)
    if dimensions < least < math.inf:
        bias = sum(_bias(factor, count) for factor, count in ((factor1, count1), (factor2, count2)) if count)
        if least < UNBIASED * dimensions or error is None or bias > error:
            notes.append(
                f"biased upwards by some {bias:.2g} or more: {least} samples for {dimensions} dimensions, and the "
                "error says nothing of it; compare only distances of equal counts, or use the kernel distance, which "
                "has no bias"
            )
    return Score(max(value, 0.0), error, {name: count for name, count in counts.items() if count}, tuple(notes))


@part("metric")
def frechet_at_infinity(real: Features, fake: Features, *, points: int = 8, seed: int = 0) -> Score:
    """The Frechet distance extrapolated to infinitely many samples.

    A line through the distances of subsets against 1/N, read at 0 (Chong & Forsyth 2020, arXiv:1911.07023). Unlike in
    the paper, both sets shrink together, which also removes the bias from the reals. Subsets are a quarter of the
    samples or more. It costs as much as `points` distances. The error is that of the line alone, and rather too small,
    since the subsets overlap; the value may be slightly below 0.

    Raises:
        DoesNotFit: see `frechet_distance`; or there are fewer than 4 points, or fewer than 40 samples.
    """
    if points < 4:
        raise DoesNotFit(f"A line with an error needs 4 points at least, not {points}.")
    first, second = as_pair(real, fake, fewest=4 * FEWEST)
    dice = torch.Generator().manual_seed(seed)
    shares = 1 / np.linspace(4, 1, points)
    distances = []
    for share in shares:
        some = [
            each[torch.randperm(len(each), generator=dice)[: round(len(each) * share)].to(each.device)]
            for each in (first, second)
        ]
        distances.append(_distance_only(*some))
    matrix = np.stack([np.ones(points), 1 / shares], axis=1)
    fit, _, _, _ = np.linalg.lstsq(matrix, np.array(distances), rcond=None)
    scatter = np.square(matrix @ fit - distances).sum() / (points - 2)
    error = math.sqrt(scatter * np.linalg.inv(matrix.T @ matrix)[0, 0])
    notes = ["extrapolated to endless samples"]
    if min(len(first), len(second)) / 4 <= first.shape[1]:
        notes.append("the smallest subsets have no more samples than dimensions, where the bias is not yet a line")
    return Score(float(fit[0]), error, {"real": len(first), "fake": len(second)}, tuple(notes))


def _distance_only(real: Tensor, fake: Tensor) -> float:
    """The Frechet distance without the cost of its error."""
    (mean1, factor1, _), (mean2, factor2, _) = _whole(real, "real"), _whole(fake, "fake")
    sizes = factor1.square().sum() + factor2.square().sum() + (mean1 - mean2).square().sum()
    return float(sizes - 2 * _sum_of_roots(factor1 @ factor2.T))


def _whole(given: Statistics | Features, name: str) -> tuple[Float[Tensor, " d"], Float[Tensor, "r d"], int | None]:
    """The mean, a factor F of the covariance F^T F, and the count."""
    if not isinstance(given, Statistics):
        features = as_features(given, name=name, fewest=FEWEST)
        count, dimensions = features.shape
        if count <= dimensions:
            features = features.double()
            mean = features.mean(0)
            return mean, (features - mean) / math.sqrt(count - 1), count
        given = Statistics.of(features, name=name)
    if given.count is not None and given.count < FEWEST:
        raise DoesNotFit(f"The {name} statistics are of {given.count} samples; give at least {FEWEST}.")
    return given.mean.double(), _factor(given.covariance.double()), given.count


def _factor(covariance: Float[Tensor, "d d"]) -> Float[Tensor, "r d"]:
    """F with F^T F = covariance: by Cholesky if it has full rank, else from the eigenvectors of values above 0."""
    rounding = len(covariance) * torch.finfo(torch.float64).eps
    lower, failed = torch.linalg.cholesky_ex(covariance)
    pivots = lower.diagonal().square()
    if not failed and bool(pivots.min() > rounding * pivots.max()):
        return lower.T
    values, vectors = torch.linalg.eigh(covariance)
    kept = values > rounding * values[-1]
    return (vectors[:, kept] * values[kept].sqrt()).T


def _sum_of_roots(overlap: Float[Tensor, "r s"], squares: Float[Tensor, " r"] | None = None) -> Float[Tensor, ""]:
    """The sum of the singular values: from eigenvalues of the square, or by SVD where rounding could matter.

    Squaring loses values below 1e-8 of the largest, but is five times faster. How much that could change the sum is
    known from the eigenvalues themselves, which may be given as `squares`.
    """
    if not overlap.numel():
        return overlap.new_zeros(())
    small = overlap if len(overlap) <= overlap.shape[1] else overlap.T
    squares = torch.linalg.eigvalsh(small @ small.T) if squares is None else squares
    roots = squares.clamp_min(0).sqrt()
    noise = torch.finfo(torch.float64).eps * roots[-1].square()
    doubt = (noise / (roots + noise.sqrt()).clamp_min(1e-300)).sum()
    return roots.sum() if doubt <= 1e-9 * roots.sum() else torch.linalg.svdvals(small).sum()


def _bias(factor: Float[Tensor, "r d"], count: int) -> float:
    """How much a set of this size adds to the distance to its own distribution, if that is Gaussian, or rather less.

    To second order in the deviations of mean and covariance, it is (tr S + sum_ij l_i l_j / (l_i + l_j) / 2) / N, with
    l the eigenvalues of S. The sum is at least (tr S)^3 / (2 tr S^2), by Jensen's inequality, and that needs none.
    """
    whole, squared = factor.square().sum(), (factor @ factor.T).square().sum()
    return float(whole * (1 + whole.square() / (4 * squared).clamp_min(1e-300)) / count)


def _error(
    features: tuple[Tensor, Tensor],
    *,
    shift: Float[Tensor, " d"],
    factor: Float[Tensor, "d d"],
    squares: Float[Tensor, " d"],
    vectors: Float[Tensor, "d d"],
) -> float:
    """The standard error, from the influence of each sample on the distance.

    A centred fake y changes it by 2 (mu2 - mu1).y + |y|^2 - y^T T y up to a constant, with T the optimal transport map,
    which is linear, from its Gaussian to the other. With S1 = F^T F and U s^2 U^T = F S2 F^T, the map from the reals is
    F^-1 U s U^T F^-T, and that from the fakes its inverse. For an error, float32 and some of the samples suffice.
    """
    kept = squares > len(squares) * torch.finfo(torch.float64).eps * squares[-1]
    roots, vectors = squares[kept].sqrt(), vectors[:, kept]
    from_real = torch.linalg.solve_triangular(factor, vectors * roots.sqrt(), upper=True)
    from_fake = factor.T @ (vectors / roots.sqrt())
    variance = 0.0
    for given, sign, carried in ((features[0], -2, from_real), (features[1], 2, from_fake)):
        some = given[:: math.ceil(len(given) / ROWS)]
        centred = (some - given.mean(0, dtype=torch.float64)).float()
        stays, goes = centred.square().sum(1), (centred @ carried.float()).square().sum(1)
        moves = (stays - goes).double() + sign * (centred.double() @ shift)
        variance += float(moves.var()) / len(given)
    return math.sqrt(variance)
