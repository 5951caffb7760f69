"""Decoding of picture files: each becomes uint8 [H, W, C] of one form, or a reason why not.

No file is trusted: only six formats are opened, and SVGs drawn in processes apart; the pixel count and the amount of
work are checked before decoding, and every failure of a file is an `Unusable` with a short reason, never another
exception.
"""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageColor, UnidentifiedImageError

from ..core.errors import DoesNotFit, Unreadable
from ..core.pixels import is_marked
from . import svg
from .others import other
from .precautions import MOST_CHUNKS, MOST_SCANS, crowded, ends_early, is_laced, light, scans
from .profiles import in_srgb

__all__ = [
    "CLEAR",
    "DECODER",
    "MOST_BYTES",
    "MOST_PIXELS",
    "PAGED",
    "Decoded",
    "Frame",
    "Unusable",
    "decode",
    "explain",
    "is_picture",
    "looks_drawn",
]

DECODER = (8, svg.drawer())
"""Its number is to be increased whenever the same file gives other pixels or another reason, so that old packs are no
longer used."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
PAGED = ", first page"  # in the kind of a file that has more
CLEAR = "transparent "  # in the kind of a file of which transparent parts show the background
MOST_PIXELS = 64_000_000
MOST_TO_CUT = 8192 * 4096  # pixels, of which the pieces have four times as many
EVEN = 0.12
"""Drawings have a larger share of adjacent pixels in a row with the same colour, photographs a smaller one.

