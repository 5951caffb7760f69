"""Lower torch's operations to the few of page/operations.js: each becomes a step or two, or just a new view of a value.

There are only matrix products, convolutions, strided copies, reductions along rows and elementwise operations. All
rearrangements are strided copies, and norms are applied separately from their weights. To support a new operation, add
a method with its name here.
"""

import hashlib
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.fx import Node
from torch.nn import functional as F

from ..core.errors import DoesNotFit
from .program import Program, Step, plan

__all__ = ["Steps", "shape_of"]

SAME = ("view", "_unsafe_view", "reshape", "unsqueeze", "squeeze", "clone", "_to_copy", "alias", "detach")
BOTH = {"add": "add", "sub": "sub", "mul": "mul", "div": "div", "maximum": "max", "minimum": "min"}
BOTH |= {name: name for name in ("ge", "gt", "le", "lt", "eq", "ne")}
EACH = (
    *("relu", "tanh", "sigmoid", "silu", "exp", "log", "expm1", "log1p"),
    *("sin", "cos", "sqrt", "rsqrt", "abs", "neg", "reciprocal"),
)
FOLDS = {"sum": "sum", "mean": "mean", "any": "most", "amax": "most"}
PANEL = 8  # columns per panel of a matrix, see page/product.js
DIMENSIONS = 3  # spatial dimensions of convolutions
INSTEAD = "`ganvas export` writes it as ONNX: `out=model.onnx`."


def shape_of(node: Node) -> tuple[int, ...]:
    """The shape of a node's output."""
    return tuple(int(side) for side in node.meta["val"].shape)


