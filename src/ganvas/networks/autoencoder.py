"""An encoder and a decoder in one network: strided convolutions for pictures, fully connected for anything else."""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from ..core import distributed
from ..core.batch import Kind, kind_of
from ..core.catalog import part
from .layers import Generator, Network, NetworkSettings, doublings, planes, widths, with_condition
from .strided import Resample

__all__ = ["Autoencoder", "MLPAutoencoder"]

WIDEST = 8  # the widest layer has 8 times the width of the narrowest
SLOPE = 0.2  # of LeakyReLU below zero
FOLLOWED_CODES = 2000  # half-life, in codes, of the running statistics of the Gaussian
LEAST_VARIANCE = 1e-4  # added to the variance in every direction, as a share of the mean variance


@part("network")
@dataclass(frozen=True)
class Autoencoder(NetworkSettings):
    """Convolutional autoencoder: strided encoder, upsampling decoder, LeakyReLU 0.2, tanh, no normalisation.

    `width` is the number of channels next to the picture; it doubles with each halving, up to 8 times. `latent` is the
    length of the code. `gaussian` is for games that do not regularise the distribution of codes: a Gaussian is fitted
    to recent codes, and z is mapped to their mean and covariance (Ghosh et al. 2020, arXiv:1903.12436, section 4).
    Codes are seldom Gaussian, so samples are worse than reconstructions. Training itself is not affected.
    """

    width: int = 32
    latent: int = 32
    gaussian: bool = False

    def build(self, shape: tuple[int, ...], condition: int) -> Generator:
        """See `NetworkSettings.build`."""
        height, width, count = doublings(shape)
        channels = widths(self.width, count, widest=WIDEST)
        size = channels[-1] * height * width
        encoder: list[nn.Module] = []
        for a, b in pairwise([shape[0] + condition, *channels]):
            encoder += [nn.Conv2d(a, b, 4, 2, 1), nn.LeakyReLU(SLOPE, inplace=True)]
        encoder += [nn.Flatten(), nn.Linear(size, 2 * self.latent)]
        decoder: list[nn.Module] = [
            nn.Linear(self.latent + condition, size),
            nn.Unflatten(1, (channels[-1], height, width)),
        ]
        for a, b in pairwise([*channels[::-1], channels[0]]):
            decoder += [nn.LeakyReLU(SLOPE, inplace=True), nn.Conv2d(a, b, 3, padding=1), Resample(up=True)]
        decoder += [nn.LeakyReLU(SLOPE, inplace=True), nn.Conv2d(channels[0], shape[0], 3, padding=1), nn.Tanh()]
        layers = nn.Sequential(*encoder), nn.Sequential(*decoder)
        return _Autoencoder(*layers, shape, condition, self.latent, gaussian=self.gaussian)


@part("network")
@dataclass(frozen=True)
class MLPAutoencoder(NetworkSettings):
    """Feed-forward autoencoder; tanh for pictures, linear for vectors (Kingma & Welling 2014, arXiv:1312.6114).

    `latent` and `gaussian` as in `autoencoder`.
    """

    width: int = 256
    depth: int = 2
    latent: int = 16
    gaussian: bool = False
    from_zero = ("depth",)

    def build(self, shape: tuple[int, ...], condition: int) -> Generator:
        """See `NetworkSettings.build`."""
        size, hidden = math.prod(shape), [self.width] * self.depth
        encoder, decoder = (
            [layer for a, b in pairwise(sides) for layer in (nn.Linear(a, b), nn.LeakyReLU(SLOPE, inplace=True))][:-1]
            for sides in (
                [size + condition, *hidden, 2 * self.latent],
                [self.latent + condition, *hidden, size],
            )
        )
        last = [nn.Tanh()] if kind_of(shape) is not Kind.POINTS else []
        layers = nn.Sequential(*encoder), nn.Sequential(*decoder, nn.Unflatten(1, shape), *last)
        return _Autoencoder(*layers, shape, condition, self.latent, gaussian=self.gaussian)


