"""Files -> the keywords of each picture: from tables, or from a text beside the picture."""

import csv
import io
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from .archives import Files
from .classes import stem
from .decode import MOST_BYTES, Unusable
from .words import nfc

__all__ = ["TABLES", "Captions", "captions", "described", "split"]

TABLES = {"metadata.jsonl", "metadata.csv"}
NAMES, TOLD = ("file_name", "file"), ("keywords", "text")
MOST_TEXT = 2**16  # bytes of a text beside a picture

Words = tuple[str, ...]


@dataclass(frozen=True)
class Captions:
    """The keywords of pictures.

    of       picture -> its keywords, in lower case
    useless  (table, reason) of tables that say nothing or cannot be read in full
    """

    of: Callable[[str], Words]
    useless: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Table:
    """The rows of a table, and what is wrong with the rest of it."""

    rows: tuple[Mapping[str, Any], ...]
    wrong: str = ""


def captions(files: Files, pictures: Sequence[str]) -> Captions:
    """The keywords of each of these pictures from a table, or else from the text beside it."""
    tables = {name: _table(files, name) for name in files.names if name.rpartition("/")[2] in TABLES}
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

    known = {nfc(name) for name in pictures}
    complaints = ((name, _complaint(name, table, known)) for name, table in tables.items())
    return Captions(of, tuple((name, reason) for name, reason in complaints if reason))


def _complaint(name: str, table: _Table, pictures: set[str]) -> str:
    """Why a table says nothing about these pictures, or what part of it is lost; empty if neither."""
    named = [row for row in table.rows if _picture(name, row) in pictures]
    columns = ", ".join(map(str, table.rows[0])) if table.rows else ""
    if not table.rows:
        return table.wrong if table.wrong.startswith("larger") else "no line of it can be read"
    if not named:
        return f"none of its {len(table.rows)} lines names a picture by file_name; it has {columns}"
    if not any(described(row) for row in named):
        return f"nothing in its columns keywords or text; it has {columns}"
    return table.wrong


def _picture(table: str, row: Mapping[str, Any]) -> str:
    """The file that a row of a table describes, or empty."""
    name = next((row[key] for key in NAMES if isinstance(row.get(key), str) and row[key].strip()), None)
    return nfc(str(PurePosixPath(table).parent / name.strip().replace("\\", "/"))) if name else ""


def described(row: Mapping[str, Any]) -> Words:
    """The keywords in a row of a table; none if it has no column for them."""
    return next((words for key in TOLD if (words := split(row.get(key)))), ())


def _table(files: Files, name: str) -> _Table:
    try:
        text, wrong = _decoded(files.read(name))
    except Unusable as reason:
        return _Table((), str(reason))
    found = _separated(text) if name.endswith(".csv") else _lines(text)
    return _Table(found.rows, found.wrong or wrong)


def _decoded(content: bytes) -> tuple[str, str]:
    """The text of a file in UTF-8, or in UTF-16 as spreadsheets save it, and what is wrong with it."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace"), ""
    try:
        return content.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        return content.decode("utf-8-sig", errors="replace"), "it is not UTF-8, so that some letters are lost"


def _separated(text: str) -> _Table:
    """A table of values of any length, separated by commas, semicolons or tabs.

    If a quote is not closed or is followed by other text, the rest is read as well as possible.
    """
    rows, wrong = _values(text, strict=True)
    if wrong:
        rows, _ = _values(text, strict=False)
    heads = [name.strip().lower() for name in rows[0]] if rows else []
    return _Table(tuple(dict(zip(heads, row, strict=False)) for row in rows[1:]), wrong)


def _values(text: str, *, strict: bool) -> tuple[list[list[str]], str]:
    """The non-empty lines of a table, and what is wrong with the first one that cannot be read."""
    separator = max(",;\t", key=text.partition("\n")[0].count)
    before, rows = csv.field_size_limit(MOST_BYTES), list[list[str]]()
    lines = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True, strict=strict)
    try:
        rows.extend(line for line in lines if line)
    except csv.Error as error:
        return rows, f"line {lines.line_num}: {error}"
    finally:
        csv.field_size_limit(before)
    return rows, ""


def _lines(text: str) -> _Table:
    """A table of one JSON object per line."""
    rows, lost = [], []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            rows.append(row)
        else:
            lost.append(number)
    wrong = f"{len(lost):,} of its lines cannot be read, the first is line {lost[0]:,}" if lost else ""
    return _Table(tuple(rows), wrong)


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