At 32x32 pixels it is about .4 for icons, .2 for handwritten digits, .06 for gray photographs and .01 for others.
"""
MOST_BYTES = 256 * 2**20
UNSEEN = 2
"""Of 255: a pixel that differs by no more from the background is not seen on it."""


class Unusable(Unreadable):
    """A file that cannot become a picture; the message is a reason of a few words, such as `truncated`."""


class Decoded(NamedTuple):
    """The content of a picture file.

    picture  uint8 [H, W, C], or [n, H, W, C] if the frame cuts pictures
    size     width and height in the file, in pixels, once upright; zeros for an SVG, which is drawn at any size
    kind     the format, such as `PNG`; `TIFF, first page` of one with more; and for 16-bit pictures the bits in use:
             `PNG of 16 bits`, `PNG of 12 bits`; `transparent PNG` of one that shows the background
    sheet    whether this toolkit made it as a sheet of pictures
    """

    picture: NDArray[np.uint8]
    size: tuple[int, int]
    kind: str
    sheet: bool = False


@dataclass(frozen=True)
class Frame:
    """The one form that all pictures of a data set are converted to.

    width, height   pixels
    channels        1 (gray), 3 (RGB) or 4 (RGBA)
    background      the colour under transparent pictures and around padded ones: a CSS name or #rrggbb
    fit             `crop` cuts the middle out, `pad` shows the whole picture on the background, `stretch` distorts it
    bits            in use in 16-bit pictures; cameras and microscopes store 10, 12 or 14 in 16
    across          above 1, a picture is cut into overlapping pieces, so many side by side along its shorter side
    """

    width: int
    height: int
    channels: int = 3
    background: str = "white"
    fit: str = "crop"
    bits: int = 16
    across: int = 1

    def __post_init__(self) -> None:
        """Refuse impossible settings.

        Raises:
            DoesNotFit: a field has an impossible value; the message names it and what is possible.
        """
        if not (1 <= self.width <= 4096 and 1 <= self.height <= 4096):
            raise DoesNotFit(f"A size of {self.width}x{self.height} pixels is not between 1 and 4096.")
        if self.channels not in {1, 3, 4}:
            raise DoesNotFit(f"Pictures have 1 (gray), 3 (RGB) or 4 (RGBA) channels, not {self.channels}.")
        if self.fit not in {"crop", "pad", "stretch"}:
            raise DoesNotFit(f"Pictures can be made to fit by crop, pad or stretch, not by {self.fit!r}.")
        if not (self.across >= 1 and max(self.width, self.height) * self.across <= 4096):
            raise DoesNotFit(
                f"Pictures can be cut from 1 across to as many as make 4096 pixels, not {self.across} of "
                f"{self.width}x{self.height}."
            )
        if self.across > 1 and self.fit != "crop":
            raise DoesNotFit(f"Pictures that are cut (across={self.across}) cannot be made to fit by {self.fit}.")
        if not 8 <= self.bits <= 16:
            raise DoesNotFit(f"16-bit pictures use 8 to 16 of their bits, not {self.bits}.")
        try:
            ImageColor.getrgb(self.background)
        except ValueError:
            raise DoesNotFit(f"{self.background!r} is no colour; try white, black or #rrggbb.") from None

    @classmethod
    def of(cls, size: int | tuple[int, int], channels: int, **more: Any) -> "Frame":
        """The frame of a source's size: one number for squares, or (width, height)."""
        width, height = size if isinstance(size, tuple) else (size, size)
        return cls(width, height, channels, **more)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of a picture in this frame: (H, W, C)."""
        return self.height, self.width, self.channels

    @property
    def pieces(self) -> int:
        """How many pieces a square picture is cut into, of which neighbours share a half."""
        return (2 * self.across - 1) ** 2

    def take(self, image: Image.Image) -> NDArray[np.uint8]:
        """Any Pillow image as uint8 [H, W, C], or cut into pieces [n, H, W, C], row by row.

        Of RGBA, what is wholly clear becomes black: a file may hold any colour there, and none of it is to be learned.

        Raises:
            Unusable: its colours cannot be converted, or it is too long to be cut.
        """
        picture = self._taken(self._coloured(image))
        if self.channels == 4:
            picture[picture[..., 3] == 0] = 0
        return picture

    def _taken(self, image: Image.Image) -> NDArray[np.uint8]:
        whole = (0, 0, image.width, image.height)
        if self.across > 1:
            return self._cut(image)
        if self.fit == "pad":
            scale = self.scale(image)
            size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
            paper = Image.new(image.mode, (self.width, self.height), self._paper(image.mode))
            place = (self.width - size[0]) // 2, (self.height - size[1]) // 2
            paper.paste(_resized(image, size, whole), place)
        else:
            paper = _resized(image, (self.width, self.height), self._middle(image) if self.fit == "crop" else whole)
        return np.array(paper, np.uint8).reshape(self.shape)

    def shows_background(self, picture: NDArray[np.uint8], image: Image.Image) -> bool:
        """Whether the image has transparent parts, in place of which this picture of it shows the background.

        Raises:
            Unusable: nothing else is seen, as of white marks on white; one that is all clear is meant so.
        """
        if self.channels == 4 or not image.has_transparency_data:
            return False
        alpha = np.asarray(image.convert("RGBA").getchannel("A"))
        ground = np.asarray(ImageColor.getcolor(self.background, "L" if self.channels == 1 else "RGB"))
        clear = bool(alpha.min() < 255)
        if clear and alpha.max() and (np.abs(picture - ground.astype(int)) <= UNSEEN).all():
            raise Unusable(f"transparent, with nothing to be seen on {self.background}: set data.background")
        return clear

    def scale(self, image: Image.Image) -> float:
        """The factor by which this image is scaled; if stretched, the larger of its two factors.

        One that is cut is not enlarged, unless it is smaller than one piece.
        """
        across, down = self.width / image.width, self.height / image.height
        if self.fit == "pad":
            return min(across, down)
        whole = max(across, down)
        return whole if self.across == 1 else min(whole * self.across, max(whole, 1.0))

    def _cut(self, image: Image.Image) -> NDArray[np.uint8]:
        scale = self.scale(image)
        size = max(self.width, round(image.width * scale)), max(self.height, round(image.height * scale))
        if size[0] * size[1] > MOST_TO_CUT:
            raise Unusable("too long to be cut into pieces")
        drawn = np.asarray(_resized(image, size, (0, 0, image.width, image.height)))
        drawn = drawn.reshape(*size[::-1], self.channels)
        down, right = _begins(size[1], self.height), _begins(size[0], self.width)
        return np.stack([drawn[y : y + self.height, x : x + self.width] for y in down for x in right])

    def _coloured(self, image: Image.Image) -> Image.Image:
        """The image in mode L, RGB or RGBA, on the background unless there is a channel for transparency."""
        if image.mode == "LAB":
            raise Unusable("in LAB colours")
        if image.mode.startswith(("I", "F")):
            image = _by_range(image, self.bits)
        if self.channels == 4:
            return image.convert("RGBA")
        if image.has_transparency_data:
            image = image.convert("RGBA")
            paper = Image.new("RGBA", image.size, ImageColor.getrgb(self.background))
            image = Image.alpha_composite(paper, image)
        return image.convert("L" if self.channels == 1 else "RGB")

    def _paper(self, mode: str) -> int | tuple[int, ...]:
        colour = ImageColor.getcolor(self.background, mode)
        return (*colour[:3], 0) if mode == "RGBA" and isinstance(colour, tuple) else colour

    def _middle(self, image: Image.Image) -> tuple[float, float, float, float]:
        """The largest box of the frame's proportions in the middle of the image."""
        scale = self.scale(image)
        wide, high = self.width / scale, self.height / scale
        left, top = (image.width - wide) / 2, (image.height - high) / 2
        return max(left, 0), max(top, 0), min(left + wide, image.width), min(top + high, image.height)


