"""Build a network from a file's description of it, after checking the description against the file's weights."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from ..core.errors import DoesNotFit, GanvasError, Unreadable
from ..core.weights import Header
from .layers import Network, NetworkSettings

__all__ = ["build", "compare", "fill", "outline"]

CALLS = (
    10_000,
    100,
)  # calls of torch that `outline` may take: a base, plus so many per tensor of the file; ours take at most 12 each
LARGEST = 2**24  # numbers in a sample: a picture of 2048x2048, or 80 frames of 256x256


def build(settings: NetworkSettings, shape: tuple[int, ...], condition: int, weights: Header) -> Network:
    """The network as described, if these weights fit it; `compare` checks that before memory is allocated.

    Its first weights are replaced by the file's, so the caller's random numbers are left as they were.
    """
    compare(settings, shape, condition, weights)
    with torch.random.fork_rng(devices=[]):
        return settings.build(shape, condition)


def compare(settings: NetworkSettings, shape: tuple[int, ...], condition: int, weights: Header) -> None:
    """Check that the file holds exactly the weights of the described network, with their shapes and types.

    Args:
        settings: the network according to the file.
        shape: of one sample, according to the file.
        condition: the length of the condition vector.
        weights: names, shapes and types of the weights in the file.

    Raises:
        GanvasError: it does not, and the message names the first mismatch; or no such network can be built.
    """
    if math.prod(shape) > LARGEST:
        raise DoesNotFit(f"Samples of shape {list(shape)} are too large: {LARGEST:,} numbers are the most.")
    try:
        most = CALLS[0] + CALLS[1] * len(weights.shapes)
        expected = outline(settings, shape, condition, most=most).state_dict()
    except GanvasError:
        raise
    except (RuntimeError, ValueError, TypeError, ArithmeticError, LookupError, MemoryError) as error:
        raise Unreadable(f"There can be no such network ({str(error).partition(chr(10))[0]}).") from None
    missing, unknown = sorted(expected.keys() - weights.shapes.keys()), sorted(weights.shapes.keys() - expected.keys())
    if missing or unknown:
        raise Unreadable(f"{missing[0]} is missing" if missing else f"{unknown[0]} has no place here")
    for name, tensor in expected.items():
        if weights.shapes[name] != tuple(tensor.shape):
            raise Unreadable(f"{name} has the shape {list(weights.shapes[name])} and not {list(tensor.shape)}")
        if (name in weights.real) != tensor.is_floating_point():
            raise Unreadable(f"{name} holds numbers of another type")


def outline(settings: NetworkSettings, shape: tuple[int, ...], condition: int, *, most: float = math.inf) -> Network:
    """The network on the device meta: shapes without values, which take no memory.

    Raises:
        Unreadable: building it takes more than `most` calls of torch.
    """
    with torch.device("meta"), _Shapes(most):
        return settings.build(shape, condition)


class _Shapes(TorchFunctionMode):
    """Shape-only versions of the commonest ways to fill a tensor or combine it with a number; counts all calls.

    On the device meta torch implements these in Python, for which it imports its compiler: 1.5 s in each command that
    opens a model.
    """

    STAYS = frozenset(
        {torch.exp, Tensor.mul, Tensor.__rmul__, Tensor.div, Tensor.__truediv__, Tensor.normal_, F.normalize}
    )
    MADE: ClassVar[Mapping[Any, Callable[..., Sequence[Any]]]] = {
        torch.randn: lambda *sizes: sizes,
        torch.linspace: lambda _start, _end, steps: (steps,),
        torch.eye: lambda rows, columns=None: (rows, columns or rows),
        torch.outer: lambda left, right: (len(left), len(right)),
    }

    def __init__(self, most: float) -> None:
        super().__init__()
        self.left = most

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        self.left -= 1
        if self.left < 0:
            raise Unreadable("it describes a network of far more layers than it has weights for")
        told = kwargs or {}
        if getattr(func, "__module__", "") == nn.init.__name__:
            return told["tensor"] if "tensor" in told else args[0]
        numbers = not any(isinstance(each, Tensor) for each in args[1:])
        if func in self.STAYS and numbers and isinstance(args[0], Tensor) and args[0].is_floating_point():
            return args[0]
        if func in self.MADE and not told:
            return torch.empty(*self.MADE[func](*args))
        return func(*args, **told)


def fill(network: Network, tensors: Mapping[str, Tensor]) -> None:
    """Load the weights into a network that `build` made for them.

    Raises:
        Unreadable: some values are infinite or NaN.
    """
    for name, value in tensors.items():
        if not value.isfinite().all():
            raise Unreadable(f"its weights are damaged: {name} holds what is no number")
    network.load_state_dict(tensors)
