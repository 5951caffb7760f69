"""A generator as a list of steps on one float32 memory, which a short interpreter in any language can run.

Each step names an operation, where it writes and reads in the memory, and its sizes: Step("softmax", 96, (32,),
{"rows": 8, "length": 8}). page/operations.js defines the operations; lower.py makes the steps of a network.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

__all__ = ["LEAST_HALF", "Program", "Step", "halved", "plan"]

LEAST_HALF = 1024  # smaller tensors stay in float32: they take little space, and are often sensitive norms and biases
LARGEST = 65504.0  # largest value in half precision
SLACK = 8  # numbers after each value that a matrix product may overwrite, see `panels` in page/product.js


@dataclass(frozen=True)
class Step:
    """One operation: its name, where it writes, where it reads, and its sizes."""

    does: str
    to: int
    of: tuple[int, ...]
    sizes: Mapping[str, Any]


@dataclass(frozen=True)
class Program:
    """Steps, and the memory that they work on; addresses count float32 numbers.

    memory     its size
    steps      in execution order
    weights    address -> the tensor stored there before the first step
    inputs     name (z, condition, share) -> address
    output     the address of the sample
    count      the size of the sample
    """

    memory: int
    steps: tuple[Step, ...]
    weights: Mapping[int, Tensor]
    inputs: Mapping[str, int]
    output: int
    count: int

    def described(self, *, half: bool) -> dict[str, Any]:
        """This as a JSON value; for weights just addresses, sizes and whether they are in half precision."""
        return {
            "memory": self.memory,
            "weights": [[at, each.numel(), int(half and _fits(each))] for at, each in self.weights.items()],
            "inputs": dict(self.inputs),
            "output": self.output,
            "count": self.count,
            "steps": [[each.does, each.to, list(each.of), dict(each.sizes)] for each in self.steps],
        }

    def packed(self, *, half: bool) -> bytes:
        """The weights one after the other, little-endian, each aligned to four bytes."""
        parts = []
        for tensor in self.weights.values():
            kind = "<f2" if half and _fits(tensor) else "<f4"
            content = tensor.flatten().numpy().astype(kind).tobytes()
            parts.append(content + bytes(-len(content) % 4))
        return b"".join(parts)


def halved(tensor: Tensor) -> Tensor:
    """The tensor in float32 after rounding it as a page in half precision does."""
    return tensor.half().float() if _fits(tensor) else tensor


def _fits(tensor: Tensor) -> bool:
    return tensor.numel() >= LEAST_HALF and float(tensor.abs().max()) <= LARGEST


def plan(
    steps: Sequence[Step],
    held: Mapping[int, Tensor],
    inputs: Mapping[str, int],
    sizes: Mapping[int, int],
    output: int,
) -> Program:
    """The program of these steps, with memory allocated to each value for as long as it is needed.

    Args:
        steps: steps that refer to values by number instead of address.
        held: value -> the weights that it is.
        inputs: name -> value.
        sizes: the size of each value in float32 numbers.
        output: the value of the sample.
    """
    last = {value: index for index, step in enumerate(steps) for value in step.of} | {output: len(steps)}
    places, memory = dict[int, int](), 0
    for value in [*(value for value in held if value in last), *inputs.values()]:
        places[value], memory = memory, memory + _room(sizes[value])
    begin, living = memory, list[int]()
    for index, step in enumerate(steps):
        room = _room(sizes[step.to])
        places[step.to] = _gap([(places[value], _room(sizes[value])) for value in living], room, begin)
        memory = max(memory, places[step.to] + room)
        living = [value for value in [*living, step.to] if last.get(value, -1) > index]
    return Program(
        memory,
        tuple(Step(step.does, places[step.to], tuple(places[each] for each in step.of), step.sizes) for step in steps),
        {places[value]: tensor for value, tensor in held.items() if value in places},
        {name: places[value] for name, value in inputs.items()},
        places[output],
        sizes[output],
    )


def _room(count: int) -> int:
    return -(-(count + SLACK) // 4) * 4  # so that each value is aligned to 16 bytes


def _gap(taken: Sequence[tuple[int, int]], room: int, begin: int) -> int:
    """The first address from `begin` on with so much free room between the taken (address, length) pairs."""
    at = begin
    for place, length in sorted(taken):
        if place - at >= room:
            break
        at = max(at, place + length)
    return at
