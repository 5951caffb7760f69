"""A score during training, always of the same few hundred seeds against the same few hundred pictures.

It is the kernel distance, which is unbiased for any number of samples; a Frechet distance of so few would be biased. It
is comparable along a run and between runs on the same data, but not with figures of `ganvas evaluate`. The features are
the same on every machine, so that a run that moves keeps its curve, and small enough to be quick on a CPU.
"""

import time

import numpy as np
import torch
from torch import Tensor

from .. import metrics
from ..core import pixels
from ..core.batch import Kind
from ..core.errors import GanvasError
from ..data.dataset import Dataset
from ..metrics.features.by_name import features
from ..metrics.features.extractor import Extractor
from ..metrics.score import FEWEST
from ..models.model import Model

__all__ = ["SHARE", "Meter"]

SAMPLES = 500
SHARE = 0.08  # of the training time for measuring, if the recipe does not say how often
FIRST_SECONDS = 10.0  # of training before the cost of a measurement is estimated
TRIED = 16  # pictures and samples for that estimate


class Meter:
    """Scores the model of one training, every so many images or as often as a small share of its time allows.

    Args:
        data: what is learned; sets with too few samples for statements about a distribution are never measured.
        every: images from one measurement to the next; None for as often as `SHARE` of the time allows, 0 for never.
        device: where to compute.
    """

    def __init__(self, data: Dataset, *, every: int | None, device: torch.device) -> None:
        self._data, self._every, self._device = data, every, device
        self._describe: Extractor | None = None
        self._real: Tensor | None = None
        self._spent, self._cost, self._off = 0.0, 0.0, every == 0 or len(data) < FEWEST

    def wanted_at(self, images: int, batch: int) -> bool:
        """Whether a step of `batch` images has reached a fixed measuring point."""
        every = self._every
        return not self._off and every is not None and every > 0 and images // every > (images - batch) // every

    def due(self, model: Model, images: int, batch: int, seconds: float) -> bool:
        """Whether to measure this model now; `seconds` is the training time so far."""
        if self._every or self._off or seconds < FIRST_SECONDS:
            return self.wanted_at(images, batch)
        if not self._cost:
            began = time.perf_counter()
            try:
                rows = np.arange(min(TRIED, len(self._data)))
                self._features(self._data.take(rows))
                self._features(model.generate(range(TRIED)))
            except GanvasError:  # no features are installed; with --set measure_images the error would be shown
                self._off = True
                return False
            self._spent += time.perf_counter() - began
            self._cost = self._spent * SAMPLES / TRIED  # for samples and, the first time, the data
        return self._spent + self._cost <= SHARE * seconds

    def measure(self, model: Model) -> dict[str, float]:
        """The scores of the model, by name."""
        began = time.perf_counter()
        if self._real is None:
            rows = np.linspace(0, len(self._data) - 1, min(SAMPLES, len(self._data))).round().astype(np.int64)
            self._real = self._features(self._data.take(rows))
        fake = self._features(model.generate(range(SAMPLES)))
        name = f"kd-{self._describe.name}" if self._describe else "kd-coordinates"
        value = metrics.kernel_distance(self._real, fake).value
        variety = float(torch.pdist(fake).mean() / torch.pdist(self._real).mean())
        self._cost = time.perf_counter() - began
        self._spent += self._cost
        return {name: value, "variety": variety}

    def _features(self, samples: Tensor) -> Tensor:
        if self._data.kind is Kind.POINTS:
            return samples
        if self._data.kind is Kind.CLIPS:
            samples = pixels.frames_in_turn(samples)
        if self._describe is None:
            self._describe = features("efficientnet_lite0", device=self._device)
        return self._describe(pixels.to_uint8(samples))
