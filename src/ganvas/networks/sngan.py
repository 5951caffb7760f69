"""SNGAN: residual networks whose critic is spectrally normalised (Miyato et al. 2018, arXiv:1802.05957, table 4)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..core.catalog import part
from .layers import (
    BatchNorm,
    Critic,
    Generator,
    NetworkSettings,
    doublings,
    planes,
    projected,
    spectrally_normalised,
    with_condition,
)

__all__ = ["SNGANCritic", "SNGANGenerator"]


@part("network")
@dataclass(frozen=True)
class SNGANGenerator(NetworkSettings):
    """SNGAN generator: residual blocks with batch norm, ReLU and nearest upsampling, tanh (Miyato 2018, table 4).

    `width` is the number of channels of all blocks; 256 in the paper, for pictures of 32x32.
    """

    width: int = 64
    latent: int = 128

    def build(self, shape: tuple[int, ...], condition: int) -> Generator:
        """See `NetworkSettings.build`."""
        return _SNGANGenerator(self, shape, condition)


@part("network")
@dataclass(frozen=True)
class SNGANCritic(NetworkSettings):
    """SNGAN critic: residual blocks with spectral norm only, ReLU, sum pooling (Miyato et al. 2018, table 4).

    `width` is the number of channels of all blocks; 128 in the paper. Two blocks keep the size, the others halve it.
    With `projection`, the inner product of the pooled features and the embedded condition, divided by the root of the
    width, is added to the logit (Miyato & Koyama 2018, arXiv:1802.05637, eq. 3); otherwise the condition is appended to
    the picture as constant planes.
    """

    width: int = 64
    projection: bool = False

    def build(self, shape: tuple[int, ...], condition: int) -> Critic:
        """See `NetworkSettings.build`."""
        return _SNGANCritic(self, shape, condition)


def _convolution(inputs: int, outputs: int, size: int, *, gain: float = 1.0) -> nn.Conv2d:
    """A convolution that keeps the size, with the initialisation of Glorot & Bengio (2010)."""
    layer = nn.Conv2d(inputs, outputs, size, padding=size // 2)
    nn.init.xavier_uniform_(layer.weight, gain)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


class _Up(nn.Module):
    """Twice the size: batch norm, ReLU, nearest upsampling and 3x3 convolutions beside a 1x1 shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = BatchNorm(width), _convolution(width, width, 3, gain=math.sqrt(2))
        self.norm2, self.conv2 = BatchNorm(width), _convolution(width, width, 3, gain=math.sqrt(2))
        self.shortcut = _convolution(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.interpolate(F.relu(self.norm1(x)), scale_factor=2.0))
        y = self.conv2(F.relu(self.norm2(y)))
        return y + F.interpolate(self.shortcut(x), scale_factor=2.0)


class _Down(nn.Module):
    """ReLU and 3x3 convolutions beside an identity shortcut; with `halve`, mean pooling and a 1x1 shortcut."""

    def __init__(self, inputs: int, outputs: int, *, first: bool = False, halve: bool = False) -> None:
        super().__init__()
        self.conv1 = spectrally_normalised(_convolution(inputs, outputs, 3, gain=math.sqrt(2)))
        self.conv2 = spectrally_normalised(_convolution(outputs, outputs, 3, gain=math.sqrt(2)))
        self.shortcut = spectrally_normalised(_convolution(inputs, outputs, 1)) if halve else nn.Identity()
        self.first, self.halve = first, halve  # first: no activation on the picture itself

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(F.relu(self.conv1(x if self.first else F.relu(x))))
        if not self.halve:
            return y + x
        return F.avg_pool2d(y, 2) + self.shortcut(F.avg_pool2d(x, 2))  # pooling first gives the same and is cheaper


class _SNGANGenerator(Generator):
    def __init__(self, settings: SNGANGenerator, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition, settings.latent)
        height, width, count = doublings(shape)
        self.base = (settings.width, height, width)
        self.project = nn.Linear(settings.latent + condition, math.prod(self.base))
        nn.init.xavier_uniform_(self.project.weight)
        self.blocks = nn.Sequential(*[_Up(settings.width) for _ in range(count)])
        self.norm, self.picture = BatchNorm(settings.width), _convolution(settings.width, shape[0], 3)

    def forward(self, z: Tensor, condition: Tensor | None) -> Tensor:
        x = self.project(with_condition(z, condition)).unflatten(1, self.base)
        x = x.to(memory_format=torch.channels_last)
        return torch.tanh(self.picture(F.relu(self.norm(self.blocks(x)))))


class _SNGANCritic(Critic):
    judges_alone = True

    def __init__(self, settings: SNGANCritic, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition)
        width, halvings = settings.width, max(1, doublings(shape)[2] - 1)
        inputs = shape[0] + (0 if settings.projection else condition)
        self.blocks = nn.Sequential(
            _Down(inputs, width, first=True, halve=True),
            *[_Down(width, width, halve=True) for _ in range(halvings - 1)],
            *[_Down(width, width) for _ in range(2)],
        )
        self.score = spectrally_normalised(_linear(width, 1))
        self.embed = (
            spectrally_normalised(_linear(condition, width, bias=False)) if condition and settings.projection else None
        )

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        features = F.relu(self.blocks(x if self.embed is not None else planes(x, condition))).sum((2, 3))
        logits: Tensor = self.score(features).squeeze(1)
        if self.embed is not None and condition is not None:
            logits = logits + projected(features, self.embed(condition))
        return logits


def _linear(inputs: int, outputs: int, *, bias: bool = True) -> nn.Linear:
    layer = nn.Linear(inputs, outputs, bias=bias)
    nn.init.xavier_uniform_(layer.weight)
    return layer
