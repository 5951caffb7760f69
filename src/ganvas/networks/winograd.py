"""A 3x3 convolution with fewer multiplications, for inference on a CPU.

F(2x2, 3x3) of Lavin & Gray (2015, arXiv:1509.09308): 16 products of matrices instead of 36 for each 2x2 outputs. The
transforms only use 0, 1/2 and 1 with signs, so results differ from those of a plain convolution by a few units in the
last place. It is used for maps with many channels, in float32 on a CPU, without gradients. Training, compiling and
exporting, other devices and bfloat16 use torch's convolution with the same weights.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["Conv3x3"]

TILE, WINDOW = 2, 4  # side of an output tile, and of the input window it is computed from
LEAST = 96  # input and output channels from which on the transforms cost less than they save

BEFORE = ((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1))
WEIGHT = ((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1))
AFTER = ((1, 1, 1, 0), (0, 1, -1, -1))


class Conv3x3(nn.Conv2d):
    """[N, C, H, W] -> [N, O, H, W] by a 3x3 convolution with zero padding of 1."""

    def __init__(self, channels: int, wanted: int) -> None:
        super().__init__(channels, wanted, 3, padding=1)
        self._known: tuple[Tensor, int, Tensor] | None = None

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Conv3x3":
        self._known = None
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call]

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, O, H, W]."""
        return self._drawn(x) if self._draws(x) else super().forward(x)

    def _draws(self, x: Tensor) -> bool:
        return (
            not torch.is_grad_enabled()
            and min(self.in_channels, self.out_channels) >= LEAST
            and x.shape[2] % TILE == x.shape[3] % TILE == 0
            and x.device.type == "cpu"
            and x.dtype == self.weight.dtype == torch.float32
            and not torch.is_autocast_enabled("cpu")
            and not torch.compiler.is_compiling()
        )

    def _drawn(self, x: Tensor) -> Tensor:
        """The Winograd convolution; each transform of rows and columns is one product with a single matrix."""
        n, channels, height, width = x.shape
        tiles = n * height * width // TILE**2
        seen = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
        windows = seen.unfold(1, WINDOW, TILE).unfold(2, WINDOW, TILE).permute(4, 5, 0, 1, 2, 3)
        before = _both_ways(BEFORE) @ windows.reshape(WINDOW**2, -1)
        products = torch.bmm(before.view(WINDOW**2, tiles, channels), self._weights())
        made = (_both_ways(AFTER) @ products.view(WINDOW**2, -1)).view(TILE, TILE, n, height // TILE, width // TILE, -1)
        answer = made.permute(2, 3, 0, 4, 1, 5).reshape(n, height, width, -1)
        return (answer if self.bias is None else answer + self.bias).permute(0, 3, 1, 2)

    def _weights(self) -> Tensor:
        """The transformed weights [16, C, O], cached until the weights change."""
        if self._known is None or self._known[0] is not self.weight or self._known[1] != self.weight._version:
            to = torch.tensor(WEIGHT)
            made = torch.einsum("ia,jb,ocab->ijco", to, to, self.weight).reshape(WINDOW**2, self.in_channels, -1)
            self._known = self.weight, self.weight._version, made.contiguous()
        return self._known[2]


def _both_ways(matrix: tuple[tuple[int, ...], ...]) -> Tensor:
    """The transform of rows and columns as one matrix, for windows flattened to columns."""
    one = torch.tensor(matrix, dtype=torch.float32)
    return torch.kron(one, one)
