"""Groups of similar pictures, found by clustering without labels and used as classes."""

import base64
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate, one_hot

from ..core.batch import Dice, Kind
from ..core.catalog import part
from ..core.errors import DoesNotFit
from ..core.pixels import to_float
from ..data.dataset import Dataset
from .conditions import Labels

__all__ = ["Groups"]

SIDE = 8  # pictures are downsampled to this before clustering
MOST = 10_000  # pictures used for clustering, evenly spread over all
AT_ONCE = 1_000
ROUNDS = 100  # the most iterations of k-means
FEWEST = 4  # pictures per group, on average


@part("condition")
@dataclass(frozen=True)
class Groups(Labels):
    """The group of a sample, one of `count` clusters of the data, as a one-hot vector.

    Pictures downsampled to 8x8 are clustered by colour and layout with k-means (Lloyd 1982), initialised by k-means++
    (Arthur & Vassilvitskii 2007); the same data always give the same groups. This allows class-conditional training and
    sampling without labels (Sage et al. 2018, arXiv:1712.04407). "group 1" is the largest; a sheet of samples has a row
    for each of up to 12 groups. `classes`, `shares` and `centres` (float32 in base64) are taken from the data.
    """

    count: int = 10
    centres: str = ""

    def __post_init__(self) -> None:
        """Reject a single group, and incomplete settings.

        Raises:
            DoesNotFit: `count` is below 2, there is not one name per group, or there are names without centres or
                centres without names; and as `Labels`.
        """
        super().__post_init__()
        if self.count < 2:
            raise DoesNotFit(f"groups tell pictures apart: condition.count must be at least 2, not {self.count}.")
        if len(self.classes) not in (0, self.count) or bool(self.classes) != bool(self.centres):
            raise DoesNotFit("groups take a name and a centre for each: leave out all of them, for those of the data.")

    def of(self, data: Dataset) -> "Groups":
        """See `Condition.of`."""
        if data.kind is not Kind.PICTURES:
            raise DoesNotFit("Groups are found among pictures, and these samples are none: leave out `condition`.")
        if len(data) < FEWEST * self.count:
            raise DoesNotFit(
                f"{len(data):,} pictures are too few for {self.count} groups: set condition.count to at most "
                f"{len(data) // FEWEST}, or train without: `settings=['condition=None']`."
            )
        rows = np.linspace(0, len(data) - 1, min(len(data), MOST)).astype(np.int64)
        looks = torch.cat([_look(data, some) for some in np.array_split(rows, -(-len(rows) // AT_ONCE))])
        centres = _centres(looks, self.count)
        sizes = torch.bincount(_nearest(looks, centres), minlength=self.count)
        if not sizes.all():
            raise DoesNotFit(
                f"These pictures fall into {int(sizes.count_nonzero())} groups and not {self.count}, as many are the "
                "same: set condition.count to fewer."
            )
        order = sizes.argsort(descending=True, stable=True)
        return replace(
            self,
            classes=tuple(f"group {number}" for number in range(1, self.count + 1)),
            shares=tuple((sizes[order] / sizes.sum()).tolist()),
            centres=base64.b64encode(centres[order].numpy().astype("<f4").tobytes()).decode(),
        )

    def take(self, data: Dataset, rows: NDArray[np.int64], dice: Dice | None = None) -> Float[Tensor, "n length"]:  # noqa: ARG002
        """See `Condition.take`."""
        return one_hot(_nearest(_look(data, rows), self._centres), self.length).float()

    @cached_property
    def _centres(self) -> Float[Tensor, "k f"]:
        numbers = np.frombuffer(base64.b64decode(self.centres), "<f4").astype(np.float32)
        return torch.from_numpy(numbers).unflatten(0, (self.count, -1))


def _look(data: Dataset, rows: NDArray[np.int64]) -> Float[Tensor, "n f"]:
    """These pictures, downsampled to 8x8 and flattened."""
    pictures = to_float(torch.from_numpy(np.ascontiguousarray(data.samples[rows])))
    return interpolate(pictures, (SIDE, SIDE), mode="area").flatten(1)


def _nearest(looks: Float[Tensor, "n f"], centres: Float[Tensor, "k f"]) -> Int[Tensor, " n"]:
    return _distances(looks, centres).argmin(1)


def _distances(looks: Float[Tensor, "n f"], centres: Float[Tensor, "k f"]) -> Float[Tensor, "n k"]:
    """Squared distances, less the squared norm of each look, which is the same for all centres."""
    return centres.square().sum(1) - 2 * looks @ centres.T


def _centres(looks: Float[Tensor, "n f"], count: int) -> Float[Tensor, "k f"]:
    """The centres of k-means, initialised by `_far_apart`."""
    centres = _far_apart(looks, count)
    group = _nearest(looks, centres)
    for _ in range(ROUNDS):
        members = one_hot(group, count).to(looks)
        sizes = members.sum(0)
        centres = torch.where(sizes[:, None] > 0, members.T @ looks / sizes.clamp(min=1)[:, None], centres)
        before, group = group, _nearest(looks, centres)
        if torch.equal(before, group):
            break
    return centres


def _far_apart(looks: Float[Tensor, "n f"], count: int) -> Float[Tensor, "k f"]:
    """Initial centres by k-means++: each is drawn in proportion to its squared distance from those before it."""
    dice = np.random.default_rng(0)
    chosen = [int(dice.integers(len(looks)))]
    far = torch.full((len(looks),), torch.inf, dtype=torch.float64)
    while len(chosen) < count:
        far = torch.minimum(far, (looks - looks[chosen[-1]]).double().square().sum(1))
        reach = far.cumsum(0).numpy()
        chosen.append(min(int(np.searchsorted(reach, dice.random() * reach[-1], side="right")), len(looks) - 1))
    return looks[chosen]
