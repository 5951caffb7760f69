"""Games in the latent space of an autoencoder: train the autoencoder, a flow from noise to latents, then distil it.

The games are played one after another, each starting from the networks of the one before. All have a network
`autoencoder` (`latent_autoencoder`), the last two a `generator` (`latent_generator`), the last also a `critic`
(`latent_critic`) and a `teacher`, which is the frozen flow.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from ..core.batch import Batch, Nets, Terms
from ..core.catalog import part
from ..core.errors import DoesNotFit
from ..networks.latent import sphere
from .schedules import Cosine, Value, at, within
from .turns import Game, Turn

__all__ = [
    "REFINED",
    "TREMBLE",
    "Distillation",
    "FlowMatching",
    "Reconstruction",
    "clearness",
    "difference",
    "expected",
    "guidance",
    "mixed",
    "told_apart",
    "unlike",
    "wants",
]

SIZES = 3  # resolutions at which pictures are compared, each half of the one before
CLEAREST = 0.1  # lower limit of 1 - time in loss weights, so that nearly clean latents do not dominate
TREMBLE = 0.1  # deviation of the noise that must not change a critic's logits (`still`)
WHOLLY = 0.25  # share of latents that a critic sees without noise
REFINED = (0.35, 0.75)  # range of times at which a generator learns to refine; the first has the most noise
UNGUIDED, GUIDANCE = 0.6, 4.0 / 0.3  # the time from which on there is no guidance, and its slope towards time 0

Pictures = Float[Tensor, "n channels height width"]
Rows = Float[Tensor, " n"]
Latents = Float[Tensor, "n places channels"]
Clean = Float[Tensor, "n *numbers"]


def difference(x: Pictures, y: Pictures, *, sizes: int = SIZES) -> Rows:
    """The distance of pictures: mean absolute differences of pixels and of their gradients, summed over resolutions."""
    total = x.new_zeros(len(x))
    for _ in range(sizes):
        off = x - y
        for each in (off, off.diff(dim=2), off.diff(dim=3)):
            if each.numel():
                total = total + each.abs().flatten(1).mean(1)
        x, y = (F.avg_pool2d(side, 2) if min(side.shape[2:]) > 1 else side for side in (x, y))
    return total


def mixed(latents: Clean, noise: Clean, time: Rows) -> Clean:
    """Latents, or sketches, with the noise of a time: 0 is pure noise, 1 is clean."""
    time = time.unflatten(0, (-1, *[1] * (latents.dim() - 1)))
    return (1 - time) * noise + time * latents


def expected(found: Clean, latents: Clean, time: Rows, *, detail: float) -> tuple[Rows, Rows]:
    """The weighted flow matching loss of predictions `found` of `latents` at a time, and the plain error, to be logged.

    The weight is max(1 - time, 0.1)^-`detail`.
    """
    error = (found - latents).square().flatten(1).mean(1)
    return (1 - time).clamp(min=CLEAREST) ** -detail * error, error.detach()


def unlike(found: Latents, ends: Latents) -> Rows:
    """The distance of latents from a target: the mean absolute difference plus half the mean square."""
    off = found - ends
    return off.abs().mean((1, 2)) + off.square().mean((1, 2)) / 2


def clearness(normal: Rows, uniform: Rows) -> Rows:
    """Times for the critic, from random numbers: a quarter are 1, which is clean, the others seldom below a half."""
    clear = torch.sigmoid(1.2 * normal + 1.0)
    return torch.where(uniform < WHOLLY, torch.ones_like(clear), clear)


def guidance(time: Rows) -> Float[Tensor, "n 1 1"]:
    """The teacher's scale of classifier-free guidance when a generator learns to refine."""
    return (1 + GUIDANCE * (UNGUIDED - time)).clamp(min=1.0)[:, None, None]


def told_apart(real: Rows, fake: Rows) -> Rows:
    """The critic's loss (Goodfellow et al. 2014, arXiv:1406.2661)."""
    return F.softplus(-real) + F.softplus(fake)


@part("game")
@dataclass(frozen=True)
class Reconstruction(Game):
    """A latent autoencoder learns to reconstruct samples from noisy latents.

    Each sample draws the deviation of its noise from 0 to `noise`. So the decoder learns to draw clean lines from
    latents that are only nearly right, as a generator's are.
    """

    noise: Value = 0.15

    def __post_init__(self) -> None:
        """Reject a deviation below 0."""
        within("game.noise", self.noise, 0.0)

    def turns(self) -> tuple[Turn, ...]:
        """One turn, of the autoencoder."""
        return (Turn("autoencoder", self._autoencoder),)

    def check(self, nets: Nets) -> None:
        """See `Game.check`."""
        wants(nets, "autoencoder", "latents", "latent_autoencoder")

    def _autoencoder(self, nets: Nets, batch: Batch) -> Terms:
        network = nets["autoencoder"]
        latents = network.latents(batch.real)
        deviation = at(self.noise, batch.progress) * batch.dice.uniform("deviation", 1, 1)
        noisy = latents + deviation * batch.dice.normal("noise", *latents.shape[1:])
        return {"loss": difference(network.decode(noisy), batch.real)}


