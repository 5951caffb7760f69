"""What networks are told of each sample: its class, or whatever else the data say of it, as one vector."""

import difflib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import one_hot

from .catalog import part
from .dataset import Dataset
from .errors import GanvasError

__all__ = ["ROW", "Condition", "Labels"]

ROW, ROWS = 8, 12  # a sheet of samples has 8 of the same description in each of at most 12 rows


class Condition(ABC):
    """How samples are described to networks; every part of kind "condition" is one.

    A recipe holds it bare; `of(data)` fills in what it must know of the data, and that is what a model keeps.
    """

    @property
    @abstractmethod
    def length(self) -> int:
        """How many numbers describe a sample."""

    @abstractmethod
    def of(self, data: Dataset) -> "Condition":
        """This condition for these data.

        Raises:
            GanvasError: the data say nothing of the kind.
        """

    @abstractmethod
    def take(self, data: Dataset, rows: NDArray[np.int64]) -> Float[Tensor, "n length"]:
        """The descriptions of these rows of the data."""

    @abstractmethod
    def read(self, text: str) -> Float[Tensor, " length"]:
        """The description that a text asks for.

        Raises:
            GanvasError: it asks for something that is unknown here; the message suggests the nearest.
        """

    @abstractmethod
    def draw(self, seeds: Sequence[int]) -> Float[Tensor, "n length"]:
        """A description for each seed, drawn from those of the data: what is made if nothing is asked for."""

    @abstractmethod
    def survey(self) -> tuple[list[int], Float[Tensor, "n length"]]:
        """Seeds and descriptions [N, length] for a sheet in rows of 8, each row under one description."""


@part("condition")
@dataclass(frozen=True)
class Labels(Condition):
    """The class of a sample as a one-hot vector (Mirza & Osindero 2014, arXiv:1411.1784).

    `classes` are the names and `shares` the relative frequencies; both are taken from the data.
    """

    classes: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()

    @property
    def length(self) -> int:
        """See `Condition.length`."""
        return len(self.classes)

    def of(self, data: Dataset) -> "Labels":
        """See `Condition.of`."""
        if data.labels is None or len(data.classes) < 2:
            raise GanvasError(
                "These samples have no classes to tell apart. Put the pictures of each class into a folder of its own, "
                "named after it, or train without --set condition."
            )
        counts = np.bincount(data.labels, minlength=len(data.classes))
        return replace(self, classes=data.classes, shares=tuple((counts / counts.sum()).tolist()))

    def take(self, data: Dataset, rows: NDArray[np.int64]) -> Float[Tensor, "n length"]:
        """See `Condition.take`."""
        assert data.labels is not None
        return one_hot(torch.from_numpy(data.labels[rows]), self.length).float()

    def read(self, text: str) -> Float[Tensor, " length"]:
        """See `Condition.read`."""
        if text not in self.classes:
            near = difflib.get_close_matches(text, self.classes, n=1)
            known = ", ".join(self.classes[:20]) + (", ..." if len(self.classes) > 20 else "")
            hint = f"Did you mean {near[0]!r}? " if near else ""
            raise GanvasError(f"There is no class {text!r}. {hint}There are: {known}.")
        return one_hot(torch.tensor(self.classes.index(text)), self.length).float()

    def draw(self, seeds: Sequence[int]) -> Float[Tensor, "n length"]:
        """See `Condition.draw`."""
        ends = np.cumsum(self.shares)
        places = [np.random.default_rng([seed, 1]).random() * ends[-1] for seed in seeds]
        return one_hot(torch.from_numpy(np.searchsorted(ends, places, side="right")), self.length).float()

    def survey(self) -> tuple[list[int], Float[Tensor, "n length"]]:
        """See `Condition.survey`."""
        chosen = torch.linspace(0, self.length - 1, min(self.length, ROWS)).round().long()
        return list(range(ROW)) * len(chosen), one_hot(chosen.repeat_interleave(ROW), self.length).float()
