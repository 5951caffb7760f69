"""The result type of every metric, and checks of features before they are measured."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from ..core.errors import DoesNotFit
from ..core.seeds import whole

__all__ = [
    "FEWEST",
    "Features",
    "Labels",
    "Score",
    "as_features",
    "as_pair",
    "at_a_time",
    "better",
    "gathered_notes",
    "rule_of_succession",
]

Features = Tensor | NDArray[Any]
"""Numbers that describe pictures, [N, D], one row for each: a NumPy array or a tensor on any device."""

Labels = Tensor | NDArray[Any] | Sequence[float]
"""A number for each sample or class, [N]."""

LOWER = ("fid", "fd-", "kid", "kd-", "intra", "path", "reverse_kl")
"""Prefixes of the names of figures for which lower is better."""

NEAR = {
    "memorisation": "near 0.5",
    "copying": "near 0",
    "density": "near 1",
    "vendi": "near reals'",
    "authenticity": "near held-out",
}
"""Figures with a best value in the middle, by name; noise has the highest of the last two."""

LARGEST = 1e6
"""The largest feature; results of larger ones would overflow."""

FEWEST = 10
"""The smallest set that is compared as a distribution; papers use 10,000 to 50,000."""


@final
@dataclass(frozen=True)
class Score:
    """A figure with the information needed to trust it."""

    value: float
    error: float | None = None
    """The standard error of `value` from the choice of samples, or None where no honest one is known. It does not
    include bias, which is in the notes."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """The number of samples, by the name of their set."""
    notes: tuple[str, ...] = ()
    """What a reader of the figure has to know."""
    parts: tuple[float, ...] = ()
    """The splits, subsets or classes whose mean `value` is."""

    @property
    def spread(self) -> float | None:
        """The standard deviation of the parts, which papers print after +-; it is not the standard error."""
        if not self.parts:
            return None
        return math.sqrt(sum((part - self.value) ** 2 for part in self.parts) / len(self.parts))

    @classmethod
    def mean(cls, values: Float[Tensor, " n"], *, counts: Mapping[str, int], notes: tuple[str, ...] = ()) -> "Score":
        """The mean of one value per sample, with its standard error; for shares, values are 0 and 1.

        If all values are 0, or all 1, the next sample may still differ: the error is then that of the share with one
        more sample of each kind (Laplace's rule of succession).
        """
        values = values.double()
        error = float(values.std() / math.sqrt(len(values))) if len(values) > 1 else None
        if error == 0 and float(values[0]) in (0, 1):
            error = rule_of_succession(len(values))
        return cls(float(values.mean()), error, counts, notes)

    def __str__(self) -> str:
        return f"{self.value:.4g}" + ("" if self.error is None else f" ± {self.error:.1g}")


def at_a_time(name: str, count: int) -> int:
    """How many samples are taken at a time, checked; of a negative number nothing would be compared.

    Raises:
        DoesNotFit: it is no whole number from 1; the message calls it `name`.
    """
    if whole(name, count) < 1:
        raise DoesNotFit(f"`{name}=` is how many are taken at a time, at least 1, not {count}.")
    return count


def rule_of_succession(count: int) -> float:
    """The error of a share that is 0 or 1 in all `count` samples, as if one more of each kind had been seen."""
    share = 1 / (count + 2)
    return math.sqrt(share * (1 - share) / count)


def better(name: str) -> str:
    """Which values of a figure are good: "lower", "higher" or near which number, such as that in its notes."""
    return NEAR.get(name, "lower" if name.startswith(LOWER) else "higher")


def gathered_notes(scores: Mapping[str, Score]) -> dict[str, list[str]]:
    """Each note once, with the names of the figures that have it."""
    notes: dict[str, list[str]] = {}
    for name, score in scores.items():
        for note in score.notes:
            notes.setdefault(note, []).append(name)
    return notes


def as_features(values: Features, *, name: str, fewest: int = 1) -> Float[Tensor, "n d"]:
    """Features as a float32 or float64 tensor on their own device, after checking them.

    Args:
        values: [N, D].
        name: what the message calls them.
        fewest: how many rows there must be.

    Raises:
        DoesNotFit: they are not [N, D], too few, or hold NaN or infinity.
    """
    found = torch.as_tensor(values).detach()
    if found.dim() != 2 or not found.shape[1]:
        raise DoesNotFit(f"The {name} features have shape {list(found.shape)}; a row per picture is needed, [N, D].")
    if len(found) < fewest:
        raise DoesNotFit(
            f"There are {len(found)} {name} samples, which say nothing about a distribution; give at least {fewest} "
            "(papers use 10,000 or more)."
        )
    if found.is_complex():
        raise DoesNotFit(f"The {name} features are complex numbers, and no figure is defined on those.")
    if found.device.type == "mps":  # which has no float64
        found = found.cpu()
    if found.dtype not in (torch.float32, torch.float64):
        found = found.float()
    if bad := int((~(found.abs().amax(1) < LARGEST)).sum()):
        raise DoesNotFit(
            f"{bad} of the {len(found)} rows of {name} features hold NaN, infinity or numbers above {LARGEST:.0e}: "
            "compute them in float32, and look for broken weights or pictures."
        )
    return found


def as_pair(
    real: Features, fake: Features, *, fewest: int = FEWEST, names: tuple[str, str] = ("real", "fake")
) -> tuple[Float[Tensor, "n d"], Float[Tensor, "m d"]]:
    """Two sets of features that can be compared, on the device of the first and in the more precise type of both.

    Raises:
        DoesNotFit: see `as_features`; or they have different dimensions.
    """
    if fake is real:
        one = as_features(real, name=names[0], fewest=fewest)
        return one, one.view_as(one)  # another object, to tell pairs across the sets from pairs within one
    first, second = (
        as_features(each, name=name, fewest=fewest) for each, name in zip((real, fake), names, strict=True)
    )
    if first.shape[1] != second.shape[1]:
        raise DoesNotFit(
            f"The {names[0]} features have {first.shape[1]} dimensions and the {names[1]} ones {second.shape[1]}: "
            "compute both with the same network and layer."
        )
    kind = torch.promote_types(first.dtype, second.dtype)
    return first.to(kind), second.to(first.device, kind)
