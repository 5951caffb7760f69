"""An encoder and a decoder in one network: strided convolutions for pictures, full connections for anything else."""

import math
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from ..catalog import part
from ..layers import Generator, Network, NetworkSettings, doublings, planes, widths, with_condition

__all__ = ["Autoencoder", "MLPAutoencoder"]

WIDEST = 8  # the widest layer has 8 times the width of the narrowest
SLOPE = 0.2  # of LeakyReLU below zero


@part("network")
@dataclass(frozen=True)
class Autoencoder(NetworkSettings):
    """Autoencoder of 4x4 convolutions of stride 2, LeakyReLU 0.2, tanh, without normalisation.

    `width` is the number of channels next to the picture, which double with each halving. `latent` is the length of the
    code. `standardise` keeps each number of the code at mean 0 and variance 1, by batch norm without scale and shift,
    where the game does not: a standard normal z then is a code as far as each number by itself goes. How the numbers go
    together it does not tell, so that samples are worse than reconstructions.
    """

    width: int = 32
    latent: int = 32
    standardise: bool = False

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
        for a, b in pairwise([*channels[::-1], shape[0]]):
            decoder += [nn.LeakyReLU(SLOPE, inplace=True), nn.ConvTranspose2d(a, b, 4, 2, 1)]
        layers = nn.Sequential(*encoder), nn.Sequential(*decoder, nn.Tanh())
        return _Autoencoder(*layers, shape, condition, self.latent, standardise=self.standardise)


@part("network")
@dataclass(frozen=True)
class MLPAutoencoder(NetworkSettings):
    """Feed-forward autoencoder; tanh for pictures, linear for vectors (Kingma & Welling 2014, arXiv:1312.6114).

    `latent` and `standardise` as in `autoencoder`.
    """

    width: int = 256
    depth: int = 2
    latent: int = 16
    standardise: bool = False

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
        last = [nn.Tanh()] if len(shape) > 1 else []
        layers = nn.Sequential(*encoder), nn.Sequential(*decoder, nn.Unflatten(1, shape), *last)
        return _Autoencoder(*layers, shape, condition, self.latent, standardise=self.standardise)


class _Encoder(Network):
    """Samples [N, *shape] and a condition -> [N, 2 latent]: the means and log variances of their codes."""

    def __init__(self, layers: nn.Sequential, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition)
        self.layers = layers

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        convolves = isinstance(self.layers[0], nn.Conv2d)
        told: Tensor = self.layers(planes(x, condition) if convolves else with_condition(x.flatten(1), condition))
        return told


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
        standardise: bool,
    ) -> None:
        super().__init__(shape, condition, latent)
        self.encoder, self.decoder = _Encoder(encoder, shape, condition), decoder
        self.standard = nn.BatchNorm1d(latent, affine=False) if standardise else nn.Identity()
        self.apply(_initialise)

    def forward(self, z: Tensor, condition: Tensor | None) -> Tensor:
        samples: Tensor = self.decoder(with_condition(z, condition))
        return samples

    def encode(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The mean and the log variance, both [N, latent], of the code of each sample [N, *shape]."""
        self.encoder.precision = self.precision
        mean, log_variance = self.encoder(x, condition).chunk(2, dim=1)
        return self.standard(mean), log_variance

    def reconstruct(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """See `Generator.reconstruct`."""
        return self.generate(self.encode(x, condition)[0], condition)


def _initialise(module: nn.Module) -> None:
    """Weights that keep the variance through LeakyReLU (He et al. 2015, arXiv:1502.01852, eq. 15); no biases."""
    if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        fan = module.weight[0].numel()
        if isinstance(module, nn.ConvTranspose2d):
            fan = module.in_channels * 4  # of stride 2: a quarter of the 4x4 weights meet at a pixel
        nn.init.normal_(module.weight, 0.0, math.sqrt(2 / (1 + SLOPE**2) / fan))
        if module.bias is not None:
            nn.init.zeros_(module.bias)
