"""Plain residual networks: nearest upsampling, mean pooling (Gulrajani et al. 2017, arXiv:1704.00028, appendix F).

Beyond the paper, the critic can use cheaper blocks, for more steps in the same time.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..core.catalog import part
from .layers import (
    Critic,
    Generator,
    NetworkSettings,
    doublings,
    embedding,
    planes,
    projected,
    widths,
    with_condition,
)
from .modulation import ModulatedNorm, Style

__all__ = ["ResnetCritic", "ResnetGenerator"]


@part("network")
@dataclass(frozen=True)
class ResnetGenerator(NetworkSettings):
    """Residual generator: pre-activation blocks, batch norm, nearest upsampling, tanh (Gulrajani et al. 2017, app. F).

    `width` is the number of channels of the last block; each block further from the picture has twice as many, up to
    `widest` times `width`. If `modulated`, z and the condition also scale and shift the features after each norm (Chen
    et al. 2019, arXiv:1810.01365).
    """

    width: int = 16
    latent: int = 64
    widest: int = 4
    modulated: bool = False

    def build(self, shape: tuple[int, ...], condition: int) -> Generator:
        """See `NetworkSettings.build`."""
        return _ResnetGenerator(self, shape, condition)


@part("network")
@dataclass(frozen=True)
class ResnetCritic(NetworkSettings):
    """Residual critic: pre-activation blocks, mean pooling, no normalisation (Gulrajani et al. 2017, appendix F).

    With `projection`, the inner product of the embedded condition and the last layer's input is added to the logit
    (Miyato & Koyama 2018, arXiv:1802.05637); otherwise the condition is appended to the picture as constant planes.
    `widest` is as in `ResnetGenerator`. `strided` blocks have one 4x4 convolution of stride 2 instead of two 3x3 ones
    and pooling, for a sixth of the work. With a `stem`, the first block has a 3x3 convolution before pooling: at full
    resolution, where pixel noise is visible.
    """

    width: int = 16
    widest: int = 4
    projection: bool = False
    strided: bool = False
    stem: bool = False

    def build(self, shape: tuple[int, ...], condition: int) -> Critic:
        """See `NetworkSettings.build`."""
        return _ResnetCritic(self, shape, condition)


class _Up(nn.Module):
    """Twice the size: batch norm, LeakyReLU, nearest upsampling and 3x3 convolutions beside a 1x1 shortcut."""

    def __init__(self, inputs: int, outputs: int, *, modulated: bool) -> None:
        super().__init__()
        self.norm1, self.conv1 = ModulatedNorm(inputs, modulated=modulated), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2, self.conv2 = ModulatedNorm(outputs, modulated=modulated), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor, style: Tensor | None) -> Tensor:
        y = F.interpolate(F.leaky_relu(self.norm1(x, style), 0.2), scale_factor=2.0)
        y = self.conv2(F.leaky_relu(self.norm2(self.conv1(y), style), 0.2))
        return y + F.interpolate(self.shortcut(x), scale_factor=2.0)


class _Down(nn.Module):
    """Half the size: LeakyReLU, 3x3 convolutions and mean pooling beside a 1x1 shortcut."""

    def __init__(self, inputs: int, outputs: int, *, first: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)
        self.first = first  # no activation on the picture itself

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(x if self.first else F.leaky_relu(x, 0.2))
        y = self.conv2(F.leaky_relu(y, 0.2))
        return F.avg_pool2d(y, 2) + self.shortcut(F.avg_pool2d(x, 2))


class _Stride(nn.Module):
    """Half the size: LeakyReLU and a 4x4 convolution of stride 2 beside a 1x1 shortcut."""

    def __init__(self, inputs: int, outputs: int, *, first: bool) -> None:
        super().__init__()
        self.conv, self.shortcut = nn.Conv2d(inputs, outputs, 4, 2, 1), nn.Conv2d(inputs, outputs, 1)
        self.first = first  # no activation on the picture itself

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x if self.first else F.leaky_relu(x, 0.2))
        return y + self.shortcut(F.avg_pool2d(x, 2))


class _Stem(nn.Module):
    """Half the size of a picture: a 3x3 convolution, LeakyReLU and mean pooling beside a 1x1 shortcut."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv, self.shortcut = nn.Conv2d(inputs, outputs, 3, padding=1), nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(F.leaky_relu(self.conv(x), 0.2), 2) + self.shortcut(F.avg_pool2d(x, 2))


class _ResnetGenerator(Generator):
    def __init__(self, settings: ResnetGenerator, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition, settings.latent)
        height, width, count = doublings(shape)
        channels = widths(settings.width, count, widest=settings.widest)[::-1]
        modulated = settings.modulated
        self.base = (channels[0], height, width)
        self.project = nn.Linear(settings.latent + condition, channels[0] * height * width)
        self.style = Style(settings.latent + condition) if modulated else None
        self.blocks = nn.ModuleList([_Up(a, b, modulated=modulated) for a, b in pairwise([channels[0], *channels])])
        self.norm = ModulatedNorm(channels[-1], modulated=modulated)
        self.picture = nn.Conv2d(channels[-1], shape[0], 3, padding=1)

    def forward(self, z: Tensor, condition: Tensor | None) -> Tensor:
        z = with_condition(z, condition)
        style = self.style(z) if self.style else None
        x = self.project(z).unflatten(1, self.base).to(memory_format=torch.channels_last)
        for block in self.blocks:
            x = block(x, style)
        return torch.tanh(self.picture(F.leaky_relu(self.norm(x, style), 0.2)))


class _ResnetCritic(Critic):
    judges_alone = True

    def __init__(self, settings: ResnetCritic, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition)
        height, width, count = doublings(shape)
        inputs = shape[0] + (0 if settings.projection else condition)
        channels = [inputs, *widths(settings.width, count, widest=settings.widest)]
        block = _Stride if settings.strided else _Down
        first = _Stem(*channels[:2]) if settings.stem else block(*channels[:2], first=True)
        self.blocks = nn.Sequential(first, *[block(a, b, first=False) for a, b in pairwise(channels[1:])])
        self.score = nn.Linear(channels[-1] * height * width, 1)
        self.embed = None
        if condition and settings.projection:
            self.embed = embedding(condition, channels[-1] * height * width)

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        x = x if self.embed is not None else planes(x, condition)
        features = F.leaky_relu(self.blocks(x), 0.2).flatten(1)
        logits: Tensor = self.score(features).squeeze(1)
        if self.embed is not None and condition is not None:
            logits = logits + projected(features, self.embed(condition))
        return logits
