"""Feed-forward networks for vectors and pictures, as in the first GAN (Goodfellow et al. 2014, arXiv:1406.2661)."""

import math
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from ..core.batch import Kind, kind_of
from ..core.catalog import part
from .layers import Critic, Generator, NetworkSettings, spectrally_normalised, with_condition

__all__ = ["MLPCritic", "MLPGenerator"]


@part("network")
@dataclass(frozen=True)
class MLPGenerator(NetworkSettings):
    """Feed-forward generator: fully connected; tanh for pictures, linear for vectors (Goodfellow et al. 2014)."""

    width: int = 256
    depth: int = 3
    latent: int = 64

    def build(self, shape: tuple[int, ...], condition: int) -> Generator:
        """See `NetworkSettings.build`."""
        return _MLPGenerator(self, shape, condition)


@part("network")
@dataclass(frozen=True)
class MLPCritic(NetworkSettings):
    """Feed-forward critic: fully connected layers with LeakyReLU 0.2 (Goodfellow et al. 2014).

    `spectral` divides each weight by its largest singular value (Miyato et al. 2018, arXiv:1802.05957).
    """

    width: int = 256
    depth: int = 3
    spectral: bool = False

    def build(self, shape: tuple[int, ...], condition: int) -> Critic:
        """See `NetworkSettings.build`."""
        return _MLPCritic(self, shape, condition)


def _layers(inputs: int, width: int, depth: int, outputs: int) -> nn.Sequential:
    widths = [inputs, *[width] * depth]
    hidden = [layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), nn.LeakyReLU(0.2, inplace=True))]
    return nn.Sequential(*hidden, nn.Linear(width, outputs))


class _MLPGenerator(Generator):
    def __init__(self, settings: MLPGenerator, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition, settings.latent)
        self.layers = _layers(settings.latent + condition, settings.width, settings.depth, math.prod(shape))
        self.range = nn.Tanh() if kind_of(shape) is not Kind.POINTS else nn.Identity()

    def forward(self, z: Tensor, condition: Tensor | None) -> Tensor:
        samples: Tensor = self.range(self.layers(with_condition(z, condition)))
        return samples.unflatten(1, self.shape)


class _MLPCritic(Critic):
    judges_alone = True

    def __init__(self, settings: MLPCritic, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition)
        self.layers = _layers(math.prod(shape) + condition, settings.width, settings.depth, 1)
        if settings.spectral:
            for layer in self.layers:
                if isinstance(layer, nn.Linear):
                    spectrally_normalised(layer)

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        logits: Tensor = self.layers(with_condition(x.flatten(1), condition))
        return logits.squeeze(1)
