"""Convolutions on a torus, for seamless tiles: what leaves a picture at one edge comes in at the opposite one."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function

__all__ = ["TorusConv", "TorusDoubling"]


class TorusConv(nn.Conv2d):
    """A 3x3 convolution that keeps the size, [N, C, H, W] -> [N, D, H, W]."""

    def __init__(self, channels: int, wanted: int, *, bias: bool = True) -> None:
        super().__init__(channels, wanted, 3, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """See `nn.Module.forward`."""
        return super().forward(_wrapped(x))


class TorusDoubling(nn.ConvTranspose2d):
    """A transposed 4x4 convolution of stride 2, [N, C, H, W] -> [N, D, 2H, 2W]; its weights fit `strided.Doubling`."""

    def __init__(self, channels: int, wanted: int, *, bias: bool = True) -> None:
        super().__init__(channels, wanted, 4, stride=2, padding=3, bias=bias)  # 1 as usual, 2 for the added edges

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """See `nn.Module.forward`."""
        return super().forward(_wrapped(x))


def _wrapped(x: Tensor) -> Tensor:
    wrapped: Tensor = _Padded.apply(x) if x.requires_grad else _padded(x)  # type: ignore[no-untyped-call]
    return wrapped


def _padded(x: Tensor) -> Tensor:
    """[N, C, H, W] -> [N, C, H + 2, W + 2], each new edge a copy of the opposite old one."""
    x = torch.cat([x[..., -1:, :], x, x[..., :1, :]], -2)
    return torch.cat([x[..., -1:], x, x[..., :1]], -1)


class _Padded(Function):
    """`_padded`, with a gradient in one pass; torch's own takes as long as the convolution."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return _padded(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        """Keep nothing."""

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ARG004
        back: Tensor = _Folded.apply(gradient)  # type: ignore[no-untyped-call]
        return back


class _Folded(Function):
    """The adjoint of `_padded`: what lies on the new edges is added where it came from."""

    @staticmethod
    def forward(gradient: Tensor) -> Tensor:
        folded = gradient[..., 1:-1, :].clone(memory_format=torch.channels_last)
        folded[..., -1, :] += gradient[..., 0, :]
        folded[..., 0, :] += gradient[..., -1, :]
        folded[..., -2] += folded[..., 0]
        folded[..., 1] += folded[..., -1]
        return folded[..., 1:-1]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        """Keep nothing."""

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ARG004
        again: Tensor = _Padded.apply(gradient)  # type: ignore[no-untyped-call]
        return again
