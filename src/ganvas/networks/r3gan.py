"""R3GAN: a modern baseline without tricks (Huang et al. 2024, arXiv:2501.05441, configuration E)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..catalog import part
from ..layers import Critic, Generator, NetworkSettings, Resample, doublings

__all__ = ["R3Critic", "R3Generator"]

EXPANSION = 2  # the grouped 3x3 convolution of a block works on twice the channels


@part("network")
@dataclass(frozen=True)
class R3Generator(NetworkSettings):
    """R3GAN generator: residual blocks of grouped convolutions, no normalisation (Huang et al. 2024).

    `width` is the number of channels of all stages, `cardinality` how many channels share a group of a 3x3 convolution
    (16 in the paper), `blocks` the number of residual blocks a stage. The output is linear: clamp it when saving.
    """

    width: int = 64
    blocks: int = 2
    cardinality: int = 16
    latent: int = 64

    def build(self, shape: tuple[int, ...], condition: int) -> Generator:
        """See `NetworkSettings.build`."""
        return _R3Generator(self, shape, condition)


@part("network")
@dataclass(frozen=True)
class R3Critic(NetworkSettings):
    """R3GAN critic: the generator's mirror image, with a projected condition (Huang et al. 2024)."""

    width: int = 64
    blocks: int = 2
    cardinality: int = 16

    def build(self, shape: tuple[int, ...], condition: int) -> Critic:
        """See `NetworkSettings.build`."""
        return _R3Critic(self, shape, condition)


def _normal(weight: Tensor, *, gain: float = 1.0) -> None:
    """N(0, gain / sqrt(fan in)), the fan counted within a group."""
    nn.init.normal_(weight, 0.0, gain / math.sqrt(weight[0].numel()))


class _Block(nn.Module):
    """x + 1x1(act(3x3 grouped(act(1x1(x))))), the last convolution starting at zero; nothing follows the sum."""

    def __init__(self, width: int, *, cardinality: int, depth: int) -> None:
        super().__init__()
        inner = width * EXPANSION
        self.widen = nn.Conv2d(width, inner, 1)
        self.mix = nn.Conv2d(inner, inner, 3, padding=1, groups=max(1, inner // cardinality))
        self.narrow = nn.Conv2d(inner, width, 1, bias=False)
        # Keeps the variance through LeakyReLU 0.2, scaled for `depth` blocks as in Fixup (Zhang et al. 2019, eq. 5).
        gain = math.sqrt(2 / 1.04) * depth ** (-1 / 4)
        for layer in (self.widen, self.mix):
            _normal(layer.weight, gain=gain)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        nn.init.zeros_(self.narrow.weight)

    def forward(self, x: Tensor) -> Tensor:
        y = F.leaky_relu(self.mix(F.leaky_relu(self.widen(x), 0.2)), 0.2)
        return x + self.narrow(y)


class _R3Generator(Generator):
    def __init__(self, settings: R3Generator, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition, settings.latent)
        height, width, count = doublings(shape)
        depth = settings.blocks * (count + 1)
        self.embed = nn.Linear(condition, settings.latent, bias=False) if condition else None
        inputs = settings.latent * (2 if condition else 1)
        self.basis = nn.Parameter(torch.randn(settings.width, height, width))
        self.scale = nn.Linear(inputs, settings.width, bias=False)
        stages: list[nn.Module] = []
        for stage in range(count + 1):
            stages += [Resample(up=True)] if stage else []
            stages += [
                _Block(settings.width, cardinality=settings.cardinality, depth=depth) for _ in range(settings.blocks)
            ]
        self.stages = nn.Sequential(*stages)
        self.picture = nn.Conv2d(settings.width, shape[0], 1, bias=False)
        for weight in (self.scale.weight, self.picture.weight, *(self.embed.parameters() if self.embed else ())):
            _normal(weight)

    def forward(self, z: Tensor, condition: Tensor | None) -> Tensor:
        if self.embed is not None and condition is not None:
            z = torch.cat([z, self.embed(condition)], dim=1)
        x = self.basis * self.scale(z)[:, :, None, None]
        pictures: Tensor = self.picture(self.stages(x.contiguous(memory_format=torch.channels_last)))
        return pictures


class _R3Critic(Critic):
    def __init__(self, settings: R3Critic, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition)
        height, width, count = doublings(shape)
        depth = settings.blocks * (count + 1)
        self.read = nn.Conv2d(shape[0], settings.width, 1, bias=False)
        stages: list[nn.Module] = []
        for stage in range(count + 1):
            stages += [
                _Block(settings.width, cardinality=settings.cardinality, depth=depth) for _ in range(settings.blocks)
            ]
            stages += [Resample(up=False)] if stage < count else []
        self.stages = nn.Sequential(*stages)
        self.gather = nn.Conv2d(settings.width, settings.width, (height, width), groups=settings.width, bias=False)
        self.score = nn.Linear(settings.width, settings.width if condition else 1, bias=False)
        self.embed = nn.Linear(condition, settings.width, bias=False) if condition else None
        for layer in (self.read, self.gather, self.score):
            _normal(layer.weight)
        if self.embed is not None:
            nn.init.normal_(self.embed.weight, 0.0, 1 / math.sqrt(settings.width))

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        features: Tensor = self.score(self.gather(self.stages(self.read(x))).flatten(1))
        if self.embed is not None and condition is not None:
            features = (features * self.embed(condition)).sum(1, keepdim=True)
        return features.squeeze(1)
