"""A network with the weights of a file, whose description of itself is believed as far as its weights bear it out."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from ..core.errors import DoesNotFit, GanvasError, Unreadable
from ..core.weights import Header
from .layers import Network, NetworkSettings

__all__ = ["build", "compare", "fill"]

LARGEST = 2**24  # numbers in a sample: a picture of 2048x2048, or 80 frames of 256x256


def build(settings: NetworkSettings, shape: tuple[int, ...], condition: int, weights: Header) -> Network:
    """The network that is described, if these weights are its own; see `compare`, before which no memory is taken."""
    compare(settings, shape, condition, weights)
    return settings.build(shape, condition)


def compare(settings: NetworkSettings, shape: tuple[int, ...], condition: int, weights: Header) -> None:
    """Every weight of the network that is described is there, in its shape and of its type, and nothing else.

    Args:
        settings: what the file says that it is.
        shape: of one sample, by the same file.
        condition: the length of the condition vector.
        weights: what the file holds.

    Raises:
        GanvasError: it is not so, and the message names the first that is not; or there can be no such network.
    """
    if math.prod(shape) > LARGEST:
        raise DoesNotFit(f"Samples of shape {list(shape)} are too large: {LARGEST:,} numbers are the most.")
    try:
        with torch.device("meta"):
            sketch = settings.build(shape, condition)
    except GanvasError:
        raise
    except (RuntimeError, ValueError, TypeError, ArithmeticError, LookupError, MemoryError) as error:
        raise Unreadable(f"There can be no such network ({str(error).partition(chr(10))[0]}).") from None
    expected = sketch.state_dict()
    missing, unknown = sorted(expected.keys() - weights.shapes.keys()), sorted(weights.shapes.keys() - expected.keys())
    if missing or unknown:
        raise Unreadable(f"{missing[0]} is missing" if missing else f"{unknown[0]} has no place here")
    for name, tensor in expected.items():
        if weights.shapes[name] != tuple(tensor.shape):
            raise Unreadable(f"{name} has the shape {list(weights.shapes[name])} and not {list(tensor.shape)}")
        if (name in weights.real) != tensor.is_floating_point():
            raise Unreadable(f"{name} holds numbers of another type")


def fill(network: Network, tensors: Mapping[str, Tensor]) -> None:
    """Give a network that `build` made the weights that it was compared with.

    Raises:
        Unreadable: some of them are no numbers.
    """
    for name, value in tensors.items():
        if not value.isfinite().all():
            raise Unreadable(f"its weights are damaged: {name} holds what is no number")
    network.load_state_dict(tensors)
