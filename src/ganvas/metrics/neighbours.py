"""Nearest neighbours among features: precision, recall, density, coverage, nearest pictures, and memorisation.

All distances are Euclidean. They are first approximated by blocked matrix products, in float32 where D is large, with a
bound on the rounding error; whatever this screen cannot decide is computed again as the float64 length of the
difference. So results are those of float64 at about the cost of float32, in memory that grows with N and not with N^2.
"""

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from ..core.catalog import part
from ..core.errors import DoesNotFit
from .score import Features, Score, as_pair, at_a_time, rule_of_succession

__all__ = ["Neighbours", "density_coverage", "manifold_scores", "memorisation", "nearest", "precision_recall"]

HELD = (
    "the error counts the choice of the {} alone, as if the {} could not have been others: too small, by up to a "
    "half with as many of both, and by more where the {} are fewer"
)
FAKES, REALS = ("fakes", "reals", "reals"), ("reals", "fakes", "fakes")
BALLS = "the error holds the sizes of the balls as they are, so it is too small where the reals are few"

Distances = Float[Tensor, "n k"]


class Neighbours(NamedTuple):
    """The references nearest to each query, nearest first."""

    indices: Int64[Tensor, "n k"]
    distances: Distances


@part("metric")
def nearest(queries: Features, references: Features, k: int = 1, *, rows: int = 1024) -> Neighbours:
    """The `k` references nearest to each query, for instance the training pictures that samples resemble most.

    >>> nearest(torch.tensor([[0.9, 0.0]]), torch.tensor([[0.0, 0.0], [1.0, 0.0], [5.0, 0.0]]), k=2).indices.tolist()
    [[1, 0]]

    Args:
        queries: features [N, D].
        references: features [M, D]; if they are the queries themselves, each is its own first neighbour.
        k: at most M.
        rows: how many are compared with as many at a time; affects only speed and memory.

    Raises:
        DoesNotFit: k or `rows` is out of range, or see `as_pair`.
    """
    queries, references = as_pair(queries, references, fewest=1, names=("query", "reference"))
    if not 1 <= k <= len(references):
        raise DoesNotFit(f"Each query cannot have {k} nearest of {len(references)} references; k is 1 to that many.")
    return _Screen(queries, references, rows).nearest(k)


@part("metric")
def precision_recall(real: Features, fake: Features, *, k: int = 3, rows: int = 1024) -> dict[str, Score]:
    """Improved precision and recall (Kynkaanniemi et al. 2019, arXiv:1904.06991): quality and variety.

    Precision is the share of fakes inside the ball of any real, whose radius is the distance to its k-th neighbour
    among the reals (closed: `<=`). Recall is the same with the sets exchanged.

    >>> reals = torch.arange(100.0)[:, None]
    >>> found = precision_recall(reals, reals[:20])  # good ones, but of one corner alone
    >>> found["precision"].value, found["recall"].value
    (1.0, 0.23)

    Args:
        real: features [N, D].
        fake: features [M, D]; compare only figures of equal N, M and k.
        k: below N and M; 3 in the papers.
        rows: see `nearest`.

    Raises:
        DoesNotFit: k does not fit, or see `as_pair`.
    """
    found = manifold_scores(real, fake, k=k, density_k=None, rows=rows)
    return {name: found[name] for name in ("precision", "recall")}


@part("metric")
def density_coverage(real: Features, fake: Features, *, k: int = 5, rows: int = 1024) -> dict[str, Score]:
    """Density and coverage (Naeem et al. 2020, arXiv:2002.09797), more robust to outliers than precision and recall.

    Density is the mean number of reals' balls that contain a fake, over k: about 1 for the same distribution, and not
    bounded by 1. Coverage is the share of reals with a fake in their ball. Balls are open (`<`), as in the authors'
    code.

    Args:
        real: features [N, D].
        fake: features [M, D].
        k: below N; 5 in the paper, where coverage of the same distribution is about 1 - 2^-k.
        rows: see `nearest`.

    Raises:
        DoesNotFit: k does not fit, or see `as_pair`.
    """
    found = manifold_scores(real, fake, k=None, density_k=k, rows=rows)
    return {name: found[name] for name in ("density", "coverage")}


