"""The game of GANs: a generator against a critic."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ..core.batch import Batch, Nets, Terms
from ..core.catalog import part
from ..core.errors import DoesNotFit
from ..metrics.features.efficientnet import appearance_size, perceptual_distance
from ..networks.layers import Critic
from .augment import Augmentation
from .losses import Nonsaturating, Objective
from .penalties import clip_weights, interpolate, slope, squared_gradients
from .schedules import Value, at, within
from .turns import Game, Turn

__all__ = ["Adversarial"]

SMALLER = 4  # by which samples are made so before their likeness is measured


@part("game")
@dataclass(frozen=True)
class Adversarial(Game):
    """A critic learns to tell reals from fakes, then a generator learns to pass its fakes for reals.

    loss              what the two minimise
    r1, r2            gamma: weight/2 of the critic's squared gradient at reals (r1) and at fakes (r2)
    gradient_penalty  weight of (slope - 1)^2 of the critic between reals and fakes: WGAN-GP
    lazy              penalties in a turn of their own, only each k-th step and k times as strong; 1 for each step
    clip              force the critic's weights into [-clip, clip] after each of its plays: WGAN
    noise             deviation of noise added to all that the critic sees (Sonderby et al. 2017, arXiv:1610.04490)
    augment           changes that the critic sees everything through, against overfitting on few pictures
    critic_plays      plays of the critic for each play of the generator
    fresh             show the critic other fakes in the generator's turn than in its own, as in Goodfellow's
                      algorithm 1; the same ones, as in most code, need be made only once
    critics           the networks that judge, all by the same rules; the generator wants to please each of them
    mismatch          weight of reals under another sample's description, which the critic learns to take for fakes
                      (Reed et al. 2016, arXiv:1605.05396): with it, it cannot do without reading what it is told
    likeness          weight of the mean absolute difference of each fake from the real sample of its description, both
                      made 4 times smaller, in the generator's loss (Isola et al. 2017, arXiv:1611.07004, eq. 3): tells
                      it outright where things are that few samples have the description of, and leaves the details
    perceptual        weight of how unlike each fake and the real sample of its description look to EfficientNet-Lite1,
                      in the generator's loss; see `efficientnet.perceptual_distance`: of shapes more than of pixels
    """

    loss: Objective = field(default_factory=Nonsaturating)
    r1: Value = 0.0
    r2: Value = 0.0
    gradient_penalty: Value = 0.0
    lazy: int = 1
    clip: float | None = None
    noise: Value = 0.0
    augment: Augmentation | None = None
    critic_plays: int = 1
    fresh: bool = False
    critics: tuple[str, ...] = ("critic",)
    mismatch: Value = 0.0
    likeness: Value = 0.0
    perceptual: Value = 0.0

    def __post_init__(self) -> None:
        """Refuse turns that would never come, and rewards for what is to be punished.

        Raises:
            DoesNotFit: a weight or `noise` is below 0, `lazy` or `critic_plays` is below 1, `clip` is not above 0, or
                nobody judges.
        """
        for name in ("r1", "r2", "gradient_penalty", "noise", "mismatch", "likeness", "perceptual"):
            within(f"game.{name}", getattr(self, name), 0.0)
        if not self.critics or len(set(self.critics)) < len(self.critics):
            raise DoesNotFit("game.critics must name networks that judge, each of them once.")
        for name in ("lazy", "critic_plays"):
            if getattr(self, name) < 1:
                raise DoesNotFit(f"game.{name} must be at least 1, not {getattr(self, name)}.")
        if self.clip is not None and self.clip <= 0:
            raise DoesNotFit(f"game.clip is a number above 0, or None for no clipping, not {self.clip}.")

    def turns(self) -> tuple[Turn, ...]:
        """Critics first, then the generator; all that plays once a step plays on the same samples."""
        clip = self.clip
        after = None if clip is None else lambda network: clip_weights(network, clip)
        alone = self._penalised and self.lazy > 1
        turns = []
        for number, player in enumerate(self.critics):
            if alone:
                turns.append(Turn(player, partial(self._penalties_alone, player=player), every=self.lazy, after=after))
            again = number > 0 and self.critic_plays == 1 and not alone
            play = partial(self._critic, player=player)
            turns.append(Turn(player, play, times=self.critic_plays, again=again, after=after))
        return (*turns, Turn("generator", self._generator, again=not self.fresh))

    def check(self, nets: Nets) -> None:
        """See `Game.check`; gradient penalties ask for the slope of each logit at its own sample."""
        for player in self.critics:
            critic = nets[player]
            if not isinstance(critic, Critic):
                raise DoesNotFit(f"game.critics names networks that judge, and {player!r} is no critic.")
            if self._penalised and critic.mixes_samples:
                raise DoesNotFit(
                    f"The critic {player!r} mixes the samples of a batch by batch norm, and gradient penalties "
                    "(game.r1, game.r2, game.gradient_penalty) want logits that do not: take resnet_critic, "
                    "wgan_critic, r3_critic or sngan_critic, or set the penalties to 0."
                )
            for name in ("mismatch", "likeness", "perceptual"):
                if getattr(self, name) != 0.0 and not critic.condition:
                    raise DoesNotFit(
                        f"game.{name} is about descriptions, and these samples are told none: "
                        f"add `settings=['condition=labels']`, or `settings=['game.{name}=0']`."
                    )
        if self.perceptual != 0.0:
            appearance_size(nets["generator"].shape)

    def memory(self) -> dict[str, Tensor]:
        """See `Game.memory`."""
        return self.augment.memory() if self.augment else {}

    def remember(self, memory: Mapping[str, Tensor], means: Mapping[str, Tensor], *, images: int) -> None:
        """See `Game.remember`."""
        if self.augment:
            self.augment.remember(memory, means[f"{self.critics[0]}.sure"], images=images)

    @property
    def _penalised(self) -> bool:
        return any(weight != 0.0 for weight in (self.r1, self.r2, self.gradient_penalty))

    def _critic(self, nets: Nets, batch: Batch, player: str) -> Terms:
        at_once = self._penalised and self.lazy == 1
        judged = self._judge(nets, batch, player, differentiable=at_once)
        terms = {"loss": self.loss.critic(judged.real_logits, judged.fake_logits)}
        told, other = batch.condition, batch.other() if self.mismatch != 0.0 else None
        if told is not None and other is not None:
            wrong_logits = self._logits(nets, replace(batch, condition=other), player, judged.real)
            wrong = (other != told).any(1) & (other != 0).any(1)  # and neither the same words nor none
            loss = self.loss.critic(judged.real_logits, wrong_logits)
            terms["mismatch"] = at(self.mismatch, batch.progress) * wrong * loss
        if at_once:
            terms |= self._penalties(nets, batch, player, judged)
        terms |= {"real": judged.real_logits.detach(), "fake": judged.fake_logits.detach()}
        if self.loss.contest:
            terms["right"] = (terms["real"] > terms["fake"]).to(terms["real"].dtype)
        if self.augment:
            terms["sure"] = self.loss.sure(terms["real"], terms["fake"])
            terms["augment"] = torch.full_like(terms["real"], 1.0) * self.augment.probability(batch)
        return terms

    def _penalties_alone(self, nets: Nets, batch: Batch, player: str) -> Terms:
        return self._penalties(nets, batch, player, self._judge(nets, batch, player, differentiable=True))

    def _penalties(self, nets: Nets, batch: Batch, player: str, judged: "_Judged") -> Terms:
        pairs = {"r1": (judged.real_logits, judged.real), "r2": (judged.fake_logits, judged.fake)}
        gammas = {name: gamma for name, gamma in (("r1", self.r1), ("r2", self.r2)) if gamma != 0.0}
        squares = squared_gradients([pairs[name] for name in gammas])
        terms = {
            name: at(gamma, batch.progress) / 2 * square
            for (name, gamma), square in zip(gammas.items(), squares, strict=True)
        }
        if self.gradient_penalty != 0.0:
            between = interpolate(judged.real.detach(), judged.fake.detach(), batch.dice.uniform("between"))
            steepness = slope(self._logits(nets, batch, player, between.requires_grad_()), between)
            terms["gradient_penalty"] = at(self.gradient_penalty, batch.progress) * (steepness - 1).square()
            terms["slope"] = steepness.detach()
        return terms

    def _generator(self, nets: Nets, batch: Batch) -> Terms:
        terms, fakes = {}, _fakes(nets, batch)
        for number, player in enumerate(self.critics):
            fake_logits = self._logits(nets, batch, player, fakes)
            real_logits = None
            if self.loss.paired:
                with torch.no_grad():
                    real_logits = self._logits(nets, batch, player, batch.real)
            name = f"loss_by_{player}" if number else "loss"
            terms[name] = self.loss.generator(fake_logits, real_logits)
        for name, weight, distance in (
            ("likeness", self.likeness, _distance_from_afar),
            ("perceptual", self.perceptual, perceptual_distance),
        ):
            if weight != 0.0 and batch.condition is not None:
                told = (batch.condition != 0).any(1)  # all are compared, as a device would be waited for to choose
                found = distance(fakes, batch.real)
                terms[name] = at(weight, batch.progress) * torch.where(told, found, 0)
        return terms

    def _judge(self, nets: Nets, batch: Batch, player: str, *, differentiable: bool) -> "_Judged":
        """Let a critic judge reals and as many fakes; `differentiable` with respect to both, for penalties.

        All at once is faster, unless only one of the two has a penalty, whose gradient would then pass both. Each real
        stands beside its fake, so that what cancels between them, as in a paired loss, does so to the last bit.
        """
        real = batch.real.detach().requires_grad_(differentiable)
        fake = _fakes(nets, batch).detach().requires_grad_(differentiable)
        shown, condition = [self._shown(samples, batch) for samples in (real, fake)], batch.condition
        if nets[player].judges_alone and (self.r1 != 0.0) == (self.r2 != 0.0):
            twice = None if condition is None else condition.repeat_interleave(2, 0)
            logits = nets[player](torch.stack(shown, 1).flatten(0, 1), twice).unflatten(0, (-1, 2)).unbind(1)
        else:
            logits = [nets[player](samples, condition) for samples in shown]
        return _Judged(real, fake, *logits)

    def _logits(self, nets: Nets, batch: Batch, player: str, samples: Tensor) -> Tensor:
        """A critic's logits [N] of these samples as it is shown them."""
        logits: Tensor = nets[player](self._shown(samples, batch), batch.condition)
        return logits

    def _shown(self, samples: Tensor, batch: Batch) -> Tensor:
        """Samples [N, *sample] as critics see them."""
        if self.augment:
            samples = self.augment(samples, batch)
        deviation = at(self.noise, batch.progress)
        if deviation:
            samples = samples + deviation * batch.dice.normal("noise", *samples.shape[1:])
        return samples


def _distance_from_afar(x: Tensor, y: Tensor) -> Tensor:
    """The mean absolute difference [N] of samples that were made smaller."""
    return (_smaller(x) - _smaller(y)).abs().flatten(1).mean(1)


def _smaller(samples: Tensor) -> Tensor:
    """Pictures [N, C, H, W] or clips [N, C, T, H, W] a quarter as high and wide; points [N, F] as they are."""
    return samples if samples.ndim == 2 else F.avg_pool2d(samples.flatten(1, -3), SMALLER)


class _Judged(NamedTuple):
    """Reals and fakes [N, *sample] with the critic's logits [N] of each."""

    real: Tensor
    fake: Tensor
    real_logits: Tensor
    fake_logits: Tensor


def _fakes(nets: Nets, batch: Batch) -> Tensor:
    """The generator's samples for this batch, made once for all turns that play on it."""
    if "fakes" not in batch.made:
        generator = nets["generator"]
        batch.made["fakes"] = generator(batch.dice.normal("z", generator.latent), batch.condition)
    return batch.made["fakes"]
