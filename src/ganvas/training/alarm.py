"""Detects divergence in every step, before anything is written that it would spoil.

Two things are watched: the mean of each term of a turn, before a player learns from it, and the norm of a player's
weights after it has learned. Each has a running level, a slow average in which a value counts as at most ten times the
level, so that an explosion cannot raise its own level. The levels are part of the training's state, so a resumed run is
judged like an uninterrupted one.

On the CPU, numbers are read at once. On other devices they are collected and read now and then, and before anything is
written, to avoid synchronising in each step; they are judged in the order in which they arose.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..core.errors import Diverged

__all__ = ["Alarm", "BlewUp", "Levels"]

TIMES = 1000  # a value above so many times its running level is an explosion
LEAST_LEVEL = 1.0  # lower levels count as this: a penalty near 0 may grow a thousandfold and be healthy
STEEPEST = 10.0  # a value counts as at most so many times its level when the level is updated
MEMORY_STEPS = 100  # looks over which a level averages
AT_ONCE = frozenset({"cpu"})  # devices whose numbers can be read without waiting
GATHERED = 64  # looks between two readings of a device

Levels = dict[str, tuple[float, int]]
"""Name -> (running level of the magnitude, looks so far, at most `MEMORY_STEPS`)."""


class BlewUp(Diverged):
    """A number of a training is not finite any more, or more than a thousand times its running level.

    suspects  players whose rate may be to blame, the likelier first
    images    seen, including the step in which it happened
    why       what is wrong, in words
    """

    def __init__(self, *suspects: str, images: int, why: str) -> None:
        super().__init__(f"The training diverged at {images:,} images: {why}.")
        self.suspects, self.images, self.why = suspects, images, why


class _Look(NamedTuple):
    images: int
    player: str
    before: str  # the player that learned last
    names: Sequence[str]


class Alarm:
    """Watches the numbers of one training.

    Args:
        gathered: looks between readings, where a reading waits for the device.
    """

    def __init__(self, *, gathered: int = GATHERED) -> None:
        self._gathered, self._looks, self._levels = gathered, list[tuple[_Look, Tensor]](), Levels()

    def watch(self, levels: Levels) -> None:
        """Start from these levels and update them in place."""
        self._levels, self._looks = levels, []

    def terms(self, sums: Mapping[str, Tensor], count: int, *, images: int, player: str, before: str) -> None:
        """Check the terms of a player's turn, before it learns from them.

        Args:
            sums: over the samples, by the names that they are logged under.
            count: of samples.
            images: seen, including this step.
            player: whose turn it is.
            before: who learned last, and so the suspect if a term is far above its level: only that player's weights
                have changed since the terms were last sound. For a term that is not finite, the likelier suspect is
                `player` itself, as all weights were sound.

        Raises:
            BlewUp: one of these terms, or of the numbers collected before, is not sound.
        """
        look, values = _Look(images, player, before, list(sums)), list(sums.values())
        if values[0].device.type in AT_ONCE:
            self._judge(look, [float(value) / count for value in values])
        else:
            self._gather(look, torch.stack(values) / count)

    @torch.no_grad()
    def weights(self, weights: Sequence[Tensor], *, images: int, player: str) -> None:
        """Check the weights of a player that has just learned.

        Raises:
            BlewUp: they, or numbers collected before, are not sound.
        """
        look, norms = (
            _Look(images, player, player, [f"the norm of the {player}'s weights"]),
            torch._foreach_norm(list(weights)),
        )
        if norms[0].device.type in AT_ONCE:  # too few numbers to sum in torch, which would take longer than the norms
            self._judge(look, [math.hypot(*map(float, norms))])
        else:
            self._gather(look, torch.stack(norms).norm()[None])

    def state(self, tensors: Mapping[str, Tensor], *, images: int, players: Collection[str], product: str) -> None:
        """Check all of a state that is about to be saved.

        Args:
            tensors: named as by `State.tensors`.
            images: seen so far.
            players: owners of the tensors that bear their names; all others belong to the product.
            product: the player that is averaged.

        Raises:
            BlewUp: they, or numbers collected before, are not sound.
        """
        self.read()
        for name, value in tensors.items():
            if not value.isfinite().all():
                owner = name.partition("/")[0].removeprefix("optimizer.")
                raise BlewUp(owner if owner in players else product, images=images, why=f"{name} is no longer a number")

    def read(self) -> None:
        """Judge the collected numbers; called before anything is written.

        Raises:
            BlewUp: for the first that is not sound.
        """
        if looks := self._looks:
            self._looks = []
            values = iter(torch.cat([found for _, found in looks]).tolist())
            for look, _ in looks:
                self._judge(look, [next(values) for _ in look.names])

    def _gather(self, look: _Look, values: Tensor) -> None:
        self._looks.append((look, values))
        if len(self._looks) >= self._gathered:
            self.read()

    def _judge(self, look: _Look, values: Sequence[float]) -> None:
        for name, value in zip(look.names, values, strict=True):
            self._judge_one(name, value, look)

    def _judge_one(self, name: str, value: float, look: _Look) -> None:
        size = abs(value)
        if not size < math.inf:
            raise BlewUp(look.player, look.before, images=look.images, why=f"{name} is no longer a number")
        level, looks = self._levels.get(name, (size, 0))
        times = size / max(level, LEAST_LEVEL)
        if looks and times > TIMES:
            why = f"{name} is {value:.3g}, {times:,.0f} times what it was before"
            raise BlewUp(look.before, look.player, images=look.images, why=why)
        looks = min(looks + 1, MEMORY_STEPS)
        self._levels[name] = (level + (min(size, STEEPEST * max(level, LEAST_LEVEL)) - level) / looks, looks)
