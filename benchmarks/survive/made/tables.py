"""Odd tables beside sound pictures, each with the expected outcome."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

READ, TOLD, EITHER = "read", "told", "either"
"""The table is read; it is reported as one without information, or with only part of it; or either of these."""

Table = tuple[str, str, bytes, str]
ODD_WORDS: tuple[Any, ...] = (
    None, True, 0, -1.5, 10**400, float("nan"), float("inf"), "", " ", ",,,", [], [[]], [None], ["a", None, 3], {},
    {"a": 1}, "\x00", "\x1b[31mred", "\u202edeer", "\ud800", "\U0001f431", "<img src=x onerror=y>",
    "a" * 200_000, "a," * 20_000,
    "\r\n", "a\tb", "'\"`$(x)", "ﬁsh", "e\u0301", "--out", "-1", "%s", "{}", "\\", "\u200b", "\ufeff", "null",
)  # fmt: skip


def odd_tables(names: Sequence[str]) -> Iterator[Table]:
    """(kind, file name, content, expected) of each, beside pictures of these names."""
    yield from _jsonl(names)
    yield from _csv(names)
    yield from _labels(names)


def _jsonl(names: Sequence[str]) -> Iterator[Table]:
    for odd in ODD_WORDS:
        yield (
            f"words {str(odd)[:20]!r}",
            "metadata.jsonl",
            _rows([{"file_name": name, "text": odd} for name in names]),
            EITHER,
        )
        yield f"a name {str(odd)[:20]!r}", "metadata.jsonl", _rows([{"file_name": odd, "text": "red"}] * 3), TOLD
    good = [{"file_name": name, "text": "red thing"} for name in names]
    whole = _rows(good)
    for kind, content, expected in (
        ("good", whole, READ),
        ("with a mark of its coding", b"\xef\xbb\xbf" + whole, READ),
        ("in UTF-16", whole.decode().encode("utf-16"), READ),
        ("with lines of Windows", whole.replace(b"\n", b"\r\n"), READ),
        ("with empty lines", whole.replace(b"\n", b"\n\n \n"), READ),
        ("cut", whole[:-9], TOLD),
        ("empty", b"", TOLD),
        ("zeros", bytes(999), TOLD),
        ("of one list", json.dumps(good).encode(), TOLD),
        ("deep", b"[" * 100_000, TOLD),
        ("in Latin-1", whole.replace(b"red", b"r\xe9d"), EITHER),
        ("a bad line", whole + b"{bad\n", TOLD),
        ("numbers as lines", b"5\n" * 20, TOLD),
        ("named twice", whole + whole, READ),
        ("of files that are not there", whole.replace(b".png", b".gif"), TOLD),
        ("other columns", whole.replace(b"text", b"label"), TOLD),
        ("names that lead away", whole.replace(b'"a', b'"../a'), TOLD),
        ("names with backslashes", whole.replace(b'"a', b'".\\\\a'), READ),
        ("a long line", whole + b'{"file_name": "x", "text": "' + b"a" * 5_000_000 + b'"}\n', READ),
        ("a key twice", whole.replace(b'"text"', b'"text": "blue", "text"'), READ),
    ):
        yield f"metadata.jsonl {kind}", "metadata.jsonl", content, expected


def _csv(names: Sequence[str]) -> Iterator[Table]:
    whole = b"file_name,text\n" + b"".join(f"{name},red thing\n".encode() for name in names)
    for kind, content, expected in (
        ("good", whole, READ),
        ("between semicolons", whole.replace(b",", b";"), READ),
        ("between tabs", whole.replace(b",", b"\t"), READ),
        ("blanks in its head", whole.replace(b"file_name,text", b" File_Name , Text "), READ),
        ("quoted", whole.replace(b"red thing", b'"red, ""big"" thing"'), READ),
        ("a quote that is not closed", whole + b'b,"red\n', EITHER),
        ("a long field", whole.replace(b"red thing", b"red " + b"a" * 200_000, 1), READ),
        ("no head", whole.partition(b"\n")[2], TOLD),
        ("a head alone", b"file_name,text\n", TOLD),
        ("short lines", b"file_name,text\na0.png\na1.png\n", TOLD),
        ("long lines", whole.replace(b"red thing", b"red,blue,green"), READ),
        ("zeros in it", whole.replace(b"red", b"r\0d"), EITHER),
        ("lines of an old Mac", whole.replace(b"\n", b"\r"), EITHER),
        ("in UTF-16", whole.decode().encode("utf-16"), READ),
        ("formulas", whole.replace(b"red thing", b"=cmd|' /C calc'!A0"), EITHER),
        ("empty", b"", TOLD),
        ("a picture", b"\x89PNG\r\n\x1a\n" + bytes(200), TOLD),
        ("columns twice", whole.replace(b"file_name,text", b"file_name,text,text"), EITHER),
    ):
        yield f"metadata.csv {kind}", "metadata.csv", content, expected


def _labels(names: Sequence[str]) -> Iterator[Table]:
    good = [[name, place % 2] for place, name in enumerate(names)]
    for odd in (*ODD_WORDS[:20], [0, 1], [1, 1], [0.0, 1.0], "cat", -1, 10**30):
        labels = [[name, odd] for name in names]
        yield f"labels {str(odd)[:20]!r}", "dataset.json", json.dumps({"labels": labels}).encode(), EITHER
    for kind, value, expected in (
        ("good", {"labels": good}, READ),
        ("by name", {"labels": dict(map(tuple, good))}, READ),
        ("null", {"labels": None}, EITHER),  # as StyleGAN writes where there are none
        ("a list", good, TOLD),
        ("a number", 5, TOLD),
        ("triples", {"labels": [[*pair, 1] for pair in good]}, TOLD),
        ("of others", {"labels": [["x" + name, label] for name, label in good]}, TOLD),
    ):
        yield f"dataset.json {kind}", "dataset.json", json.dumps(value).encode(), expected
    yield "dataset.json cut", "dataset.json", json.dumps({"labels": good}).encode()[:-9], TOLD
    yield "dataset.json deep", "dataset.json", b'{"labels":' + b"[" * 100_000, TOLD
    yield "dataset.json empty", "dataset.json", b"", TOLD


def _rows(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode(errors="surrogatepass")
