"""The only conversion between uint8 [0, 255] and float [-1, 1], and the writing of films.

uint8   [N, H, W, C]   in files, caches and Pillow; C is 1 (gray), 3 (RGB) or 4 (RGBA)
float   [N, C, H, W]   in [-1, 1], in networks

Clips add a time axis: uint8 [N, T, H, W, C] and float [N, C, T, H, W]. The functions of paper.py are re-exported here.
"""

import math
from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from . import files
from .batch import Kind, kind_of
from .errors import DoesNotFit, NotInstalled
from .paper import (
    MARK,
    Pictures,
    captioned,
    grid,
    is_marked,
    is_sheet,
    on_white,
    read_sheet,
    refuse_ending,
    save_picture,
    scatter,
    to_image,
)

__all__ = [
    "FILMS",
    "MARK",
    "Pictures",
    "captioned",
    "frames_in_turn",
    "grid",
    "in_colour",
    "is_marked",
    "is_sheet",
    "moving_grid",
    "on_white",
    "read_sheet",
    "refuse_ending",
    "refuse_film",
    "save_clips",
    "save_film",
    "save_picture",
    "scatter",
    "sheet",
    "to_float",
    "to_image",
    "to_uint8",
]

FILMS = frozenset({".gif", ".webp", ".mp4"})
"""The suffixes of film files."""

QUICKEST = 50  # frames a second of a .gif
CLEAR, HALF = 255, 128  # the entry of a .gif's palette that is clear; a pixel of less opacity than half of it is
FRAMES = 8  # shown of a clip, in its row of a sheet


def to_float(pictures: UInt8[Tensor, "n *t h w c"]) -> Float[Tensor, "n c *t h w"]:
    """[0, 255] -> [-1, 1], so that 0 is -1 and 255 is 1 exactly; the memory stays in channels-last order."""
    values = pictures.movedim(-1, 1).float()
    return values.div_(values.new_full((), 127.5)).sub_(1.0)  # by a plain number, a GPU would multiply by 1 / 127.5


def to_uint8(pictures: Float[Tensor, "n c *t h w"]) -> UInt8[Tensor, "n *t h w c"]:
    """[-1, 1] -> [0, 255], rounded to the nearest; values outside are clamped."""
    return pictures.float().add(1.0).mul(127.5).round().clamp(0, 255).to(torch.uint8).movedim(1, -1).contiguous()


