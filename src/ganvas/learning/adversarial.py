"""The game of GANs: a generator against a critic."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Float
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

SMALLER = 4  # factor by which samples are downsampled for `likeness`


@part("game")
@dataclass(frozen=True)
class Adversarial(Game):
    """A critic learns to tell reals from fakes, then a generator learns to pass its fakes off as reals.

    loss              the losses of critic and generator
    r1, r2            gamma: gamma/2 times the critic's squared gradient at reals (r1) and at fakes (r2) is penalised
    gradient_penalty  weight of (slope - 1)^2 of the critic between reals and fakes: WGAN-GP
    lazy              k: penalties in a turn of their own, every k-th step and k times as strong; 1 for every step
    clip              clip the critic's weights to [-clip, clip] after each of its plays: WGAN
    noise             deviation of noise added to all inputs of the critic (Sonderby et al. 2017, arXiv:1610.04490)
    augment           augmentation of all inputs of the critic, against overfitting on few pictures
    critic_plays      plays of the critic for each play of the generator
    fresh             generate new fakes for the generator's turn, as in Goodfellow's algorithm 1; otherwise, as in most
                      code, the critic's fakes are reused, which is cheaper
    critics           the networks that judge, all by the same rules; the generator learns from each of them
    mismatch          weight of reals with another sample's condition, which the critic learns to take for fakes (Reed
                      et al. 2016, arXiv:1605.05396), so that it cannot ignore conditions
    likeness          weight, in the generator's loss, of the mean absolute difference between each fake and the real
                      sample with its condition, both downsampled 4 times (Isola et al. 2017, arXiv:1611.07004, eq. 3):
                      a direct signal for the layout where few samples share a condition; leaves the details free
    perceptual        weight, in the generator's loss, of the distance between each fake and the real sample with its
                      condition in features of EfficientNet-Lite1, which see shapes more than pixels; see
                      `efficientnet.perceptual_distance`
    rolled            roll each fake by a random distance, down and right, so that its opposite edges meet inside it and
                      have to fit: for seamless tiles
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
    rolled: bool = False

    def __post_init__(self) -> None:
        """Reject turns that would never be played, and negative weights.

        Raises:
            DoesNotFit: a weight or `noise` is below 0, `lazy` or `critic_plays` is below 1, `clip` is not above 0, or
                `critics` is empty or repeats a name.
        """
        for name in ("r1", "r2", "gradient_penalty", "noise", "mismatch", "likeness", "perceptual"):
            within(f"game.{name}", getattr(self, name), 0.0)
        if not self.critics or len(set(self.critics)) < len(self.critics):
            raise DoesNotFit("game.critics must name networks that judge, each of them once.")
        for name in ("lazy", "critic_plays"):
            if getattr(self, name) < 1:
                raise DoesNotFit(f"game.{name} must be at least 1, not {getattr(self, name)}.")
        if self.rolled and (self.likeness != 0.0 or self.perceptual != 0.0):
            raise DoesNotFit(
                "game.rolled moves what game.likeness and game.perceptual compare with a real sample: choose."
            )
        if self.clip is not None and self.clip <= 0:
            raise DoesNotFit(f"game.clip is a number above 0, or None for no clipping, not {self.clip}.")

    def turns(self) -> tuple[Turn, ...]:
        """Critics first, then the generator; turns share a batch where the settings allow it."""
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
        """See `Game.check`; gradient penalties need logits that depend on their own sample only."""
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
        if self.rolled and len(nets["generator"].shape) < 3:
            raise DoesNotFit(
                "game.rolled is for pictures, and these samples are points: `settings=['game.rolled=False']`."
            )

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
            wrong = (other != told).any(1) & (other != 0).any(1)  # only conditions that differ and are not empty
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
        terms, fakes = {}, _fakes(nets, batch, rolled=self.rolled)
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
                told = (batch.condition != 0).any(1)  # all are compared, since selecting rows would synchronise a GPU
                found = distance(fakes, batch.real)
                terms[name] = at(weight, batch.progress) * torch.where(told, found, 0)
        return terms

    def _judge(self, nets: Nets, batch: Batch, player: str, *, differentiable: bool) -> "_Judged":
        """A critic's logits of reals and as many fakes; `differentiable` with respect to both, for penalties.

        One batch is faster, unless only one of the two has a penalty, whose gradient would then pass through both. Each
        real is placed next to its fake, so that terms that cancel between them, as in a paired loss, cancel exactly.
        """
        real = batch.real.detach().requires_grad_(differentiable)
        fake = _fakes(nets, batch, rolled=self.rolled).detach().requires_grad_(differentiable)
        shown, condition = [self._shown(samples, batch) for samples in (real, fake)], batch.condition
        if nets[player].judges_alone and (self.r1 != 0.0) == (self.r2 != 0.0):
            twice = None if condition is None else condition.repeat_interleave(2, 0)
            logits = nets[player](torch.stack(shown, 1).flatten(0, 1), twice).unflatten(0, (-1, 2)).unbind(1)
        else:
            logits = [nets[player](samples, condition) for samples in shown]
        return _Judged(real, fake, *logits)

    def _logits(self, nets: Nets, batch: Batch, player: str, samples: Tensor) -> Tensor:
        """A critic's logits [N] of these samples, augmented and with noise."""
        logits: Tensor = nets[player](self._shown(samples, batch), batch.condition)
        return logits

    def _shown(self, samples: Tensor, batch: Batch) -> Tensor:
        """Samples [N, *sample] as critics see them: augmented and with noise."""
        if self.augment:
            samples = self.augment(samples, batch)
        deviation = at(self.noise, batch.progress)
        if deviation:
            samples = samples + deviation * batch.dice.normal("noise", *samples.shape[1:])
        return samples


