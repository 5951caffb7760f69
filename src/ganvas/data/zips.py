"""A data set as one zip, in the form that the programs of StyleGAN take: dataset_tool.py of NVlabs/stylegan3 makes it.

    00000/img00000000.png    the pictures, a thousand to a folder
    dataset.json             {"labels": [["00000/img00000000.png", 3], ...]}, or null without classes; here also what
                             the classes are called, "classes", which those programs pass over
    metadata.jsonl           the keywords, where there are any: no part of that form, and passed over, too

PNG loses nothing, so that what is read again are the same pictures, classes and keywords.
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

BEGAN = (1980, 1, 1, 0, 0, 0)  # the first date that a zip can say, in the place of one that would differ each time
PLAIN, UNIX = 0o100644 << 16, 3  # a file that its owner may write to; and the system whose rights these are


def save_zip(dataset: Dataset, path: Path, *, watch: Watch = unwatched) -> Path:
    """Write all pictures to a zip, whole or not at all; the same data and version of Pillow make the same bytes.

    One picture at a time is in memory, and of the rest of the zip its list of names.

    Args:
        dataset: pictures of one size; StyleGAN's own programs want squares whose side is a power of two.
        path: the file, .zip.
        watch: told of the pictures written.

    Raises:
        DoesNotFit: these are points or clips, or the file is called otherwise.
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
    """A file in the zip, as it is: PNGs are packed already."""
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
