"""The Inception network of the FID: Inception-v3 as Google published it in 2015, in pure torch.

Szegedy et al. 2016, arXiv:1512.00567; the weights `inception-2015-12-05` of TensorFlow differ from those of the paper
and of other libraries, and Heusel et al. 2017 (arXiv:1706.08500) defined the FID with them. This network differs from
the paper in two places: average pooling excludes the padding from its mean, and the last block uses max pooling.
"""

import math
import re
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ...core.errors import Unreadable

__all__ = ["CLASSES", "FEATURES", "SIZE", "Inception", "load_inception", "made_up_weights", "tensorflow_resize"]

SIZE, FEATURES, CLASSES = 299, 2048, 1008
EPSILON = 1e-3  # of batch norm, as in TensorFlow

Kernel = int | tuple[int, int]
Step = tuple[str, int, Kernel]
"""A convolution: its name in the block, its channels, its kernel (height, width)."""
Chain = list[Step | tuple[Step, Step]]
"""Convolutions in sequence; a pair in the last place runs in parallel and is concatenated."""


def _block_a(pooled: int) -> list[Chain]:
    return [
        [("branch1x1", 64, 1)],
        [("branch5x5_1", 48, 1), ("branch5x5_2", 64, 5)],
        [("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3)],
        [("branch_pool", pooled, 1)],
    ]


def _block_c(width: int) -> list[Chain]:
    row, column = (1, 7), (7, 1)
    double: Chain = [("branch7x7dbl_1", width, 1), ("branch7x7dbl_2", width, column), ("branch7x7dbl_3", width, row)]
    double += [("branch7x7dbl_4", width, column), ("branch7x7dbl_5", 192, row)]
    return [
        [("branch1x1", 192, 1)],
        [("branch7x7_1", width, 1), ("branch7x7_2", width, row), ("branch7x7_3", 192, column)],
        double,
        [("branch_pool", 192, 1)],
    ]


def _block_e() -> list[Chain]:
    row, column = (1, 3), (3, 1)
    return [
        [("branch1x1", 320, 1)],
        [("branch3x3_1", 384, 1), (("branch3x3_2a", 384, row), ("branch3x3_2b", 384, column))],
        [
            ("branch3x3dbl_1", 448, 1),
            ("branch3x3dbl_2", 384, 3),
            (("branch3x3dbl_3a", 384, row), ("branch3x3dbl_3b", 384, column)),
        ],
        [("branch_pool", 192, 1)],
    ]


HALVING_B: list[Chain] = [
    [("branch3x3", 384, 3)],
    [("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3)],
]
HALVING_D: list[Chain] = [
    [("branch3x3_1", 192, 1), ("branch3x3_2", 320, 3)],
    [
        ("branch7x7x3_1", 192, 1),
        ("branch7x7x3_2", 192, (1, 7)),
        ("branch7x7x3_3", 192, (7, 1)),
        ("branch7x7x3_4", 192, 3),
    ],
]
BLOCKS: list[tuple[str, str, int, list[Chain]]] = [
    ("Mixed_5b", "average", 192, _block_a(32)),
    ("Mixed_5c", "average", 256, _block_a(64)),
    ("Mixed_5d", "average", 288, _block_a(64)),
    ("Mixed_6a", "halve", 288, HALVING_B),
    ("Mixed_6b", "average", 768, _block_c(128)),
    ("Mixed_6c", "average", 768, _block_c(160)),
    ("Mixed_6d", "average", 768, _block_c(160)),
    ("Mixed_6e", "average", 768, _block_c(192)),
    ("Mixed_7a", "halve", 768, HALVING_D),
    ("Mixed_7b", "average", 1280, _block_e()),
    ("Mixed_7c", "maximum", 2048, _block_e()),
]
"""Name, pooling, input channels and chains of each block; TensorFlow calls them mixed, mixed_1, ... mixed_10."""


class _Convolution(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: Kernel, *, stride: int = 1, padded: bool = True) -> None:
        super().__init__()
        height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (height // 2, width // 2) if padded else 0
        self.conv = nn.Conv2d(inputs, outputs, (height, width), stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)), inplace=True)


class _Folded(nn.Module):
    """A `_Convolution` with the batch norm folded into its weights, channels last, with or without the ReLU.

    On a CPU, oneDNN does it all in one pass, with weights reordered once; torch has this only as private operators, for
    compiled models.
    """

    @torch.no_grad()
    def __init__(self, layer: _Convolution, *, relu: bool = True) -> None:
        super().__init__()
        conv, norm = layer.conv, layer.bn
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = norm.weight.double() * (norm.running_var.double() + norm.eps).rsqrt()
        bias = norm.bias.double() - norm.running_mean.double() * scale
        weight = (conv.weight.double() * scale[:, None, None, None]).float()
        self.weight = weight.contiguous(memory_format=torch.channels_last)
        self.bias = bias.float()
        self.relu = relu
        self.padding, self.stride, self.dilation = [int(each) for each in conv.padding], list(conv.stride), [1, 1]
        self.laid_out = self.weight.is_cpu and torch.backends.mkldnn.is_available()
        if self.laid_out:
            self.weight = torch.ops.mkldnn._reorder_convolution_weight(
                self.weight, self.padding, self.stride, self.dilation, 1
            )

    def forward(self, x: Tensor) -> Tensor:
        if self.laid_out:
            after = "relu" if self.relu else "none"
            return torch.ops.mkldnn._convolution_pointwise(
                x, self.weight, self.bias, self.padding, self.stride, self.dilation, 1, after, [], ""
            )
        x = F.conv2d(x, self.weight, self.bias, self.stride, self.padding)
        return x.relu_() if self.relu else x


class _Block(nn.Module):
    """Parallel chains of convolutions and a pooled branch, concatenated."""

    def __init__(self, inputs: int, pool: str, chains: list[Chain]) -> None:
        super().__init__()
        self.pool = pool
        self.chains: list[list[tuple[str, ...]]] = []
        for chain in chains:
            before, names = inputs, []
            for place, step in enumerate(chain):
                steps = [step] if isinstance(step[0], str) else list(step)
                halves = pool == "halve" and place == len(chain) - 1
                for name, width, kernel in steps:
                    layer = _Convolution(before, width, kernel, stride=1 + halves, padded=not halves)
                    self.add_module(name, layer)
                names.append(tuple(name for name, _, _ in steps))
                before = width
            self.chains.append(names)

    def forward(self, x: Tensor) -> Tensor:
        parts = []
        for chain in self.chains:
            if chain == [("branch_pool",)]:
                parts.append(self._pooled(x))
                continue
            h = x
            for names in chain:
                answers = [self.get_submodule(name)(h) for name in names]
                h = answers[0]
            parts += answers
        if self.pool == "halve":
            parts.append(F.max_pool2d(x, 3, 2))
        return torch.cat(parts, 1)

    def _pooled(self, x: Tensor) -> Tensor:
        layer = self.get_submodule("branch_pool")
        if self.pool == "maximum":
            return layer(F.max_pool2d(x, 3, 1, 1))
        if isinstance(layer, _Folded):  # 1x1 without its ReLU, so the mean may come after it
            return _mean_around(layer(x)).relu_()
        return layer(_mean_around(x))

    def fold(self) -> None:
        for name, layer in list(self.named_children()):
            if isinstance(layer, _Convolution):
                self.add_module(name, _Folded(layer, relu=(name, self.pool) != ("branch_pool", "average")))


def _mean_around(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


class Inception(nn.Module):
    """Pictures [N, 3, 299, 299] in about [-1, 1] -> 2,048 features [N, 2048]; `head` makes 1,008 logits of them."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _Convolution(3, 32, 3, stride=2, padded=False)
        self.Conv2d_2a_3x3 = _Convolution(32, 32, 3, padded=False)
        self.Conv2d_2b_3x3 = _Convolution(32, 64, 3)
        self.Conv2d_3b_1x1 = _Convolution(64, 80, 1)
        self.Conv2d_4a_3x3 = _Convolution(80, 192, 3, padded=False)
        for name, pool, inputs, chains in BLOCKS:
            self.add_module(name, _Block(inputs, pool, chains))
        self.fc = nn.Linear(FEATURES, CLASSES)

    def forward(self, x: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 2048"]:
        """The features that the last layer takes, averaged over the positions in the picture."""
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, 2)))
        x = F.max_pool2d(x, 3, 2)
        for name, *_ in BLOCKS:
            x = self.get_submodule(name)(x)
        return F.adaptive_avg_pool2d(x, 1).flatten(1)

    def head(self, features: Float[Tensor, "n 2048"]) -> Float[Tensor, "n 1008"]:
        """The logits without their bias, as the Inception Score has always taken them (Salimans et al. 2016)."""
        return features.mm(self.fc.weight.T)

    def fold(self) -> "Inception":
        """Fold every batch norm into its convolution, channels last: faster, equal within 5e-6 of the features' scale.

        It can be done only once, and the network must stay on its device from then on.
        """
        for name, layer in list(self.named_children()):
            if isinstance(layer, _Block):
                layer.fold()
            elif isinstance(layer, _Convolution):
                self.add_module(name, _Folded(layer))
        return self


def load_inception(tensors: Mapping[str, Tensor]) -> Inception:
    """The network with these weights, in the layout of torch-fidelity and pytorch-fid or in NVIDIA's.

    PyTorch's has 566 names such as `Mixed_5b.branch1x1.bn.running_var`. NVIDIA's keeps TensorFlow's names, such as
    `layers.mixed.tower.conv_1.beta`, and has no gamma.

    Raises:
        Unreadable: they are the weights of something else; the message says what is missing.
    """
    network = Inception()
    wanted = network.state_dict()
    given = dict(tensors) if "Conv2d_1a_3x3.conv.weight" in tensors else _from_tensorflow(tensors)
    given = {name: value for name, value in given.items() if not name.startswith("AuxLogits.")}
    for name, value in wanted.items():
        if name.endswith("num_batches_tracked"):
            given.setdefault(name, value)
    missing = sorted(wanted.keys() - given.keys()) or sorted(given.keys() - wanted.keys())
    if missing:
        raise Unreadable(
            f"These are not the weights of the FID's Inception network: {len(missing)} names differ, "
            f"{missing[0]!r} for one. They come as weights-inception-2015-12-05-6726825d.pth."
        )
    for name, value in wanted.items():
        if given[name].shape != value.shape:
            raise Unreadable(
                f"These are not the weights of the FID's Inception network: {name} has the shape "
                f"{list(given[name].shape)} and not {list(value.shape)}."
            )
    network.load_state_dict(given)
    return network.eval().requires_grad_(False)


def made_up_weights(seed: int = 0) -> dict[str, Tensor]:
    """Untrained weights in PyTorch's layout, the same numbers on every machine.

    They serve to compare this network with others where the real weights are missing. They are uniform, which needs no
    logarithm that another machine might round differently, and keep the features' scale from layer to layer.
    """
    dice = np.random.default_rng(seed)
    weights = {}
    for name, value in sorted(Inception().state_dict().items()):
        if value.dtype == torch.int64:
            weights[name] = torch.zeros_like(value)
            continue
        drawn = torch.from_numpy(dice.random(tuple(value.shape), np.float32)) - 0.5
        if value.dim() > 1:
            drawn *= math.sqrt(20 / value[0].numel())  # a little less than He et al. 2015: batch norm adds some
        weights[name] = drawn + 1 if name.endswith(("bn.weight", "running_var")) else drawn
    return weights


def tensorflow_resize(x: Float[Tensor, "n c h w"], size: int = SIZE) -> Float[Tensor, "n c s s"]:
    """Bilinear as in TensorFlow 1: the first pixel is at 0 and not at 1/2, and there is no antialiasing.

    Rows are interpolated after columns, in the order of TensorFlow's own kernel, so the result is equal bit for bit.
    """
    left, right, across = _places(x.shape[3], size, x)
    top, bottom, down = _places(x.shape[2], size, x)
    x = x[..., left] + (x[..., right] - x[..., left]) * across
    above = x[:, :, top]
    return above + (x[:, :, bottom] - above) * down[:, None]


def _places(length: int, size: int, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    places = torch.arange(size, dtype=like.dtype, device=like.device) * torch.tensor(length / size, dtype=torch.float32)
    low = places.long()
    return low, (low + 1).clamp_max(length - 1), places - low.float()


def _from_tensorflow(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """NVIDIA's names and tensors as PyTorch's; unknown names are kept, for the error message."""
    names = dict(_tensorflow_names())
    kinds = {"weight": "conv.weight", "beta": "bn.bias", "mean": "bn.running_mean", "var": "bn.running_var"}
    found: dict[str, Tensor] = {}
    for name, value in tensors.items():
        place, _, kind = re.sub(r"^layers\.", "", name.replace("/", ".")).rpartition(".")
        if place == "output":
            found[f"fc.{kind}"] = value.T if value.shape == (FEATURES, CLASSES) else value
        elif place in names and kind in kinds:
            found[f"{names[place]}.{kinds[kind]}"] = value
            if kind == "beta":
                found[f"{names[place]}.bn.weight"] = torch.ones_like(value)
        else:
            found[name] = value
    return found


def _tensorflow_names() -> Iterator[tuple[str, str]]:
    """(TensorFlow's name of a convolution, ours)."""
    stem = ["Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3"]
    for place, name in enumerate(stem):
        yield _numbered("conv", place), name
    for place, (block, _, _, chains) in enumerate(BLOCKS):
        towers = 0
        for chain in chains:
            alone = len(chain) == 1 and chain is chains[0]
            tower = "" if alone else _numbered("tower", towers) + "."
            towers += not alone
            for at, step in enumerate(chain):
                if isinstance(step[0], str):
                    yield f"{_numbered('mixed', place)}.{tower}{_numbered('conv', at)}", f"{block}.{step[0]}"
                else:
                    for side, (name, *_) in enumerate(step):
                        yield f"{_numbered('mixed', place)}.{tower}mixed.{_numbered('conv', side)}", f"{block}.{name}"


def _numbered(word: str, place: int) -> str:
    return f"{word}_{place}" if place else word
