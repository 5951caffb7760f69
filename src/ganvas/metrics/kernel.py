"""Figures from a kernel between samples: the kernel distance, KID on Inception's features, and the Vendi score."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..core.catalog import part
from ..core.errors import DoesNotFit
from .score import Features, Score, as_features, as_pair, at_a_time

__all__ = ["kernel_distance", "kernel_distance_of_subsets", "vendi_score"]

GROWS = "it grows with the number of samples and is highest for noise: compare it with that of as many reals"
TILE = 1024
"""How many samples are compared with as many at a time, where no argument says so."""


@part("metric")
def kernel_distance(real: Features, fake: Features, *, rows: int = 1024) -> Score:
    """The unbiased squared maximum mean discrepancy over all pairs: KID if the features are Inception's.

    The kernel is (x.y / D + 1)^3 (Binkowski et al. 2018, arXiv:1801.01401). Since it is unbiased, the value is about as
    often below 0 as above for equal distributions. The error is the jackknife's, which leaves out each sample once and
    tends to be too large rather than too small (Efron & Stein 1981). Products are computed in the features' own type
    and summed in float64.

    >>> real = torch.eye(4).repeat(25, 1)
    >>> found = kernel_distance(real, -real)
    >>> found.value > 4 * found.error
    True
    >>> found.counts
    {'real': 100, 'fake': 100}

    Args:
        real: features [N, D].
        fake: features [M, D]; M may differ from N.
        rows: how many are compared with as many at a time; affects only speed and memory.

    Raises:
        DoesNotFit: `rows` is below 1, or see `as_pair`.
    """
    (real, fake), rows = as_pair(real, fake), at_a_time("rows", rows)
    n, m = len(real), len(fake)
    within_real, _ = _kernel_sums(real, real, rows)
    within_fake, _ = _kernel_sums(fake, fake, rows)
    to_fake, to_real = _kernel_sums(real, fake, rows)
    inside, outside, across = within_real.sum(), within_fake.sum(), to_fake.sum()

    def distance(inside: Tensor, outside: Tensor, across: Tensor, n: int, m: int) -> Tensor:
        return inside / (n * (n - 1)) + outside / (m * (m - 1)) - 2 * across / (n * m)

    without_real = distance(inside - 2 * within_real, outside, across - to_fake, n - 1, m)
    without_fake = distance(inside, outside - 2 * within_fake, across - to_real, n, m - 1)
    variance = sum(float(each.var(correction=0)) * (len(each) - 1) for each in (without_real, without_fake))
    value, error = float(distance(inside, outside, across, n, m)), math.sqrt(variance)
    notes = ("farther below 0 than chance allows: some of the samples are on both sides",) if value < -3 * error else ()
    return Score(value, error, {"real": n, "fake": m}, notes)


@part("metric")
def kernel_distance_of_subsets(
    real: Features, fake: Features, *, subsets: int = 100, size: int = 1000, seed: int = 2020
) -> Score:
    """The kernel distance as the mean over random subsets, as in papers; `spread` is the deviation they print.

    The same seed gives the same subsets as torch-fidelity with the fakes as its first input. Subsets overlap, so no
    standard error follows from them; `kernel_distance` has one and uses every pair.

    Raises:
        DoesNotFit: a set is smaller than a subset, or see `as_pair`.
    """
    real, fake = as_pair(real, fake, fewest=2)
    if subsets < 1:
        raise DoesNotFit(f"The distance is the mean over at least 1 subset, not {subsets}.")
    if not 2 <= size <= min(len(real), len(fake)):
        raise DoesNotFit(
            f"Subsets of {size} cannot be taken from {len(real)} real and {len(fake)} fake samples; give a lower size."
        )
    dice = np.random.RandomState(seed)
    drawn = [
        [torch.from_numpy(dice.choice(len(each), size, replace=False)) for each in (fake, real)] for _ in range(subsets)
    ]
    pairs_of_all, pairs_of_subsets = (len(real) + len(fake)) ** 2 / 2, 2 * subsets * size**2
    sums = _sums_at_once if pairs_of_all < pairs_of_subsets else _sums_one_by_one
    inside, outside, across = sums(real, fake, [of for _, of in drawn], [of for of, _ in drawn])
    parts = ((inside + outside) / (size * (size - 1)) - 2 * across / size**2).tolist()
    counts = {"real": len(real), "fake": len(fake), "subset": size}
    return Score(math.fsum(parts) / subsets, None, counts, parts=tuple(parts))


@part("metric")
def vendi_score(features: Features, reals: Features | None = None) -> Score:
    """The effective number of distinct samples, from 1 to N (Friedman & Dieng 2023, arXiv:2210.02410).

    exp of the entropy of the eigenvalues of the matrix of cosine similarities over N. The D x D matrix of the
    normalised features has the same eigenvalues other than 0, so the smaller one is used.

    It grows with N, also for samples of one distribution, and is highest for noise: compare only scores of equal
    counts, and with that of reals. The error is that of the delta method, for more samples than dimensions; else None.

    >>> round(vendi_score(torch.eye(5).repeat(20, 1)).value, 6)  # five different ones, twenty times each
    5.0

    Args:
        features: of samples [N, D].
        reals: features [M, D]; a note then tells the scores of as many of each.

    Raises:
        DoesNotFit: a row is all zeros and has no direction; or see `as_features`.
    """
    found = as_features(features, name="given")
    (value, error), notes = _variety(found), [GROWS]
    if reals is not None and bool((others := as_features(reals, name="real")).any(1).all()):
        count = min(len(found), len(others))
        ours, theirs = (
            _variety(each[torch.linspace(0, len(each) - 1, count).round().long()])[0] for each in (found, others)
        )
        notes.append(f"of {count:,} reals it is {theirs:.4g}, and of as many samples {ours:.4g}")
    return Score(value, error, {"fake": len(found)}, tuple(notes))


def _variety(found: Float[Tensor, "n d"]) -> tuple[float, float | None]:
    """The Vendi score, and its error if there are more samples than dimensions."""
    lengths = found.double().square().sum(1).sqrt()
    if not len(found) or not bool(lengths.min() > 0):
        raise DoesNotFit("The Vendi score needs features, and none of them all zeros: those have no direction.")

    def directions() -> Iterator[Tensor]:
        for some, length in zip(found.split(4096), lengths.split(4096), strict=True):
            yield some.double() / length[:, None]

    if len(found) <= found.shape[1]:
        whole = torch.cat(list(directions()))
        shares = torch.linalg.eigvalsh(whole @ whole.T / len(found)).clamp_min(0)
        return float(torch.special.entr(shares).sum().exp()), None
    square = torch.zeros(found.shape[1], found.shape[1], dtype=torch.float64, device=found.device)
    for some in directions():
        square.addmm_(some.T, some)
    shares, axes = torch.linalg.eigh(square / len(found))
    kept = shares > torch.finfo(torch.float64).eps * len(shares)
    shares, axes = shares[kept], axes[:, kept]
    surprise = torch.cat([-((some @ axes).square() @ shares.log()) for some in directions()])  # its mean is the entropy
    value = float(torch.special.entr(shares).sum().exp())
    return value, value * float(surprise.std()) / math.sqrt(len(found))


def _sums_one_by_one(
    real: Float[Tensor, "n d"], fake: Float[Tensor, "m d"], reals: list[Tensor], fakes: list[Tensor]
) -> tuple[Float[Tensor, " s"], Float[Tensor, " s"], Float[Tensor, " s"]]:
    """Sums of the kernel within the reals of each subset, within its fakes, and across, subset by subset."""
    found = []
    for chosen_real, chosen_fake in zip(reals, fakes, strict=True):
        x, y = real[chosen_real.to(real.device)], fake[chosen_fake.to(fake.device)]
        found.append([_kernel_sums(*pair, 512)[0].sum() for pair in ((x, x), (y, y), (x, y))])
    inside, outside, across = torch.tensor(found, dtype=torch.float64).unbind(1)
    return inside, outside, across


def _sums_at_once(
    real: Float[Tensor, "n d"], fake: Float[Tensor, "m d"], reals: list[Tensor], fakes: list[Tensor]
) -> tuple[Float[Tensor, " s"], Float[Tensor, " s"], Float[Tensor, " s"]]:
    """The same from the kernel of all pairs, which is cheaper if subsets overlap a lot.

    Each subset is a column of 0 and 1, and its sum is the quadratic form of that column.
    """
    members = []
    for each, chosen in ((real, reals), (fake, fakes)):
        member = torch.zeros(len(each), len(chosen), dtype=torch.float64)
        member.scatter_(0, torch.stack(chosen, 1), 1)
        members.append(member.to(each.device))
    found = []
    for left, right, own, other in ((real, real, 0, 0), (fake, fake, 1, 1), (real, fake, 0, 1)):
        total = torch.zeros(len(reals), dtype=torch.float64, device=real.device)
        for rows, columns, values in _kernel(left, right, TILE):
            times = 2 if left is right and rows != columns else 1
            total += times * (members[own][rows] * (values.double() @ members[other][columns])).sum(0)
        found.append(total.cpu())
    inside, outside, across = found
    return inside, outside, across


def _kernel_sums(
    left: Float[Tensor, "n d"], right: Float[Tensor, "m d"], size: int
) -> tuple[Float[Tensor, " n"], Float[Tensor, " m"]]:
    """Sums of the kernel over rows and over columns."""
    rows, columns = (torch.zeros(len(each), dtype=torch.float64, device=left.device) for each in (left, right))
    for at, to, values in _kernel(left, right, size):
        rows[at] += values.sum(1, dtype=torch.float64)
        if left is not right or at != to:
            columns[to] += values.sum(0, dtype=torch.float64)
    return (rows + columns, rows + columns) if left is right else (rows, columns)


def _kernel(
    left: Float[Tensor, "n d"], right: Float[Tensor, "m d"], size: int
) -> Iterator[tuple[slice, slice, Float[Tensor, "a b"]]]:
    """The kernel tile by tile: rows, columns, values.

    For a set with itself only the tiles on and above the diagonal, with 0 for pairs of a sample and itself.
    """
    for top in range(0, len(left), size):
        for start in range(top if left is right else 0, len(right), size):
            at, to = slice(top, top + size), slice(start, start + size)
            product = (left[at] @ right[to].T).div_(left.shape[1]).add_(1)
            values = product.square().mul_(product)
            if left is right and at == to:
                values.fill_diagonal_(0)
            yield at, to, values
