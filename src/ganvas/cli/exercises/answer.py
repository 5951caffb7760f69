"""Compares an answer with the right one and with the results of usual mistakes, each of which has its own message."""

from collections.abc import Mapping
from typing import Any

import torch

__all__ = ["Wrong", "expect", "near", "number"]


class Wrong(Exception):
    """An answer is wrong; the message tells the learner what is wrong with it."""


def expect(given: Any, right: torch.Tensor, wrong: Mapping[str, torch.Tensor], *, what: str) -> None:
    """Check that an answer is right.

    Args:
        given: what the learner's function returned.
        right: what it should have returned.
        wrong: the message for each usual mistake -> what a function with that mistake returns, of any shape.
        what: the subject of the messages, such as "The loss".

    Raises:
        Wrong: with the message of the first mistake that gives the same result, or else with what can be seen.
    """
    if not isinstance(given, torch.Tensor):
        kind = "None (is there a `return`?)" if given is None else f"of the type {type(given).__name__}"
        raise Wrong(f"{what} is {kind}, but has to be a tensor.")
    given = given.detach()
    if given.is_complex():
        raise Wrong(f"{what} is a complex number (by its type): take its real part, `.real`.")
    if near(given, right):
        return
    for sentence, value in wrong.items():
        if near(given, value):
            raise Wrong(sentence)
    if given.shape != right.shape:
        raise Wrong(f"{what} has the shape {list(given.shape)}, but should have the shape {list(right.shape)}.")
    if not given.isfinite().all():
        raise Wrong(
            f"{what} contains NaN or infinity: look for a division by 0, the logarithm of a number that is not above 0 "
            "(a logit is no probability: that takes a sigmoid), or the root of a negative number."
        )
    raise Wrong(
        f"{what} is {_told(given)}, but {_told(right)} would be right. This is none of the usual mistakes: compare "
        "your code with the text at the top of the file."
    )


def near(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors have the same shape and, except for rounding, the same values."""
    return a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=1e-4, atol=1e-6, equal_nan=True)


def number(given: Any) -> Any:
    """A Python or NumPy number as a tensor with no axes; anything else unchanged."""
    return torch.as_tensor(given) if isinstance(given, int | float | complex) or hasattr(given, "dtype") else given


def _told(values: torch.Tensor) -> str:
    """The first three numbers of a tensor, as text."""
    first = [f"{value:.4g}" for value in values.flatten()[:3].tolist()]
    return ", ".join(first) + (", ..." if values.numel() > 3 else "")
