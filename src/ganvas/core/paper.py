"""Sheets, captions, plots and picture files from uint8 arrays, without torch.

Pictures are uint8 [H, W, C] as in Pillow, C 1 (gray), 3 (RGB) or 4 (RGBA); pixels.py makes them from network outputs.
"""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageDraw, ImageFont

from . import files
from .errors import DoesNotFit

__all__ = [
    "MARK",
    "Pictures",
    "captioned",
    "grid",
    "is_marked",
    "is_sheet",
    "on_white",
    "read_sheet",
    "refuse_ending",
    "save_picture",
    "scatter",
    "to_image",
]

Pictures = NDArray[np.uint8]

OPAQUE = {"JPEG", "EPS"}  # formats without transparency
MADE_HERE = "a sheet by ganvas"
END_OF_PNG = b"\0\0\0\0IEND\xaeB`\x82"
_EXIF = Image.Exif()
_EXIF[ExifTags.Base.Software] = MADE_HERE
MARK: dict[str, Any] = {"exif": _EXIF, "comment": MADE_HERE}
"""Options with which Pillow marks a saved sheet of pictures, so that it is not taken for data later."""


def to_image(picture: Pictures) -> Image.Image:
    """One uint8 picture [H, W, C] as a Pillow image of mode L, RGB or RGBA."""
    return Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)


def grid(pictures: Pictures, *, columns: int | None = None, gap: int = 2, zoom: int | None = None) -> Pictures:
    """Arrange uint8 [N, H, W, C] on a white sheet [H', W', C], row by row.

    Args:
        pictures: all of one size.
        columns: pictures per row; by default as square as possible.
        gap: white pixels between pictures.
        zoom: whole-number enlargement without smoothing; by default small pictures are enlarged to about 64 pixels.
    """
    count, height, width, channels = pictures.shape
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    zoom = zoom or max(1, 64 // max(height, width))
    pictures = pictures.repeat(zoom, axis=1).repeat(zoom, axis=2)
    height, width = height * zoom + gap, width * zoom + gap
    paper = np.full((rows * height + gap, columns * width + gap, channels), 255, np.uint8)
    for index, picture in enumerate(pictures):
        top, left = gap + index // columns * height, gap + index % columns * width
        paper[top : top + height - gap, left : left + width - gap] = picture
    return paper


def is_marked(image: Image.Image) -> bool:
    """Whether this picture was saved with the `MARK`."""
    try:
        software = image.getexif().get(ExifTags.Base.Software)
    except Exception:  # broken EXIF data can make Pillow raise anything
        software = None
    return software == MADE_HERE or image.info.get("comment") in {MADE_HERE, MADE_HERE.encode()}


def is_sheet(path: Path) -> bool:
    """Whether this file is a picture that was saved with the `MARK`."""
    with suppress(OSError), Image.open(path) as image:
        return is_marked(image)
    return False


def read_sheet(path: Path) -> Image.Image | None:
    """A saved sheet (PNG) in RGB or RGBA; None if it is damaged, even where part of it could be shown.

    By default Pillow checks neither the checksums nor the end of a PNG.
    """
    try:
        content = path.read_bytes()
        if content.find(END_OF_PNG) != len(content) - len(END_OF_PNG):
            return None
        with Image.open(path) as opened:
            opened.verify()
        with Image.open(path) as opened:
            return opened.convert("RGBA" if opened.has_transparency_data else "RGB")
    except Exception:  # a damaged file can make Pillow raise anything
        return None


def captioned(sheet: Pictures, names: Sequence[str]) -> Pictures:
    """A sheet [H, W, C] as RGB, on white, with a left margin that names its rows, all of equal height."""
    font = ImageFont.load_default()
    margin = math.ceil(max(font.getlength(name) for name in names)) + 8
    picture = Image.fromarray(on_white(sheet))
    paper = Image.new("RGB", (margin + picture.width, picture.height), "white")
    paper.paste(picture, (margin, 0))
    draw = ImageDraw.Draw(paper)
    for row, name in enumerate(names):
        draw.text((4, (row + 0.5) * picture.height / len(names)), name, "black", font, anchor="lm")
    return np.asarray(paper)


def scatter(points: NDArray[np.float32], *, extent: float, size: int = 512) -> Pictures:
    """Draw the first two coordinates of points [N, F] as dots on a white square [size, size, 3] that spans +-extent."""
    places = ((points[:, :2] * [1, -1] / extent + 1) / 2 * size).astype(int)
    paper = np.full((size, size, 3), 255, np.uint8)
    for x, y in places[((places >= 0) & (places < size)).all(axis=1)]:
        dot = paper[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
        dot[:] = (dot * 0.4 + np.array([31, 78, 160]) * 0.6).astype(np.uint8)
    return paper


def refuse_ending(path: Path) -> None:
    """Refuse a file name in which no picture can be saved, before any work is done.

    Raises:
        DoesNotFit: its suffix is not of a picture format.
    """
    if Image.registered_extensions().get(path.suffix.lower()) not in Image.SAVE:
        raise DoesNotFit(f"Cannot write {path}: its name must end as a picture's does, in .png for instance.")


def save_picture(
    picture: Pictures, path: str | Path, *, sheet: bool = True, more: Mapping[str, Any] | None = None
) -> Path:
    """Save one uint8 picture [H, W, C] atomically; a `sheet` shows many pictures or explains something.

    `more` are further options for Pillow. Where the format has no transparency, transparent areas become white. A .webp
    holds every pixel as it is, as a .png does.

    Raises:
        Unwritable: `path` cannot be written.
        DoesNotFit: its suffix is not of a picture format.
    """
    path = Path(path)
    refuse_ending(path)
    if Image.registered_extensions()[path.suffix.lower()] in OPAQUE and picture.shape[-1] == 4:
        picture = on_white(picture)
    exact: dict[str, Any] = {"lossless": True} if path.suffix.lower() == ".webp" else {}
    with files.writing(path), files.replacing(path) as draft:
        to_image(picture).save(draft, **exact, **(MARK if sheet else {}), **(more or {}))
    return path


def on_white(frame: Pictures) -> Pictures:
    """A uint8 picture [H, W, C] as RGB, transparent areas on white."""
    picture = to_image(frame).convert("RGBA")
    paper = Image.new("RGB", picture.size, "white")
    paper.paste(picture, mask=picture)
    return np.asarray(paper)