def in_colour(pictures: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 3 h w"]:
    """Gray, RGB or RGBA in [-1, 1] -> RGB in [0, 1], transparent areas on white; clamped, differentiable."""
    x = (pictures.clamp(-1, 1) + 1) / 2
    return 1 + (x[:, :3] - 1) * x[:, 3:] if x.shape[1] == 4 else x.expand(-1, 3, -1, -1)


def sheet(samples: Tensor, *, columns: int | None = None, extent: float | None = None) -> Pictures:
    """One picture that shows all samples: pictures [N, C, H, W] as a grid, vectors [N, F] as a scatter plot.

    Each clip [N, C, T, H, W] is a row: a film strip of evenly spaced frames, time running to the right.

    Args:
        samples: as a generator makes them.
        columns: of the grid, see `grid`; for clips the most frames per row, by default 8.
        extent: of the plot; by default large enough for all samples.
    """
    kind = kind_of(samples.shape[1:])
    if kind is Kind.POINTS:
        return scatter(samples.float().cpu().numpy(), extent=extent or 1.1 * float(samples.abs().max()))
    if kind is Kind.CLIPS:
        frames = samples[:, :, :: math.ceil(samples.shape[2] / (columns or FRAMES))].movedim(2, 1)
        return grid(to_uint8(frames.flatten(0, 1)).cpu().numpy(), columns=frames.shape[1])
    return grid(to_uint8(samples).cpu().numpy(), columns=columns)


def frames_in_turn(clips: Tensor, *, first: int = 0) -> Tensor:
    """One frame [C, H, W] of each clip [N, C, T, H, W]: clip i gives frame (first + i) mod T."""
    rows = torch.arange(len(clips))
    return clips[rows, :, (first + rows) % clips.shape[2]]


def moving_grid(clips: Tensor, *, columns: int | None = None, zoom: int | None = None) -> list[Pictures]:
    """The frames [H', W', C] of a film that shows all clips [N, C, T, H, W] at once, laid out as in `grid`.

    A clip alone has no border.
    """
    gap = 2 if len(clips) > 1 else 0
    return [grid(each, columns=columns, gap=gap, zoom=zoom) for each in to_uint8(clips).cpu().numpy().swapaxes(0, 1)]


def save_clips(clips: Tensor, path: str | Path, *, columns: int | None = None, zoom: int | None = None) -> Path:
    """Save clips [N, C, T, H, W] as one film that plays them side by side: .gif, .webp or .mp4.

    Each pixel becomes a square of `zoom`, by default so large that a clip has about 64 pixels.

    Raises:
        Unwritable: `path` cannot be written.
        DoesNotFit: its suffix is not of a film format.
    """
    shown = moving_grid(clips, columns=columns, zoom=zoom)
    return save_film(shown, path, hold_seconds=0, sheet=len(clips) > 1)


def refuse_film(path: Path, frames_per_second: float) -> None:
    """Refuse a film that cannot be saved, before its frames are made.

    Raises:
        DoesNotFit: the suffix is unknown, or the frames are too many a second for a .gif.
    """
    if path.suffix.lower() not in FILMS:
        raise DoesNotFit(f"A film ends in .gif, .webp or .mp4, not {path.name!r}.")
    if path.suffix.lower() == ".gif" and frames_per_second > QUICKEST:
        raise DoesNotFit(
            f"A .gif shows at most {QUICKEST} pictures a second, not {frames_per_second:.0f}: take fewer `frames=`, or "
            "a film that ends in .mp4 or .webp."
        )


def save_film(
    frames: Iterable[Pictures],
    path: str | Path,
    *,
    frames_per_second: float = 12,
    hold_seconds: float = 1.5,
    sheet: bool = True,
) -> Path:
    """Save uint8 frames [H, W, C] of one size as .gif, .webp or .mp4, by the suffix of `path`, atomically.

    Transparent frames stay so, in a .gif each pixel wholly or not at all, and are on white in an .mp4. The last frame
    is held for `hold_seconds`, if that is longer than a frame. A .gif counts in hundredths of a second, so its frames
    differ in length by one, and has at most 50 a second: browsers show what is shorter for a tenth. `sheet` marks a
    film that is not itself a sample. An mp4 needs the package `av` (`pip install 'ganvas[video]'`).

    Raises:
        Unwritable: `path` cannot be written.
        DoesNotFit: the suffix is unknown, or the frames are too many a second for a .gif.
        NotInstalled: `av` is missing.
    """
    path = Path(path)
    refuse_film(path, frames_per_second)
    ending = path.suffix.lower()
    held = [frame if frame.shape[-1] == 4 and ending != ".mp4" else on_white(frame) for frame in frames]
    with files.writing(path), files.replacing(path) as draft:
        if ending == ".mp4":
            _save_mp4([*held, *[held[-1]] * round(hold_seconds * frames_per_second)], draft, frames_per_second)
        else:
            _save_animation(held, draft, frames_per_second, hold_seconds, mark=MARK if sheet else {})
    return path


def _save_animation(
    held: list[Pictures], path: Path, frames_per_second: float, hold_seconds: float, *, mark: dict[str, Any]
) -> None:
    gif, clear = path.suffix.lower() == ".gif", held[0].shape[-1] == 4
    first, *rest = _in_one_palette(held) if gif else map(Image.fromarray, held)
    unit = 10 if gif else 1  # milliseconds
    more = {"transparency": CLEAR, "disposal": 2} if gif and clear else {"lossless": clear}
    ends = [unit * round(1000 / unit * number / frames_per_second) for number in range(len(held) + 1)]
    durations = [after - before for before, after in pairwise(ends)]
    durations[-1] = max(durations[-1], round(1000 * hold_seconds))
    first.save(path, save_all=True, append_images=rest, duration=durations, loop=0, quality=85, **more, **mark)


def _in_one_palette(frames: list[Pictures]) -> list[Image.Image]:
    """RGB or RGBA frames in one palette for the whole film: one per frame would flicker and double the file size.

    Dithering would double it again. One of the 256 entries stays free, for pixels that a frame leaves unchanged, or
    that are clear.
    """
    dice = np.random.default_rng(0)
    some = [frames[round(index)] for index in np.linspace(0, len(frames) - 1, 16)]
    seen = [frame[..., :3][_seen(frame)] for frame in some]
    colours = np.concatenate([dice.choice(each, 4096) for each in seen if len(each)] or [np.zeros((1, 3), np.uint8)])
    found = Image.fromarray(colours[None]).quantize(254, method=Image.Quantize.MEDIANCUT, kmeans=1).getpalette() or []
    chosen = np.array(found[: 3 * 254]).reshape(-1, 3)
    palette = Image.new("P", (1, 1))
    palette.putpalette([*chosen[chosen.min(axis=1) < 248].flat, 255, 255, 255])  # all near-whites become white
    drawn = []
    for frame in frames:
        image = Image.fromarray(frame[..., :3]).quantize(palette=palette, dither=Image.Dither.NONE)
        image.paste(CLEAR, mask=Image.fromarray(~_seen(frame)))
        drawn.append(image)
    return drawn


def _seen(frame: Pictures) -> NDArray[np.bool_]:
    """Which pixels [H, W] of an RGB or RGBA frame a .gif shows."""
    return frame[..., 3] >= HALF if frame.shape[-1] == 4 else np.ones(frame.shape[:2], bool)


def _save_mp4(frames: list[Pictures], path: Path, frames_per_second: float) -> None:
    try:
        import av
    except ImportError:
        raise NotInstalled("An mp4 needs the package av: pip install 'ganvas[video]'. A .gif needs nothing.") from None
    height, width = frames[0].shape[:2]
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=Fraction(frames_per_second).limit_denominator(1000))
        stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
        stream.options = {"crf": "18"}
        stream.codec_context.colorspace = 6  # BT.601, as converted: untagged, large films count as BT.709
        for frame in frames:
            even = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
            for packet in stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")):
                film.mux(packet)
        for packet in stream.encode():
            film.mux(packet)
