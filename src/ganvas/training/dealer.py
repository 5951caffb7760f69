"""Deals each process its share of every batch of a run, whole or in pieces if memory cannot hold it.

Gradients of pieces are accumulated before a step, so splitting changes only rounding, and the statistics of batch norm.
Where a batch is split depends only on the cuts, which a run records.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..core import distributed, machine
from ..core.batch import Batch, Dice, Kind
from ..core.errors import DoesNotFit
from ..data.dataset import Dataset
from ..learning.conditions import Condition, Keywords
from ..recipes.recipe import Recipe

__all__ = ["Cut", "Dealer", "Hand", "Pieces", "cuts"]

Cut = tuple[int, int, int]
"""(step, play, most): from this play of this step on, at most so many samples are played at once."""


def cuts(about: Mapping[str, Any]) -> list[Cut]:
    """The cuts that a run.json records."""
    found = about.get("pieces")
    rows = [row for row in found if isinstance(row, list) and len(row) == 3] if isinstance(found, list) else []
    return [(row[0], row[1], row[2]) for row in rows if all(type(each) is int for each in row) and row[2] > 0]


class Pieces:
    """How many samples are played at once: fewer after memory has run out.

    Args:
        most: at once, from the beginning.
        cuts: found in earlier sessions, so that this one splits the same batches.
    """

    def __init__(self, most: int, cuts: Sequence[Cut] = ()) -> None:
        self._most, self.cuts, self.fitted = most, list(cuts), set[int]()  # plays that have fitted in this session

    def at(self, step: int, play: int) -> int:
        """The most samples at once in this play of this step."""
        return min([self._most, *(most for *place, most in self.cuts if tuple(place) <= (step, play))])

    def halve(self, step: int, play: int) -> None:
        """Halve the number from this play on.

        Raises:
            DoesNotFit: it is 1 already.
        """
        now = self.at(step, play)
        if now == 1:
            raise DoesNotFit(
                "Memory runs out with a single sample: lower the networks' `settings=['width']` or take smaller "
                "pictures by `size=`."
            )
        self.cuts.append((step, play, (now + 1) // 2))


class Hand:
    """The batch of one play; each iteration deals it anew.

    Args:
        deal: makes its pieces, given the most samples in each.
        pieces: of the training.
        place: step and play.
        made: samples that an earlier turn on this batch left for reuse.
        most: samples of the batch that this process has.
    """

    def __init__(
        self,
        deal: Callable[[int], Iterator[Batch]],
        pieces: Pieces,
        place: tuple[int, int],
        *,
        made: dict[str, Tensor],
        most: int,
    ) -> None:
        self._deal, self._pieces, self._place, self._made, self._most = deal, pieces, place, made, most

    def __iter__(self) -> Iterator[Batch]:
        return self._deal(min(self._most, self._pieces.at(*self._place)))

    @property
    def fitted(self) -> bool:
        """Whether this play has fitted into memory in an earlier step, so that it very likely does again."""
        return self._place[1] in self._pieces.fitted

    def fits(self) -> None:
        """Record that this play fits."""
        self._pieces.fitted.add(self._place[1])

    def split(self) -> None:
        """From now on, deal this and all later batches in pieces of half the size.

        Raises:
            DoesNotFit: pieces hold one sample each already.
        """
        self._made.clear()  # is made anew, from the same dice
        self._pieces.halve(*self._place)


class Dealer:
    """Deals the batches of a run to this process.

    Args:
        recipe: of the run.
        data: the samples.
        condition: what the networks are told of each sample.
        seed: determines their order and the dice.
        device: where batches are sent.
        pieces: of the training.

    Raises:
        DoesNotFit: the processes cannot share a batch evenly.
    """

    def __init__(
        self,
        recipe: Recipe,
        data: Dataset,
        condition: Condition | None,
        *,
        seed: int,
        device: torch.device,
        pieces: Pieces,
    ) -> None:
        if recipe.batch % distributed.world():
            raise DoesNotFit(f"A batch of {recipe.batch} cannot be shared by {distributed.world()} processes.")
        self._recipe, self._data, self._told, self._seed, self._device = recipe, data, condition, seed, device
        self._pieces, self._share = pieces, recipe.batch // distributed.world()

    def hand(
        self,
        drawn: int,
        *,
        step: int,
        play: int,
        made: dict[str, Tensor],
        memory: dict[str, Tensor],
    ) -> Hand:
        """Batch number `drawn` for a play of a step.

        Args:
            drawn: number of batches so far including this one, from 1.
            step: steps before this one.
            play: its number in the step, from 0.
            made: samples that an earlier turn on this batch left for reuse.
            memory: of the game.
        """
        deal = partial(self._deal, drawn, step * self._recipe.batch / self._recipe.images, made, memory)
        return Hand(deal, self._pieces, (step, play), made=made, most=self._share)

    def _deal(
        self, drawn: int, progress: float, made: dict[str, Tensor], memory: dict[str, Tensor], most: int
    ) -> Iterator[Batch]:
        total = self._recipe.batch
        order = _order(self._seed, len(self._data), (drawn - 1) * total, total)
        first = distributed.rank() * self._share
        for start in range(first, first + self._share, most):
            rows = slice(start, min(start + most, first + self._share))
            dice = Dice(self._seed, drawn, rows=rows, total=total, device=self._device)
            real = self._data.take(order[rows], device=self._device)
            if self._recipe.mirror and self._data.kind is not Kind.POINTS:
                real = torch.where(dice.coins("mirror", *[1] * (real.dim() - 1)), real.flip(-1), real)
            yield Batch(
                real=real,
                condition=self._condition(order[rows], dice),
                other=partial(self._other, np.roll(order, 1)[rows], dice),
                dice=dice,
                progress=progress,
                passes=(drawn - 1) * total / len(self._data),
                made=made if most >= self._share else {},
                memory=memory,
            )

    def _other(self, rows: NDArray[np.int64], dice: Dice) -> Tensor | None:
        """As `_condition`, or None if the data have no words at all, so that games save the work of comparing them."""
        silent = isinstance(self._told, Keywords) and not self._told.words
        return None if silent else self._condition(rows, dice)

    def _condition(self, rows: NDArray[np.int64], dice: Dice) -> Tensor | None:
        """The conditions of these rows of the data, on the device."""
        return machine.sent(self._told.take(self._data, rows, dice.here()), self._device) if self._told else None


def _order(seed: int, size: int, start: int, count: int) -> NDArray[np.int64]:
    """Entries `start` to `start + count` of an endless stream of row numbers, shuffled anew in each epoch."""
    places = np.arange(start, start + count)
    epochs = range(start // size, (start + count - 1) // size + 1)
    return np.concatenate([_shuffled(seed, size, epoch)[places[places // size == epoch] % size] for epoch in epochs])


@lru_cache(maxsize=2)
def _shuffled(seed: int, size: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, epoch]).permutation(size)