class _Encoder(Network):
    """Samples [N, *shape] and a condition -> [N, 2 latent]: the means and log variances of their codes."""

    def __init__(self, layers: nn.Sequential, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition)
        self.layers = layers

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        convolves = isinstance(self.layers[0], nn.Conv2d)
        codes: Tensor = self.layers(planes(x, condition) if convolves else with_condition(x.flatten(1), condition))
        return codes


class _Autoencoder(Generator):
    """Codes z [N, latent] -> samples [N, *shape], and back by `encode`."""

    def __init__(
        self,
        encoder: nn.Sequential,
        decoder: nn.Sequential,
        shape: tuple[int, ...],
        condition: int,
        latent: int,
        *,
        gaussian: bool,
    ) -> None:
        super().__init__(shape, condition, latent)
        self.encoder, self.decoder = _Encoder(encoder, shape, condition), decoder
        self.apply(_initialise)
        self.gaussian = _Gaussian(latent) if gaussian else None

    def forward(self, z: Tensor, condition: Tensor | None) -> Tensor:
        code = z if self.gaussian is None else self.gaussian(z)
        if condition is not None:
            condition = condition * math.sqrt(self.latent)  # so that a one-hot condition weighs as much as the code
        samples: Tensor = self.decoder(with_condition(code, condition))
        return samples

    def encode(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The mean and the log variance, both [N, latent], of the code of each sample [N, *shape]."""
        self.encoder.precision = self.precision
        mean, log_variance = self.encoder(x, condition).chunk(2, dim=1)
        return (mean if self.gaussian is None else self.gaussian.standard(mean)), log_variance

    def withdraw(self) -> None:
        """See `Network.withdraw`."""
        if self.gaussian is not None:
            self.gaussian.met.clear()

    def settle(self) -> None:
        """See `Network.settle`."""
        super().settle()
        if self.gaussian is not None:
            self.gaussian.follow()

    def reconstruct(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """See `Generator.reconstruct`."""
        return self.generate(self.encode(x, condition)[0], condition)


class _Gaussian(nn.Module):
    """A Gaussian that follows the codes seen in training: a standard normal z [N, L] -> a code [N, L], and back.

    Training uses both directions, which cancel.
    """

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(latent))
        self.register_buffer("square", torch.eye(latent))  # the mean of code code^T
        self.register_buffer("spread", torch.eye(latent))  # covariance = spread spread^T
        self.met: list[Tensor] = []

    def forward(self, z: Tensor) -> Tensor:
        with torch.autocast(z.device.type, enabled=False):
            return self.get_buffer("mean") + z @ self.get_buffer("spread").T

    def standard(self, code: Tensor) -> Tensor:
        """The z [N, L] of these codes [N, L]; in training, also records the codes for `follow`."""
        if self.training:
            self.met.append(code.detach())
        offset = (code - self.get_buffer("mean")).T
        return torch.linalg.solve_triangular(self.get_buffer("spread"), offset, upper=False).T

    @torch.no_grad()
    def follow(self) -> None:
        """Move towards the codes recorded since the last call."""
        if not self.met:
            return
        codes, mean, square = torch.cat(self.met), self.get_buffer("mean"), self.get_buffer("square")
        self.met.clear()
        share = 1 - 0.5 ** (len(codes) * distributed.world() / FOLLOWED_CODES)
        mean.lerp_(distributed.mean(codes.mean(0)), share)
        square.lerp_(distributed.mean(codes.T @ codes / len(codes)), share)
        covariance = square - mean.outer(mean)
        covariance += LEAST_VARIANCE * covariance.diagonal().mean() * torch.eye(len(mean), device=mean.device)
        self.get_buffer("spread").copy_(torch.linalg.cholesky(covariance))


def _initialise(module: nn.Module) -> None:
    """Weights that preserve the variance through LeakyReLU (He et al. 2015, arXiv:1502.01852, eq. 15), biases of 0."""
    if isinstance(module, nn.Linear | nn.Conv2d):
        nn.init.normal_(module.weight, 0.0, math.sqrt(2 / (1 + SLOPE**2) / module.weight[0].numel()))
        nn.init.zeros_(module.bias)  # type: ignore[arg-type]
