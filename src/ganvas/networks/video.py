"""TGAN: clips from a path through a latent space, and a picture for each of its points (Saito 2017, arXiv:1611.06624).

A temporal generator of one-dimensional convolutions turns z into the path z_1 ... z_T; an image generator that knows
nothing of time turns z and z_t into frame t. What a clip shows is kept by z and only what moves needs the path, and
nearly all the work is two-dimensional, which is what makes clips possible on a CPU. MoCoGAN (Tulyakov et al. 2018,
arXiv:1707.04993) divides content and motion too, but its path comes from a recurrent network, one frame after the
other; here all frames are made at once. Its second critic, which sees single frames, is here too.

Of the paper's critic the batch norm is left out, since gradient penalties want logits that do not mix samples; they
also take the place of its clipped singular values.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from ..core.batch import Dice, Kind, kind_of
from ..core.catalog import part
from ..core.errors import DoesNotFit
from .layers import (
    BatchNorm,
    Critic,
    Generator,
    NetworkSettings,
    doublings,
    embedding,
    projected,
    widths,
    with_condition,
)

__all__ = ["TGANCritic", "TGANFrameCritic", "TGANGenerator"]

KEYS = 4  # moments at least that a path is interpolated between
WIDEST = 4  # the widest layer has 4 times the width of the narrowest


@part("network")
@dataclass(frozen=True)
class TGANGenerator(NetworkSettings):
    """TGAN's generator of clips: a temporal generator and an image generator (Saito et al. 2017, figure 2).

    `width` is the number of channels before the last layer of the image generator, `motion` the length of z_t. A clip
    has as many frames as its shape says; a power of two, or some times one, is made by doubling.
    """

    width: int = 24
    latent: int = 64
    motion: int = 64

    def build(self, shape: tuple[int, ...], condition: int) -> Generator:
        """See `NetworkSettings.build`."""
        return _TGANGenerator(self, shape, condition)


@part("network")
@dataclass(frozen=True)
class TGANCritic(NetworkSettings):
    """TGAN's critic of clips: 4x4x4 convolutions of stride 2 over time, height and width (Saito et al. 2017).

    There is no batch norm; a condition multiplies the last features (Miyato & Koyama 2018, arXiv:1802.05637, eq. 3).
    """

    width: int = 16

    def build(self, shape: tuple[int, ...], condition: int) -> Critic:
        """See `NetworkSettings.build`."""
        return _TGANCritic(self, shape, condition)


@part("network")
@dataclass(frozen=True)
class TGANFrameCritic(NetworkSettings):
    """MoCoGAN's second critic: 4x4 convolutions on one frame of each clip (Tulyakov et al. 2018, arXiv:1707.04993).

    Which frame it is, the dice decide; after training it is the middle one. It looks at shapes alone, so that the
    generator cannot buy motion with smears. In a game it stands beside the critic of clips: `critics=(..., "frames")`.
    """

    width: int = 16

    def build(self, shape: tuple[int, ...], condition: int) -> Critic:
        """See `NetworkSettings.build`."""
        return _TGANFrameCritic(self, shape, condition)


def _frames(shape: tuple[int, ...]) -> tuple[int, tuple[int, int, int]]:
    """The number of frames of clips [C, T, H, W], and how one frame is grown by doubling.

    Raises:
        DoesNotFit: the shape is no clip, or a side cannot be halved that often.
    """
    kind = kind_of(shape)
    if kind is not Kind.CLIPS:
        still = "take the recipe icons, or give `data='clips:FOLDER'` with animations"
        fix = still if kind is Kind.PICTURES else "take an mlp"
        raise DoesNotFit(f"This network makes clips, and these samples of shape {shape} are {kind}: {fix}.")
    channels, frames, height, width = shape
    return frames, doublings((channels, height, width))


class _Motion(nn.Module):
    """z [N, L] -> the path z_1 ... z_T [N, motion, T], from at least 4 moments that are doubled as often as can be.

    They are interpolated and then convolved, not convolved transposed as in the paper: neighbours begin alike.
    """

    def __init__(self, inputs: int, motion: int, *, frames: int) -> None:
        super().__init__()
        width, count = 2 * motion, 0
        while frames % 2 == 0 and frames >= 2 * KEYS:
            frames, count = frames // 2, count + 1
        self.base = (width, frames)
        self.project = nn.Linear(inputs, width * frames)
        layers: list[nn.Module] = []
        for _ in range(count):
            layers += [BatchNorm(width), nn.LeakyReLU(0.2), nn.Upsample(scale_factor=2.0, mode="linear")]
            layers += [nn.Conv1d(width, width, 3, padding=1, padding_mode="replicate")]
        layers += [BatchNorm(width), nn.LeakyReLU(0.2), nn.Conv1d(width, motion, 1)]
        self.layers = nn.Sequential(*layers)

    def forward(self, z: Tensor) -> Tensor:
        path: Tensor = self.layers(self.project(z).unflatten(1, self.base))
        return path


class _TGANGenerator(Generator):
    def __init__(self, settings: TGANGenerator, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition, settings.latent)
        frames, (height, width, count) = _frames(shape)
        channels = widths(settings.width, count, widest=WIDEST)[::-1]
        self.base = (channels[0], height, width)
        self.motion = _Motion(settings.latent + condition, settings.motion, frames=frames)
        self.still = nn.Linear(settings.latent + condition, channels[0] * height * width, bias=False)
        self.moving = nn.Linear(settings.motion, channels[0] * height * width, bias=False)
        layers: list[nn.Module] = []
        for a, b in pairwise(channels):
            layers += [BatchNorm(a), nn.LeakyReLU(0.2), nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False)]
        layers += [BatchNorm(channels[-1]), nn.LeakyReLU(0.2)]
        # Few channels are shuffled into pixels three times as fast as a transposed convolution makes them on a CPU.
        layers += [nn.Conv2d(channels[-1], 4 * shape[0], 3, padding=1), nn.PixelShuffle(2), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        self.layers.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, z: Tensor, condition: Tensor | None) -> Tensor:
        z = with_condition(z, condition)
        path = self.motion(z).movedim(2, 1)
        x = (self.still(z)[:, None] + self.moving(path)).flatten(0, 1).unflatten(1, self.base)
        frames: Tensor = self.layers(x.contiguous(memory_format=torch.channels_last))
        return frames.unflatten(0, path.shape[:2]).movedim(1, 2)


class _TGANCritic(Critic):
    judges_alone = True

    def __init__(self, settings: TGANCritic, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition)
        frames, (height, width, count) = _frames(shape)
        channels = [shape[0], *widths(settings.width, count, widest=WIDEST)]
        layers: list[nn.Module] = []
        for a, b in pairwise(channels):
            step = 2 if frames % 2 == 0 and frames > 2 else 1  # two moments at least are left, to compare
            layers += [nn.Conv3d(a, b, (2 + step, 4, 4), (step, 2, 2), 1), nn.LeakyReLU(0.2)]
            frames //= step
        self.layers = nn.Sequential(*layers)
        size = channels[-1] * frames * height * width
        self.score = nn.Linear(size, 1)
        self.embed = embedding(condition, size) if condition else None

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        features = self.layers(x).flatten(1)
        logits: Tensor = self.score(features).squeeze(1)
        if self.embed is not None and condition is not None:
            logits = logits + projected(features, self.embed(condition))
        return logits


class _TGANFrameCritic(Critic):
    def __init__(self, settings: TGANFrameCritic, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition)
        _, (height, width, count) = _frames(shape)
        channels = [shape[0], *widths(settings.width, count, widest=WIDEST)]
        layers = [(nn.Conv2d(a, b, 4, 2, 1), nn.LeakyReLU(0.2)) for a, b in pairwise(channels)]
        self.layers = nn.Sequential(*[layer for pair in layers for layer in pair])
        size = channels[-1] * height * width
        self.score = nn.Linear(size, 1)
        self.embed = embedding(condition, size) if condition else None

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        features = self.layers(x[torch.arange(len(x), device=x.device), :, self._chosen(x)]).flatten(1)
        logits: Tensor = self.score(features).squeeze(1)
        if self.embed is not None and condition is not None:
            logits = logits + projected(features, self.embed(condition))
        return logits

    def _chosen(self, x: Tensor) -> Tensor:
        """The place of one frame in each clip [N]."""
        count, dice = x.shape[2], Dice.current()
        if not self.training:
            return torch.full((len(x),), count // 2, device=x.device)
        share = dice.uniform("frame") if dice else torch.rand(len(x), device=x.device)
        return (share * count).long()