@part("metric")
def manifold_scores(
    real: Features, fake: Features, *, k: int | None = 3, density_k: int | None = 5, rows: int = 1024
) -> dict[str, Score]:
    """Precision, recall, density and coverage from one set of distances; see `precision_recall`, `density_coverage`.

    The errors treat the sizes of the balls as fixed. That of density accounts for the choice of both sets, the others
    only for that of the set of which they are a share, so those are too small with any number of samples: among
    Gaussians of 16 dimensions by a factor of 1.1 to 1.4 for equal counts, and of 2 or more where the other set is an
    eighth as large (200 of 1,600).

    Args:
        real: features [N, D].
        fake: features [M, D].
        k: of precision and recall; None leaves them out.
        density_k: of density and coverage; None leaves them out.
        rows: see `nearest`.

    Raises:
        DoesNotFit: k or density_k does not fit, or see `as_pair`.
    """
    real, fake = as_pair(real, fake)
    for name, many, each in (("real", len(real), k), ("fake", len(fake), k), ("real", len(real), density_k)):
        if each is not None and not 1 <= each < many:
            raise DoesNotFit(f"k is {each}; of {many} {name} samples it must be from 1 to {many - 1}.")
    widest = max(k or 0, density_k or 0)
    reaches = nearest(real, real, widest + 1, rows=rows).distances
    fake_reach = nearest(fake, fake, k + 1, rows=rows).distances[:, k] if k else None
    precise, covered = real.new_zeros(len(fake), dtype=torch.bool), real.new_zeros(len(real), dtype=torch.bool)
    dense, recalled = real.new_zeros(len(fake), dtype=torch.float64), covered.clone()
    filled = real.new_zeros(len(real), dtype=torch.float64)
    for tile in _Screen(fake, real, rows).tiles():
        if fake_reach is not None:
            precise[tile.rows] |= _any(tile.within(reaches[None, tile.columns, k], closed=True), 1)
            recalled[tile.columns] |= _any(tile.within(fake_reach[tile.rows, None], closed=True), 0)
        if density_k:
            inside = tile.within(reaches[None, tile.columns, density_k], closed=False)
            dense[tile.rows] += inside.view(torch.uint8).sum(1, dtype=torch.int32)
            filled[tile.columns] += inside.view(torch.uint8).sum(0, dtype=torch.int32)
            covered[tile.columns] |= _any(inside, 0)
    counts = {"real": len(real), "fake": len(fake)}
    found: dict[str, Score] = {}
    if k:
        for name, shares, sides in (("precision", precise, FAKES), ("recall", recalled, REALS)):
            found[name] = Score.mean(shares.double(), counts=counts | {"k": k}, notes=(HELD.format(*sides),))
    if density_k:
        counts["k"] = density_k
        per_real = filled * len(real) / (density_k * len(fake))
        error = math.sqrt(float((dense / density_k).var()) / len(fake) + float(per_real.var()) / len(real))
        error = error or rule_of_succession(len(fake)) / density_k  # no fake in any ball: the next may be in one
        found["density"] = Score(float(dense.mean()) / density_k, error, counts, (BALLS,))
        found["coverage"] = Score.mean(covered.double(), counts=counts, notes=(HELD.format(*REALS),))
    return found


