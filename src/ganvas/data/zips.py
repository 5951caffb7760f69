"""A data set as one zip in StyleGAN's format, as dataset_tool.py of NVlabs/stylegan3 makes it.

    00000/img00000000.png    the pictures, a thousand to a folder
    dataset.json             {"labels": [["00000/img00000000.png", 3], ...]}, or null without classes; here also the
                             names of the classes, "classes", which StyleGAN's programs ignore
    metadata.jsonl           the keywords, if there are any: not part of that format, and ignored too

PNG is lossless, so reading the zip gives the same pictures, classes and keywords.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

from ..core import files, pixels
from ..core.batch import Kind
from ..core.errors import DoesNotFit
from .classes import TABLE
from .dataset import Dataset, Watch, unwatched

__all__ = ["save_zip"]

BEGAN = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip can hold, so that its bytes are always the same
PLAIN, UNIX = 0o100644 << 16, 3  # mode 0644, and the system whose modes these are


def save_zip(dataset: Dataset, path: Path, *, watch: Watch = unwatched) -> Path:
    """Write all pictures to a zip atomically; the same data and version of Pillow give the same bytes.

    Memory holds one picture at a time, and the list of names in the zip.

    Args:
        dataset: pictures of one size; StyleGAN's own programs want squares whose side is a power of two.
        path: the file, .zip.
        watch: told of the pictures written.

    Raises:
        DoesNotFit: these are points or clips, or the file is not called .zip.
        Unwritable: the disk is full, or `path` is not writable.
    """
    if dataset.kind is not Kind.PICTURES:
        raise DoesNotFit(f"A zip is of pictures, and these samples are {dataset.kind}.")
    if path.suffix.lower() != ".zip":
        raise DoesNotFit(f"A data set is written to a .zip, not to {path.name!r}.")
    with files.writing(path), files.replacing(path) as draft, zipfile.ZipFile(draft, "w") as made:
        for row, picture in enumerate(dataset.samples):
            watch("Writing pictures", row, len(dataset))
            content = io.BytesIO()
            pixels.to_image(picture).save(content, "PNG")
            made.writestr(_entry(_name(row)), content.getvalue())
        _write(made, TABLE, _labels(dataset))
        if any(dataset.keywords):
            _write(made, "metadata.jsonl", _keywords(dataset))
    return path


def _name(row: int) -> str:
    return f"{row // 1000:05}/img{row:08}.png"


def _entry(name: str) -> zipfile.ZipInfo:
    """A file in the zip, uncompressed: PNGs are compressed already."""
    entry = zipfile.ZipInfo(name, BEGAN)
    entry.external_attr, entry.create_system = PLAIN, UNIX
    return entry


def _write(made: zipfile.ZipFile, name: str, pieces: Iterator[str]) -> None:
    with made.open(_entry(name), "w", force_zip64=True) as file:
        for piece in pieces:
            file.write(piece.encode())


def _labels(dataset: Dataset) -> Iterator[str]:
    if dataset.labels is None:
        yield '{"labels": null}'
        return
    yield f'{{"classes": {json.dumps(dataset.classes)}, "labels": ['
    for row, label in enumerate(dataset.labels):
        yield f'{", " * bool(row)}["{_name(row)}", {label}]'
    yield "]}"


def _keywords(dataset: Dataset) -> Iterator[str]:
    for row, words in enumerate(dataset.keywords):
        yield json.dumps({"file_name": _name(row), "keywords": words}) + "\n"
