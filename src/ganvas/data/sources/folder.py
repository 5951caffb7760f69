"""Pictures of one's own: a folder or a zip of them."""

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path, PurePosixPath
from statistics import median

from ...core.catalog import part
from ...core.errors import DoesNotFit, NotFound
from ..archives import Files, open_files
from ..dataset import Dataset, Source, Watch, unwatched
from ..decode import Frame, Unusable, decode
from ..pack import pack_files

__all__ = ["Folder"]

ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"}
LOOKED_AT = 64  # pictures
EVEN = 0.12
"""Drawings have a larger share of neighbours in a row that are of the same colour, photographs a smaller one.

At 32x32 pixels it is about .4 for icons, .2 for handwritten digits, .06 for gray photographs and .01 for others.
"""

TABLES = {"metadata.jsonl", "metadata.csv", "dataset.json"}

Words = tuple[str, ...]


@part("data")
@dataclass(frozen=True)
class Folder(Source):
    """A folder or a zip of pictures: PNG, JPEG, WebP, GIF, BMP, TIFF, also in sub-folders.

    Sub-folders are classes if every picture is in one; the `dataset.json` of a StyleGAN zip names classes too. Keywords
    are read from `metadata.jsonl` or `metadata.csv` (columns `file_name` and `keywords` or `text`) or from a NAME.txt
    beside NAME.png. Every picture is brought to one `size`: by `fit` as `crop` (its middle), `pad` (all of it on the
    `background`) or `stretch`.
    """

    path: str
    size: int | tuple[int, int] = 32
    channels: int = 3
    background: str = "white"
    fit: str = "crop"

    def open(self, watch: Watch = unwatched) -> Dataset:
        """Decode the pictures, once, into the cache.

        Raises:
            GanvasError: the path is missing, or fewer than two pictures can be used; the message says why.
        """
        files = self._files()
        width, height = self.size if isinstance(self.size, tuple) else (self.size, self.size)
        frame = Frame(width, height, self.channels, self.background, self.fit)
        described = cache(lambda: (_groups(files), _keywords(files)))  # not needed if the pack is known
        descriptions = _descriptions(files)
        dataset = pack_files(
            files,
            frame,
            kind="pictures",
            names=[name for name in files.names if name not in descriptions],
            describe=lambda name: (described()[0](name), described()[1](name)),
            watch=watch,
        )
        if len(dataset) == 1:
            raise DoesNotFit(f"{self.path} holds a single usable picture, {dataset.names[0]}. {FEW}")
        return replace(dataset, skipped=dataset.skipped + _useless(files, {*dataset.names}))

    def drawn(self) -> bool:
        """See `Source.drawn`; looks at up to 64 pictures, evenly spread over all there are."""
        files = self._files()
        names = [name for name in files.names if _ending(name) in ENDINGS]
        shares = []
        for name in names[:: max(1, math.ceil(len(names) / LOOKED_AT))]:
            with suppress(Unusable):
                picture, _ = decode(files.read(name), Frame(32, 32, self.channels, self.background))
                shares.append(float((picture[:, 1:] == picture[:, :-1]).all(-1).mean()))
        return not shares or median(shares) > EVEN

    def _files(self) -> Files:
        path = Path(self.path).expanduser()
        if path.is_file() and path.suffix.lower() in ENDINGS:
            raise DoesNotFit(f"{path} is a single picture. {FEW}")
        files = open_files(path)
        if not files.names:
            raise NotFound(f"{path} holds no files at all. Put pictures into it, or name another folder.")
        return files


FEW = "A GAN needs at least 2 pictures to tell what they have in common, and a few dozen to be useful."


def _descriptions(files: Files) -> set[str]:
    """The files that say something of pictures and are none: tables, and texts beside a picture."""
    tables = {name for name in files.names if _last(name) in TABLES}
    texts = {name.rpartition(".")[0]: name for name in files.names if _ending(name) == ".txt"}
    stems = (name.rpartition(".")[0] for name in files.names if _ending(name) in ENDINGS) if texts else ()
    return tables | {texts[stem] for stem in stems if stem in texts}


