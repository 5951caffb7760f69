"""Many small networks as one, so that ten seeds are trained in the time of two.

A step of a small network takes as long as Python and PyTorch need to call its operations, however little they compute.
Here the rows of a batch are divided: with ten members and a batch of 1,280, rows 0 to 127 belong to the first member,
and so on. Members share nothing, and losses, penalties, optimizers and averages work per sample or per weight, so the
loop trains ten independent runs (tests/recipes/test_modes.py). Only the gradients are a tenth of what they would be,
which does not affect Adam and RMSProp, and images are counted for all members together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganvas.networks.layers import Critic, Generator, Network, NetworkSettings
from ganvas.networks.plane import Fourier

__all__ = ["SideBySide"]


@dataclass(frozen=True)
class SideBySide(NetworkSettings):
    """Several feed-forward networks with the same settings, each with its own random weights."""

    each: NetworkSettings
    members: int

    def build(self, shape: tuple[int, ...], condition: int) -> Network:
        """See `NetworkSettings.build`."""
        members = [self.each.build(shape, condition) for _ in range(self.members)]
        return _Generators(members) if isinstance(members[0], Generator) else _Critics(members)


def _stacked(members: Sequence[Network]) -> nn.Sequential:
    """The layers of all members, each as one layer on [members, n, features]."""
    made: list[nn.Module] = []
    for layers in zip(*(member.layers for member in members), strict=True):
        if isinstance(layers[0], nn.Linear):
            made.append(_Linear(layers))
        elif isinstance(layers[0], Fourier):
            layers[0].waves = torch.stack([layer.waves for layer in layers])
            made.append(layers[0])
        else:
            made.append(layers[0])  # elementwise, so one serves all
    return nn.Sequential(*made)


class _Linear(nn.Module):
    """The linear layers of all members, [members, n, in] -> [members, n, out]; spectrally normalised if they were."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        norms = [layer.parametrizations.weight for layer in layers if hasattr(layer, "parametrizations")]
        weights = [norm.original for norm in norms] or [layer.weight for layer in layers]
        self.weight = nn.Parameter(torch.stack([weight.detach() for weight in weights]))
        self.bias = nn.Parameter(torch.stack([layer.bias.detach() for layer in layers]).unsqueeze(1))
        self.spectral = bool(norms)
        if norms:
            self.register_buffer("left", torch.stack([norm[0].left for norm in norms]).unsqueeze(2))
            self.register_buffer("right", torch.stack([norm[0].right for norm in norms]).unsqueeze(2))

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight / (self.left.mT @ self.weight @ self.right) if self.spectral else self.weight
        return torch.baddbmm(self.bias, x, weight.mT)

    @torch.no_grad()
    def follow(self) -> None:
        """Do one step of the power iteration, as `SpectralNorm.follow`."""
        if self.spectral:
            self.right.copy_(F.normalize(self.weight.mT @ self.left, dim=1))
            self.left.copy_(F.normalize(self.weight @ self.right, dim=1))


class _Generators(Generator):
    def __init__(self, members: Sequence[Network]) -> None:
        super().__init__(members[0].shape, 0, members[0].latent)
        self.layers, self.members = _stacked(members), len(members)

    def forward(self, z: Tensor, condition: Tensor | None) -> Tensor:  # noqa: ARG002
        return self.layers(z.unflatten(0, (self.members, -1))).flatten(0, 1)


class _Critics(Critic):
    def __init__(self, members: Sequence[Network]) -> None:
        super().__init__(members[0].shape, 0)
        self.layers, self.members = _stacked(members), len(members)

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:  # noqa: ARG002
        return self.layers(x.unflatten(0, (self.members, -1))).flatten()

    def settle(self) -> None:
        """See `Network.settle`."""
        for layer in self.layers:
            if isinstance(layer, _Linear):
                layer.follow()
