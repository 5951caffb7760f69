"""A texture that is drawn here, so that seamless tiles can be learned without a picture of one's own."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...core.catalog import part
from ...core.errors import DoesNotFit
from ...core.files import key
from ..dataset import Dataset, Source, Watch, unwatched
from ..decode import Frame
from ..pack import Item, packed

__all__ = ["Pebbles"]

DRAWN = 1  # to be increased whenever the same settings give other pictures
LARGEST = 512  # pixels; each is compared with the centres of all pebbles
LIGHT = np.array([-0.6, -0.8])  # from the upper left: (x, y)
STONES = np.array([[196, 178, 150], [150, 140, 128], [120, 112, 110], [206, 196, 182], [160, 128, 104]]) / 255


@part("data")
@dataclass(frozen=True)
class Pebbles(Source):
    """Pieces of a ground of pebbles in five colours, lit from the upper left; drawn by rules, without a download.

    A pebble is a cell of a Voronoi diagram (Worley 1996, doi:10.1145/237170.237267), rounded towards its edges. About
    `across` of them lie side by side. Every piece is another place, and none is seamless.
    """

    count: int = 2000
    size: int | tuple[int, int] = 32
    channels: int = 3
    across: float = 4.0

    def __post_init__(self) -> None:
        """Refuse impossible settings.

        Raises:
            DoesNotFit: there would be no picture, or `across` is not from 1 to 16.
        """
        if self.count < 1 or not 1 <= self.across <= 16:
            raise DoesNotFit(f"Pebbles are drawn 1 to 16 across and at least once, not {self.across:g}, {self.count}.")

    def drawn(self) -> bool:
        """See `Source.drawn`: they are shaded like a photograph."""
        return False

    def open(self, watch: Watch = unwatched) -> Dataset:
        """Draw the pieces, once, into the cache; the same at every call.

        Raises:
            DoesNotFit: they would be larger than 512 pixels.
        """
        frame, dice = Frame.of(self.size, self.channels), np.random.default_rng(0)
        if max(frame.width, frame.height) > LARGEST:
            raise DoesNotFit(f"Pebbles are drawn up to {LARGEST} pixels, not {frame.width}x{frame.height}.")

        def items() -> Iterator[Item]:
            for place in range(self.count):
                watch("Drawing pebbles", place, self.count)
                yield Item(f"{place}", frame.take(Image.fromarray(_ground(frame, self.across, dice))))

        name = f"pebbles-{key(frame, self.count, self.across, DRAWN)}"
        return packed(name, items(), most=self.count, shape=frame.shape)


def _ground(frame: Frame, across: float, dice: np.random.Generator) -> NDArray[np.uint8]:
    """One piece of the ground, uint8 [H, W, 3]."""
    unit = frame.width / across
    cells = 2 + np.ceil(np.array([frame.width, frame.height]) / unit).astype(int)  # one more on each side
    corners = np.stack(np.meshgrid(*map(np.arange, cells), indexing="ij"), -1).reshape(-1, 2) - 1
    centres = (corners + dice.uniform(0.1, 0.9, corners.shape)) * unit
    colours = STONES[dice.integers(len(STONES), size=len(centres))] * dice.uniform(0.85, 1.15, (len(centres), 1))
    y, x = np.mgrid[: frame.height, : frame.width] + 0.5
    away = np.hypot(x[..., None] - centres[:, 0], y[..., None] - centres[:, 1])
    nearest, second = np.argsort(away, -1)[..., :2].transpose(2, 0, 1)
    gap = (np.take_along_axis(away, second[..., None], -1) - np.take_along_axis(away, nearest[..., None], -1))[..., 0]
    height = np.sqrt(np.clip(gap / (0.45 * unit), 0, 1))
    slope = np.stack(np.gradient(height)[::-1], -1) * unit / 4
    shade = 0.25 + 0.65 * height + 0.35 * (slope @ -LIGHT).clip(-1, 1) * height
    ground = colours[nearest] * shade[..., None]
    return np.rint(ground.clip(0, 1) * 255).astype(np.uint8)
