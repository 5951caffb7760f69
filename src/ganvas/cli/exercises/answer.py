"""An answer, compared with the right one and with the usual wrong ones, so that each gets a sentence of its own."""

from collections.abc import Mapping
from typing import Any

import torch

__all__ = ["Wrong", "expect", "near", "number"]


class Wrong(Exception):
    """What is wrong with an answer, in a sentence for whoever wrote it."""


def expect(given: Any, right: torch.Tensor, wrong: Mapping[str, torch.Tensor], *, what: str) -> None:
    """See that an answer is the right one.

    Args:
        given: what the learner's function gave.
        right: what it should have given.
        wrong: a sentence for each usual mistake -> what a function with that mistake gives; of any shape.
        what: how the answer is called, such as "The loss".

    Raises:
        Wrong: with the sentence of the mistake that gives the same, or else with what is seen of it.
    """
    if not isinstance(given, torch.Tensor):
        kind = "nothing (is there a `return`?)" if given is None else f"of the type {type(given).__name__}"
        raise Wrong(f"{what} is {kind}; it has to be a tensor.")
    given = given.detach()
    if given.is_complex():
        raise Wrong(f"{what} is a complex number by its type; take `.real` of it.")
    if near(given, right):
        return
    for sentence, value in wrong.items():
        if near(given, value):
            raise Wrong(sentence)
    if given.shape != right.shape:
        raise Wrong(f"{what} has the shape {list(given.shape)}, and should have {list(right.shape)}.")
    if not given.isfinite().all():
        raise Wrong(
            f"{what} is not a number in places: look for a division by 0, and for the logarithm or root of one."
        )
    raise Wrong(f"{what} is {_told(given)} where {_told(right)} is right. That is none of the usual mistakes.")


def near(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors have the same shape and, but for rounding, the same values."""
    return a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=1e-4, atol=1e-6, equal_nan=True)


def number(given: Any) -> Any:
    """A Python or NumPy number as a tensor of no axes, and anything else as it is."""
    return torch.as_tensor(given) if isinstance(given, int | float | complex) or hasattr(given, "dtype") else given


def _told(values: torch.Tensor) -> str:
    """The first numbers of a tensor."""
    first = [f"{value:.4g}" for value in values.flatten()[:3].tolist()]
    return ", ".join(first) + (", ..." if values.numel() > 3 else "")
