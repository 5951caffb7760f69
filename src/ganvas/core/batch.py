"""What a loss sees, with the shapes and ranges of everything that passes through training.

sample     one picture [C, H, W], clip [C, T, H, W] or vector [F]; pictures and clips are float32 in [-1, 1]
real       [N, *sample]       samples of the data
condition  [N, K] or None     one vector per sample: a class as one-hot, keywords as an embedding
z          [N, latent]        standard normal input of a generator
logits     [N]                a critic's answer per sample, unbounded, before any sigmoid
terms      name -> [N]        what a loss returns: their sum over names, averaged over samples, is minimised
"""

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import machine

__all__ = ["Batch", "Dice", "Kind", "Loss", "Nets", "Terms", "kind_of"]


class Kind(StrEnum):
    """The kind of a sample."""

    POINTS = "points"
    PICTURES = "pictures"
    CLIPS = "clips"


def kind_of(shape: Sequence[int]) -> Kind:
    """The kind of samples of this shape: points (F,), pictures (C, H, W) or clips (C, T, H, W)."""
    kinds = {1: Kind.POINTS, 3: Kind.PICTURES, 4: Kind.CLIPS}
    if len(shape) not in kinds:
        raise ValueError(f"a sample has 1, 3 or 4 axes, not {len(shape)}")
    return kinds[len(shape)]


Nets = Mapping[str, Any]
"""The players by name, for instance `nets["critic"](x, condition)`."""

Terms = dict[str, Tensor]
"""Named per-sample terms, each [N]. A detached term, such as a score, has no gradient and is only recorded."""


class Dice:
    """Random numbers that depend only on (seed, draw) and their purpose.

    A draw is one batch. Each call draws for the whole batch and keeps only the rows of this share, so that splitting a
    batch over micro-batches or processes cannot change what is learned, and resuming a run needs no generator state.
    Each purpose, such as "z", has its own stream, which does not depend on what else was drawn.
    """

    def __init__(self, seed: int, draw: int, *, rows: slice, total: int, device: torch.device) -> None:
        self._entropy, self._streams = (seed, draw), dict[str, torch.Generator]()
        self._rows, self._total, self._device = rows, total, device

    def normal(self, purpose: str, *shape: int) -> Tensor:
        """Standard normal numbers [N, *shape]."""
        return self._share(torch.randn(self._total, *shape, generator=self._stream(purpose)))

    def uniform(self, purpose: str, *shape: int) -> Tensor:
        """Numbers in [0, 1) of shape [N, *shape]."""
        return self._share(torch.rand(self._total, *shape, generator=self._stream(purpose)))

    def coins(self, purpose: str, *shape: int) -> Tensor:
        """Fair booleans [N, *shape]."""
        return self.uniform(purpose, *shape) < 0.5

    def here(self) -> "Dice":
        """The same dice, with numbers in CPU memory."""
        twin = copy.copy(self)
        twin._device = torch.device("cpu")
        return twin

    @contextmanager
    def at_hand(self) -> Iterator[None]:
        """Make these dice available to layers as `Dice.current()` inside the block."""
        token = _at_hand.set(self)
        try:
            yield
        finally:
            _at_hand.reset(token)

    @staticmethod
    def current() -> "Dice | None":
        """The dice set by `at_hand`, or None outside such a block."""
        return _at_hand.get()

    def _stream(self, purpose: str) -> torch.Generator:
        if purpose not in self._streams:
            entropy = np.random.SeedSequence([*self._entropy, *purpose.encode()]).generate_state(1, np.uint64)[0]
            self._streams[purpose] = torch.Generator().manual_seed(int(entropy >> np.uint64(1)))
        return self._streams[purpose]

    def _share(self, drawn: Tensor) -> Tensor:
        return machine.sent(drawn[self._rows], self._device)


_at_hand: ContextVar[Dice | None] = ContextVar("dice", default=None)


@dataclass(frozen=True)
class Batch:
    """The data of one play, or one process's or micro-batch's share of it."""

    real: Tensor
    condition: Tensor | None
    dice: Dice
    progress: float  # share of the run's images already seen, in [0, 1]; the input of schedules
    passes: float = math.inf  # how often each sample of the data was used before, on average
    made: dict[str, Tensor] = field(default_factory=dict)  # results that one turn leaves for the next on this batch
    memory: Mapping[str, Tensor] = field(default_factory=dict)  # what the game keeps between steps
    other: Callable[[], Tensor | None] = lambda: None  # returns [N, K]: for each sample the condition of another

    def __len__(self) -> int:
        return len(self.real)


Loss = Callable[[Nets, Batch], Terms]