class Steps:
    """The steps of a graph, in its order.

    Args:
        graph: the nodes.
        inputs: name -> the node of an input.
        known: the values of nodes that depend on no input.

    Raises:
        DoesNotFit: an operation is not supported here.
    """

    def __init__(self, graph: Sequence[Node], inputs: Mapping[str, Node], known: Mapping[Node, Any]) -> None:
        self.known, self.steps = known, list[Step]()
        self.sizes, self.held, self.constants = dict[int, int](), dict[int, Tensor](), dict[object, int]()
        self.inputs = {name: self._new(shape_of(node)) for name, node in inputs.items()}
        self.values: dict[Node, Any] = {node: self.inputs[name] for name, node in inputs.items()}
        for node in graph:
            if node.op == "call_function" and node not in known:
                self.values[node] = self._understood(node)

    def program(self, output: Node) -> Program:
        """The program that returns this node's output as its sample."""
        return plan(self.steps, self.held, self.inputs, self.sizes, self._value(output))

    def _understood(self, node: Node) -> Any:
        try:
            return self._lowered(node)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise DoesNotFit(f"A web page does not know {node.target} as this network has it. {INSTEAD}") from error

    def _lowered(self, node: Node) -> Any:
        if node.target is operator.getitem:
            whole: Any = node.args[0]
            part: Any = node.args[1]
            made = self.values[whole]
            return made[part] if isinstance(made, list) else made  # of a norm's outputs only the first is used
        name = str(node.target).removeprefix("aten.").partition(".")[0]
        does = getattr(self, f"_do_{name.strip('_')}", None)
        if name in SAME:
            return self._value(node.args[0])
        if name in BOTH:
            return self._both(BOTH[name], node)
        if name in EACH:
            return self._each(name, node)
        if name in FOLDS:
            return self._folded(FOLDS[name], node, *node.args)
        if does is None:
            raise DoesNotFit(f"A web page does not know the operation {node.target} of this network. {INSTEAD}")
        return does(node, *node.args)

    # Values

    def _new(self, shape: Sequence[int]) -> int:
        value = len(self.sizes)
        self.sizes[value] = math.prod(shape)
        return value

    def _step(self, does: str, shape: Sequence[int], of: Sequence[int], /, **sizes: Any) -> int:
        to = self._new(shape)
        self.steps.append(Step(does, to, tuple(of), sizes))
        return to

    def _moving(self, of: Any) -> bool:
        """Whether it depends on the inputs."""
        return isinstance(of, Node) and of not in self.known

    def _constant(self, of: Any) -> Any:
        """The value of a constant.

        Raises:
            DoesNotFit: it depends on the inputs.
        """
        if self._moving(of):
            raise DoesNotFit(f"A web page cannot draw with this network, whose weights hang on its input. {INSTEAD}")
        return self.known[of] if isinstance(of, Node) else of

    def _value(self, of: Any, form: Callable[[Tensor], Tensor] | None = None) -> int:
        """The value number of a node, or of a constant, whose tensor `form` may rearrange."""
        if self._moving(of):
            return int(self.values[of])
        if (of, form) not in self.constants:
            held = torch.as_tensor(self._constant(of), dtype=torch.float32)
            held = (form(held) if form else held).contiguous()
            same = held.shape, hashlib.sha256(held.numpy().data).digest()  # so that shared weights are stored once
            if same not in self.constants:
                self.constants[same] = self._new(held.shape)
                self.held[self.constants[same]] = held
            self.constants[of, form] = self.constants[same]
        return self.constants[of, form]

    def _shaped(self, of: Any) -> tuple[int, ...]:
        return shape_of(of) if self._moving(of) else tuple(torch.as_tensor(self._constant(of)).shape)

    # Copies

    def _taken(self, of: int, shape: Sequence[int], strides: Sequence[int], offset: int = 0) -> int:
        """A strided copy of a value; none is made if it would be identical."""
        merged, (by,) = _merged(shape, [strides])
        if by == [1] and merged == [self.sizes[of]]:
            return of
        return self._step("take", shape, [of], shape=merged, by=by, offset=offset)

    def _do_permute(self, node: Node, x: Any, order: Sequence[int]) -> int:
        strides = _strides(self._shaped(x))
        return self._taken(self._value(x), shape_of(node), [strides[dim] for dim in order])

    def _do_expand(self, node: Node, x: Any, *_: Any) -> int:
        return self._taken(self._value(x), shape_of(node), _spread(self._shaped(x), shape_of(node)))

    def _do_slice(self, node: Node, x: Any, dim: int = 0, begin: Any = None, _end: Any = None, step: int = 1) -> int:
        shape, strides = self._shaped(x), _strides(self._shaped(x))
        offset = range(shape[dim])[begin or 0 :].start * strides[dim]
        strides[dim] *= step
        return self._taken(self._value(x), shape_of(node), strides, offset)

    def _do_select(self, node: Node, x: Any, dim: int, index: int) -> int:
        shape, strides = self._shaped(x), _strides(self._shaped(x))
        offset = index % shape[dim] * strides.pop(dim)
        return self._taken(self._value(x), shape_of(node), strides, offset)

    def _do_split_with_sizes(self, node: Node, x: Any, lengths: Sequence[int], dim: int = 0) -> list[int]:
        strides, parts, begin = _strides(self._shaped(x)), list[int](), 0
        for length, part in zip(lengths, node.meta["val"], strict=True):
            parts.append(self._taken(self._value(x), part.shape, strides, begin * strides[dim]))
            begin += length
        return parts

    def _do_cat(self, node: Node, parts: Sequence[Any], dim: int = 0) -> int:
        shape = shape_of(node)
        dim %= len(shape)
        lengths = [math.prod(self._shaped(part)[dim:]) for part in parts]
        values = [self._value(part) for part in parts]
        return self._step("cat", shape, values, rows=math.prod(shape[:dim]), lengths=lengths)

    def _do_constant_pad_nd(self, node: Node, x: Any, ends: Sequence[int], value: float = 0.0) -> int:
        if min(ends) < 0:
            raise DoesNotFit(f"A web page knows no negative padding. {INSTEAD}")
        shape, strides, size = self._shaped(x), _strides(shape_of(node)), math.prod(shape_of(node))
        before = [0] * (len(shape) - len(ends) // 2) + list(ends[::2])[::-1]
        offset = sum(map(operator.mul, before, strides))
        sizes = {"shape": shape, "by": strides, "offset": offset, "size": size, "value": float(value)}
        return self._step("pad", shape_of(node), [self._value(x)], **sizes)

    def _do_index(self, node: Node, x: Any, places: Sequence[Any]) -> int:
        (dim,) = [dim for dim, each in enumerate(places) if each is not None]
        shape = self._shaped(x)
        index = [place % shape[dim] for place in self._constant(places[dim]).flatten().tolist()]
        sizes = {"rows": math.prod(shape[:dim]), "length": shape[dim], "size": math.prod(shape[dim + 1 :])}
        return self._step("pick", shape_of(node), [self._value(x)], **sizes, index=index)

    def _do_upsample_nearest2d(self, node: Node, x: Any, *_: Any) -> int:
        (*outer, height, width), (tall, wide) = self._shaped(x), shape_of(node)[-2:]
        if tall % height or wide % width:
            raise DoesNotFit(f"A web page enlarges features by whole numbers alone. {INSTEAD}")
        shape = [math.prod(outer), height, tall // height, width, wide // width]
        return self._taken(self._value(x), shape, [height * width, width, 0, 1, 0])

    def _do_upsample_bilinear2d(self, node: Node, x: Any, _size: Any, corners: Any, factors: Any = None) -> int:
        """A matrix product along each side; its matrix is the operation's output for unit vectors."""
        (*outer, height, width), (tall, wide) = self._shaped(x), shape_of(node)[-2:]
        count, made = math.prod(outer), self._value(x)
        tall_by, wide_by = factors or (None, None)
        for old, new, by, lines in ((width, wide, wide_by, height), (height, tall, tall_by, wide)):
            to: dict[str, Any] = {"scale_factor": by} if by else {"size": new}
            matrix = F.interpolate(torch.eye(old)[None], **to, mode="linear", align_corners=corners)[0]
            made = self._product(made, matrix, (1, count * lines, old, new))
            made = self._taken(made, (count, new, lines), (new * lines, 1, new))
        return made

    # Elementwise

    def _both(self, does: str, node: Node) -> int:
        a, b, *_ = node.args
        if node.kwargs.get("alpha", 1) != 1 or node.kwargs.get("rounding_mode"):
            raise DoesNotFit(f"A web page does not know {node.target} with {dict(node.kwargs)}. {INSTEAD}")
        return self._met(does, shape_of(node), [(self._value(each), self._shaped(each)) for each in (a, b)])

    def _met(self, does: str, shape: Sequence[int], pair: Sequence[tuple[int, Sequence[int]]]) -> int:
        """An elementwise operation on two values, given with their shapes and broadcast to `shape`."""
        merged, by = _merged(shape, [_spread(each, shape) for _, each in pair])
        return self._step(does, shape, [value for value, _ in pair], shape=merged, by=by)

    def _each(self, does: str, node: Node, /, **sizes: Any) -> int:
        shape = shape_of(node)
        return self._step(does, shape, [self._value(node.args[0])], length=math.prod(shape), **sizes)

    def _do_leaky_relu(self, node: Node, _x: Any, slope: float = 0.01) -> int:
        return self._each("leaky_relu", node, slope=slope)

    def _do_elu(self, node: Node, _x: Any, slope: float = 1.0, *_: Any) -> int:
        return self._each("elu", node, slope=slope)

    def _do_gelu(self, node: Node, _x: Any) -> int:
        return self._each("gelu", node, tanh=node.kwargs.get("approximate") == "tanh")

    def _do_clamp(self, node: Node, _x: Any, least: float | None = None, most: float | None = None) -> int:
        return self._each("clamp", node, least=-3e38 if least is None else least, most=3e38 if most is None else most)

    def _do_bitwise_not(self, node: Node, x: Any) -> int:
        return self._met("sub", shape_of(node), [(self._value(1.0), ()), (self._value(x), shape_of(node))])

    _do_logical_not = _do_bitwise_not

    def _do_pow(self, node: Node, x: Any, power: Any) -> int:
        if not isinstance(power, Node) and power == 2:
            return self._met("mul", shape_of(node), [(self._value(x), shape_of(node))] * 2)
        return self._each("pow", node, power=float(self._constant(power)))

    def _do_where(self, node: Node, *parts: Any) -> int:
        shape = shape_of(node)
        spread = [self._taken(self._value(each), shape, _spread(self._shaped(each), shape)) for each in parts]
        return self._step("where", shape, spread, length=math.prod(shape))

    # Reductions

    def _folded(self, does: str, node: Node, x: Any, dims: Any = None, *_: Any) -> int:
        shape = self._shaped(x)
        dims = [dims] if isinstance(dims, int) else dims or range(len(shape))
        folded = sorted(dim % len(shape) for dim in dims)
        order = [dim for dim in range(len(shape)) if dim not in folded] + folded
        strides, length = _strides(shape), math.prod(shape[dim] for dim in folded)
        last = self._taken(self._value(x), [shape[dim] for dim in order], [strides[dim] for dim in order])
        return self._step(does, shape_of(node), [last], rows=math.prod(shape) // length, length=length)

    def _do_softmax(self, _: Node, x: Any, dim: int, *_half: Any) -> int:
        shape = self._shaped(x)
        if dim % len(shape) != len(shape) - 1:
            raise DoesNotFit(f"A web page knows a softmax along the last dimension alone. {INSTEAD}")
        return self._step("softmax", shape, [self._value(x)], rows=math.prod(shape[:-1]), length=shape[-1])

    def _normalised(self, x: Any, rows: int, epsilon: float) -> int:
        shape = self._shaped(x)
        return self._step("norm", shape, [self._value(x)], rows=rows, length=math.prod(shape) // rows, epsilon=epsilon)

    def _do_native_layer_norm(
        self, _: Node, x: Any, over: Sequence[int], weight: Any, bias: Any, epsilon: float
    ) -> int:
        shape = self._shaped(x)
        made = self._normalised(x, math.prod(shape) // math.prod(over), epsilon)
        return self._scaled(made, shape, weight, bias, tuple(over))

    def _do_native_group_norm(self, _: Node, x: Any, weight: Any, bias: Any, *sizes: Any) -> int:
        groups, epsilon = sizes[-2:]
        shape = self._shaped(x)
        made = self._normalised(x, shape[0] * groups, epsilon)
        return self._scaled(made, shape, weight, bias, _channels(shape))

    def _do_native_batch_norm_legit_no_training(self, _: Node, x: Any, *norm: Any) -> int:
        weight, bias, mean, variance, _momentum, epsilon = norm
        shape, mean = self._shaped(x), self._constant(mean)
        scale = torch.rsqrt(self._constant(variance) + epsilon)
        scale = scale if weight is None else scale * self._constant(weight)
        shift = (0 if bias is None else self._constant(bias)) - mean * scale
        return self._scaled(self._value(x), shape, scale, shift, _channels(shape))

    def _do_native_batch_norm_legit(self, node: Node, x: Any, weight: Any, bias: Any, *norm: Any) -> int:
        """Instance norm, which appears as a batch norm over a batch of one."""
        shape = self._shaped(x)
        if shape[0] != 1 or not str(node.target).endswith(".no_stats"):
            raise DoesNotFit(f"A web page knows no batch norm that is still training. {INSTEAD}")
        return self._scaled(self._normalised(x, shape[1], norm[-1]), shape, weight, bias, _channels(shape))

    def _scaled(self, made: int, shape: Sequence[int], weight: Any, bias: Any, seen: tuple[int, ...]) -> int:
        """A value times a weight plus a bias, both viewed in the shape `seen`; either may be None."""
        for does, each in (("mul", weight), ("add", bias)):
            if each is not None:
                made = self._met(does, shape, [(made, shape), (self._value(each), seen)])
        return made

    # Products

    def _do_mm(self, node: Node, a: Any, b: Any) -> int:
        (rows, inner), columns = self._shaped(a), shape_of(node)[-1]
        return self._product(self._value(a), b, (1, rows, inner, columns))

    def _do_bmm(self, node: Node, a: Any, b: Any) -> int:
        (batch, rows, inner), columns = self._shaped(a), shape_of(node)[-1]
        return self._product(self._value(a), b, (batch, rows, inner, columns))

    def _do_addmm(self, node: Node, bias: Any, a: Any, b: Any) -> int:
        if set(node.kwargs.values()) - {1}:
            raise DoesNotFit(f"A web page does not know {node.target} with {dict(node.kwargs)}. {INSTEAD}")
        made = self._do_mm(node, a, b)
        return self._met("add", shape_of(node), [(made, shape_of(node)), (self._value(bias), self._shaped(bias))])

    def _product(self, a: int, b: Any, sizes: tuple[int, int, int, int]) -> int:
        """A matrix product; a constant on its right is laid out in panels beforehand."""
        batch, rows, inner, columns = sizes
        fixed = batch == 1 and not self._moving(b)
        named = {"batch": batch, "rows": rows, "inner": inner, "columns": columns, "panels": fixed}
        right = self._value(b, _panels if fixed else None)
        return self._step("product", (batch, rows, columns), [a, right], **named)

    def _do_convolution(self, node: Node, x: Any, weight: Any, bias: Any, *sizes: Any) -> int:
        stride, padding, dilation, transposed, _, groups = sizes
        shape, made, kernel = self._shaped(x), shape_of(node), self._constant(weight).shape[2:]
        spatial = {
            name: [fill] * (DIMENSIONS + 2 - len(shape)) + list(each)
            for name, each, fill in (
                *(("size", shape[2:], 1), ("made", made[2:], 1), ("kernel", kernel, 1)),
                *(("stride", stride, 1), ("padding", padding, 0), ("dilation", dilation, 1)),
            )
        }
        counted = {"samples": shape[0], "groups": groups, "inner": shape[1] // groups, "outer": made[1] // groups}

        def turned(held: Tensor) -> Tensor:
            return held.reshape(groups, shape[1] // groups, -1).transpose(1, 2)

        held = self._value(weight, turned if transposed else None)
        to = self._step("spread" if transposed else "convolve", made, [self._value(x), held], **counted, **spatial)
        return self._scaled(to, made, None, bias, _channels(made))


def _channels(shape: Sequence[int]) -> tuple[int, ...]:
    """The shape in which a vector with one number per channel broadcasts to `shape`."""
    return shape[1], *[1] * (len(shape) - 2)


def _strides(shape: Sequence[int]) -> list[int]:
    return [math.prod(shape[place + 1 :]) for place in range(len(shape))]


def _spread(shape: Sequence[int], over: Sequence[int]) -> list[int]:
    """The strides with which a contiguous value of one shape is broadcast to another, as in NumPy."""
    new = len(over) - len(shape)
    return [0] * new + [0 if side == 1 else by for side, by in zip(shape, _strides(shape), strict=True)]


def _merged(shape: Sequence[int], strides: Sequence[Sequence[int]]) -> tuple[list[int], list[list[int]]]:
    """An equivalent shape and strides with as few dimensions as possible."""
    kept = [place for place, side in enumerate(shape) if side != 1]
    if not kept:
        return [1], [[0] for _ in strides]
    sides, by = [shape[kept[0]]], [[each[kept[0]]] for each in strides]
    for _, place in pairwise(kept):
        joined = all(mine[-1] == each[place] * shape[place] for mine, each in zip(by, strides, strict=True))
        sides = [*sides[:-1], sides[-1] * shape[place]] if joined else [*sides, shape[place]]
        by = [[*(mine[:-1] if joined else mine), each[place]] for mine, each in zip(by, strides, strict=True)]
    return sides, by


def _panels(matrix: Tensor) -> Tensor:
    """A matrix [inner, columns] as panels [ceil(columns / 8), inner, 8], the last one padded with zeros."""
    inner, columns = matrix.shape[-2:]
    filled = F.pad(matrix.reshape(inner, columns), (0, -columns % PANEL))
    return filled.unflatten(1, (-1, PANEL)).transpose(0, 1)