@part("metric")
def memorisation(training: Features, held_out: Features, fake: Features, *, rows: int = 1024) -> dict[str, Score]:
    """Whether samples are nearer to the training pictures than held-out pictures are.

    memorisation   the probability that a fake is nearer to its nearest training picture than a held-out picture is to
                   its own, ties half: 0.5 without memorisation, 1 for copies, below 0.5 where fakes are far from all.
                   The error is that of DeLong et al. (1988) for this area, valid for any distribution of distances.
    copying        the same as the z-score C_T of Meehan et al. (2020, arXiv:2004.05675, in one cell): below -3
                   is copying, above 3 underfitting. It grows with the counts.
    authenticity   the share of fakes farther from their nearest training picture than that picture is from the nearest
                   other one (Alaa et al. 2022, arXiv:2102.08921). Its value without memorisation depends on the
                   features, from 0.4 to 0.9 for Gaussians of 2 to 100 dimensions; the note gives that of the held-out
                   pictures.

    Args:
        training: features [N, D] of the training pictures.
        held_out: features [H, D] of pictures of the same kind that the model has not seen.
        fake: features [M, D] of samples.
        rows: see `nearest`.

    Raises:
        DoesNotFit: see `as_pair`.
    """
    training, fake = as_pair(training, fake, names=("training", "fake"))
    _, held_out = as_pair(training, held_out, names=("training", "held-out"))
    near, held = (nearest(each, training, rows=rows) for each in (fake, held_out))
    ours, theirs = near.distances[:, 0], held.distances[:, 0]
    nearer, below = _wins(ours, theirs), _wins(theirs, ours)
    m, h = len(ours), len(theirs)
    counts = {"training": len(training), "held-out": h, "fake": m}
    area = float(nearer.mean())
    error = math.sqrt(float(nearer.var() / m + below.var() / h)) or rule_of_succession(min(m, h))
    scale = m * h / math.sqrt(m * h * (m + h + 1) / 12)
    same = int((theirs == 0).sum())
    notes = (f"{same} of the held-out pictures are in the training set; take them out",) if same else ()
    hit, back = torch.cat([near.indices[:, 0], held.indices[:, 0]]).unique(return_inverse=True)
    apart = nearest(training[hit], training, 2, rows=rows).distances[:, 1][back]
    unlike, usual = (ours > apart[:m]).double(), float((theirs > apart[m:]).double().mean())
    return {
        "memorisation": Score(area, error, counts, notes),
        "copying": Score((0.5 - area) * scale, error * scale, counts, notes),
        "authenticity": Score.mean(unlike, counts=counts, notes=(*notes, f"of held-out pictures it is {usual:.3f}")),
    }


def _wins(ours: Float[Tensor, " n"], theirs: Float[Tensor, " m"]) -> Float[Tensor, " n"]:
    """For each of ours the share of theirs that is larger; equal ones count half."""
    ordered = theirs.sort().values
    larger, at_least = (len(ordered) - torch.searchsorted(ordered, ours, right=right) for right in (True, False))
    return (larger + at_least).double() / (2 * len(ordered))


