"""What made a picture, written into its file and read back: in a text chunk of a PNG, or the metadata of an SVG.

It is JSON: the model and the SHA-256 of its weights, a place for each picture (see place.py), the layout, and the
version that wrote it. A PNG holds it under the key `ganvas`, an SVG in `<metadata id="ganvas">`.

A file may come from a stranger, so what is read is limited in size, checked by type, and cannot name anything outside
the current folder.
"""

import html
import io
import json
import re
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ..core import files
from ..core.errors import DoesNotFit, NotFound, Unreadable
from ..core.version import __version__
from .place import Place

__all__ = ["Layout", "Made", "here", "made_of"]

KEY = "ganvas"
PNG, MOST_BYTES, MOST_TEXT, MOST_PLACES, MOST_NAME = b"\x89PNG\r\n\x1a\n", 2**26, 2**19, 4096, 200
METADATA = re.compile(rb'<metadata\b[^>]{0,400}\bid="ganvas"[^>]{0,400}>([^<]*)</metadata>')


@dataclass(frozen=True)
class Layout:
    """How pictures are laid out in a file.

    columns   pictures per row; by default as square as possible
    scale     enlargement, a whole number; by default small pictures on a sheet are enlarged
    captions  whether the words and the seed stand below each picture
    separate  one file for each picture, by default not enlarged, and no sheet
    repeat    copies of each picture side by side, and as many below one another, which shows whether it is seamless
    """

    columns: int | None = None
    scale: int | None = None
    captions: bool = False
    separate: bool = False
    repeat: int | None = None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            DoesNotFit: columns, scale or repeat is below 1.
        """
        if self.columns is not None and self.columns < 1:
            raise DoesNotFit(f"`columns=` is at least 1, not {self.columns}.")
        if self.scale is not None and self.scale < 1:
            raise DoesNotFit(f"`scale=` enlarges pictures by a whole number from 1, not by {self.scale}.")
        if self.repeat is not None and self.repeat < 1:
            raise DoesNotFit(f"`repeat=` lays out a whole number of copies from 1, not {self.repeat}.")


@dataclass(frozen=True)
class Made:
    """What made the pictures in a file.

    model    its name; digest tells whether another model of that name is the same
    digest   the SHA-256 of its weights (`latent.places.fingerprint`)
    places   the specification of each picture, in order
    layout   how they are laid out
    version  the version of ganvas that wrote the file
    exported whether the model's exported file (exported.py) drew them, and not the model itself
    added    the words that each seed adds, for captions; not stored, since they follow from the model and the place
    """

    model: str
    digest: str
    places: tuple[Place, ...]
    layout: Layout = Layout()
    version: str = __version__
    exported: bool = False
    added: tuple[tuple[str, ...], ...] = field(default=(), compare=False)

    @property
    def captions(self) -> list[tuple[str, ...]]:
        """The lines below each picture: the words, the words that its seed added if any did, and the rest."""
        if not any(self.added):
            return [place.caption for place in self.places]
        lines = [(*place.caption, " ".join(more)) for place, more in zip(self.places, self.added, strict=True)]
        return [(words, more, rest) for words, rest, more in lines]

    def alone(self, number: int) -> "Made":
        """What made one of the pictures."""
        one = slice(number, number + 1)
        return replace(self, places=self.places[one], added=self.added[one])

    def as_text(self) -> str | None:
        """This as JSON in ASCII; None without places, with more than 4,096, or beyond half a megabyte."""
        if not 1 <= len(self.places) <= MOST_PLACES:
            return None
        layout = {name: value for name, value in asdict(self.layout).items() if value}
        about = {"version": self.version, "model": self.model, "digest": self.digest, **layout}
        about |= {"exported": True} if self.exported else {}
        text = json.dumps({**about, "places": [json.loads(place.as_json()) for place in self.places]})
        return text if len(text) <= MOST_TEXT else None

    def for_png(self) -> dict[str, Any]:
        """Pillow's options for saving a PNG with this in it."""
        text, info = self.as_text(), PngInfo()
        if text is None:
            return {}
        info.add_text(KEY, text)
        return {"pnginfo": info}

    def for_svg(self) -> str:
        """The SVG element that contains this, or ""."""
        text = self.as_text()
        return f'<metadata id="{KEY}">{html.escape(text, quote=False)}</metadata>' if text else ""

    @classmethod
    def read(cls, content: bytes) -> "Made":
        """Read what made a file, from the bytes of a PNG or SVG.

        Raises:
            Unreadable: the file does not say, or what it says is invalid.
        """
        text = _png_text(content) if content.startswith(PNG) else _svg_text(content)
        if text is None:
            raise Unreadable("it does not say what made it; a PNG or an SVG by `ganvas sample` does")
        if len(text) > MOST_TEXT:
            raise Unreadable("what it says of what made it is too long")
        try:
            return cls._of(json.loads(text))
        except (ValueError, LookupError, TypeError, RecursionError):
            raise Unreadable("what it says of what made it is not what `ganvas sample` writes") from None
        except DoesNotFit as error:
            raise Unreadable(f"what it says of what made it cannot be: {error}") from None

    @classmethod
    def _of(cls, said: Any) -> "Made":
        model, digest, version, places = (said[name] for name in ("model", "digest", "version", "places"))
        layout = {each.name: said[each.name] for each in fields(Layout) if each.name in said}
        right = (
            all(isinstance(each, str) and each.isprintable() and len(each) <= MOST_NAME for each in (model, version))
            and re.fullmatch("[0-9a-f]{64}", digest)
            and 1 <= len(places) <= MOST_PLACES
            and all(
                type(value) is (int if name in {"columns", "scale", "repeat"} else bool)
                for name, value in layout.items()
            )
            and (not model or _inside(model))
        )
        found = tuple(map(Place.of, places))
        texts = [text for place in found for text in (place.words or "", place.latent or "", *place.moves)]
        if not (right and all(text.isprintable() for text in texts) and all(_inside(each.latent) for each in found)):
            raise ValueError
        return cls(model, digest, found, Layout(**layout), version, said.get("exported") is True)


def made_of(path: Path) -> Made:
    """Read what made a file, a PNG or SVG.

    Raises:
        NotFound: the file cannot be read.
        Unreadable: the file does not say, or what it says is invalid.
    """
    try:
        with files.plain(path).open("rb") as file:
            content = file.read(MOST_BYTES)
    except OSError as error:
        raise NotFound(f"Cannot read {path}: {error.strerror or error}.") from None
    try:
        return Made.read(content)
    except Unreadable as error:
        raise Unreadable(f"{path} cannot be drawn again: {str(error).rstrip('.')}.") from None


def here(path: str | Path) -> str:
    """A file's name as others will see it: its path relative to the current folder, or just its name if elsewhere."""
    known = Path(path)
    try:
        return known.resolve().relative_to(Path.cwd()).as_posix() if known.exists() else known.name
    except ValueError:
        return known.name


def _inside(name: str | None) -> bool:
    """Whether this path stays below the folder that it is relative to; ~ would be a home directory."""
    ways = [] if name is None else [PurePosixPath(name), PureWindowsPath(name)]
    return not any(way.anchor or ".." in way.parts or str(way).startswith("~") for way in ways)


def _png_text(content: bytes) -> str | None:
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            text = image.info.get(KEY)
    except Exception:  # a broken file can make Pillow raise anything
        return None
    return text if isinstance(text, str) else None


def _svg_text(content: bytes) -> str | None:
    found = METADATA.search(content)
    return html.unescape(found[1].decode("utf-8", "replace")) if found else None
