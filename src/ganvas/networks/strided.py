"""4x4 convolutions that halve and double pictures, and instance norm, quick on a processor and to differentiate twice.

Torch's own layers of the same weights compute the same, and take over on other devices and outside of training. Three
things make the difference. The gradient of a convolution's gradient with respect to its weights is the usual one of a
convolution, where torch puts it together from transposed copies. Instance norm has both its derivatives by hand: torch
treats it as batch norm of one sample with many channels, for which every picture is copied into another order and back.
And a map of few places with many channels is a product of two matrices, for which oneDNN would put the weights into
another order first.

A network that computes in bfloat16 does so in convolutions and matrices, and in float32 in instance norm, where sums
are exact and take no longer. Convolutions that are neither small nor penalised are left to torch there: they are over
so soon that calls of Python show.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional as F

__all__ = ["Doubling", "Gathering", "Halving", "InstanceNorm", "Spreading"]

STEP, MARGIN, KERNEL = 2, 1, 4
FEW = 2  # places of the smaller map for each of its channels, up to which matrices are quicker than convolutions


class Halving(nn.Conv2d):
    """[N, C, 2H, 2W] -> [N, O, H, W] by a 4x4 convolution of stride 2.

    Those of a layer that is `penalised` are differentiated, too: that is done by hand in bfloat16 as well.
    """

    def __init__(self, channels: int, wanted: int, *, bias: bool = True, penalised: bool = False) -> None:
        super().__init__(channels, wanted, KERNEL, STEP, MARGIN, bias=bias)
        self.penalised = penalised

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, 2H, 2W] -> [N, O, H, W]."""
        better = self.penalised or _few(x[:, 0].numel() // STEP**2, self.weight)
        by_hand = _by_hand(self, x, better=better)
        return _halve(*_seen(x, self.weight, self.bias)) if by_hand else super().forward(x)


class Doubling(nn.ConvTranspose2d):
    """[N, C, H, W] -> [N, O, 2H, 2W] by a transposed 4x4 convolution of stride 2."""

    def __init__(self, channels: int, wanted: int, *, bias: bool = True) -> None:
        super().__init__(channels, wanted, KERNEL, STEP, MARGIN, bias=bias)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """[N, C, H, W] -> [N, O, 2H, 2W]."""
        by_hand = _by_hand(self, x, better=_few(x[:, 0].numel(), self.weight))
        return _double(*_seen(x, self.weight, self.bias)) if by_hand else super().forward(x)


class Spreading(nn.ConvTranspose2d):
    """[N, C, 1, 1] -> [N, O, *size]: a transposed convolution of a single place, which is one product of matrices."""

    def __init__(self, channels: int, wanted: int, size: tuple[int, int], *, bias: bool = True) -> None:
        super().__init__(channels, wanted, size, bias=bias)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """[N, C, 1, 1] -> [N, O, *size]."""
        if not _by_hand(self, x, better=True):
            return super().forward(x)
        channels, wanted, height, width = self.weight.shape
        places = x.flatten(1) @ self.weight.permute(0, 2, 3, 1).reshape(channels, -1)
        answer = places.view(-1, height, width, wanted)
        return (answer if self.bias is None else answer.add_(self.bias)).permute(0, 3, 1, 2)


class Gathering(nn.Conv2d):
    """[N, C, *size] -> [N, O, 1, 1]: a convolution of the whole picture, which is one product of matrices."""

    def __init__(self, channels: int, wanted: int, size: tuple[int, int], *, bias: bool = True) -> None:
        super().__init__(channels, wanted, size, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, *size] -> [N, O, 1, 1]."""
        if not _by_hand(self, x, better=True):
            return super().forward(x)
        whole = x.permute(0, 2, 3, 1).flatten(1)
        return F.linear(whole, self.weight.permute(0, 2, 3, 1).flatten(1), self.bias)[:, :, None, None]


class InstanceNorm(nn.InstanceNorm2d):
    """Each channel of each picture brought to mean 0 and deviation 1 (Ulyanov et al. 2016, arXiv:1607.08022)."""

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> the same, in float32 where x is in bfloat16."""
        x = x.float() if x.dtype == torch.bfloat16 else x
        return _normalised(x, self.eps) if _by_hand(self, x, better=True) else super().forward(x)


def _by_hand(layer: nn.Module, x: Tensor, *, better: bool) -> bool:
    """Whether a layer computes by hand; `better`: in bfloat16, too."""
    return layer.training and x.device.type == "cpu" and (better or not torch.is_autocast_enabled("cpu"))


# The three of them are linear in each of their two arguments, and each is a derivative of the other two.


class _Halve(Function):
    """Large [N, C, 2H, 2W], weight [O, C, 4, 4], bias [O] -> small [N, O, H, W]."""

    @staticmethod
    def forward(ctx: Any, large: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(large, weight)
        if not _few(len(large) * large.shape[2] * large.shape[3] // STEP**2, weight):
            return F.conv2d(large, weight, bias, STEP, MARGIN)
        small = _windows(large) @ _rows(weight).T
        small = small if bias is None else small.add_(bias)
        n, _, height, width = large.shape
        return small.view(n, height // STEP, width // STEP, -1).permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        (small,), (large, weight) = slopes, ctx.saved_tensors
        return (
            _double(small, weight, None) if _wanted(ctx, 0) else None,
            _weigh(small, large) if _wanted(ctx, 1) else None,
            small.sum((0, 2, 3)) if _wanted(ctx, 2) else None,
        )


class _Double(Function):
    """Small [N, O, H, W], weight [O, C, 4, 4], bias [C] -> large [N, C, 2H, 2W]."""

    @staticmethod
    def forward(ctx: Any, small: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(small, weight)
        n, _, height, width = small.shape
        wanted = weight.shape[1]
        if not _few(n * height * width, weight):
            return F.conv_transpose2d(small, weight, bias, STEP, MARGIN)
        windows = (_places(small) @ _rows(weight)).view(n, height, width, STEP, STEP, STEP, STEP, wanted)
        large = windows.new_zeros(n, height + 1, STEP, width + 1, STEP, wanted)  # with a margin
        for down in range(STEP):
            for right in range(STEP):
                part = windows[:, :, :, down, :, right].transpose(2, 3)
                large[:, down : down + height, :, right : right + width].add_(part)
        inner = large.view(n, STEP * height + 2, STEP * width + 2, wanted)[:, 1:-1, 1:-1]
        return (inner.contiguous() if bias is None else inner + bias).permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        (large,), (small, weight) = slopes, ctx.saved_tensors
        return (
            _halve(large, weight, None) if _wanted(ctx, 0) else None,
            _weigh(small, large) if _wanted(ctx, 1) else None,
            large.sum((0, 2, 3)) if _wanted(ctx, 2) else None,
        )


class _Weigh(Function):
    """Small [N, O, H, W], large [N, C, 2H, 2W] -> weight [O, C, 4, 4]."""

    @staticmethod
    def forward(ctx: Any, small: Tensor, large: Tensor) -> Tensor:
        ctx.save_for_backward(small, large)
        shape = (small.shape[1], large.shape[1], KERNEL, KERNEL)
        weight = small.new_empty(shape).to(memory_format=torch.channels_last)
        if _few(small.numel() // small.shape[1], weight):
            windows = _places(small).T @ _windows(large)
            return windows.view(shape[0], KERNEL, KERNEL, shape[1]).permute(0, 3, 1, 2)
        steps = [STEP] * 2, [MARGIN] * 2, [1] * 2, False, [0] * 2, 1
        slopes = torch.ops.aten.convolution_backward(small, large, weight, None, *steps, [False, True, False])
        answer: Tensor = slopes[1]
        return answer

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        (weight,), (small, large) = slopes, ctx.saved_tensors
        return (
            _halve(large, weight, None) if _wanted(ctx, 0) else None,
            _double(small, weight, None) if _wanted(ctx, 1) else None,
        )


def _halve(large: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    small: Tensor = _Halve.apply(large, weight, bias)  # type: ignore[no-untyped-call]
    return small


def _double(small: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    large: Tensor = _Double.apply(small, weight, bias)  # type: ignore[no-untyped-call]
    return large


def _weigh(small: Tensor, large: Tensor) -> Tensor:
    weight: Tensor = _Weigh.apply(small, large)  # type: ignore[no-untyped-call]
    return weight


def _normalised(x: Tensor, epsilon: float) -> Tensor:
    answer: Tensor = _Normalise.apply(x, epsilon)[0]  # type: ignore[no-untyped-call]
    return answer


def _seen(x: Tensor, weight: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor, Tensor | None]:
    """The same as views, of which the engine says whether it walks back to them; of leaves it does not.

    They are rounded where the network computes in bfloat16; slopes come back in the precision of what was rounded.
    """
    wanted = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
    bias = None if bias is None else bias.view_as(bias).to(wanted)
    return x.view_as(x).to(wanted), weight.view_as(weight).to(wanted), bias


def _wanted(ctx: Any, place: int) -> bool:
    """Whether anybody asks for this slope: a penalty first walks to the samples alone, and then to the weights."""
    onwards = ctx.next_functions[place][0] if ctx.needs_input_grad[place] else None
    return onwards is not None and torch._C._will_engine_execute_node(onwards)


def _few(places: int, weight: Tensor) -> bool:
    return places <= FEW * len(weight)


def _rows(weight: Tensor) -> Tensor:
    """[O, C, 4, 4] -> [O, 16 C]; no copy of what lies in memory as channels-last."""
    return weight.permute(0, 2, 3, 1).reshape(len(weight), -1)


def _places(small: Tensor) -> Tensor:
    """[N, O, H, W] -> [N H W, O]."""
    return small.permute(0, 2, 3, 1).reshape(-1, small.shape[1])


def _windows(large: Tensor) -> Tensor:
    """[N, C, 2H, 2W] -> what each place of the smaller map looks at, [N H W, 16 C]."""
    n, channels, height, width = large.shape
    padded = F.pad(large.permute(0, 2, 3, 1), (0, 0, MARGIN, MARGIN, MARGIN, MARGIN)).contiguous()
    whole, row, place, _ = padded.stride()
    shape = (n, height // STEP, width // STEP, KERNEL, KERNEL * channels)
    windows = padded.as_strided(shape, (whole, STEP * row, STEP * place, row, 1))
    return windows.reshape(-1, KERNEL * KERNEL * channels)


class _Normalise(Function):
    """x -> (x - mean) / deviation, and 1 / deviation [N, C, 1, 1], as both are needed to differentiate again."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
        centred = x - _mean(x)
        scale = torch.rsqrt(_mean(centred * centred) + epsilon)
        answer = centred.mul_(scale)
        ctx.save_for_backward(answer, scale)
        ctx.set_materialize_grads(False)
        return answer, scale

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor | None) -> tuple[Tensor | None, None]:
        (of_answer, of_scale), (answer, scale) = slopes, ctx.saved_tensors
        of_answer = torch.zeros_like(answer) if of_answer is None else of_answer
        slope: Tensor = _Denormalise.apply(of_answer, answer, scale)  # type: ignore[no-untyped-call]
        if of_scale is not None:
            slope = slope - answer * (scale.square() * of_scale / answer[0, 0].numel())
        return slope, None


class _Denormalise(Function):
    """scale (u - mean(u) - y mean(u y)): the slope at x, where u is the one at y = `answer`."""

    @staticmethod
    def forward(ctx: Any, u: Tensor, answer: Tensor, scale: Tensor) -> Tensor:
        mean, along = _mean(u), _mean(u * answer)
        ctx.save_for_backward(u, answer, scale, mean, along)
        return torch.addcmul(-scale * mean, u, scale).addcmul_(answer, scale * along, value=-1)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        (v,), (u, answer, scale, mean, along) = slopes, ctx.saved_tensors
        mean_v, along_v = _mean(v), _mean(v * answer)
        of_u = torch.addcmul(-scale * mean_v, v, scale).addcmul_(answer, scale * along_v, value=-1)
        of_answer = torch.mul(u, -scale * along_v).addcmul_(v, scale * along, value=-1)
        of_scale = (_mean(v * u) - mean_v * mean - along_v * along) * answer[0, 0].numel()
        return of_u, of_answer, of_scale


def _mean(x: Tensor) -> Tensor:
    return x.mean((2, 3), keepdim=True)