def decode(content: bytes, frame: Frame, *, most: int = MOST_PIXELS) -> Decoded:
    """One file as a picture in the frame.

    Animations give their first frame and TIFFs their first page; photographs are rotated as their EXIF data say; 16-bit
    and floating-point pictures are scaled by their range, not clipped; colours are converted to sRGB where a profile
    says what they are.

    Raises:
        Unusable: it is no picture, is damaged or truncated, has more than `most` pixels, or would take minutes.
        Unreachable: it is an SVG, and no process can be started that draws it.
    """
    if svg.is_svg(content[: svg.HEAD]):
        return _from_svg(content, frame)
    if scans(content) > MOST_SCANS:
        raise Unusable(f"a JPEG of more than {MOST_SCANS} scans, which would take minutes")
    if crowded(content):
        raise Unusable(f"a PNG of more than {MOST_CHUNKS:,} chunks, which would take minutes")
    try:
        with Image.open(io.BytesIO(light(content)), formats=FORMATS) as image:
            _check(image, most)
            size, form = image.size, image.format or ""
            # A JPEG can be read at 1/2, 1/4 or 1/8 of its size, many times faster; twice what is needed loses nothing.
            need = min(1.0, 2 * frame.across * max(frame.width, frame.height) / min(image.size))
            image.draft(None, (round(image.width * need), round(image.height * need)))
            image.load()
            _refuse_missing_rows(image, content)
            turn = _orientation(image)  # after loading, during which Pillow itself rotates a TIFF
            upright = size[::-1] if turn in _SIDEWAYS else size
            more = PAGED if getattr(getattr(image, "tag_v2", None), "next", 0) else ""
            kind, sheet = form + more + _depth(image), is_marked(image)
            picture = frame.take(in_srgb(image if turn is None else image.transpose(turn)))
            kind = CLEAR * frame.shows_background(picture, image) + kind
            return Decoded(picture, upright, kind, sheet)
    except Unusable:
        raise
    except Exception as error:  # a broken file can make Pillow raise anything, and none of it may stop the other files
        known = other(content) if isinstance(error, UnidentifiedImageError) else ""
        raise Unusable(known or explain(error, most=most)) from None


def _from_svg(content: bytes, frame: Frame) -> Decoded:
    """An SVG in the frame, drawn larger and reduced.

    Raises:
        Unusable: it cannot be drawn.
    """
    large = svg.finer(frame.across * max(frame.width, frame.height))
    try:
        image = svg.draw(content, round(large))
        if (scale := frame.scale(image)) > 1 / svg.FINER:  # of a long one, the middle
            image = svg.draw(content, round(large * scale * svg.FINER))
    except Unreadable as error:
        raise Unusable(str(error)) from None
    picture = frame.take(image)
    frame.shows_background(picture, image)  # or refuse it
    return Decoded(picture, (0, 0), "SVG", svg.is_several(content))