@part("game")
@dataclass(frozen=True)
class FlowMatching(Game):
    """A generator learns to predict latents from noisy ones (flow matching, Lipman et al. 2023, arXiv:2210.02747).

    Latents x and noise e are mixed to (1 - t) e + t x, and the network predicts x with the least squared error. t is
    the sigmoid of a normal number with mean `centre` (Esser et al. 2024, arXiv:2403.03206, section 3.1). High noise
    decides what is drawn, low noise the details, so `centre` rises during training. Errors are weighted by
    (1 - t)^-`detail`; `detail` = 2 would be plain flow matching.
    """

    centre: Value = field(default_factory=lambda: Cosine(-1.0, -0.2))
    detail: Value = field(default_factory=lambda: Cosine(0.3, 1.0))

    def __post_init__(self) -> None:
        """Reject weights that rise with the noise."""
        within("game.detail", self.detail, 0.0)

    def turns(self) -> tuple[Turn, ...]:
        """One turn, of the generator; the autoencoder is frozen."""
        return (Turn("generator", self._generator),)

    def check(self, nets: Nets) -> None:
        """See `Game.check`."""
        wants(nets, "autoencoder", "latents", "latent_autoencoder")
        wants(nets, "generator", "clean", "latent_generator")

    def _generator(self, nets: Nets, batch: Batch) -> Terms:
        latents = _latents(nets, batch)
        noise = batch.dice.normal("z", *latents.shape[1:])
        time = torch.sigmoid(batch.dice.normal("time") + at(self.centre, batch.progress))
        found = nets["generator"].clean(mixed(latents, noise, time), batch.condition, time)
        loss, error = expected(found, latents, time, detail=at(self.detail, batch.progress))
        return {"loss": loss, "error": error}


