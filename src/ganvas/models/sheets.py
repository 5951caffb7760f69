"""Save samples: one sheet of many, or a picture or clip by itself, each with what made it."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..core import files, pixels
from ..core.batch import Kind, kind_of
from ..core.errors import DoesNotFit
from .made import Layout, Made
from .svg import document
from .vectors import traced

__all__ = ["SHOWN", "at_scale", "is_vector", "refuse_huge", "save_sample", "save_sheet", "zoom_of"]

SHOWN = 64
"""Size in pixels to which small pictures are enlarged by default."""
SHOWN_WITH_CAPTIONS = 128
LARGEST = 2**29  # values of the largest sheet, strip or film
Pictures = UInt8[np.ndarray, "n high wide c"]


def is_vector(out: Path) -> bool:
    """Whether a file of this name holds vectors."""
    return out.suffix.lower() == ".svg"


def refuse_huge(count: int, shape: Sequence[int], *, zoom: int = 1) -> None:
    """Refuse more samples than one sheet, strip or film can hold, before they are drawn.

    Raises:
        DoesNotFit: they are too many for this shape and enlargement.
    """
    if count * math.prod(shape) * zoom**2 > LARGEST:
        size = "x".join(str(side * zoom) for side in shape[:0:-1])
        raise DoesNotFit(f"{count:,} samples of {size} are too many for one file: take fewer, or a smaller `scale=`.")


def zoom_of(shape: Sequence[int], layout: Layout) -> int:
    """The enlargement at which samples of this shape are shown."""
    if layout.scale or layout.separate or kind_of(shape) is not Kind.PICTURES:
        return layout.scale or 1
    return max(1, (SHOWN_WITH_CAPTIONS if layout.captions else SHOWN) // max(shape[1:]))


def save_sheet(samples: Float[Tensor, "n *shape"], out: Path, made: Made, *, shape: Sequence[int]) -> Path:
    """Save all samples as one picture, or clips as one film in which all of them play.

    Args:
        samples: as the model makes them, or drawn twice as large.
        out: the file.
        made: what made them.
        shape: of a sample as the model makes it.

    Raises:
        Unwritable, DoesNotFit or NotInstalled: `out` cannot be written, the layout does not suit samples of this kind,
            or the package that traces pictures is missing.
    """
    kind, columns = _kind(samples, out, made), made.layout.columns
    samples, shape = _repeated(samples, shape, made.layout)
    columns = columns and min(columns, len(samples))
    if is_vector(out):
        return _save_svg(samples, out, made, shape)
    if kind is Kind.CLIPS and out.suffix.lower() in pixels.FILMS:
        return pixels.save_clips(samples, out, columns=columns, zoom=made.layout.scale)
    if kind is Kind.PICTURES:
        pictures = at_scale(samples, shape, zoom_of(shape, made.layout))
        if made.layout.captions:
            pictures = np.stack([_captioned(*each) for each in zip(pictures, made.captions, strict=True)])
        gap = 8 if made.layout.captions else 2 if len(samples) > 1 else 0  # a picture alone has no border
        drawn = pixels.grid(pictures, columns=columns, gap=gap, zoom=1)
    else:
        drawn = pixels.sheet(samples, columns=columns)
    return pixels.save_picture(drawn, out, sheet=len(samples) > 1, more=made.for_png())


def save_sample(sample: Float[Tensor, "1 *shape"], out: Path, made: Made, *, shape: Sequence[int]) -> Path:
    """Save one picture or clip in `out`, adding an extension unless it is .svg; the rest as in `save_sheet`."""
    film = out.with_name(f"{out.name}.gif")
    kind = _kind(sample, out if is_vector(out) else film, made)
    sample, shape = _repeated(sample, shape, made.layout)
    if kind is Kind.POINTS:
        raise DoesNotFit(f"This model makes vectors of {sample.shape[1]} numbers, not pictures; use generate().")
    if is_vector(out):
        return _save_svg(sample, out, made, shape)
    if kind is Kind.CLIPS:
        return pixels.save_clips(sample, film, zoom=zoom_of(shape, made.layout))
    (picture,) = at_scale(sample, shape, zoom_of(shape, made.layout))
    return pixels.save_picture(picture, out.with_name(f"{out.name}.png"), sheet=False, more=made.for_png())


def at_scale(samples: Float[Tensor, "n c h w"], shape: Sequence[int], zoom: int) -> Pictures:
    """Samples enlarged by a whole number.

    Those that were drawn twice as large are resized smoothly; otherwise each pixel becomes a square.
    """
    pictures: Pictures = pixels.to_uint8(samples).numpy()
    _, height, width = shape
    drawn = pictures.shape[1] // height
    if drawn == 1:
        return pictures.repeat(zoom, axis=1).repeat(zoom, axis=2)
    if drawn == zoom:
        return pictures
    size, smooth = (width * zoom, height * zoom), Image.Resampling.LANCZOS
    larger = [np.asarray(pixels.to_image(picture).resize(size, smooth)) for picture in pictures]
    return np.stack(larger).reshape(len(pictures), *size[::-1], -1)


def _kind(samples: Tensor, out: Path, made: Made) -> Kind:
    kind = kind_of(samples.shape[1:])
    plays = kind is Kind.CLIPS and out.suffix.lower() in pixels.FILMS
    ways = {
        "`scale=` enlarges films and": made.layout.scale and not plays,
        "`repeat=` lays out copies of": made.layout.repeat,
        "An .svg is traced from": is_vector(out),
    }
    for what, asked in ways.items():
        if asked and kind is not Kind.PICTURES:
            raise DoesNotFit(f"{what} pictures, and these samples are {kind}.")
    return kind


def _repeated(samples: Tensor, shape: Sequence[int], layout: Layout) -> tuple[Tensor, Sequence[int]]:
    """The samples as pictures of copies of themselves, and what the shape of one becomes."""
    if not layout.repeat:
        return samples, shape
    channels, height, width = shape
    count = layout.repeat
    return samples.repeat(1, 1, count, count), (channels, height * count, width * count)


def _save_svg(samples: Tensor, out: Path, made: Made, shape: Sequence[int]) -> Path:
    pictures = pixels.to_uint8(samples).numpy()
    drawings = [traced(each if each.shape[-1] == 4 else pixels.on_white(each)) for each in pictures]
    scale = made.layout.scale or max(1, SHOWN_WITH_CAPTIONS // max(shape[1:]))
    with files.writing(out):
        files.write(out, document(drawings, made, width=scale * shape[2]))
    return out


def _captioned(picture: UInt8[np.ndarray, "h w c"], caption: Sequence[str]) -> UInt8[np.ndarray, "g w 3"]:
    """The picture on white with these lines below it, the first one in black."""
    height, width = picture.shape[:2]
    size = min(14, max(10, width // 10))
    font, line = ImageFont.load_default(size), math.ceil(1.3 * size)
    paper = Image.new("RGB", (width, height + len(caption) * line + 4), "white")
    paper.paste(Image.fromarray(pixels.on_white(picture)))
    draw = ImageDraw.Draw(paper)
    for row, text in enumerate(caption):
        place = width / 2, height + (row + 0.5) * line
        draw.text(place, _fitted(text, width, font), "#777777" if row else "black", font, anchor="mm")
    return np.asarray(paper)


def _fitted(text: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The text, cut to fit."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"