def is_picture(beginning: bytes) -> bool:
    """Whether a file that begins with these bytes, 12 or more, is a picture in a supported format.

    Of an SVG, the element <svg> has to be among them.
    """
    webp = beginning[:4] == b"RIFF" and beginning[8:12] == b"WEBP"
    return (
        webp
        or svg.is_svg(beginning)
        or beginning.startswith((b"\x89PNG", b"\xff\xd8", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"))
    )


def explain(error: Exception, *, most: int = MOST_PIXELS) -> str:
    """What went wrong with a file, in a few words."""
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
        return _too_large(most)
    if isinstance(error, MemoryError):
        return "too large for the memory"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror}"
    return "truncated" if "truncated" in str(error).lower() else "damaged"


def _check(image: Image.Image, most: int) -> None:
    if image.width * image.height > most:
        raise Unusable(_too_large(most))


def _refuse_missing_rows(image: Image.Image, content: bytes) -> None:
    """Refuse a truncated PNG; if not interlaced, only where the last row is of one colour, as missing rows appear."""
    last = np.asarray(image.crop((0, image.height - 1, image.width, image.height)))[0]
    if (is_laced(content) or (last == last[0]).all()) and ends_early(content):
        raise Unusable("truncated")


def _depth(image: Image.Image) -> str:
    """For 16-bit pictures, how many bits they seem to use."""
    if not image.mode.startswith("I;16"):
        return ""
    greatest = int(np.asarray(image).max())
    return f" of {next((bits for bits in (10, 12, 14) if 0 < greatest < 2**bits), 16)} bits"


def _too_large(most: int) -> str:
    return f"larger than {most / 1e6:g} megapixels"


_TURNS: dict[int | None, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = {_TURNS[orientation] for orientation in (5, 6, 7, 8)}


def _orientation(image: Image.Image) -> Image.Transpose | None:
    """The transposition that turns the image upright, if any; broken EXIF data are ignored."""
    try:
        return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation))
    except Exception:
        return None


def _by_range(image: Image.Image, bits: int) -> Image.Image:
    """A gray image of 16 or 32 bits or of floating point, as 8 bits.

    16-bit values are divided by 257, or by less if only `bits` are in use. The other types do not tell their range, so
    the smallest usual one that holds all values is assumed, or else minimum to maximum.

    Raises:
        Unusable: a value is not finite, or takes more than `bits`.
    """
    values = np.asarray(image).astype(np.float64)
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise Unusable("has values that are not finite")
    if image.mode.startswith("I;16") and high >= 2**bits:
        raise Unusable(f"has values that take more than {bits} bits")
    usual = {"I": [255.0, 65535.0], "F": [1.0, 255.0, 65535.0]}.get(image.mode, [2.0**bits - 1])
    top = next((top for top in usual if low >= 0 and high <= top), None)
    low, high = (0.0, top) if top else (low, high)
    values -= low  # in place: the largest picture takes half a gigabyte
    values *= 255 / ((high - low) or 1.0)
    return Image.fromarray(np.rint(values, out=values).astype(np.uint8))


def _begins(length: int, piece: int) -> list[int]:
    """Where pieces of this length begin along a side, evenly and at most half a piece apart."""
    count = math.ceil(2 * (length - piece) / piece) + 1
    return np.linspace(0, length - piece, count).round().astype(int).tolist()


def _resized(image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float]) -> Image.Image:
    """The image, antialiased; a very large one is first reduced by a whole factor, which is fast and not visible."""
    return image.resize(size, Image.Resampling.LANCZOS, box, reducing_gap=3.0)


def looks_drawn(found: Sequence[Decoded]) -> bool:
    """Whether pictures of 32x32 pixels look like drawings, with areas of one colour; those of 16 bits never do."""
    shares = [
        0.0 if each.kind.endswith(" bits") else float((each.picture[:, 1:] == each.picture[:, :-1]).all(-1).mean())
        for each in found
    ]
    return not shares or median(shares) > EVEN
