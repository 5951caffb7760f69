"""The WGAN of faces at 128x128: strided convolutions, and a critic with instance norm in every layer.

(Arjovsky, Chintala & Bottou 2017, arXiv:1701.07875, for the idea. With batch norm the critic would mix the pictures of
a batch, which a gradient penalty does not allow: Gulrajani et al. 2017, arXiv:1704.00028, section 4.)
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from ..core.catalog import part
from .layers import BatchNorm, Critic, Generator, NetworkSettings, doublings, widths, with_condition
from .strided import Doubling, Gathering, Halving, InstanceNorm, Spreading

__all__ = ["WGANCritic", "WGANGenerator"]

WIDEST = 16  # the widest layer has 16 times the channels of the narrowest, as at 128x128


@part("network")
@dataclass(frozen=True)
class WGANGenerator(NetworkSettings):
    """WGAN generator: transposed 4x4 convolutions, batch norm, ReLU, tanh; 200-512-256-128-64-32-3 at 128x128.

    There are 2 `width` channels before the last layer, and twice as many in each layer further from the picture, up to
    16 times.
    """

    width: int = 16
    latent: int = 200

    def build(self, shape: tuple[int, ...], condition: int) -> Generator:
        """See `NetworkSettings.build`."""
        return _WGANGenerator(self, shape, condition)


@part("network")
@dataclass(frozen=True)
class WGANCritic(NetworkSettings):
    """WGAN critic: 4x4 convolutions of stride 2, instance norm, LeakyReLU 0.2, a linear score; 3-16-32-64-128-256-1.

    `width` is the number of channels after the first layer. A condition is projected (Miyato & Koyama 2018,
    arXiv:1802.05637): as constant planes beside the picture it would be lost, since instance norm removes constants.
    """

    width: int = 16

    def build(self, shape: tuple[int, ...], condition: int) -> Critic:
        """See `NetworkSettings.build`."""
        return _WGANCritic(self, shape, condition)


class _WGANGenerator(Generator):
    def __init__(self, settings: WGANGenerator, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition, settings.latent)
        height, width, count = doublings(shape)
        channels = widths(2 * settings.width, count, widest=WIDEST)[::-1]
        layers: list[nn.Module] = [Spreading(settings.latent + condition, channels[0], (height, width))]
        for a, b in pairwise([*channels, shape[0]]):
            layers += [BatchNorm(a), nn.ReLU(inplace=True), Doubling(a, b)]
        self.layers = nn.Sequential(*layers, nn.Tanh())

    def forward(self, z: Tensor, condition: Tensor | None) -> Tensor:
        pictures: Tensor = self.layers(with_condition(z, condition)[:, :, None, None])
        return pictures


class _WGANCritic(Critic):
    judges_alone = True

    def __init__(self, settings: WGANCritic, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition)
        height, width, count = doublings(shape)
        channels = widths(settings.width, count, widest=WIDEST)
        layers: list[nn.Module] = []
        for a, b in pairwise([shape[0], *channels]):
            layers += [Halving(a, b, penalised=True), InstanceNorm(b), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers)
        self.score = Gathering(channels[-1], 1, (height, width))
        self.embed = None
        if condition:
            self.embed = nn.Linear(condition, channels[-1] * height * width, bias=False)
            nn.init.normal_(self.embed.weight, 0.0, 1 / math.sqrt(self.embed.weight.numel()))

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        features = self.layers(x).to(self.score.weight.dtype)
        with torch.autocast(x.device.type, enabled=False):  # a distance is the difference of two scores
            logits: Tensor = self.score(features).flatten()
            if self.embed is not None and condition is not None:
                logits = logits + (self.embed(condition) * features.flatten(1)).sum(1)
        return logits