def _groups(files: Files) -> Callable[[str], str]:
    """File name -> its class: from dataset.json, else the first folder that not all pictures are in; empty for none."""
    labels = _dataset_json(files)
    if labels:
        return lambda name: labels.get(name, "")
    paths = {name.rpartition("/")[0] for name in files.names if _ending(name) in ENDINGS}
    folders = [path.split("/") if path else [] for path in paths]
    depth = 0
    while folders and all(len(parts) > depth and parts[depth] == folders[0][depth] for parts in folders):
        depth += 1
    return lambda name: parts[depth] if len(parts := name.split("/")[:-1]) > depth else ""


def _useless(files: Files, pictures: set[str]) -> tuple[tuple[str, str], ...]:
    """The tables that say nothing of these pictures, each with the reason."""
    found = []
    for name in files.names:
        if _last(name) == "dataset.json" and not _dataset_json(files):
            found.append((name, 'no labels in it, {"labels": [["a.png", 3], ...]}'))
        if _last(name) not in {"metadata.jsonl", "metadata.csv"}:
            continue
        rows = list(_rows(files, name))
        named = [row for row in rows if _picture(name, row) in pictures]
        columns = ", ".join(map(str, rows[0])) if rows else ""
        if not rows:
            found.append((name, "no line of it can be read"))
        elif not named:
            found.append((name, f"none of its {len(rows)} lines names a picture by file_name; it has {columns}"))
        elif not any(_told(row) for row in named):
            found.append((name, f"nothing in its columns keywords or text; it has {columns}"))
    return tuple(found)


def _dataset_json(files: Files) -> dict[str, str]:
    """The labels of a StyleGAN data set, {"labels": [["00000/img.png", 3], ...]}; empty if there are none."""
    try:
        labels = json.loads(files.read("dataset.json"))["labels"] if "dataset.json" in files.names else []
        return {str(name): str(label) for name, label in labels or [] if isinstance(label, int)}
    except (Unusable, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _keywords(files: Files) -> Callable[[str], Words]:
    """File name -> keywords, from the tables or from the text beside the picture."""
    tables: dict[str, Words] = {}
    for name in files.names:
        if _last(name) in {"metadata.jsonl", "metadata.csv"}:
            tables |= {_picture(name, row): _told(row) for row in _rows(files, name)}
    texts = {name.rpartition(".")[0]: name for name in files.names if _ending(name) == ".txt"}

    def words(name: str) -> Words:
        if name in tables:
            return tables[name]
        try:
            text = texts.get(name.rpartition(".")[0])
            return _split(files.read(text, most=2**16).decode(errors="replace")) if text else ()
        except Unusable:
            return ()

    return words


def _picture(table: str, row: dict[str, object]) -> str:
    """The file that a row of a table speaks of."""
    return str(PurePosixPath(table).parent / str(row.get("file_name") or row.get("file")))


def _told(row: dict[str, object]) -> Words:
    return _split(row.get("keywords") or row.get("text"))


def _rows(files: Files, name: str) -> Iterable[dict[str, object]]:
    """The rows of a table of comma-separated values or of one JSON object a line; what cannot be read is left out."""
    try:
        text = files.read(name).decode("utf-8-sig", errors="replace")
    except Unusable:
        return
    if name.endswith(".csv"):
        separator = max(",;\t", key=text.partition("\n")[0].count)
        with suppress(csv.Error):
            yield from csv.DictReader(io.StringIO(text), delimiter=separator)
        return
    for line in text.splitlines():
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            yield row


def _split(told: object) -> Words:
    """A list as it is; a text at its commas, semicolons and line ends, or into words if it has none of them."""
    text = str(told or "").strip()
    parts = re.split(r"[,;\n]", text) if re.search(r"[,;\n]", text) else re.findall(r"[\w'’-]+", text)
    parts = [str(each) for each in told] if isinstance(told, list) else parts
    return tuple(dict.fromkeys(word for part in parts if (word := part.strip().lower())))


def _last(name: str) -> str:
    return name.rpartition("/")[2]  # pathlib would take a sixth of the time of packing


def _ending(name: str) -> str:
    return "." + _last(name).rpartition(".")[2].lower()
