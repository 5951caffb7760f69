"""Points in the plane with a known distribution, to see whether a GAN finds all of it.

The two mixtures follow the protocol of PacGAN (Lin et al. 2018, arXiv:1712.04086, section 4.1) and earlier papers: a
sample is of high quality if it is within three deviations of a mode, and a mode is found if it has such a sample.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...core.catalog import part
from ..dataset import Dataset, Source, Watch, unwatched

__all__ = ["Grid25", "Ring"]


@part("data")
@dataclass(frozen=True)
class Ring(Source):
    """Points from 8 Gaussians of deviation 0.01 on a circle of radius 1."""

    count: int = 100_000

    @property
    def modes(self) -> NDArray[np.float64]:
        """The centres, [8, 2]."""
        angles = np.arange(8) * (2 * np.pi / 8)
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)

    @property
    def deviation(self) -> float:
        """The standard deviation of each coordinate about its centre."""
        return 0.01

    @property
    def mixture(self) -> tuple[NDArray[np.float64], float]:
        """The modes and the deviation."""
        return self.modes, self.deviation

    def open(self, watch: Watch = unwatched) -> Dataset:  # noqa: ARG002
        """Draw the points, float32 [count, 2], the same at every call."""
        return Dataset(_draw(self.modes, self.deviation, self.count))


@part("data")
@dataclass(frozen=True)
class Grid25(Source):
    """Points from 25 Gaussians of deviation 0.05 at {-4, -2, 0, 2, 4} squared; not scaled to [-1, 1]."""

    count: int = 100_000

    @property
    def modes(self) -> NDArray[np.float64]:
        """The centres, [25, 2]."""
        line = np.arange(-4.0, 5.0, 2.0)
        return np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)

    @property
    def deviation(self) -> float:
        """The standard deviation of each coordinate about its centre."""
        return 0.05

    @property
    def mixture(self) -> tuple[NDArray[np.float64], float]:
        """The modes and the deviation."""
        return self.modes, self.deviation

    def open(self, watch: Watch = unwatched) -> Dataset:  # noqa: ARG002
        """Draw the points, float32 [count, 2], the same at every call."""
        return Dataset(_draw(self.modes, self.deviation, self.count))


def _draw(modes: NDArray[np.float64], deviation: float, count: int) -> NDArray[np.float32]:
    dice = np.random.default_rng(0)
    centres = modes[dice.integers(len(modes), size=count)]
    return (centres + deviation * dice.standard_normal((count, 2))).astype(np.float32)
