"""Who learns when, and from what: a game is a table of turns, and the loop plays it without knowing which one it is."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from .batch import Batch, Loss, Nets, Terms
from .catalog import part
from .errors import GanvasError
from .losses import Nonsaturating, Objective
from .penalties import squared_gradient
from .schedules import Value, at

__all__ = ["Adversarial", "Game", "Turn"]


@dataclass(frozen=True)
class Turn:
    """One network's turn to learn.

    player   the network that learns in this turn; all others are frozen
    loss     its per-sample terms; their sum is minimised
    times    plays per step, each on a batch of its own (the n_critic of WGAN)
    every    only each k-th step, its loss scaled by k (lazy regularisation, Karras et al. 2020)
    again    play on the batch of the turn before once more, the same reals and the same dice, not on a new one
    """

    player: str
    loss: Loss
    times: int = 1
    every: int = 1
    again: bool = False


class Game(ABC):
    """The rules of a training; every part of kind "game" is one."""

    @abstractmethod
    def turns(self) -> tuple[Turn, ...]:
        """The turns of one step, in order."""


@part("game")
@dataclass(frozen=True)
class Adversarial(Game):
    """A critic learns to tell reals from fakes, then a generator learns to pass its fakes for reals.

    loss           what the two minimise
    r1, r2         gamma: weight/2 of the critic's squared gradient at reals (r1) and at fakes (r2)
    lazy           penalties in a turn of their own, only each k-th step and k times as strong; 1 for each step
    critic_plays   plays of the critic for each play of the generator
    fresh          show the critic other fakes in the generator's turn than in its own, as in Goodfellow's algorithm 1;
                   the same ones, as in most code, need be made only once
    """

    loss: Objective = field(default_factory=Nonsaturating)
    r1: Value = 0.0
    r2: Value = 0.0
    lazy: int = 1
    critic_plays: int = 1
    fresh: bool = False

    def __post_init__(self) -> None:
        """Refuse turns that would never come.

        Raises:
            GanvasError: `lazy` or `critic_plays` is below 1.
        """
        for name in ("lazy", "critic_plays"):
            if getattr(self, name) < 1:
                raise GanvasError(f"game.{name} must be at least 1, not {getattr(self, name)}.")

    def turns(self) -> tuple[Turn, ...]:
        """Critic first, then generator."""
        critic = Turn("critic", self._critic, times=self.critic_plays)
        generator = Turn("generator", self._generator, again=not self.fresh)
        if self._penalised and self.lazy > 1:
            return (Turn("critic", self._penalties_alone, every=self.lazy), critic, generator)
        return (critic, generator)

    @property
    def _penalised(self) -> bool:
        return self.r1 != 0.0 or self.r2 != 0.0

    def _critic(self, nets: Nets, batch: Batch) -> Terms:
        at_once = self._penalised and self.lazy == 1
        judged = _judge(nets, batch, differentiable=at_once)
        terms = {"loss": self.loss.critic(judged.real_logits, judged.fake_logits)}
        if at_once:
            terms |= self._penalties(judged, batch.progress)
        return terms | {"real": judged.real_logits.detach(), "fake": judged.fake_logits.detach()}

    def _penalties_alone(self, nets: Nets, batch: Batch) -> Terms:
        return self._penalties(_judge(nets, batch, differentiable=True), batch.progress)

    def _penalties(self, judged: "_Judged", progress: float) -> Terms:
        terms = {}
        if self.r1 != 0.0:
            terms["r1"] = at(self.r1, progress) / 2 * squared_gradient(judged.real_logits, judged.real)
        if self.r2 != 0.0:
            terms["r2"] = at(self.r2, progress) / 2 * squared_gradient(judged.fake_logits, judged.fake)
        return terms

    def _generator(self, nets: Nets, batch: Batch) -> Terms:
        fake_logits = nets["critic"](_fakes(nets, batch), batch.condition)
        real_logits = None
        if self.loss.paired:
            with torch.no_grad():
                real_logits = nets["critic"](batch.real, batch.condition)
        return {"loss": self.loss.generator(fake_logits, real_logits)}


class _Judged(NamedTuple):
    """Reals and fakes [N, *sample] with the critic's logits [N] of each."""

    real: Tensor
    fake: Tensor
    real_logits: Tensor
    fake_logits: Tensor


def _judge(nets: Nets, batch: Batch, *, differentiable: bool) -> _Judged:
    """Let the critic judge a batch of reals and as many fakes; `differentiable` with respect to both, for penalties."""
    real = batch.real.detach().requires_grad_(differentiable)
    fake = _fakes(nets, batch).detach().requires_grad_(differentiable)
    return _Judged(real, fake, nets["critic"](real, batch.condition), nets["critic"](fake, batch.condition))


def _fakes(nets: Nets, batch: Batch) -> Tensor:
    """The generator's samples for this batch, made once for all turns that play on it."""
    if "fakes" not in batch.made:
        generator = nets["generator"]
        batch.made["fakes"] = generator(batch.dice.normal(generator.latent), batch.condition)
    return batch.made["fakes"]
