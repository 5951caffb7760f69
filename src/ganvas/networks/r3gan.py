"""R3GAN: a modern baseline without tricks (Huang et al. 2024, arXiv:2501.05441, configuration E)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..core.catalog import part
from .layers import Critic, Generator, NetworkSettings, doublings
from .strided import Keeping, Resample

__all__ = ["R3Critic", "R3Generator"]

EXPANSION = 2  # the grouped 3x3 convolution of a block works on twice the channels


@part("network")
@dataclass(frozen=True)
class R3Generator(NetworkSettings):
    """R3GAN generator: residual blocks of grouped convolutions, no normalisation (Huang et al. 2024).

    `width` is the number of channels of the four smallest stages, 4x4 to 32x32; each larger stage has half as many as
    the one before: 768, 384, 192 and 96 in the paper. `wide` is the number of doublings that keep the width: 3 by
    default, 4 in the paper's network for ImageNet at 64x64. `cardinality` is the number of channels per group of a 3x3
    convolution (16 in the paper), `blocks` the number of residual blocks per stage. The output is linear: clamp it when
    saving.
    """

    width: int = 64
    blocks: int = 2
    cardinality: int = 16
    latent: int = 64
    wide: int = 3
    from_zero = ("wide",)

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
    wide: int = 3
    from_zero = ("wide",)

    def build(self, shape: tuple[int, ...], condition: int) -> Critic:
        """See `NetworkSettings.build`."""
        return _R3Critic(self, shape, condition)


def _channels(settings: R3Generator | R3Critic, count: int) -> list[int]:
    """Channels of the stages, smallest stage first."""
    return [max(1, settings.width >> max(0, stage - settings.wide)) for stage in range(count + 1)]


def _normal(weight: Tensor, *, gain: float = 1.0) -> None:
    """Normal, of deviation gain / sqrt(fan in), where the fan is that of one group."""
    nn.init.normal_(weight, 0.0, gain / math.sqrt(weight[0].numel()))


class _Block(nn.Module):
    """x + 1x1(act(3x3 grouped(act(1x1(x))))); the last convolution starts at zero, no activation follows the sum."""

    def __init__(self, width: int, *, cardinality: int, depth: int) -> None:
        super().__init__()
        inner = width * EXPANSION
        self.widen = Keeping(width, inner, 1)
        groups = next(groups for groups in range(max(1, inner // cardinality), 0, -1) if inner % groups == 0)
        self.mix = Keeping(inner, inner, 3, groups=groups)
        self.narrow = Keeping(inner, width, 1, bias=False)
        # Keeps the variance through LeakyReLU 0.2, scaled for `depth` blocks as in Fixup (Zhang et al. 2019, eq. 5).
        gain = math.sqrt(2 / 1.04) * depth ** (-1 / 4)
        for layer in (self.widen, self.mix):
            _normal(layer.weight, gain=gain)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        nn.init.zeros_(self.narrow.weight)

    def forward(self, x: Tensor) -> Tensor:
        y = F.leaky_relu(self.mix(F.leaky_relu(self.widen(x), 0.2)), 0.2)
        return x + self.narrow(y)


class _Resize(nn.Module):
    """Twice or half the size; if the width changes, with a 1x1 convolution at the smaller of the two sizes."""

    def __init__(self, inputs: int, outputs: int, *, up: bool) -> None:
        super().__init__()
        self.resample = Resample(up=up)
        self.convert = Keeping(inputs, outputs, 1, bias=False) if inputs != outputs else None
        self.up = up
        if self.convert is not None:
            _normal(self.convert.weight)

    def forward(self, x: Tensor) -> Tensor:
        if self.convert is None:
            return self.resample(x)
        return self.resample(self.convert(x)) if self.up else self.convert(self.resample(x))


class _R3Generator(Generator):
    def __init__(self, settings: R3Generator, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition, settings.latent)
        height, width, count = doublings(shape)
        channels = _channels(settings, count)
        depth = settings.blocks * len(channels)
        self.embed = nn.Linear(condition, settings.latent, bias=False) if condition else None
        inputs = settings.latent * (2 if condition else 1)
        self.basis = nn.Parameter(torch.randn(channels[0], height, width))
        self.scale = nn.Linear(inputs, channels[0], bias=False)
        stages: list[nn.Module] = []
        for before, wide in zip([0, *channels], channels, strict=False):
            stages += [_Resize(before, wide, up=True)] if stages else []
            stages += [_Block(wide, cardinality=settings.cardinality, depth=depth) for _ in range(settings.blocks)]
        self.stages = nn.Sequential(*stages)
        self.picture = nn.Conv2d(channels[-1], shape[0], 1, bias=False)
        for weight in (self.scale.weight, self.picture.weight, *(self.embed.parameters() if self.embed else ())):
            _normal(weight)

    def forward(self, z: Tensor, condition: Tensor | None) -> Tensor:
        if self.embed is not None and condition is not None:
            z = torch.cat([z, self.embed(condition)], dim=1)
        x = self.basis * self.scale(z)[:, :, None, None]
        pictures: Tensor = self.picture(self.stages(x.contiguous(memory_format=torch.channels_last)))
        return pictures


class _R3Critic(Critic):
    judges_alone = True

    def __init__(self, settings: R3Critic, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition)
        height, width, count = doublings(shape)
        channels = _channels(settings, count)[::-1]
        depth = settings.blocks * len(channels)
        self.read = Keeping(shape[0], channels[0], 1, bias=False)
        stages: list[nn.Module] = []
        for before, wide in zip([0, *channels], channels, strict=False):
            stages += [_Resize(before, wide, up=False)] if stages else []
            stages += [_Block(wide, cardinality=settings.cardinality, depth=depth) for _ in range(settings.blocks)]
        self.stages = nn.Sequential(*stages)
        self.gather = nn.Conv2d(channels[-1], channels[-1], (height, width), groups=channels[-1], bias=False)
        self.score = nn.Linear(channels[-1], channels[-1] if condition else 1, bias=False)
        self.embed = nn.Linear(condition, channels[-1], bias=False) if condition else None
        for layer in (self.read, self.gather, self.score):
            _normal(layer.weight)
        if self.embed is not None:
            _normal(self.embed.weight, gain=1 / math.sqrt(channels[-1]))

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        features: Tensor = self.score(self.gather(self.stages(self.read(x))).flatten(1))
        if self.embed is not None and condition is not None:
            features = (features * self.embed(condition)).sum(1, keepdim=True)
        return features.squeeze(1)
