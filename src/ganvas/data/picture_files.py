"""Picture files given by a user, read in a model's form, or refused where that would change them."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..core.errors import DoesNotFit, NotFound
from .archives import is_zip, open_files
from .dataset import KINDS
from .decode import MOST_BYTES, Frame, Unusable, decode, explain
from .precautions import light

__all__ = ["LOSSY", "PictureFile", "read_pictures"]

LOSSY = {"JPEG", "WEBP", "GIF"}


@dataclass(frozen=True)
class PictureFile:
    """A picture from a file, uint8 [H, W, C], and notes on how it was changed."""

    name: str
    picture: NDArray[np.uint8]
    notes: tuple[str, ...]


def read_pictures(
    paths: Sequence[str | Path], frame: Frame, *, adapt: bool = False
) -> tuple[list[PictureFile], tuple[tuple[str, str], ...]]:
    """The pictures at these paths, and (file, reason) for each file that is not one.

    Args:
        paths: files, folders and zips.
        frame: the form of the model's pictures.
        adapt: convert pictures of other sizes or colours as training data are, instead of refusing them.

    Raises:
        NotFound or DoesNotFit: there are no pictures, or one has another form and `adapt` is off.
    """
    found, skipped = [], []
    for name, content in _contents(paths):
        try:
            if isinstance(content, Unusable):
                raise content
            picture, size, *_ = decode(content, frame)
        except Unusable as reason:
            skipped.append((name, str(reason)))
            continue
        found.append(PictureFile(name, picture, _notes(name, content, size, frame, adapt=adapt)))
    if paths and not found:
        reasons = f": {skipped[0][0]} is {skipped[0][1]}" if skipped else ""
        raise NotFound(f"There is no picture in {', '.join(map(str, paths))}{reasons}.")
    return found, tuple(skipped)


def _contents(paths: Sequence[str | Path]) -> Iterator[tuple[str, bytes | Unusable]]:
    """Every file at these paths, with its content or why it cannot be read."""
    for path in map(Path, paths):
        if path.is_file() and not is_zip(path):
            yield str(path), _content(path)
            continue
        files = open_files(path)
        for name in files.names:
            try:
                yield str(path / name), files.read(name)
            except Unusable as reason:
                yield str(path / name), reason


def _content(path: Path) -> bytes | Unusable:
    try:
        if path.stat().st_size > MOST_BYTES:
            return Unusable(f"larger than {MOST_BYTES / 2**20:g} MiB")
        return path.read_bytes()
    except OSError as error:
        return Unusable(explain(error))


def _notes(name: str, content: bytes, size: tuple[int, int], frame: Frame, *, adapt: bool) -> tuple[str, ...]:
    """Notes on how a picture was changed, here or by lossy compression.

    Raises:
        DoesNotFit: its size or its colours are not those of the model, and `adapt` is off.
    """
    theirs, lossy = "an SVG", False
    if any(size):
        with Image.open(io.BytesIO(light(content))) as image:
            theirs, lossy = f"{size[0]}x{size[1]} {_channels(image)}", image.format in LOSSY
    ours = f"{frame.width}x{frame.height} {KINDS[frame.channels]}"
    if theirs != ours and not adapt:
        raise DoesNotFit(
            f"{name} is {theirs} and this model makes {ours}: changing the one into the other leaves traces. "
            "Give pictures as the model makes them, or `adapt=True` to have them changed as training data are."
        )
    return (*((f"was {theirs}",) if theirs != ours else ()), *(("lossy file",) if lossy else ()))


def _channels(image: Image.Image) -> str:
    if image.has_transparency_data:
        return KINDS[4]
    return KINDS[1] if image.mode in {"1", "L"} or image.mode.startswith(("I", "F")) else KINDS[3]
