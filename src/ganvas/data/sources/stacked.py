"""Digits stacked as colour channels: pictures with a thousand modes, to count how many of them a GAN misses."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...core.batch import Kind
from ...core.catalog import part
from ...core.errors import DoesNotFit
from ...core.files import key
from ..dataset import Dataset, Source, Watch, source, unwatched
from ..pack import Item, packed

__all__ = ["StackedDigits"]


@part("data")
@dataclass(frozen=True)
class StackedDigits(Source):
    """Three random digits as red, green and blue of one picture: 1,000 modes; of MNIST, it is Stacked MNIST.

    (Metz et al. 2017, arXiv:1611.02163; with 128,000 pictures as in PacGAN, Lin et al. 2018, arXiv:1712.04086.)
    `of` names the digits: those that come with the toolkit, `mnist`, or the path of any labelled pictures. The choice
    is the same at every call. A picture's class is its three labels, "407" for a red 4, a green 0 and a blue 7; with
    more or fewer `channels` it has as many labels.
    """

    of: str = "digits"
    count: int = 128_000
    size: int | tuple[int, int] = 32
    channels: int = 3

    def open(self, watch: Watch = unwatched) -> Dataset:
        """Stack the pictures, once, into the cache.

        Raises:
            DoesNotFit: `of` names no labelled pictures, or none are asked for.
        """
        if self.count < 1 or not 1 <= self.channels <= 4:
            raise DoesNotFit("Stacked digits have a count of at least 1 and 1 to 4 channels.")
        single: Any = source(self.of)
        if single.kind is not Kind.PICTURES:
            raise DoesNotFit(f"{self.of!r} holds no pictures, so they cannot be stacked; digits and mnist can.")
        base = replace(single, size=self.size, channels=1).open(watch)
        labels = base.labels
        if labels is None or base.samples.ndim != 4:
            raise DoesNotFit(f"What is stacked must be labelled pictures, and {self.of!r} has no labels.")
        chosen = np.random.default_rng(0).integers(len(base), size=(self.count, self.channels))
        classes = [""]
        for _ in range(self.channels):
            classes = [first + each for first in classes for each in base.classes]

        def items() -> Iterator[Item]:
            for place, rows in enumerate(chosen):
                if place % 1000 == 0:
                    watch("Stacking digits", place, self.count)
                picture = np.moveaxis(base.samples[rows, :, :, 0], 0, -1)
                yield Item(f"{place}", picture, group="".join(base.classes[label] for label in labels[rows]))

        print_ = hashlib.sha256(np.ascontiguousarray(base.samples).data).hexdigest()
        name = f"stacked-{key(print_, labels.tobytes(), base.classes, self.count, self.channels)}"
        height, width = base.samples.shape[1:3]
        return packed(name, items(), most=self.count, shape=(height, width, self.channels), classes=tuple(classes))
