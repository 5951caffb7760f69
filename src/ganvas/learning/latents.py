"""Learning to draw in the latents of an autoencoder: the autoencoder, a flow from noise to its latents, and one step.

These are played one after another, each beginning with what the one before has learned; all have a network
`autoencoder` (`latent_autoencoder`), the last two a `generator` (`latent_generator`), the last a `critic`
(`latent_critic`) and a `teacher`, which is the flow and learns no more.
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

SIZES = 3  # each half as large as the one before, at which pictures are compared
CLEAREST = 0.1  # the least noise by which errors are weighed: what is nearly clean counts no more than this
TREMBLE = 0.1  # deviation of what must not change a critic's mind
WHOLLY = 0.25  # share of latents that a critic sees without noise
REFINED = (0.35, 0.75)  # times between which a generator learns to refine, the first with the most noise
UNGUIDED, GUIDANCE = 0.6, 4.0 / 0.3  # the time from which on a teacher says what it sees, and how it rises before

Pictures = Float[Tensor, "n channels height width"]
Rows = Float[Tensor, " n"]
Latents = Float[Tensor, "n places channels"]
Clean = Float[Tensor, "n *numbers"]


def difference(x: Pictures, y: Pictures, *, sizes: int = SIZES) -> Rows:
    """How unlike pictures are: the mean absolute difference of pixels and of their edges, summed over sizes."""
    total = x.new_zeros(len(x))
    for _ in range(sizes):
        off = x - y
        for each in (off, off.diff(dim=2), off.diff(dim=3)):
            if each.numel():
                total = total + each.abs().flatten(1).mean(1)
        x, y = (F.avg_pool2d(side, 2) if min(side.shape[2:]) > 1 else side for side in (x, y))
    return total


def mixed(latents: Clean, noise: Clean, time: Rows) -> Clean:
    """Latents, or their sketches, as they are seen at a time: noise at 0, themselves at 1."""
    time = time.unflatten(0, (-1, *[1] * (latents.dim() - 1)))
    return (1 - time) * noise + time * latents


def expected(found: Clean, latents: Clean, time: Rows, *, detail: float) -> tuple[Rows, Rows]:
    """The weighed loss of flow matching where `found` was said of latents at a time, and the error to be watched."""
    error = (found - latents).square().flatten(1).mean(1)
    return (1 - time).clamp(min=CLEAREST) ** -detail * error, error.detach()


def unlike(found: Latents, ends: Latents) -> Rows:
    """How far latents are from where a teacher ends: the mean absolute difference and half the mean square."""
    off = found - ends
    return off.abs().mean((1, 2)) + off.square().mean((1, 2)) / 2


def clearness(normal: Rows, uniform: Rows) -> Rows:
    """Times at which a critic sees latents, of random numbers: a quarter wholly clear, others seldom below a half."""
    clear = torch.sigmoid(1.2 * normal + 1.0)
    return torch.where(uniform < WHOLLY, torch.ones_like(clear), clear)


def guidance(time: Rows) -> Float[Tensor, "n 1 1"]:
    """How far a teacher is led away from what it says without words, where a generator learns to refine."""
    return (1 + GUIDANCE * (UNGUIDED - time)).clamp(min=1.0)[:, None, None]


def told_apart(real: Rows, fake: Rows) -> Rows:
    """What a critic minimises of its logits (Goodfellow et al. 2014, arXiv:1406.2661)."""
    return F.softplus(-real) + F.softplus(fake)


@part("game")
@dataclass(frozen=True)
class Reconstruction(Game):
    """A latent autoencoder gives back what it was shown, though there is noise in its latents.

    The noise, of a deviation from 0 to `noise` that each sample draws, has the decoder draw clean lines of latents that
    are nearly right, as those of a generator are.
    """

    noise: Value = 0.15

    def __post_init__(self) -> None:
        """Refuse a deviation below 0."""
        within("game.noise", self.noise, 0.0)

    def turns(self) -> tuple[Turn, ...]:
        """One turn of the one player."""
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
    """A generator learns what latents are behind noise (flow matching, Lipman et al. 2023, arXiv:2210.02747).

    Latents x and noise e are mixed to (1 - t) e + t x, and the network says what x is expected to be, in the mean
    square. t is the sigmoid of a normal number of mean `centre` (Esser et al. 2024, arXiv:2403.03206, section 3.1):
    what a thing is, is decided where there is much noise, its details where there is little, so it rises as training
    goes on; and errors are weighed by (1 - t)^-`detail`, where 2 would be flow matching to the letter.
    """

    centre: Value = field(default_factory=lambda: Cosine(-1.0, -0.2))
    detail: Value = field(default_factory=lambda: Cosine(0.3, 1.0))

    def __post_init__(self) -> None:
        """Refuse weights that rise with the noise."""
        within("game.detail", self.detail, 0.0)

    def turns(self) -> tuple[Turn, ...]:
        """One turn of the generator; the autoencoder only shows."""
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
    """A generator learns to draw in one step what a flow draws in many, and a critic sees to it that it is sharp.

    The teacher leads noise to latents; the generator is to say the same of the same noise at once, by latents and by
    pictures, with weight `likeness` (Kang et al. 2024, arXiv:2405.05967), so seeds stay apart. The critic tells its
    latents from the teacher's, and in a share `real` of the samples from those of the data; all are shown with noise
    in them (Sauer et al. 2024, arXiv:2403.12015), and its mind must not change much by a little more of it (`still`,
    in place of a gradient penalty: Lin et al. 2025, arXiv:2501.08316, eq. 6).

    adversarial   weight of what the critic says, in the generator's loss
    mismatch      weight of latents under another sample's description, which the critic learns to take for fakes
    refined       weight of what the teacher says of the generator's drawings under some noise, which the generator is
                  to say, too: a generator with `refinements` draws by it. The teacher is guided less the less noise
                  there is (Kynkaanniemi et al. 2024, arXiv:2404.07724).
    """

    likeness: Value = field(default_factory=lambda: Cosine(1.0, 0.35))
    adversarial: Value = 0.25
    real: float = 0.25
    mismatch: Value = 0.5
    still: Value = 0.5
    refined: Value = 0.0

    def __post_init__(self) -> None:
        """Refuse weights below 0 and shares that are none."""
        for name in ("likeness", "adversarial", "mismatch", "still", "refined"):
            within(f"game.{name}", getattr(self, name), 0.0)
        within("game.real", self.real, 0.0, 1.0, closed=True)

    def turns(self) -> tuple[Turn, ...]:
        """The critic, then the generator on the same noise; teacher and autoencoder only show."""
        return (Turn("critic", self._critic), Turn("generator", self._generator, again=True))

    def check(self, nets: Nets) -> None:
        """See `Game.check`."""
        wants(nets, "autoencoder", "latents", "latent_autoencoder")
        for player in ("generator", "teacher") if self.taught else ("generator",):
            wants(nets, player, "clean", "latent_generator")
        wants(nets, "critic", "judge", "latent_critic")

    @property
    def taught(self) -> bool:
        """Whether a teacher has a say: not if the data alone are real, and the generator need be like nothing."""
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
        """How far the generator is from the teacher, of what it has drawn under the noise of a random time."""
        first, last = REFINED
        time = first + (last - first) * batch.dice.uniform("refined at")
        noisy = mixed(drawn, batch.dice.normal("refined under", *drawn.shape[1:]), time)
        with torch.no_grad():
            wanted = nets["teacher"].guided(noisy, batch.condition, time, guidance(time))
        return unlike(sphere(nets["generator"].clean(noisy, batch.condition, time)), sphere(wanted))

    def _shown(self, nets: Nets, batch: Batch) -> Tensor:
        """What the critic is to take for real: the teacher's latents, and some of the data's."""
        if self.real == 0:
            return _ends(nets, batch)
        if self.real == 1:
            return _latents(nets, batch)
        own = batch.dice.uniform("own", 1, 1) < self.real
        return torch.where(own, _latents(nets, batch), _ends(nets, batch))


def wants(nets: Nets, player: str, method: str, name: str) -> None:
    """Refuse a player that cannot do what a game of latents asks it for.

    Raises:
        DoesNotFit: it has no such method; the message says which network does.
    """
    if not hasattr(nets.get(player), method):
        raise DoesNotFit(f"This game wants a network {player} that is a {name}: `settings=['{player}={name}']`.")


@torch.no_grad()
def _latents(nets: Nets, batch: Batch) -> Tensor:
    """The latents [N, places, 16] of the samples."""
    latents: Tensor = nets["autoencoder"].latents(batch.real)
    return latents


def _ends(nets: Nets, batch: Batch) -> Tensor:
    """Where the teacher leads the noise of this batch, found once for all turns that play on it."""
    if "ends" not in batch.made:
        with torch.no_grad():
            batch.made["ends"] = nets["teacher"].latents(_noise(nets, batch), batch.condition)
    return batch.made["ends"]


def _fakes(nets: Nets, batch: Batch) -> Tensor:
    """Where the generator sees the noise of this batch end, made once for all turns that play on it."""
    if "fakes" not in batch.made:
        batch.made["fakes"] = nets["generator"].once(_noise(nets, batch), batch.condition)
    return batch.made["fakes"]


def _noise(nets: Nets, batch: Batch) -> Tensor:
    """The noise [N, places, 16] that teacher and generator both begin from."""
    if "noise" not in batch.made:  # dice that are rolled again for the same say something else
        generator: Any = nets["generator"]
        batch.made["noise"] = generator.places(batch.dice.normal("z", generator.latent))
    return batch.made["noise"]


def _times(batch: Batch, purpose: str = "times") -> Rows:
    """How clear latents are shown to the critic, [N]."""
    return clearness(batch.dice.normal(purpose), batch.dice.uniform(f"{purpose}, clear"))
