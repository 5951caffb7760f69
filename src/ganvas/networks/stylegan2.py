"""StyleGAN2's generator: styles that scale the features of each convolution (Karras et al. 2020, arXiv:1912.04958).

It is the configuration of StyleGAN2-ADA (arXiv:2006.06676) and can load its published weights: a mapping network,
pictures summed over all resolutions ("skip"), weights of unit variance that are scaled at runtime, noise in each layer.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..core import distributed
from ..core.batch import Dice
from ..core.catalog import part
from .layers import Generator, NetworkSettings, doublings
from .strided import Resample

__all__ = ["Stylegan2Generator"]

RATE = 0.01  # learning rate of the mapping network, relative to the rest
FOLLOW = 0.005  # how far a batch moves the mean style
GAIN = math.sqrt(2)  # keeps the scale of features through LeakyReLU


@part("network")
@dataclass(frozen=True)
class Stylegan2Generator(NetworkSettings):
    """StyleGAN2 generator: a mapping network, modulated convolutions, summed pictures (Karras et al. 2020).

    A stage whose shorter side has s pixels has `base` / s channels, but at most `width`. `latent` is the length of z
    and of the style, which a mapping network of `depth` layers computes from z. Features are clamped to +-`clamp`, as
    in StyleGAN2-ADA's training in half precision; None for no clamping. There is no style mixing and no path length
    regularisation. During training each layer adds fresh noise, later always the same, so that a seed gives one
    picture. Truncation applies to styles.
    """

    width: int = 512
    base: int = 16384
    depth: int = 8
    latent: int = 512
    clamp: float | None = 256.0

    def build(self, shape: tuple[int, ...], condition: int) -> Generator:
        """See `NetworkSettings.build`."""
        return _Stylegan2Generator(self, shape, condition)


class _Dense(nn.Module):
    """A linear layer whose weights start with deviation 1 / rate and are scaled by rate / sqrt(fan in) at runtime."""

    def __init__(self, inputs: int, outputs: int, *, rate: float = 1.0, bias: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias))
        self.gain, self.rate = rate / math.sqrt(inputs), rate

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.gain, self.bias * self.rate)


class _Layer(nn.Module):
    """A modulated and demodulated 3x3 convolution, with noise, bias and LeakyReLU; doubles the size if `up`.

    It scales inputs and outputs instead of weights, which is equivalent (section 2.2, equations 1 and 3) and can be
    exported for any batch size.
    """

    def __init__(self, inputs: int, outputs: int, latent: int, side: tuple[int, int], *, up: bool) -> None:
        super().__init__()
        self.affine = _Dense(latent, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("noise", torch.randn(side))
        self.smooth = Resample(up=True) if up else None

    def forward(self, x: Tensor, style: Tensor, clamp: float | None) -> Tensor:
        scale = self.affine(style)
        x = self._convolve(x * scale[:, :, None, None])
        x = x * torch.rsqrt(F.linear(scale.square(), self.weight.square().sum((2, 3))) + 1e-8)[:, :, None, None]
        x = x + (self._noise() * self.strength).to(x.dtype) + self.bias[:, None, None].to(x.dtype)
        return _cut(F.leaky_relu(x, 0.2) * GAIN, clamp)

    def _convolve(self, x: Tensor) -> Tensor:
        if self.smooth is None:
            return F.conv2d(x, self.weight, padding=1)
        x = F.conv_transpose2d(x, self.weight.transpose(0, 1), stride=2)
        kernel = self.smooth.get_buffer("kernel").to(x.dtype).expand(x.shape[1], 1, 4, 4)
        return F.conv2d(x, kernel, padding=1, groups=x.shape[1])

    def _noise(self) -> Tensor:
        """In training fresh noise [N, 1, H, W] from the current `Dice`; otherwise the layer's own, [H, W]."""
        own, dice = self.get_buffer("noise"), Dice.current()
        return dice.normal(f"noise {own.shape[0]}", 1, *own.shape) if dice and self.training else own


