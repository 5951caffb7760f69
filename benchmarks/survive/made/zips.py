"""Odd zip files, each with how many of its sound pictures must be found, or None if any number will do."""

import io
import random
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from .pictures import saved

Zip = tuple[str, bytes | Callable[[], bytes], int | None]  # slow ones are made when they are tried
SOUND = 3


def odd_zips() -> Iterator[Zip]:
    """(name, content, pictures) of each; with 0 pictures, it must be refused."""
    yield from _methods()
    yield from _names()
    yield from _kinds()
    yield from _lies()
    yield from _around()
    for share in (0.05, 0.3, 0.6, 0.9, 0.99):
        yield f"{share:g} of it", zipped()[: int(len(zipped()) * share)], None
    for seed in range(24):
        yield f"flipped {seed}", _flipped(zipped(), seed), None


def picture(place: int) -> bytes:
    """One of the sound pictures, all different."""
    return saved("PNG", "RGB", (20 + place, 20))


def zipped(
    more: dict[str, bytes] | None = None, *, method: int = zipfile.ZIP_DEFLATED, around: str = "", **options: bool
) -> bytes:
    """A zip of three sound pictures and of other given files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as opened:
        for place in range(SOUND):
            with opened.open(f"{around}a{place}.png", "w", **options) as entry:
                entry.write(picture(place))
        for name, content in (more or {}).items():
            opened.writestr(name, content)
    return file.getvalue()


def _methods() -> Iterator[Zip]:
    for name, method in (("stored", 0), ("deflated", 8), ("bzip2", 12), ("lzma", 14)):
        yield name, zipped(method=method), SOUND
    yield "zip64", zipped(force_zip64=True), SOUND
    for method in (1, 6, 9, 93, 95, 97, 98, 99, 65535):
        yield f"method {method}", _patched(zipped(), local=(8, "<H", method), central=(10, "<H", method)), None
    for version in (45, 63, 64, 255):
        yield (
            f"version needed {version}",
            _patched(zipped(), local=(4, "<H", version), central=(6, "<H", version)),
            None,
        )
    for bit in (0, 5, 6, 13):
        flag = 1 << bit
        yield f"flag {bit}", _patched(zipped(), local=(6, "<H", flag), central=(8, "<H", flag)), None


AWAY = Path(tempfile.gettempdir()) / "survive-out.png"  # where two of the names lead
NAMES = (
    "../out.png", f"../../../../../..{AWAY.as_posix()}", AWAY.as_posix(), "/out.png", "C:\\out.png",
    "..\\..\\out.png", "a/../../out.png", "./b.png", "a//b.png", "a/./b.png", "CON.png", "b.png ", " b.png",
    "\x1b[31mred\x1b[0m.png", "b\n.png", "b\r.png", "b\t.png", "\u202egnp.b.png", "\U0001f431.png",
    "<img src=x onerror=y>.png",
    "'; drop table.png", '"b".png', "$(touch out).png", "`touch out`.png", "-rf.png", "--out.png", "%s%n.png", "b?.png",
    "猫/b.png", "a" * 300 + ".png", "a/" * 400 + "b.png", "\ufffd.png", "b\x7f.png", "~/b.png", "....png",
)  # fmt: skip


def _names() -> Iterator[Zip]:
    for name in NAMES:
        yield f"named {name[:40]!r}", zipped({name: picture(9)}), None
    yield "around", zipped(around="deep/er/"), SOUND
    yield "hidden beside", zipped({"__MACOSX/._a0.png": b"x", ".DS_Store": b"x", ".git/b.png": picture(9)}), SOUND
    yield "all hidden", _of({".a.png": picture(0), "__MACOSX/b.png": picture(1)}), 0
    yield "same but for case", zipped({"A0.PNG": picture(9)}), SOUND + 1
    yield "a file and a folder of one name", zipped({"a0.png/b.png": picture(9)}), None
    yield "twice the same name", _twice(), None
    yield "20,000 empty files", lambda: zipped({f"{place}.png": b"" for place in range(20_000)}), SOUND
    yield (
        "names that are no UTF-8",
        zipped({"abcdefgh.png": picture(9)}).replace(b"abcdefgh", b"\xff\xfe\x80abcde"),
        None,
    )


def _kinds() -> Iterator[Zip]:
    for name, mode in (("link", 0o120777), ("pipe", 0o010644), ("device", 0o020644), ("folder", 0o040755)):
        file = io.BytesIO(zipped())
        with zipfile.ZipFile(file, "a") as opened:
            entry = zipfile.ZipInfo("link.png")
            entry.external_attr = mode << 16
            opened.writestr(entry, "/etc/passwd")
        yield f"a {name}", file.getvalue(), None
    yield "a zip in it", zipped({"inner.zip": zipped()}), SOUND
    yield "a run in it", zipped({"r/run.json": b"{}", "r/recipe.json": b"{}", "r/samples/1.png": picture(9)}), SOUND
    yield "none in it", _of({}), 0
    yield "no picture in it", _of({"a.txt": b"words", "b.pdf": b"%PDF-1.7"}), 0
    yield "one picture in it", _of({"a.png": picture(0)}), 0


def _lies() -> Iterator[Zip]:
    for size in (0, 1, 10, 2**31, 2**32 - 1):
        yield f"a size of {size}", _patched(zipped(), local=(22, "<I", size), central=(24, "<I", size)), None
        yield f"packed into {size}", _patched(zipped(), local=(18, "<I", size), central=(20, "<I", size)), None
    yield "another sum", _patched(zipped(), local=(14, "<I", 1), central=(16, "<I", 1)), None
    yield "begins elsewhere", _patched(zipped(), central=(42, "<I", 2**31)), None
    yield "all begin at once", _patched(zipped(), central=(42, "<I", 0)), None
    yield "a name of 60,000", _patched(zipped(), central=(28, "<H", 60_000)), None
    yield "a gigabyte of zeros", lambda: zipped({"zeros.png": bytes(2**30)}), SOUND
    yield "zeros behind a picture", lambda: zipped({"long.png": picture(9) + bytes(2**26)}), None


def _around() -> Iterator[Zip]:
    good, end = zipped(), zipped().rindex(b"PK\x05\x06")
    yield "behind a program", b"MZ" + bytes(5000) + good, SOUND
    yield "with a long comment", good[:-2] + struct.pack("<H", 65535) + b"c" * 65535, SOUND
    yield "a comment that begins another end", good[:-2] + struct.pack("<H", 22) + good[end:], None
    yield "with bytes behind", good + bytes(100), None
    yield "two behind each other", good + zipped({"b.png": picture(9)}), None
    yield "no end", good[:end], 0
    yield "an end alone", good[end:], None
    yield "zeros", bytes(1000), 0
    yield "empty", b"", 0
    yield "text", b"PK\x03\x04 said the page", 0
    yield "of several disks", good[: end + 4] + struct.pack("<HH", 1, 1) + good[end + 8 :], None
    yield "more entries than there are", good[: end + 8] + struct.pack("<HH", 999, 999) + good[end + 12 :], None
    yield "a directory far away", good[: end + 16] + struct.pack("<I", 2**31) + good[end + 20 :], None


def _of(contents: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        for name, content in contents.items():
            opened.writestr(name, content)
    return file.getvalue()


def _twice() -> bytes:
    return zipped({"b0.png": picture(9)}).replace(b"b0.png", b"a0.png")


def _patched(
    content: bytes, *, local: tuple[int, str, int] | None = None, central: tuple[int, str, int] | None = None
) -> bytes:
    """The zip with one number in the first entry's headers changed, at this offset and in this format."""
    changed = bytearray(content)
    for magic, change in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        if change:
            place, form, value = change
            struct.pack_into(form, changed, changed.index(magic) + place, value)
    return bytes(changed)


def _flipped(content: bytes, seed: int) -> bytes:
    """Flip bits where they do most harm: in the headers of the entries and at the end."""
    dice, changed = random.Random(seed), bytearray(content)
    directory = content.index(b"PK\x01\x02")
    for _ in range(1 + seed % 4):
        place = dice.randrange(directory, len(changed)) if dice.random() < 0.7 else dice.randrange(len(changed))
        changed[place] ^= 1 << dice.randrange(8)
    return bytes(changed)
