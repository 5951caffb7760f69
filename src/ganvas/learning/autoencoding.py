"""Learning to reconstruct samples from a code: autoencoders, plain and variational."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ..core.batch import Batch, Nets, Terms
from ..core.catalog import part
from ..core.errors import DoesNotFit
from .schedules import Value, at, within
from .turns import Game, Turn

__all__ = ["Autoencoding", "Variational", "divergence", "surprise"]

REMEMBERED_IMAGES = 1000  # half-life of the running error that sets the deviation in `Variational`
LEAST_VARIANCE = 1e-6  # of samples around their reconstructions; without it, the likelihood could diverge

Codes = Float[Tensor, "n latent"]
Rows = Float[Tensor, " n"]


@part("game")
@dataclass(frozen=True)
class Autoencoding(Game):
    """An autoencoder learns to reconstruct samples from their codes, with the least squared error.

    Nothing makes the distribution of codes match the standard normal z that samples are generated from. A network with
    `gaussian=True` at least maps z to the mean and covariance of the codes; the game `variational` does more.
    """

    def turns(self) -> tuple[Turn, ...]:
        """One turn of the one player."""
        return (Turn("autoencoder", self._autoencoder),)

    def check(self, nets: Nets) -> None:
        """See `Game.check`."""
        if not hasattr(nets["autoencoder"], "encode"):
            raise DoesNotFit(
                "This game needs a network that makes codes of samples too, such as "
                "`settings=['autoencoder=autoencoder']`, or "
                "`settings=['autoencoder=mlp_autoencoder']` for points."
            )

    def _autoencoder(self, nets: Nets, batch: Batch) -> Terms:
        mean, _ = nets["autoencoder"].encode(batch.real, batch.condition)
        return {"loss": _error(batch.real, nets["autoencoder"](mean, batch.condition))}


@part("game")
@dataclass(frozen=True)
class Variational(Autoencoding):
    """A variational autoencoder raises the evidence lower bound (Kingma & Welling 2014, arXiv:1312.6114, eq. 3).

    -log p(x) <= E_q(z|x)[-log p(x|z)] + KL(q(z|x) || p(z)), in nats per sample: the cost of encoding a sample given its
    code (`reconstruction`), and the cost of the code (`divergence`). p(z) is standard normal, q(z|x) a Gaussian with
    mean and variance from the encoder; the expectation is estimated at one z = mean + deviation * noise. p(x|z) is a
    Gaussian around the decoder's output.

    beta       weight of the divergence in the loss (Higgins et al. 2017); 1 for the bound itself, 0 for no prior at all
    deviation  of p(x|z), the same for all pixels; None for the root of the recent mean squared error, which is optimal
               for the bound (sigma-VAE: Rybkin et al. 2021, arXiv:2006.13202, section 3)
    """

    beta: Value = 1.0
    deviation: Value | None = None

    def __post_init__(self) -> None:
        """Reject a negative weight, and a deviation that is not positive.

        Raises:
            DoesNotFit: `beta` is below 0, or `deviation` is not above 0 at the beginning and the end of the run.
        """
        within("game.beta", self.beta, 0.0)
        if self.deviation is not None and min(at(self.deviation, progress) for progress in (0.0, 1.0)) <= 0:
            raise DoesNotFit(f"game.deviation is above 0, or None to follow the error, not {self.deviation}.")

    def memory(self) -> dict[str, Tensor]:
        """See `Game.memory`: the recent mean squared error, if `deviation` follows it."""
        return {"error": torch.ones(())} if self.deviation is None else {}

    def remember(self, memory: Mapping[str, Tensor], means: Mapping[str, Tensor], *, images: int) -> None:
        """See `Game.remember`."""
        memory["error"].lerp_(means["autoencoder.error"], 1 - 0.5 ** (images / REMEMBERED_IMAGES))

    def _autoencoder(self, nets: Nets, batch: Batch) -> Terms:
        network = nets["autoencoder"]
        mean, log_variance = network.encode(batch.real, batch.condition)
        z = mean + (log_variance / 2).exp() * batch.dice.normal("z", network.latent)
        error = _error(batch.real, network(z, batch.condition))
        variance = self._variance(batch)
        reconstruction, code = surprise(error, variance, batch.real[0].numel()), divergence(mean, log_variance)
        return {
            "loss": reconstruction + at(self.beta, batch.progress) * code,
            "reconstruction": reconstruction.detach(),
            "divergence": code.detach(),
            "error": error.detach(),
            "deviation": variance.sqrt().expand(len(batch)),
        }

    def _variance(self, batch: Batch) -> Tensor:
        if self.deviation is None:
            return batch.memory["error"].clamp(min=LEAST_VARIANCE)
        return batch.real.new_full((), at(self.deviation, batch.progress) ** 2)


def divergence(mean: Codes, log_variance: Codes) -> Rows:
    """KL(N(mean, variance) || N(0, 1)) per row, in nats (Kingma & Welling 2014, appendix B)."""
    return (mean.square() + log_variance.exp() - 1 - log_variance).sum(1) / 2


def surprise(error: Rows, variance: Float[Tensor, ""], count: int) -> Rows:
    """-log p, in nats, of samples of `count` numbers with this mean squared error, for a Gaussian of this variance."""
    return count / 2 * (error / variance + variance.log() + math.log(2 * math.pi))


def _error(samples: Tensor, reconstructions: Tensor) -> Rows:
    """The mean squared error [N] of each sample."""
    return (samples - reconstructions).square().flatten(1).mean(1)
