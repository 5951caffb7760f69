"""Samples ready for training, whatever they were read from."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .pixels import to_float

__all__ = ["Dataset", "Source", "Watch", "source", "unwatched"]

Watch = Callable[[str, int, int], None]
"""Told of slow work as it goes on: what is done, how many are done, of how many."""


def unwatched(what: str, done: int, total: int) -> None:
    """The watch that does not look."""


@dataclass(frozen=True)
class Dataset:
    """All samples of one source, decoded and of one size, in memory or memory-mapped.

    samples   uint8 [N, H, W, C] pictures, or float32 [N, F] vectors
    names     where each sample came from, one per sample or none
    classes   the class names; `labels` holds the index into them, int64 [N], or is None
    keywords  words or short phrases that describe each sample, one tuple per sample or none
    skipped   (file, reason) of everything that could not be used
    """

    samples: NDArray[np.uint8] | NDArray[np.float32]
    names: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    labels: NDArray[np.int64] | None = None
    keywords: tuple[tuple[str, ...], ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample as networks see it: (C, H, W) or (F,)."""
        if self.samples.ndim == 2:
            return (self.samples.shape[1],)
        _, height, width, channels = self.samples.shape
        return (channels, height, width)

    def take(self, rows: NDArray[np.int64]) -> Tensor:
        """The samples of these rows, float32 [n, *shape]; pictures are in [-1, 1]."""
        taken = torch.from_numpy(np.ascontiguousarray(self.samples[rows]))
        return to_float(taken) if taken.dtype == torch.uint8 else taken.float()


class Source(ABC):
    """Settings that say where samples come from; every part of kind "data" is one.

    The first field is what may follow the name on the command line: `icons:portraits` is `Icons("portraits")`.
    Sources of pictures have the fields `size` (an int for squares, or (width, height) as in Pillow) and `channels`.
    """

    @abstractmethod
    def open(self, watch: Watch = unwatched) -> Dataset:
        """Read, draw or download the samples, or find them in the cache.

        Raises:
            GanvasError: there is nothing usable there; the message says why.
        """


def source(text: str) -> Source:
    """The source that a word names: `icons`, `icons:flags`, `ring`, or the path of a folder, a zip or a known set's files."""
