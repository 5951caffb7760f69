"""DCGAN: strided convolutions with batch norm (Radford, Metz & Chintala 2016, arXiv:1511.06434, figure 1)."""

from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from ..catalog import part
from ..layers import Critic, Generator, NetworkSettings, doublings, planes, widths, with_condition

__all__ = ["DCGANCritic", "DCGANGenerator"]

WIDEST = 8  # the widest layer has 8 times the width of the narrowest, as at 64x64 in the paper


@part("network")
@dataclass(frozen=True)
class DCGANGenerator(NetworkSettings):
    """DCGAN generator: transposed 4x4 convolutions, batch norm, ReLU, tanh (Radford et al. 2016, arXiv:1511.06434).

    `width` is the number of channels before the last layer; each layer further from the picture has twice as many.
    """

    width: int = 64
    latent: int = 100

    def build(self, shape: tuple[int, ...], condition: int) -> Generator:
        """See `NetworkSettings.build`."""
        return _DCGANGenerator(self, shape, condition)


@part("network")
@dataclass(frozen=True)
class DCGANCritic(NetworkSettings):
    """DCGAN discriminator: 4x4 convolutions of stride 2, batch norm, LeakyReLU 0.2 (Radford et al. 2016)."""

    width: int = 64

    def build(self, shape: tuple[int, ...], condition: int) -> Critic:
        """See `NetworkSettings.build`."""
        return _DCGANCritic(self, shape, condition)


def _initialise(module: nn.Module) -> None:
    """N(0, 0.02) for all weights, as in section 4 of the paper; N(1, 0.02) for the scales of batch norm."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


class _DCGANGenerator(Generator):
    def __init__(self, settings: DCGANGenerator, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition, settings.latent)
        height, width, count = doublings(shape)
        channels = widths(settings.width, count, widest=WIDEST)[::-1]
        layers: list[nn.Module] = [
            nn.ConvTranspose2d(settings.latent + condition, channels[0], (height, width), bias=False),
            nn.BatchNorm2d(channels[0]),
            nn.ReLU(inplace=True),
        ]
        for a, b in pairwise(channels):
            layers += [nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU(inplace=True)]
        layers += [nn.ConvTranspose2d(channels[-1], shape[0], 4, 2, 1, bias=False), nn.Tanh()]
        self.layers = nn.Sequential(*layers).apply(_initialise)

    def forward(self, z: Tensor, condition: Tensor | None) -> Tensor:
        pictures: Tensor = self.layers(with_condition(z, condition)[:, :, None, None])
        return pictures


class _DCGANCritic(Critic):
    def __init__(self, settings: DCGANCritic, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition)
        height, width, count = doublings(shape)
        channels = widths(settings.width, count, widest=WIDEST)
        layers: list[nn.Module] = [
            nn.Conv2d(shape[0] + condition, channels[0], 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
        ]
        for a, b in pairwise(channels):
            layers += [
                nn.Conv2d(a, b, 4, 2, 1, bias=False),
                nn.BatchNorm2d(b),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        layers.append(nn.Conv2d(channels[-1], 1, (height, width), bias=False))
        self.layers = nn.Sequential(*layers).apply(_initialise)

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        logits: Tensor = self.layers(planes(x, condition))
        return logits.flatten()
