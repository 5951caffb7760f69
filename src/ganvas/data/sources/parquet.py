"""Parquet files as on Hugging Face: tables whose rows hold a picture, its class and its words.

    image              the picture: a struct of `bytes` and `path`, or its bytes alone
    label              a number or a name; the names of numbers are in the schema's metadata (ClassLabel)
    keywords, text, caption      words, as in captions.py

They are read and packed row by row, so memory stays constant. A row with only the path of a picture has none: no file
that a table names is opened.
"""

import glob
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ...core.catalog import part
from ...core.errors import DoesNotFit, NotFound, NotInstalled, Unreadable
from ...core.files import expanded, key
from .. import svg
from ..archives import stamp
from ..captions import split
from ..classes import OTHER, TRAIN
from ..dataset import Dataset, Source, Watch, unwatched
from ..decode import DECODER, MOST_BYTES, Frame, Unusable, decode, is_picture, looks_drawn
from ..pack import Item, in_parallel, packed
from ..words import nfc

__all__ = ["Parquet"]

ENDING = ".parquet"
PICTURE, CLASS, TOLD = ("image", "img", "picture"), ("label", "labels", "class"), ("keywords", "text", "caption")
LOOKED_AT, AT_ONCE = 64, 32  # pictures; and rows of a table in memory
BUFFER = 2**20  # bytes of a file that are read at a time


@part("data")
@dataclass(frozen=True)
class Parquet(Source):
    """Parquet files of pictures: one, a folder of them, or a pattern such as `parquet:FOLDER/train-*.parquet`.

    As on Hugging Face, there is a column `image` and optionally `label`, with names from its ClassLabel, and
    `keywords`, `text` or `caption`. Of train-*.parquet and test-*.parquet in a folder, or in its folder `data`, the
    former are learned from. Needs the package pyarrow, `pip install 'ganvas[parquet]'`. The other settings are as in
    `folder`.
    """

    path: str
    size: int | tuple[int, int] = 32
    channels: int = 3
    background: str = "white"
    fit: str = "crop"
    bits: int = 16

    @classmethod
    def reads(cls, path: Path) -> bool:
        """Whether this is such a file, or a folder with some in it or in its folder `data`."""
        return (path.is_file() and path.suffix == ENDING) or (path.is_dir() and bool(_inside(path)))

    def open(self, watch: Watch = unwatched) -> Dataset:
        """Decode the pictures, once, into the cache.

        Raises:
            NotFound: there are no such files, or pyarrow is not installed.
            Unreadable: they have no column of pictures, or not one picture can be used; the message says why.
            DoesNotFit: there is only one.
        """
        paths, kept = self._paths()
        frame = Frame.of(self.size, self.channels, background=self.background, fit=self.fit, bits=self.bits)
        count = sum(map(_count, paths))
        name = f"parquet-{key([stamp(path) for path in paths], kept, DECODER, frame)}"
        dataset = packed(name, _items(paths, kept, frame, count, watch), most=count, shape=frame.shape)
        if len(dataset) == 1:
            raise DoesNotFit(f"{self.path} holds a single usable picture, and a GAN needs at least 2.")
        return dataset

    def drawn(self) -> bool:
        """See `Source.drawn`; looks at the first 64 pictures."""
        frame, found = Frame(32, 32, self.channels, self.background), []
        for row in islice(_rows(self._paths()[0], lambda *_: None), LOOKED_AT):
            with suppress(Unusable):
                found.append(decode(_picture(row), frame))
        return looks_drawn(found)

    def _paths(self) -> tuple[list[Path], tuple[str, ...]]:
        """The files to learn from, and the names of those kept for tests.

        Raises:
            NotFound: there are none.
        """
        path = expanded(self.path)
        if not path.is_dir():
            paths = [Path(each) for each in sorted(glob.glob(str(path)))] or [path]  # noqa: PTH207 - from the root
            if missing := [each for each in paths if not each.is_file()]:
                raise NotFound(f"There is no {missing[0]}. Name a {ENDING} file, or a folder of them.")
            return paths, ()
        paths = _inside(path)
        trained = [each for each in paths if TRAIN.fullmatch(_split(each))]
        others = [each for each in paths if OTHER.fullmatch(_split(each))]
        if trained and others and len(trained) + len(others) == len(paths):
            return trained, tuple(each.name for each in others)
        if not paths:
            raise NotFound(f"{path} holds no {ENDING} files.")
        return paths, ()


@dataclass(frozen=True)
class _Row:
    """A row of a table: where it is, its picture, the name of its class and its words, as the file has them."""

    name: str
    picture: Any
    label: Any = None
    told: Sequence[Any] = ()


@dataclass(frozen=True)
class _Columns:
    """The columns of a table for the picture, class and words, and the names of numbered classes."""

    picture: str
    label: str = ""
    told: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        return [self.picture, *([self.label] if self.label else []), *self.told]


def _inside(folder: Path) -> list[Path]:
    """The Parquet files in a folder, or else in its folder `data`."""
    return sorted(folder.glob(f"*{ENDING}")) or sorted(folder.glob(f"data/*{ENDING}"))


