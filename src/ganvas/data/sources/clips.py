"""Clips, short films of one length: moving digits, or a user's own animations and videos."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from io import BytesIO
from itertools import islice
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...core.catalog import part
from ...core.errors import DoesNotFit, NotFound
from ...core.files import expanded, key
from ...core.pixels import is_marked
from ..archives import Files, open_files
from ..classes import classes, without_other_splits
from ..dataset import Dataset, Source, Watch, unwatched
from ..decode import DECODER, FORMATS, MOST_PIXELS, Frame, Unusable, explain, is_picture
from ..pack import Item, packed

__all__ = ["Clips", "MovingDigits"]

Frames = NDArray[np.uint8]

VIDEOS = {".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4v"}
MOST_FRAMES = 20_000  # of one file; the rest of it is left out
CONTAINERS = "avi,flv,matroska,mov,mpegts"
"""What ffmpeg may take a video for; some of its other formats name addresses, to which it would listen or connect."""


@part("data")
@dataclass(frozen=True)
class MovingDigits(Source):
    """Handwritten digits that move over black and bounce off the edges; generated, without a download.

    After Moving MNIST (Srivastava et al. 2015, arXiv:1502.04681), with the digits that come with the toolkit: half as
    high as the frame, at a constant speed of `slowest` to `fastest` of their range of motion per frame. With one digit
    per clip, its label is the clip's. Where two digits overlap, the brighter pixel is shown.
    """

    digits: int = 1
    frames: int = 16
    size: int | tuple[int, int] = 32
    channels: int = 1
    count: int = 4000
    slowest: float = 0.06
    fastest: float = 0.14

    def __post_init__(self) -> None:
        """Refuse impossible settings.

        Raises:
            DoesNotFit: there would be no digit, fewer than two frames, no clip, or no possible speed.
        """
        for name, least in (("digits", 1), ("frames", 2), ("count", 1)):
            if getattr(self, name) < least:
                raise DoesNotFit(f"moving_digits takes {name} from {least}, not {getattr(self, name)}.")
        if not 0 <= self.slowest <= self.fastest <= 1:
            raise DoesNotFit(f"A digit cannot move by {self.slowest:g} to {self.fastest:g} of its way in a frame.")

    def open(self, watch: Watch = unwatched) -> Dataset:
        """Draw the clips, uint8 [count, frames, H, W, channels], the same at every call."""
        frame, dice = Frame.of(self.size, self.channels), np.random.default_rng(0)
        with np.load(str(files("ganvas.data.sources") / "digits.npz"), allow_pickle=False) as stored:
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


@part("data")
@dataclass(frozen=True)
class Clips(Source):
    """A folder or zip of animated GIF, WebP or PNG; with the package av, also MP4, M4V, MOV, WebM, MKV, AVI.

    A file is cut into as many consecutive clips of `frames` frames as it holds, counting only every `every`-th frame;
    one too short for a single clip is slowed down to one by repeating frames. Frame durations are ignored. Sub-folders
    are classes, and frames are converted to `size`, as pictures are in `folder`.
    """

    path: str
    size: int | tuple[int, int] = 32
    channels: int = 3
    frames: int = 16
    every: int = 1
    background: str = "white"
    fit: str = "crop"

    def __post_init__(self) -> None:
        """Refuse impossible settings.

        Raises:
            DoesNotFit: `frames` is less than 2, or `every` less than 1.
        """
        for name, least in (("frames", 2), ("every", 1)):
            if getattr(self, name) < least:
                raise DoesNotFit(f"clips takes {name} from {least}, not {getattr(self, name)}.")

    def open(self, watch: Watch = unwatched) -> Dataset:
        """Decode the clips, once, into the cache.

        Raises:
            NotFound, Unreadable or DoesNotFit: the path is missing, or fewer than two clips can be used; the message
                says why.
        """
        path = expanded(self.path)
        frame = Frame.of(self.size, self.channels, background=self.background, fit=self.fit)
        found = open_files(path)
        if not found.names:
            raise NotFound(f"{path} holds no files at all. Put animated GIFs into it, or name another folder.")
        names, kept = without_other_splits(found.names)

        def items() -> Iterator[Item]:
            grouped = classes(found, [name for name in names if _may_move(found, name)])
            for place, name in enumerate(names):
                watch("Packing clips", place, len(names))
                if name in grouped.left_out:
                    yield Item(name, None, grouped.left_out[name])
                    continue
                group = grouped.of.get(name, "")
                try:
                    original, shown = _shown(name, found.read(name), frame)
                    clips = _cut(shown[:: self.every], self.frames)
                except Unusable as reason:
                    yield Item(name, None, str(reason))
                    continue
                for count, clip in enumerate(clips):
                    yield Item(f"{name}#{count}" if len(clips) > 1 else name, clip, group=group, original=original)
            watch("Packing clips", len(names), len(names))
            yield from (Item(other, None, reason) for other, reason in (*found.closed, *kept, *grouped.useless))

        prints = [*((name, found.fingerprint(name)) for name in found.names), found.closed]
        name = f"clips-{key(prints, frame, self.frames, self.every, DECODER, find_spec('av') is not None)}"
        dataset = packed(name, items(), most=len(prints), shape=(self.frames, *frame.shape))
        if len(dataset) == 1:
            raise DoesNotFit(f"{path} holds a single usable clip, {dataset.names[0]}. A GAN needs at least 2.")
        return dataset


def _may_move(files: Files, name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in VIDEOS or is_picture(files.beginning(name))


def _shown(name: str, content: bytes, frame: Frame) -> tuple[tuple[int, int], Frames]:
    """(width, height) in the file and all its frames [T, H, W, C].

    Raises:
        Unusable: it does not move, is damaged or too large, or needs the package av.
    """
    try:
        pictures = _of_video(content) if PurePosixPath(name).suffix.lower() in VIDEOS else _of_animation(content)
        first = next(pictures)
        rest = (frame.take(picture) for picture in islice(pictures, MOST_FRAMES - 1))
        return first.size, np.stack([frame.take(first), *rest])
    except Unusable:
        raise
    except Exception as error:  # broken files make Pillow and ffmpeg raise anything, and none may stop the others
        raise Unusable(explain(error)) from None


def _of_animation(content: bytes) -> Iterator[Image.Image]:
    with Image.open(BytesIO(content), formats=FORMATS) as opened:
        if opened.width * opened.height > MOST_PIXELS:
            raise Unusable(f"larger than {MOST_PIXELS / 1e6:g} megapixels")
        if is_marked(opened):
            raise Unusable("a film that this toolkit has drawn")
        count = getattr(opened, "n_frames", 1)
        if count < 2:
            raise Unusable("a picture that does not move")
        for place in range(count):
            opened.seek(place)
            yield opened.convert("RGBA")


def _of_video(content: bytes) -> Iterator[Image.Image]:
    try:
        import av
    except ImportError:
        raise Unusable("a video, which needs the package av: pip install 'ganvas[video]'") from None
    with av.open(BytesIO(content), "r", options={"format_whitelist": CONTAINERS}) as opened:
        if not opened.streams.video:
            raise Unusable("holds no pictures")
        for picture in opened.decode(video=0):
            if picture.width * picture.height > MOST_PIXELS:
                raise Unusable(f"larger than {MOST_PIXELS / 1e6:g} megapixels")
            yield Image.fromarray(picture.to_ndarray(format="rgb24"))


def _cut(shown: Frames, length: int) -> list[Frames]:
    """The consecutive clips of this length in a film [T, H, W, C]; a shorter film is slowed down to one."""
    if len(shown) < 2:
        raise Unusable("fewer than two frames")
    if len(shown) < length:
        return [shown[np.arange(length) * len(shown) // length]]
    return [shown[first : first + length] for first in range(0, len(shown) - length + 1, length)]


def _bounced(way: NDArray[np.float64]) -> NDArray[np.float64]:
    """Positions on a line, folded into [0, 1] as by mirrors at both ends."""
    return 1 - np.abs(way % 2 - 1)


def _enlarged(ink: NDArray[np.integer], side: int) -> NDArray[np.float32]:
    """One of the digits, ink 0 to 16, as a smooth square of brightness 0 to 255."""
    picture = Image.fromarray(np.rint(ink * (255 / 16)).astype(np.uint8))
    return np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC), np.float32)


def _drawn(square: NDArray[np.float32], corners: NDArray[np.float64], frame: Frame) -> Frames:
    """Frames [T, H, W] with the square's upper left corner at each of `corners` [T, 2], also between pixels.

    Pixel y gets the share max(0, 1 - |y - top - i|) of row i, and columns likewise: linear interpolation as two matrix
    products.
    """
    places = np.arange(len(square))
    rows, columns = (
        np.maximum(0, 1 - np.abs(np.arange(length)[:, None] - corner[:, None, None] - places)).astype(np.float32)
        for length, corner in zip((frame.height, frame.width), corners.T, strict=True)
    )
    return np.rint(rows @ square @ columns.swapaxes(1, 2)).astype(np.uint8)
