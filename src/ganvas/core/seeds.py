"""The valid range of seeds, the same for pictures, trainings and places everywhere."""

import operator
from collections.abc import Iterable, Sequence

from .errors import DoesNotFit

__all__ = ["MOST_SEED", "is_whole", "refuse_seeds", "whole"]

MOST_SEED = 2**53  # JSON, JavaScript and torch all represent it exactly


def is_whole(word: str) -> bool:
    """Whether a word is a whole number from 0, of a thousand digits at most: Python refuses much longer ones."""
    return word.isdecimal() and len(word) <= 1000


def refuse_seeds(seeds: Sequence[int]) -> list[int]:
    """The seeds as Python's whole numbers, of whatever type they are, such as NumPy's; invalid ones are refused.

    Raises:
        DoesNotFit: one is no whole number, below 0 or above `MOST_SEED`.
    """
    if not isinstance(seeds, Iterable):
        raise DoesNotFit(f"Seeds are several whole numbers, such as [{seeds}], not {seeds!r}.")
    for seed in seeds:
        if not hasattr(seed, "__index__") or not 0 <= seed <= MOST_SEED:
            raise DoesNotFit(f"Seeds are whole numbers from 0 to {MOST_SEED:,}, not {seed}.")
    return [operator.index(seed) for seed in seeds]


def whole(name: str, value: int) -> int:
    """A whole number of any type, such as NumPy's, as Python's.

    Raises:
        DoesNotFit: it is no whole number; the message calls it `name`.
    """
    try:
        return operator.index(value)
    except TypeError:
        raise DoesNotFit(f"`{name}=` takes a whole number, not {value!r}.") from None