def _split(path: Path) -> str:
    """The part of the name before the first -: train for train-00000-of-00003.parquet."""
    return path.stem.partition("-")[0]


def _pyarrow() -> Any:
    try:
        import pyarrow.parquet
    except ImportError:
        raise NotInstalled("Parquet files are read with a package: pip install 'ganvas[parquet]'.") from None
    return pyarrow.parquet


def _count(path: Path) -> int:
    """The number of rows by a file's metadata, to check for disk space; 0 if it is damaged."""
    parquet = _pyarrow()
    try:
        with parquet.ParquetFile(path) as file:
            return int(file.metadata.num_rows)
    except Exception:  # pyarrow raises more kinds than it documents; `_rows` says what is wrong
        return 0


def _items(paths: list[Path], kept: Sequence[str], frame: Frame, count: int, watch: Watch) -> Iterator[Item]:
    """The item of each row, then one for every file that could not be used."""
    useless = [(name, "kept for tests: name it by itself to use it") for name in kept]
    rows = _rows(paths, lambda name, reason: useless.append((name, reason)))
    for done, item in enumerate(in_parallel(lambda row: _item(row, frame), rows)):
        watch("Packing pictures", done, count)
        yield item
    yield from (Item(name, None, reason) for name, reason in useless)


def _rows(paths: list[Path], refuse: Callable[[str, str], None]) -> Iterator[_Row]:
    """The rows of all files in order; `refuse` is told which files are damaged, and why."""
    parquet = _pyarrow()
    for path in paths:
        row = 0
        try:
            with parquet.ParquetFile(path, buffer_size=BUFFER, pre_buffer=False) as file:
                columns = _columns(path, file.schema_arrow)
                for batch in file.iter_batches(AT_ONCE, columns=columns.names, use_threads=False):
                    for held in batch.to_pylist():
                        yield _row(f"{path.name}/{row:08}", held, columns)
                        row += 1
        except Unreadable:
            raise
        except Exception as error:  # pyarrow raises more kinds than it documents
            reason = (str(error) or type(error).__name__).partition("\n")[0]
            refuse(path.name, f"damaged, and read up to there ({reason[:200]})")


def _columns(path: Path, schema: Any) -> _Columns:
    """What the columns of a table hold, judged by their names and types.

    Raises:
        Unreadable: none of them holds pictures.
    """
    pictures = [each.name for each in schema if _holds_bytes(each.type)]
    if not pictures:
        raise Unreadable(f"{path} has no column of pictures, bytes of image files: it has {', '.join(schema.names)}.")
    picture = next((name for name in PICTURE if name in pictures), pictures[0])
    label = next((name for name in CLASS if name in schema.names), "")
    told = tuple(name for name in TOLD if name in schema.names)
    return _Columns(picture, label, told, _classes(schema.metadata or {}, label))


def _holds_bytes(kind: Any) -> bool:
    """Whether a column of this type may hold files: bytes, or a struct with `bytes` in it."""
    from pyarrow import types

    if types.is_struct(kind):
        place = kind.get_field_index("bytes")
        return place >= 0 and _holds_bytes(kind.field(place).type)
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _classes(metadata: Mapping[bytes, bytes], label: str) -> tuple[str, ...]:
    """The names of a ClassLabel's numbers, as the package datasets writes them into a schema; or empty."""
    try:
        names = json.loads(metadata[b"huggingface"])["info"]["features"][label]["names"]
        return tuple(nfc(str(name)).strip() for name in names)
    except (LookupError, TypeError, ValueError, RecursionError):
        return ()


def _row(name: str, held: Mapping[str, Any], columns: _Columns) -> _Row:
    label = held.get(columns.label) if columns.label else None
    if type(label) is int and columns.classes:
        label = columns.classes[label] if 0 <= label < len(columns.classes) else None
    elif type(label) is int and label < 0:
        label = None  # as in test sets whose labels are secret
    return _Row(name, held.get(columns.picture), label, [held.get(each) for each in columns.told])


def _item(row: _Row, frame: Frame) -> Item:
    """The item of a row, with a picture or the reason why there is none."""
    try:
        found = decode(_picture(row), frame)
    except Unusable as reason:
        return Item(row.name, None, str(reason))
    if found.sheet:
        return Item(row.name, None, "a sheet that this toolkit has drawn")
    group = nfc(str(row.label)).strip() if isinstance(row.label, int | str) else ""
    words = next((words for told in row.told if (words := split(told))), ())
    return Item(row.name, found.picture, "", group, words, found.size, found.kind)


def _picture(row: _Row) -> bytes:
    """The bytes of a row's picture.

    Raises:
        Unusable: it has none.
    """
    held = row.picture
    content = held.get("bytes") if isinstance(held, Mapping) else held
    if not isinstance(content, bytes) or not content:
        named = isinstance(held, Mapping) and held.get("path")
        raise Unusable("only the path of a picture, and no bytes" if named else "no picture")
    if len(content) > MOST_BYTES:
        raise Unusable(f"larger than {MOST_BYTES / 2**20:g} MiB")
    if not is_picture(content[: svg.HEAD]):
        raise Unusable("not a picture")
    return content
