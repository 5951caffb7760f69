"""Residual networks without tricks: nearest upsampling, mean pooling (Gulrajani 2017, arXiv:1704.00028, appendix F)."""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..catalog import part
from ..layers import Critic, Generator, NetworkSettings, doublings, planes, widths, with_condition

__all__ = ["ResnetCritic", "ResnetGenerator"]

WIDEST = 4  # the widest block has 4 times the width of the narrowest


@part("network")
@dataclass(frozen=True)
class ResnetGenerator(NetworkSettings):
    """Residual generator: pre-activation blocks, batch norm, nearest upsampling, tanh (Gulrajani et al. 2017, app. F).

    `width` is the number of channels of the last block; each block further from the picture has twice as many.
    """

    width: int = 16
    latent: int = 64

    def build(self, shape: tuple[int, ...], condition: int) -> Generator:
        """See `NetworkSettings.build`."""
        return _ResnetGenerator(self, shape, condition)


@part("network")
@dataclass(frozen=True)
class ResnetCritic(NetworkSettings):
    """Residual critic: pre-activation blocks, mean pooling, no normalisation (Gulrajani et al. 2017, appendix F).

    `projection` multiplies what the last layer reads by the embedded condition (Miyato & Koyama 2018,
    arXiv:1802.05637), else the condition is given as planes.
    """

    width: int = 16
    projection: bool = False

    def build(self, shape: tuple[int, ...], condition: int) -> Critic:
        """See `NetworkSettings.build`."""
        return _ResnetCritic(self, shape, condition)


class _Up(nn.Module):
    """Twice the size: batch norm, LeakyReLU, nearest upsampling and 3x3 convolutions beside a 1x1 shortcut."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2, self.conv2 = nn.BatchNorm2d(outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = F.interpolate(F.leaky_relu(self.norm1(x), 0.2), scale_factor=2.0)
        y = self.conv2(F.leaky_relu(self.norm2(self.conv1(y)), 0.2))
        return y + F.interpolate(self.shortcut(x), scale_factor=2.0)


class _Down(nn.Module):
    """Half the size: LeakyReLU, 3x3 convolutions and mean pooling beside a 1x1 shortcut."""

    def __init__(self, inputs: int, outputs: int, *, first: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)
        self.first = first  # the picture itself is not rectified

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(x if self.first else F.leaky_relu(x, 0.2))
        y = self.conv2(F.leaky_relu(y, 0.2))
        return F.avg_pool2d(y, 2) + self.shortcut(F.avg_pool2d(x, 2))


class _ResnetGenerator(Generator):
    def __init__(self, settings: ResnetGenerator, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition, settings.latent)
        height, width, count = doublings(shape)
        channels = widths(settings.width, count, widest=WIDEST)[::-1]
        self.base = (channels[0], height, width)
        self.project = nn.Linear(settings.latent + condition, channels[0] * height * width)
        self.blocks = nn.Sequential(*[_Up(a, b) for a, b in pairwise([channels[0], *channels])])
        self.norm, self.picture = nn.BatchNorm2d(channels[-1]), nn.Conv2d(channels[-1], shape[0], 3, padding=1)

    def forward(self, z: Tensor, condition: Tensor | None) -> Tensor:
        x = self.project(with_condition(z, condition)).unflatten(1, self.base)
        x = x.to(memory_format=torch.channels_last)
        return torch.tanh(self.picture(F.leaky_relu(self.norm(self.blocks(x)), 0.2)))


class _ResnetCritic(Critic):
    def __init__(self, settings: ResnetCritic, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition)
        height, width, count = doublings(shape)
        inputs = shape[0] + (0 if settings.projection else condition)
        channels = [inputs, *widths(settings.width, count, widest=WIDEST)]
        self.blocks = nn.Sequential(*[_Down(a, b, first=not level) for level, (a, b) in enumerate(pairwise(channels))])
        self.score = nn.Linear(channels[-1] * height * width, 1)
        self.embed = None
        if condition and settings.projection:
            self.embed = nn.Linear(condition, channels[-1] * height * width, bias=False)
            nn.init.normal_(self.embed.weight, 0.0, 1 / math.sqrt(self.embed.out_features))

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        features = F.leaky_relu(self.blocks(x if self.embed is not None else planes(x, condition)), 0.2)
        logits: Tensor = self.score(features.flatten(1)).squeeze(1)
        if self.embed is not None and condition is not None:
            logits = logits + (self.embed(condition) * features.flatten(1)).sum(1)
        return logits