class _Screen:
    """Distances between two sets, first approximate and then exact."""

    def __init__(
        self, queries: Float[Tensor, "n d"], references: Float[Tensor, "m d"], size: int, *, finest: bool = False
    ) -> None:
        self.queries, self.references, self.size = queries, references, at_a_time("rows", size)
        dimensions = queries.shape[1]
        self.finest = finest or dimensions <= 128  # a short product costs little in either type
        kind = torch.float64 if self.finest else torch.float32
        finer = torch.promote_types(queries.dtype, kind)
        centre = references.double().mean(0).to(finer)  # keeps distances and reduces cancellation
        self.left = (queries.to(finer) - centre).to(kind)
        self.right = self.left if references is queries else (references.to(finer) - centre).to(kind)
        self.left_squares, self.right_squares = (each.square().sum(1) for each in (self.left, self.right))
        self.slack = (4 + math.sqrt(dimensions) / 2) * torch.finfo(kind).eps
        """A squared distance is off by less than this times the sum of both squared lengths."""

    @cached_property
    def finer(self) -> "_Screen":
        """The same in float64, for sets so close together that float32 cannot tell them apart, as after a collapse."""
        return _Screen(self.queries, self.references, self.size, finest=True)

    def exact(self, rows: Int64[Tensor, " n"], columns: Int64[Tensor, " n"]) -> Float[Tensor, " n"]:
        """The distances of these pairs."""
        few = max(1, 2**17 // self.queries.shape[1])  # what the processor's cache holds
        buffer = self.queries.new_empty(few, self.queries.shape[1], dtype=torch.float64)
        found = [buffer.new_zeros(0)]
        for i, j in zip(rows.split(few), columns.split(few), strict=True):
            difference = buffer[: len(i)].copy_(self.queries[i]).sub_(self.references[j])
            found.append(torch.linalg.vector_norm(difference, dim=1))
        return torch.cat(found)

    def tile(self, rows: Int64[Tensor, " b"] | slice, columns: slice) -> "_Tile":
        """The approximate squared distances of these queries to these references."""
        squares = torch.addmm(self.right_squares[None, columns], self.left[rows], self.right[columns].T, alpha=-2)
        return _Tile(self, rows, columns, squares.add_(self.left_squares[rows, None]))

    def tiles(self, *, half: bool = False) -> Iterator["_Tile"]:
        """All squared distances, tile by tile; with `half`, for a set and itself, those on and above the diagonal."""
        for top in range(0, len(self.left), self.size):
            for left in range(top if half else 0, len(self.right), self.size):
                yield self.tile(slice(top, top + self.size), slice(left, left + self.size))

    def nearest(self, k: int) -> Neighbours:
        """The k nearest references of each query, by distance, and by index for equal distances."""
        few = min(k + 2, len(self.right))  # two to spare, so that rounding hardly ever hides one
        near = self.left.new_full((len(self.left), few), math.inf)
        which = torch.full_like(near, 0, dtype=torch.int64)
        itself = self.left is self.right
        for tile in self.tiles(half=itself):
            places = [(tile.rows, tile.columns.start, tile.squares)]
            if itself and tile.rows != tile.columns:
                places.append((tile.columns, tile.rows.start, tile.squares.T))
            for at, start, squares in places:
                found = squares.topk(min(few, squares.shape[1]), largest=False)
                near[at], order = torch.cat([near[at], found.values], 1).topk(few, largest=False)
                which[at] = torch.cat([which[at], found.indices + start], 1).gather(1, order)
        which = which.sort(1).values
        rows = torch.arange(len(which), device=which.device).repeat_interleave(few)
        distances, order = self.exact(rows, which.flatten()).view(-1, few).sort(dim=1, stable=True)
        which, distances = which.gather(1, order)[:, :k].contiguous(), distances[:, :k].contiguous()
        if few < len(self.right):
            reach = self.slack * (self.left_squares + self.right_squares.max())
            reached = distances[:, -1]
            unsure = ((near[:, -1] - reach <= reached.square()) & (reached > 0)).nonzero()[:, 0]
            if len(unsure) and not self.finest:
                finer = _Screen(self.queries[unsure], self.references, self.size, finest=True)
                which[unsure], distances[unsure] = finer.nearest(k)
            elif len(unsure):
                for each in unsure.split(64):
                    which[each], distances[each] = self._among_more(each, reached[each], k)
        return Neighbours(which, distances)

    def _among_more(self, rows: Int64[Tensor, " b"], reach: Float[Tensor, " b"], k: int) -> Neighbours:
        """The same for queries with so many references at nearly equal distances that the screen may miss some."""
        lower = self.tile(rows, slice(None)).bounds[0]
        row, column = (lower <= (reach.square() * (1 + self.slack)).to(lower)[:, None]).nonzero(as_tuple=True)
        distances = torch.full(lower.shape, math.inf, dtype=torch.float64, device=row.device)
        distances[row, column] = self.exact(rows[row], column)
        ordered = distances.sort(dim=1, stable=True)
        return Neighbours(ordered.indices[:, :k], ordered.values[:, :k])


class _Tile:
    """Some rows and columns of the matrix of squared distances."""

    def __init__(self, screen: _Screen, rows: Any, columns: slice, squares: Float[Tensor, "b m"]) -> None:
        self.screen, self.rows, self.columns, self.squares = screen, rows, columns, squares

    @cached_property
    def bounds(self) -> tuple[Float[Tensor, "b m"], Float[Tensor, "b m"]]:
        """Lower and upper bounds of the squared distances."""
        lengths = self.screen.left_squares[self.rows, None], self.screen.right_squares[None, self.columns]
        doubt = sum(self.screen.slack * each for each in lengths)
        return self.squares - doubt, self.squares + doubt

    def within(self, reach: Float[Tensor, "#b #m"], *, closed: bool) -> Bool[Tensor, "b m"]:
        """Which pairs are nearer than `reach`, or exactly as near if `closed`."""
        screen, (lower, upper) = self.screen, self.bounds
        limit = reach.square()
        inside = upper < (limit * (1 - screen.slack)).to(upper)
        doubtful = inside ^ (lower <= (limit * (1 + screen.slack)).to(lower))
        many = int(doubtful.count_nonzero())
        if many > doubtful.numel() / 64 and not screen.finest:
            return screen.finer.tile(self.rows, self.columns).within(reach, closed=closed)
        if many:
            row, column = doubtful.nonzero(as_tuple=True)
            distances = screen.exact(row + self.rows.start, column + self.columns.start)
            limits = reach.expand(doubtful.shape)[row, column]
            inside[row, column] = distances <= limits if closed else distances < limits
        return inside


def _any(flags: Bool[Tensor, "b m"], dimension: int) -> Bool[Tensor, " n"]:
    """As `any`, but ten times faster."""
    return flags.view(torch.uint8).amax(dimension).view(torch.bool)