@part("game")
@dataclass(frozen=True)
class Distillation(Game):
    """A generator learns to draw in one step what a flow draws in many, and a critic keeps it sharp.

    The teacher's flow leads noise to latents. The generator learns to map the same noise there in one step, compared as
    latents and as pictures, with weight `likeness` (Kang et al. 2024, arXiv:2405.05967); so different seeds stay
    different. The critic tells the generator's latents from the teacher's, or, in a share `real` of the samples, from
    those of the data. It sees all latents with noise (Sauer et al. 2024, arXiv:2403.12015). `still` is the weight of
    the change of its logits under a little more noise, in place of a gradient penalty (Lin et al. 2025,
    arXiv:2501.08316, eq. 6).

    adversarial   weight of the critic's verdict in the generator's loss
    mismatch      weight of latents with another sample's condition, which the critic learns to take for fakes
    refined       weight of matching the teacher's predictions for the generator's own latents with noise, which a
                  generator with `refinements` needs. The teacher's guidance falls with the noise (Kynkaanniemi et al.
                  2024, arXiv:2404.07724).
    """

    likeness: Value = field(default_factory=lambda: Cosine(1.0, 0.35))
    adversarial: Value = 0.25
    real: float = 0.25
    mismatch: Value = 0.5
    still: Value = 0.5
    refined: Value = 0.0

    def __post_init__(self) -> None:
        """Reject weights below 0 and a share outside [0, 1]."""
        for name in ("likeness", "adversarial", "mismatch", "still", "refined"):
            within(f"game.{name}", getattr(self, name), 0.0)
        within("game.real", self.real, 0.0, 1.0, closed=True)

    def turns(self) -> tuple[Turn, ...]:
        """The critic, then the generator on the same noise; teacher and autoencoder are frozen."""
        return (Turn("critic", self._critic), Turn("generator", self._generator, again=True))

    def check(self, nets: Nets) -> None:
        """See `Game.check`."""
        wants(nets, "autoencoder", "latents", "latent_autoencoder")
        for player in ("generator", "teacher") if self.taught else ("generator",):
            wants(nets, player, "clean", "latent_generator")
        wants(nets, "critic", "judge", "latent_critic")

    @property
    def taught(self) -> bool:
        """Whether a teacher is needed: not if all reals are data and both `likeness` and `refined` are 0."""
        return self.real < 1.0 or self.likeness != 0.0 or self.refined != 0.0

    def _critic(self, nets: Nets, batch: Batch) -> Terms:
        real, fake, time = self._shown(nets, batch), _fakes(nets, batch).detach(), _times(batch)
        seen = [
            mixed(each, batch.dice.normal(f"veil {name}", *each.shape[1:]), time)
            for name, each in (("real", real), ("fake", fake))
        ]
        logits = [nets["critic"].judge(each, batch.condition, time) for each in seen]
        terms = {"loss": told_apart(*logits)}
        told, other = batch.condition, batch.other() if self.mismatch != 0.0 else None
        if told is not None and other is not None:
            wrong = (other != told).any(1) & (other != 0).any(1)
            refused = F.softplus(nets["critic"].judge(seen[0], other, time))
            terms["mismatch"] = at(self.mismatch, batch.progress) * wrong * refused
        if self.still != 0.0:
            moved = [
                nets["critic"].judge(
                    each + TREMBLE * batch.dice.normal(f"tremble {place}", *each.shape[1:]), batch.condition, time
                )
                for place, each in enumerate(seen)
            ]
            swayed = sum((after - before).square() for after, before in zip(moved, logits, strict=True))
            terms["still"] = at(self.still, batch.progress) * swayed
        terms |= {"real": logits[0].detach(), "fake": logits[1].detach()}
        return terms | {"right": (logits[0] > logits[1]).to(logits[0].dtype)}

    def _generator(self, nets: Nets, batch: Batch) -> Terms:
        fake, time = _fakes(nets, batch), _times(batch, "times of fakes")
        veiled = mixed(fake, batch.dice.normal("veil", *fake.shape[1:]), time)
        judged = F.softplus(-nets["critic"].judge(veiled, batch.condition, time))
        terms = {"loss": at(self.adversarial, batch.progress) * judged}
        if self.likeness != 0.0:
            end = _ends(nets, batch)
            with torch.no_grad():
                wanted = nets["autoencoder"].decode(end)
            off = unlike(fake, end) + difference(nets["autoencoder"].decode(fake), wanted) / 2
            terms["likeness"] = at(self.likeness, batch.progress) * off
        if self.refined != 0.0:
            terms["refined"] = at(self.refined, batch.progress) * self._refined(nets, batch, fake.detach())
        return terms

    def _refined(self, nets: Nets, batch: Batch, drawn: Tensor) -> Rows:
        """The distance between the generator's and the teacher's predictions for drawings with random noise levels."""
        first, last = REFINED
        time = first + (last - first) * batch.dice.uniform("refined at")
        noisy = mixed(drawn, batch.dice.normal("refined under", *drawn.shape[1:]), time)
        with torch.no_grad():
            wanted = nets["teacher"].guided(noisy, batch.condition, time, guidance(time))
        return unlike(sphere(nets["generator"].clean(noisy, batch.condition, time)), sphere(wanted))

    def _shown(self, nets: Nets, batch: Batch) -> Tensor:
        """The latents that the critic should call real: the teacher's, or in a share `real` the data's."""
        if self.real == 0:
            return _ends(nets, batch)
        if self.real == 1:
            return _latents(nets, batch)
        own = batch.dice.uniform("own", 1, 1) < self.real
        return torch.where(own, _latents(nets, batch), _ends(nets, batch))


def wants(nets: Nets, player: str, method: str, name: str) -> None:
    """Reject a player that lacks a method that a game of latents calls.

    Raises:
        DoesNotFit: it has no such method; the message names a network that does.
    """
    if not hasattr(nets.get(player), method):
        raise DoesNotFit(f"This game wants a network {player} that is a {name}: `settings=['{player}={name}']`.")


@torch.no_grad()
def _latents(nets: Nets, batch: Batch) -> Tensor:
    """The latents [N, places, 16] of the samples."""
    latents: Tensor = nets["autoencoder"].latents(batch.real)
    return latents


def _ends(nets: Nets, batch: Batch) -> Tensor:
    """The latents to which the teacher leads this batch's noise, computed once for all turns on it."""
    if "ends" not in batch.made:
        with torch.no_grad():
            batch.made["ends"] = nets["teacher"].latents(_noise(nets, batch), batch.condition)
    return batch.made["ends"]


def _fakes(nets: Nets, batch: Batch) -> Tensor:
    """The latents that the generator makes of this batch's noise in one step, computed once for all turns on it."""
    if "fakes" not in batch.made:
        batch.made["fakes"] = nets["generator"].once(_noise(nets, batch), batch.condition)
    return batch.made["fakes"]


def _noise(nets: Nets, batch: Batch) -> Tensor:
    """The noise [N, places, 16] that teacher and generator both start from."""
    if "noise" not in batch.made:  # drawing the same purpose again would give other numbers
        generator: Any = nets["generator"]
        batch.made["noise"] = generator.places(batch.dice.normal("z", generator.latent))
    return batch.made["noise"]


def _times(batch: Batch, purpose: str = "times") -> Rows:
    """The times [N] at which the critic sees latents."""
    return clearness(batch.dice.normal(purpose), batch.dice.uniform(f"{purpose}, clear"))