class _Picture(nn.Module):
    """Features -> a picture: a 1x1 convolution, modulated but not demodulated."""

    def __init__(self, inputs: int, channels: int, latent: int) -> None:
        super().__init__()
        self.affine = _Dense(latent, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.randn(channels, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, style: Tensor, clamp: float | None) -> Tensor:
        scale = self.affine(style) / math.sqrt(x.shape[1])
        return _cut(F.conv2d(x * scale[:, :, None, None], self.weight, self.bias), clamp)


class _Stage(nn.Module):
    """One resolution: a layer that doubles the size (except in the first stage), one that keeps it, and a picture."""

    def __init__(self, inputs: int, width: int, channels: int, latent: int, side: tuple[int, int]) -> None:
        super().__init__()
        self.grow = _Layer(inputs, width, latent, side, up=True) if inputs else None
        self.refine = _Layer(width, width, latent, side, up=False)
        self.picture = _Picture(width, channels, latent)

    def forward(self, x: Tensor, style: Tensor, clamp: float | None) -> tuple[Tensor, Tensor]:
        x = x if self.grow is None else self.grow(x, style, clamp)
        x = self.refine(x, style, clamp)
        return x, self.picture(x, style, clamp)


class _Stylegan2Generator(Generator):
    def __init__(self, settings: Stylegan2Generator, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition, settings.latent)
        height, width, count = doublings(shape)
        latent, self.clamp = settings.latent, settings.clamp
        widths = [
            max(1, min(settings.width, settings.base // (min(height, width) << level))) for level in range(count + 1)
        ]
        self.embed = _Dense(condition, latent) if condition else None
        inputs = [latent * (2 if condition else 1), *[latent] * (settings.depth - 1)]
        self.mapping = nn.ModuleList([_Dense(each, latent, rate=RATE) for each in inputs])
        self.register_buffer("average", torch.zeros(latent))
        self.met: list[Tensor] = []  # styles of this step
        self.constant = nn.Parameter(torch.randn(widths[0], height, width))
        self.stages = nn.ModuleList(
            _Stage(before, wide, shape[0], latent, (height << level, width << level))
            for level, (before, wide) in enumerate(zip([0, *widths], widths, strict=False))
        )
        self.enlarge = Resample(up=True)

    def forward(self, z: Tensor, condition: Tensor | None) -> Tensor:
        style = self.style(z, condition)
        if self.training:
            self.met.append(style.detach())
        return self.draw(style)

    def withdraw(self) -> None:
        """See `Network.withdraw`."""
        self.met.clear()

    def settle(self) -> None:
        """See `Network.settle`; the mean style follows once a step, in however many pieces it was played."""
        super().settle()
        if self.met:
            average = self.get_buffer("average")
            average.lerp_(distributed.mean(torch.cat(self.met).mean(0).to(average.dtype)), FOLLOW)
            self.met.clear()

    def truncated(self, z: Tensor, condition: Tensor | None, share: float | Tensor) -> Tensor:
        """See `Generator.truncated`; here styles are moved towards the mean style (Karras et al. 2019, app. B)."""
        return self.draw(torch.lerp(self.get_buffer("average"), self.style(z, condition), share))

    def style(self, z: Tensor, condition: Tensor | None) -> Tensor:
        """Inputs z [N, latent] and the condition, each normalised to unit mean square -> styles [N, latent]."""
        x = _normalised(z)
        if self.embed is not None and condition is not None:
            x = torch.cat([x, _normalised(self.embed(condition.to(z)))], dim=1)
        for layer in self.mapping:
            x = F.leaky_relu(layer(x), 0.2) * GAIN
        return x

    def draw(self, style: Tensor) -> Tensor:
        """Style [N, latent] -> pictures [N, *shape]."""
        first, *others = self.stages
        x, picture = first(self.constant.expand(style.shape[0], -1, -1, -1), style, self.clamp)
        for stage in others:
            x, more = stage(x, style, self.clamp)
            picture = self.enlarge(picture) + more
        return picture


def _normalised(x: Tensor) -> Tensor:
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)


def _cut(x: Tensor, clamp: float | None) -> Tensor:
    return x if clamp is None else x.clamp(-clamp, clamp)
