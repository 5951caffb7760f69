"""A critic on the features of a network pretrained on photographs (Sauer et al. 2021, arXiv:2111.01007)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..core.catalog import part
from ..metrics.features.efficientnet import CHANNELS, appearance, appearance_size
from .layers import Critic, NetworkSettings, doublings, spectrally_normalised

__all__ = ["FeatureCritic"]

BASE = 4  # each head downsamples until the shorter side is at most this
WORDS = 128  # length of the vectors by which features are compared with conditions


@part("network")
@dataclass(frozen=True)
class FeatureCritic(NetworkSettings):
    """Critic on the frozen features of EfficientNet-Lite1 at four sizes (Projected GAN, Sauer et al. 2021).

    Fixed random convolutions mix the features across channels and sizes. Each size has a small, spectrally normalised
    head, and the logit is the mean of theirs, so that one loss is taken of all; in the paper each head has its own,
    and they are summed. It needs no penalties, was tried with the hinge loss, and lets a generator draw clean shapes
    within minutes. `width` is the number of mixed channels. A condition is compared with
    the features of all sizes. Pictures may be gray, coloured or transparent (seen on white), and are resized so that
    their sides are multiples of 32 pixels, at least 64. The pretrained network comes with
    `pip install 'ganvas[measure]'`.
    """

    width: int = 64

    def build(self, shape: tuple[int, ...], condition: int) -> Critic:
        """See `NetworkSettings.build`."""
        return _FeatureCritic(self, shape, condition)


class _Head(nn.Module):
    """Features [N, C, h, w] -> [N, 1 + WORDS]: logits, and vectors to compare with conditions; without these [N, 1]."""

    def __init__(self, width: int, height: int, across: int, condition: int) -> None:
        super().__init__()
        channels, layers = width, list[nn.Module]()
        while min(height, across) > BASE:
            layers += [spectrally_normalised(nn.Conv2d(channels, 2 * width, 4, 2, 1)), nn.LeakyReLU(0.2)]
            channels, height, across = 2 * width, height // 2, across // 2
        layers += [spectrally_normalised(nn.Conv2d(channels, 4 * width, 3, padding=1)), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers)
        self.score = spectrally_normalised(nn.Conv2d(4 * width, 1, (height, across)))
        self.match = nn.Linear(4 * width * height * across, WORDS) if condition else None

    def forward(self, x: Tensor) -> Tensor:
        features = self.layers(x)
        score = self.score(features).flatten(1)
        return torch.cat([score, self.match(features.flatten(1))], 1) if self.match else score


class _FeatureCritic(Critic):
    judges_alone = True

    def __init__(self, settings: FeatureCritic, shape: tuple[int, ...], condition: int) -> None:
        super().__init__(shape, condition)
        doublings(shape)
        width, (height, length) = settings.width, appearance_size(shape)
        mixers = [(nn.Conv2d(channels, width, 1), nn.Conv2d(width, width, 3)) for channels in CHANNELS.values()]
        for level, (across, around) in enumerate(mixers):
            self.register_buffer(f"across{level}", across.weight.detach())
            self.register_buffer(f"around{level}", around.weight.detach())
        self.heads = nn.ModuleList([_Head(width, height // at, length // at, condition) for at in CHANNELS])
        self.embed = None
        if condition:
            self.embed = nn.Sequential(nn.Linear(condition, 2 * WORDS), nn.LeakyReLU(0.2), nn.Linear(2 * WORDS, WORDS))

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        return self.verdict(self.look(appearance(x)), condition)

    def look(self, scales: list[Tensor]) -> Tensor:
        """What `verdict` needs, [N, 1 + WORDS] or [N, 1], from the features that `appearance` returned."""
        found = [head(x) for head, x in zip(self.heads, self._mixed(scales), strict=True)]
        return torch.stack(found).mean(0)

    def verdict(self, looks: Tensor, condition: Tensor | None) -> Tensor:
        """The logits [N], from the output of `look` and the conditions."""
        logits = looks[:, 0]
        if self.embed is not None and condition is not None:
            logits = logits + (looks[:, 1:] * self.embed(condition)).sum(1)
        return logits

    def _mixed(self, scales: list[Tensor]) -> list[Tensor]:
        """Features [N, width, H/s, W/s] for s = 4, 8, 16 and 32, each mixed with the features of smaller maps."""
        mixed, smaller = [], None
        for level, features in reversed(list(enumerate(scales))):
            y = F.conv2d(features, self.get_buffer(f"across{level}"))
            y = y if smaller is None else y + F.interpolate(smaller, scale_factor=2.0)
            smaller = F.conv2d(y, self.get_buffer(f"around{level}"), padding=1)
            mixed.append(smaller)
        return mixed[::-1]