def _distance_from_afar(x: Tensor, y: Tensor) -> Tensor:
    """The mean absolute difference [N] of the downsampled samples."""
    return (_smaller(x) - _smaller(y)).abs().flatten(1).mean(1)


def _smaller(samples: Tensor) -> Tensor:
    """Pictures [N, C, H, W] or clips [N, C, T, H, W] at a quarter of height and width; points [N, F] unchanged."""
    return samples if samples.ndim == 2 else F.avg_pool2d(samples.flatten(1, -3), SMALLER)


class _Judged(NamedTuple):
    """Reals and fakes [N, *sample] with the critic's logits [N] of each."""

    real: Tensor
    fake: Tensor
    real_logits: Tensor
    fake_logits: Tensor


def _fakes(nets: Nets, batch: Batch, *, rolled: bool) -> Tensor:
    """The generator's samples for this batch, `rolled` or not, computed once for all turns on it.

    Raises:
        DoesNotFit: they are of another shape than those of the data; a critic that flattens would not notice.
    """
    if "fakes" not in batch.made:
        generator = nets["generator"]
        fakes = generator(batch.dice.normal("z", generator.latent), batch.condition)
        if fakes.shape != batch.real.shape:
            raise DoesNotFit(
                f"The generator makes samples of shape {list(fakes.shape)}, and those of the data are "
                f"{list(batch.real.shape)}: pictures are [N, C, H, W]."
            )
        batch.made["fakes"] = _rolled(fakes, batch.dice.uniform("roll", 2)) if rolled else fakes
    return batch.made["fakes"]


def _rolled(samples: Float[Tensor, "n *shape"], shares: Float[Tensor, "n 2"]) -> Tensor:
    """Each picture rolled down and right by its two shares, in [0, 1), of its height and width, in whole pixels."""
    for dim, share in zip((-2, -1), shares.unbind(1), strict=True):
        size, shape = samples.shape[dim], [len(samples), *[1] * (samples.dim() - 1)]
        places = torch.arange(size, device=samples.device) - (share * size).long()[:, None]
        shape[dim] = size
        samples = torch.take_along_dim(samples, (places % size).reshape(shape).expand_as(samples), dim)
    return samples
