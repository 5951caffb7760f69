"""What sees in every step that the numbers of a training blow up, before anything is written that they would spoil.

Two things are watched: the mean of each term of a turn, before anybody learns from it, and the norm of the weights of
whoever has just learned. Each has a running level, which follows slowly and takes what is far above it for no more than
ten times itself, so that an explosion cannot carry its own level with it. The levels belong to the state of a training:
a run that was resumed is judged as one that was not.

A processor's numbers are read at once. Those of other devices are gathered and read now and then, and before anything
is written, so that nobody waits for the device; what was wrong is found in the order in which it happened.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..core.errors import Diverged

__all__ = ["Alarm", "BlewUp", "Levels"]

TIMES = 1000  # its running level is an explosion
LEAST_LEVEL = 1.0  # levels below count as this: a penalty near 0 may become a thousand times as much and be healthy
STEEPEST = 10.0  # times its level is the most that one step adds to a level
MEMORY_STEPS = 100  # of a level
AT_ONCE = frozenset({"cpu"})  # devices whose numbers are there when they are asked for
GATHERED = 64  # looks between two readings of a device

Levels = dict[str, tuple[float, int]]
"""Name -> (running level of the magnitude, looks so far, at most `MEMORY_STEPS`)."""


class BlewUp(Diverged):
    """A number of a training is none any more, or more than a thousand times what it was.

    suspects  whose rate may be to blame, the likelier first
    images    seen with the step in which it happened
    why       what is wrong, in words
    """

    def __init__(self, *suspects: str, images: int, why: str) -> None:
        super().__init__(f"The training diverged at {images:,} images: {why}.")
        self.suspects, self.images, self.why = suspects, images, why


class _Look(NamedTuple):
    images: int
    player: str
    before: str  # who had learned last
    names: Sequence[str]


class Alarm:
    """Watches the numbers of one training.

    Args:
        gathered: after how many looks they are read where reading waits for a device.
    """

    def __init__(self, *, gathered: int = GATHERED) -> None:
        self._gathered, self._looks, self._levels = gathered, list[tuple[_Look, Tensor]](), Levels()

    def watch(self, levels: Levels) -> None:
        """Begin with these levels, which are kept up to date in place."""
        self._levels, self._looks = levels, []

    def terms(self, sums: Mapping[str, Tensor], count: int, *, images: int, player: str, before: str) -> None:
        """Look at the terms of a player's turn, from which it has not learned yet.

        Args:
            sums: over the samples, by the names that they are logged under.
            count: of samples.
            images: seen with this step.
            player: whose turn it is.
            before: who has learned last, and so whom to suspect if a term is far above its level: that player's
                weights alone are others than when the last terms were sound. What is no number, with weights that are
                sound, is rather the player's own.

        Raises:
            BlewUp: one of them, or of those that were gathered before.
        """
        look, values = _Look(images, player, before, list(sums)), list(sums.values())
        if values[0].device.type in AT_ONCE:
            self._judge(look, [float(value) / count for value in values])
        else:
            self._gather(look, torch.stack(values) / count)

    @torch.no_grad()
    def weights(self, weights: Sequence[Tensor], *, images: int, player: str) -> None:
        """Look at the weights of a player that has just learned.

        Raises:
            BlewUp: they, or what was gathered before.
        """
        look, norms = (
            _Look(images, player, player, [f"the norm of the {player}'s weights"]),
            torch._foreach_norm(list(weights)),
        )
        if norms[0].device.type in AT_ONCE:  # sums of few numbers, for which torch would take longer than for the norms
            self._judge(look, [math.hypot(*map(float, norms))])
        else:
            self._gather(look, torch.stack(norms).norm()[None])

    def state(self, tensors: Mapping[str, Tensor], *, images: int, players: Collection[str], product: str) -> None:
        """Look at all of a state that is to be saved.

        Args:
            tensors: as `State.tensors` names them.
            images: seen so far.
            players: whose own what bears their name is; all else is the product's.
            product: whose the average is.

        Raises:
            BlewUp: they, or what was gathered before.
        """
        self.read()
        for name, value in tensors.items():
            if not value.isfinite().all():
                owner = name.partition("/")[0].removeprefix("optimizer.")
                raise BlewUp(owner if owner in players else product, images=images, why=f"{name} is no longer a number")

    def read(self) -> None:
        """Judge what was gathered; called before anything is written.

        Raises:
            BlewUp: the first that did.
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
