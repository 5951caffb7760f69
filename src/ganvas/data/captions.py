"""Files -> the keywords of each picture, from tables or from a text beside it; and what tables say of its class."""

import csv
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from .archives import Files
from .classes import stem
from .decode import MOST_BYTES, Unusable
from .words import nfc

__all__ = ["TABLES", "Captions", "captions", "described", "split"]

TABLES = {"metadata.jsonl", "metadata.csv"}
NAMES, TOLD, LABEL = ("file_name", "file"), ("keywords", "text"), ("label", "class")
MOST_TEXT = 2**16  # bytes of a text beside a picture
MOST_LINE = 2**20  # characters of a picture's line in a table

Words = tuple[str, ...]


@dataclass(frozen=True)
class Captions:
    """The keywords of pictures.

    of       picture -> its keywords, in lower case
    labels   table -> picture -> what it has in the column for classes; only tables with such a column
    useless  (table, reason) of tables that say nothing or cannot be read in full
    """

    of: Callable[[str], Words]
    labels: Mapping[str, Mapping[str, object]]
    useless: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Table:
    """The rows of a table that are about pictures, how many it has, its columns, and what is wrong with it."""

    rows: tuple[Mapping[str, Any], ...] = ()
    count: int = 0
    columns: str = ""
    wrong: str = ""


def captions(files: Files, pictures: Sequence[str]) -> Captions:
    """The keywords of each of these pictures from a table, or else from the text beside it."""
    known = {nfc(name) for name in pictures}
    tables = {name: _table(files, name, known) for name in files.names if name.rpartition("/")[2] in TABLES}
    said = {_picture(name, row): described(row) for name, table in tables.items() for row in table.rows}
    texts = {stem(name): name for name in files.names if name.lower().endswith(".txt")}

    def of(name: str) -> Words:
        if known := said.get(nfc(name)):
            return known
        try:
            text = texts.get(stem(name))
            return split(_decoded(files.read(text, most=MOST_TEXT))[0]) if text else ()
        except Unusable:
            return ()

    complaints = ((name, _complaint(table)) for name, table in tables.items())
    columns = {name: {_picture(name, row): _label(row) for row in table.rows} for name, table in tables.items()}
    labels = {name: column for name, column in columns.items() if any(each is not None for each in column.values())}
    return Captions(of, labels, tuple((name, reason) for name, reason in complaints if reason))


def _complaint(table: _Table) -> str:
    """Why a table says nothing about the pictures, or what part of it is lost; empty if neither."""
    if not table.count:
        return table.wrong if table.wrong.startswith("larger") else "no line of it can be read"
    if not table.rows:
        return f"none of its {table.count} lines names a picture by file_name; it has {table.columns}"
    if not any(described(row) or _label(row) is not None for row in table.rows):
        return f"nothing in its columns keywords, text or label; it has {table.columns}"
    return table.wrong


def _picture(table: str, row: Mapping[str, Any]) -> str:
    """The file that a row of a table describes, or empty."""
    name = next((row[key] for key in NAMES if isinstance(row.get(key), str) and row[key].strip()), None)
    return nfc(str(PurePosixPath(table).parent / name.strip().replace("\\", "/"))) if name else ""


def described(row: Mapping[str, Any]) -> Words:
    """The keywords in a row of a table; none if it has no column for them."""
    return next((words for key in TOLD if (words := split(row.get(key)))), ())


def _label(row: Mapping[str, Any]) -> object:
    """What a row has in the column for classes; None if it has no such column, or nothing there."""
    return next((row[key] for key in LABEL if row.get(key) not in (None, "")), None)


def _table(files: Files, name: str, pictures: set[str]) -> _Table:
    """A table of these pictures; only rows about them are kept, as a small zip can hold any number of others."""
    try:
        text, wrong = _decoded(files.read(name))
    except Unusable as reason:
        return _Table(wrong=str(reason))
    rows = _Rows(name, pictures)
    found = _separated(text, rows) if name.endswith(".csv") else _lines(text, rows)
    return rows.table(found or wrong)


class _Rows:
    """The rows of a table as they are read."""

    def __init__(self, table: str, pictures: set[str]) -> None:
        self._table, self._pictures = table, pictures
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self._kept, self._count, self._columns = list[Mapping[str, Any]](), 0, ""

    def add(self, row: Mapping[str, Any]) -> None:
        """Count a row, and keep it if it names a picture."""
        if not self._count:
            self._columns = ", ".join(map(str, row))
        self._count += 1
        if _picture(self._table, row) in self._pictures:
            self._kept.append(row)

    def table(self, wrong: str) -> _Table:
        """What was read."""
        return _Table(tuple(self._kept), self._count, self._columns, wrong)


def _decoded(content: bytes) -> tuple[str, str]:
    """The text of a file in UTF-8, or in UTF-16 as spreadsheets save it, and what is wrong with it."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace"), ""
    try:
        return content.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        return content.decode("utf-8-sig", errors="replace"), "it is not UTF-8, so that some letters are lost"


def _separated(text: str, rows: _Rows) -> str:
    """Read a table of values of any length, separated by commas, semicolons or tabs; returns what is wrong with it.

    If a quote is not closed or is followed by other text, the rest is read as well as possible.
    """
    wrong = _values(text, rows, strict=True)
    if wrong:
        rows.clear()
        _values(text, rows, strict=False)
    return wrong


def _values(text: str, rows: _Rows, *, strict: bool) -> str:
    """Read the non-empty lines of a table; returns what is wrong with the first one that cannot be read."""
    separator = max(",;\t", key=text.partition("\n")[0].count)
    before = csv.field_size_limit(MOST_BYTES)
    lines = csv.reader(_each_line(text), delimiter=separator, skipinitialspace=True, strict=strict)
    heads: list[str] = []
    try:
        for line in filter(None, lines):
            if heads:
                rows.add(dict(zip(heads, line, strict=False)))
            else:
                heads = [name.strip().lower() for name in line]
    except csv.Error as error:
        return f"line {lines.line_num}: {error}"
    finally:
        csv.field_size_limit(before)
    return ""


def _lines(text: str, rows: _Rows) -> str:
    """Read a table of one JSON object per line; returns what is wrong with it."""
    lost, first = 0, 0
    for number, line in enumerate(_each_line(text), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line) if len(line) <= MOST_LINE else None
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            rows.add(row)
        else:
            lost, first = lost + 1, first or number
    return f"{lost:,} of its lines cannot be read, the first is line {first:,}" if lost else ""


def _each_line(text: str) -> Iterator[str]:
    """The lines of a text with their ends, one after the other; a list of all may take a hundred times the text."""
    begin = 0
    while begin < len(text):
        end = text.find("\n", begin) + 1 or len(text)
        yield text[begin:end]
        begin = end


def split(told: object) -> Words:
    """Keywords from a list, or from a text split at commas, semicolons and line ends, or else into words.

    Anything other than text and finite numbers, such as null and NaN, is ignored.
    """
    if isinstance(told, list):
        parts = [text for each in told if (text := _text(each))]
    else:
        text = _text(told)
        parts = re.split(r"[,;\n]", text) if re.search(r"[,;\n]", text) else re.findall(r"[\w'’-]+", text)
    return tuple(dict.fromkeys(word for part in parts if (word := part.strip().lower())))


def _text(told: object) -> str:
    if isinstance(told, str):
        return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", nfc(told)).strip()
    if isinstance(told, bool) or not isinstance(told, int | float):
        return ""
    return str(told) if isinstance(told, int) or math.isfinite(told) else ""
