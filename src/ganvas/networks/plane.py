"""Networks for low-dimensional distributions with sharp edges, such as narrow modes in the plane.

A feed-forward network learns coarse shapes long before fine ones. If modes are a hundred times narrower than the space
between them, an ordinary critic sees them as one cloud, and an ordinary generator is slow to learn jumps.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from ..core.catalog import part
from .layers import Critic, Generator, NetworkSettings, spectrally_normalised, with_condition

__all__ = ["Fourier", "FourierCritic", "Scaled", "StepGenerator"]


@part("network")
@dataclass(frozen=True)
class StepGenerator(NetworkSettings):
    """Feed-forward generator of points that can jump: tanh layers that start steep, so that most units are switches.

    z is multiplied by `stretch`. A layer's weights start with deviation `gain` / sqrt(inputs). `extent` is how far from
    zero the points are.
    """

    width: int = 64
    depth: int = 3
    latent: int = 2
    stretch: float = 10.0
    gain: float = 3.0
    extent: float = 1.0

    def build(self, shape: tuple[int, ...], condition: int) -> Generator:
        """See `NetworkSettings.build`."""
        return _StepGenerator(self, shape, condition)


@part("network")
@dataclass(frozen=True)
class FourierCritic(NetworkSettings):
    """Feed-forward critic that sees points by waves in random directions (Tancik et al. 2020, arXiv:2006.10739, eq. 5).

    `features` is the number of waves, `frequency` the deviation of their wave numbers in radians per `extent`, which is
    how far from zero the points are. `spectral` divides each weight by its largest singular value (Miyato et al. 2018,
    arXiv:1802.05957).
    """

    width: int = 64
    depth: int = 3
    features: int = 32
    frequency: float = 5.0
    extent: float = 1.0
    spectral: bool = False
    from_zero = ("features",)

    def build(self, shape: tuple[int, ...], condition: int) -> Critic:
        """See `NetworkSettings.build`."""
        return _FourierCritic(self, shape, condition)


class Scaled(nn.Module):
    """Multiply by a constant."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """[N, F] -> [N, F]."""
        return x * self.factor


class Fourier(nn.Module):
    """The input, with sine and cosine of waves in random directions, which are not trained."""

    def __init__(self, inputs: int, *, features: int, frequency: float) -> None:
        super().__init__()
        self.register_buffer("waves", frequency * torch.randn(inputs, features))

    def forward(self, x: Tensor) -> Tensor:
        """[..., N, F] -> [..., N, F + 2 features]."""
        angles = x @ self.get_buffer("waves")
        return torch.cat([x, angles.sin(), angles.cos()], dim=-1)


def _linear(inputs: int, outputs: int, *, gain: float, bias: float = 0.0) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    nn.init.normal_(layer.weight, 0.0, gain / math.sqrt(inputs))
    nn.init.normal_(layer.bias, 0.0, bias)
    return layer


class _StepGenerator(Generator):
    def __init__(self, settings: StepGenerator, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition, settings.latent)
        widths = [settings.latent + condition, *[settings.width] * settings.depth]
        layers: list[nn.Module] = [Scaled(settings.stretch)]
        for place, (a, b) in enumerate(pairwise(widths)):
            layers += [_linear(a, b, gain=settings.gain, bias=0.0 if place else 1.0), nn.Tanh()]
        layers += [_linear(settings.width, math.prod(shape), gain=1.0), Scaled(settings.extent)]
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor, condition: Tensor | None) -> Tensor:
        samples: Tensor = self.layers(with_condition(z, condition))
        return samples.unflatten(1, self.shape)


class _FourierCritic(Critic):
    judges_alone = True

    def __init__(self, settings: FourierCritic, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition)
        inputs = math.prod(shape) + condition
        layers: list[nn.Module] = [
            Scaled(1 / settings.extent),
            Fourier(inputs, features=settings.features, frequency=settings.frequency),
        ]
        widths = [inputs + 2 * settings.features, *[settings.width] * settings.depth]
        for place, (a, b) in enumerate(pairwise(widths)):
            layers += [_linear(a, b, gain=math.sqrt(2), bias=0.0 if place else 1.0), nn.LeakyReLU(0.2, inplace=True)]
        layers.append(_linear(settings.width, 1, gain=1.0))
        if settings.spectral:
            for layer in layers:
                if isinstance(layer, nn.Linear):
                    spectrally_normalised(layer)
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        logits: Tensor = self.layers(with_condition(x.flatten(1), condition))
        return logits.squeeze(1)
