"""Clips: short films of one length, digits that move or animations and videos of one's own."""

from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..catalog import part
from ..dataset import Dataset, Source, Watch, unwatched
from ..decode import Frame
from ..errors import GanvasError

__all__ = ["Clips", "MovingDigits"]

Frames = NDArray[np.uint8]

VIDEOS = {".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4v"}
MOST_FRAMES = 20_000  # of one file; the rest of it is left out


@part("data")
@dataclass(frozen=True)
class MovingDigits(Source):
    """Handwritten digits that glide over black and bounce off the edges; drawn anew, no download.

    After Moving MNIST (Srivastava et al. 2015, arXiv:1502.04681), with the digits that come with the toolkit: half as
    high as the frame, at a constant speed of `slowest` to `fastest` of the way they have, per frame. With one of the
    `digits` to a clip, its label is the clip's. Where two digits meet, the brighter one is seen.
    """

    digits: int = 1
    frames: int = 16
    size: int | tuple[int, int] = 32
    channels: int = 1
    count: int = 4000
    slowest: float = 0.06
    fastest: float = 0.14

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            GanvasError: there would be no digit, fewer than two frames, no clip, or no speed.
        """
        for name, least in (("digits", 1), ("frames", 2), ("count", 1)):
            if getattr(self, name) < least:
                raise GanvasError(f"moving_digits takes {name} from {least}, not {getattr(self, name)}.")
        if not 0 <= self.slowest <= self.fastest <= 1:
            raise GanvasError(f"A digit cannot move by {self.slowest:g} to {self.fastest:g} of its way in a frame.")

    def open(self, watch: Watch = unwatched) -> Dataset:
        """Draw the clips, uint8 [count, frames, H, W, channels], the same at every call."""
        frame, dice = Frame.of(self.size, self.channels), np.random.default_rng(0)
        with np.load(str(files("ganvas.data") / "digits.npz"), allow_pickle=False) as stored:
            ink, labels = stored["pictures"], stored["labels"]
        side = min(frame.height, frame.width) // 2
        chosen = dice.integers(len(ink), size=(self.count, self.digits))
        start, speed = dice.random((2, self.count, self.digits, 2))
        speed = (self.slowest + (self.fastest - self.slowest) * speed) * dice.choice([-1, 1], speed.shape)
        ways = np.array([frame.height - side, frame.width - side])
        corners = ways * _bounced(start[:, :, None] + speed[:, :, None] * np.arange(self.frames)[:, None])
        clips = np.zeros((self.count, self.frames, frame.height, frame.width, self.channels), np.uint8)
        for clip in range(self.count):
            watch("Drawing clips", clip, self.count)
            for digit in range(self.digits):
                drawn = _drawn(_enlarged(ink[chosen[clip, digit]], side), corners[clip, digit], frame)
                np.maximum(clips[clip], drawn[..., None], out=clips[clip])
        watch("Drawing clips", self.count, self.count)
        alone = self.digits == 1
        return Dataset(
            clips,
            classes=tuple(map(str, range(10))) if alone else (),
            labels=labels[chosen[:, 0]].astype(np.int64) if alone else None,
        )


def _bounced(way: NDArray[np.float64]) -> NDArray[np.float64]:
    """A straight way, folded into [0, 1] as by mirrors at both ends."""
    return 1 - np.abs(way % 2 - 1)


def _enlarged(ink: NDArray[np.integer], side: int) -> NDArray[np.float32]:
    """One of the digits, ink 0 to 16, as a smooth square of brightness 0 to 255."""
    picture = Image.fromarray(np.rint(ink * (255 / 16)).astype(np.uint8))
    return np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC), np.float32)


def _drawn(square: NDArray[np.float32], corners: NDArray[np.float64], frame: Frame) -> Frames:
    """Frames [T, H, W] with the square's upper left corner at each of `corners` [T, 2], between pixels too.

    Pixel y gets the share max(0, 1 - |y - top - i|) of row i, and columns likewise: linear interpolation as two products
    of matrices.
    """
    places = np.arange(len(square))
    rows, columns = (
        np.maximum(0, 1 - np.abs(np.arange(length)[:, None] - corner[:, None, None] - places)).astype(np.float32)
        for length, corner in zip((frame.height, frame.width), corners.T, strict=True)
    )
    return np.rint(rows @ square @ columns.swapaxes(1, 2)).astype(np.uint8)
