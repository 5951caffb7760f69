"""Compare samples with the data: which attributes occur together, and how often each class or word occurs.

    print(survey(model, data))

If two things are entangled in the data, as hats and beards may be, they are in the model too, often more so, and a
direction of one then moves the other. A class that is rare in the data may be missing among the samples.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ..core.batch import Kind
from ..core.errors import DoesNotFit
from ..data.dataset import Dataset, Watch, unwatched
from ..metrics.features.classifier import Classifier, classifier
from ..models.model import Model
from .attributes import Attribute, attributes, measured, of_classes

__all__ = ["Survey", "survey"]

COUNT = 1000
CHUNK = 100
TOGETHER = 0.5  # correlation from which on two attributes are said to occur together
TOLD = 20  # number of pairs shown: with many words there are hundreds
STILL = 1e-5  # attributes with a smaller deviation are left out


@dataclass(frozen=True, eq=False)
class Survey:
    """Attributes of samples and of data.

    names       of the attributes that differ among samples
    samples     their correlations among samples [A, A]
    data        their correlations in the data [A, A]; NaN where they do not differ there
    shares      class or word -> (share of the samples, share of the data), by the same classifier, which errs on both
    accuracy    of that classifier on held-out pictures of the data; NaN without one
    counts      number of samples and of pictures of the data
    """

    names: tuple[str, ...]
    samples: Float[Tensor, "a a"]
    data: Float[Tensor, "a a"]
    shares: Mapping[str, tuple[float, float]]
    accuracy: float
    counts: tuple[int, int]

    def together(self) -> list[tuple[str, str, float, float]]:
        """Pairs of attributes that occur together among samples: (one, other, correlation there, in the data)."""
        rows, columns = torch.triu_indices(len(self.names), len(self.names), 1).tolist()
        found = [
            (self.names[a], self.names[b], float(self.samples[a, b]), float(self.data[a, b]))
            for a, b in zip(rows, columns, strict=True)
        ]
        return sorted((each for each in found if abs(each[2]) >= TOGETHER), key=lambda each: -abs(each[2]))

    def __str__(self) -> str:
        lines = [f"Among {self.counts[0]:,} samples and {self.counts[1]:,} pictures of the data."]
        if pairs := self.together():
            lines += ["", f"{'go together (correlation)':44}  samples   data"]
            lines += map(_pair, pairs[:TOLD])
        if rest := pairs[TOLD:]:
            odd = sorted(rest, key=lambda pair: -abs(pair[2] - pair[3]) if pair[3] == pair[3] else 0.0)[:TOLD]
            few = f"those least like the data, {len(odd)} of " if len(odd) < len(rest) else ""
            lines += ["", f"and {few}{len(rest)} more (--json has every correlation)", *map(_pair, odd)]
        if self.shares:
            lines += ["", f"share (by a classifier that is right on {self.accuracy:.0%})  samples   data"]
            ordered = sorted(self.shares.items(), key=lambda each: -each[1][1])
            lines += [f"{name:44}  {here:7.1%}  {there:5.1%}" for name, (here, there) in ordered]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """The same as a JSON value; NaN becomes null."""
        return {
            "counts": {"samples": self.counts[0], "data": self.counts[1]},
            "attributes": list(self.names),
            "correlations": {"samples": _plain(self.samples), "data": _plain(self.data)},
            "shares": {name: {"samples": here, "data": there} for name, (here, there) in self.shares.items()},
            "accuracy": None if self.accuracy != self.accuracy else self.accuracy,
        }


def survey(
    model: Model,
    data: Dataset,
    *,
    labels: Dataset | None = None,
    count: int = COUNT,
    watch: Watch = unwatched,
) -> Survey:
    """Measure which attributes occur together, and how often each class or word occurs.

    Args:
        model: any generator of pictures or clips.
        data: the data to compare with, such as what it learned from.
        labels: pictures with classes or words to train a classifier on; by default `data` if they have any.
        count: largest number of samples, from seed 0 on, and of pictures, evenly spread over the data.
        watch: called with the progress.

    Raises:
        DoesNotFit: the model makes points, or data or count are too few.
    """
    if model.kind is Kind.POINTS or data.kind is Kind.POINTS:
        raise DoesNotFit("Attributes are of pictures, and these are points.")
    if min(count, len(data)) < 2:
        raise DoesNotFit(f"Correlations take two samples and two pictures at least, not {count} and {len(data)}.")
    judge = _judge(data, labels, watch)
    by = attributes() | (of_classes(judge) if judge else {})
    rows = np.linspace(0, len(data) - 1, min(len(data), count)).round().astype(np.int64)
    made = _values(count, model.generate, by, "Looking at samples", watch)
    real = _values(len(rows), lambda some: data.take(rows[list(some)]), by, "Looking at the data", watch)
    moving = (made.std(0) > STILL).nonzero().flatten().tolist()
    names = tuple(by)
    return Survey(
        tuple(names[each] for each in moving),
        _correlations(made[:, moving]),
        _correlations(real[:, moving]),
        _shares(judge, names, made, real) if judge else {},
        judge.accuracy if judge else float("nan"),
        (len(made), len(real)),
    )


def _pair(pair: tuple[str, str, float, float]) -> str:
    one, other, here, there = pair
    return f"{f'{one} and {other}':44}  {here:+7.2f}  {there:+5.2f}"


def _judge(data: Dataset, labels: Dataset | None, watch: Watch) -> Classifier | None:
    """The classifier for these labels; without them, one for the data's own labels if they are suitable."""
    if labels is not None:
        return classifier(labels, watch=watch)
    try:
        return classifier(data, watch=watch)
    except DoesNotFit:
        return None


def _values(
    count: int, take: Callable[[range], Tensor], by: Mapping[str, Attribute], what: str, watch: Watch
) -> Float[Tensor, "n a"]:
    found = []
    for first in range(0, count, CHUNK):
        watch(what, first, count)
        with torch.no_grad():
            found.append(measured(take(range(first, min(first + CHUNK, count))), by))
    watch(what, count, count)
    return torch.cat(found)


def _correlations(values: Float[Tensor, "n a"]) -> Float[Tensor, "a a"]:
    scaled = (values - values.mean(0)) / values.std(0, correction=0)
    return (scaled.T @ scaled / len(values)).clamp(-1, 1)


def _shares(judge: Classifier, names: tuple[str, ...], made: Tensor, real: Tensor) -> dict[str, tuple[float, float]]:
    """How often each class is the most likely one, or each word more likely than not."""
    mine = [place for place, name in enumerate(names) if name.startswith("label:")]
    sides = [values[:, mine] for values in (made, real)]
    hits = [side > 0 if judge.words else side == side.amax(1, keepdim=True) for side in sides]
    found = zip(judge.classes, *(each.double().mean(0).tolist() for each in hits), strict=True)
    return {name: (here, there) for name, here, there in found}


def _plain(matrix: Tensor) -> list[list[float | None]]:
    return [[None if value != value else round(value, 4) for value in row] for row in matrix.tolist()]
