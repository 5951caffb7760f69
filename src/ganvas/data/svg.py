"""SVG files, also packed by gzip -> pixels, drawn by resvg in processes apart, which end where a file takes too long.

No file is trusted: a few hundred bytes of SVG can ask for hours of work or terabytes, and the drawing program then
ends the process it runs in. See svg_child.py for what those processes cannot do.
"""

import atexit
import codecs
import io
import os
import re
import struct
import subprocess
import sys
import zlib
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock

from PIL import Image

from ..core.errors import Unreachable, Unreadable

__all__ = ["FINER", "HEAD", "draw", "drawer", "finer", "is_several", "is_svg", "let_go"]

HEAD = 4096
"""Within so many bytes the element <svg> begins; comments and the names of an editor may come before it."""
FINER = 1.5
"""A drawing is made at least so many times as large as it is needed."""
MOST_BYTES = 16 * 2**20
MOST_SIDE = 4096
"""Pixels of a drawing's longer side."""
SECONDS = 10.0  # that a file may take to be drawn
PACKED, GZIP = b"\x1f\x8b\x08", 31  # how such a file begins, and zlib's name for it
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
CHILD = Path(__file__).with_name("svg_child.py")
BEGINNING = re.compile(
    rb"""(?> \s+ | <\?.*?\?> | <!--.*?--> | <!DOCTYPE\s+(\w+:)?svg\b [^\[>]* (\[.*?\]\s*)? > )*+
    <(\w+:)?svg\b""",
    re.DOTALL | re.VERBOSE,
)
ELSEWHERE = re.compile(rb"""<(?:\w+:)?+(?:image|feImage)\b[^<]*\bhref\s*+=\s*+["']\s*+(?!data:|\#|["'])""")
"""An element ends before the next <, so each byte is read once or twice; before a > there may be more of it."""


def is_svg(beginning: bytes) -> bool:
    """Whether a file that begins with these bytes, best `HEAD` of them, is an SVG."""
    return BEGINNING.match(_plain(beginning[:HEAD], HEAD)) is not None


def _plain(content: bytes, most: int) -> bytes:
    """The file in UTF-8, unpacked if gzip has packed it (.svgz), with more than `most` bytes only if it has more."""
    if content.startswith(PACKED):
        with suppress(zlib.error):
            content = zlib.decompressobj(GZIP).decompress(content, most + 1)
    if content.startswith(UTF16):
        return content.decode("utf-16", errors="replace").encode()
    return content.removeprefix(codecs.BOM_UTF8)


def is_several(content: bytes) -> bool:
    """Whether this is an SVG of several drawings that this toolkit has made."""
    content = _plain(content, MOST_BYTES)
    return b'<metadata id="ganvas"' in content and content.count(b"<title>") > 1


@cache
def drawer() -> str:
    """What draws SVGs here, on which their pixels depend; empty if nothing does."""
    try:
        return f"resvg-py {version('resvg-py')}"
    except PackageNotFoundError:
        return ""


def finer(side: int) -> float:
    """Pixels at which to draw what is reduced to `side` by a Lanczos filter, which preserves thin lines better.

    They are 1.5 to 3 times as many: more for small pictures.
    """
    return max(FINER * side, min(2 * FINER * side, 144))


def draw(content: bytes, side: int) -> Image.Image:
    """An SVG in RGBA, its longer side `side` pixels; where nothing is painted, it is clear.

    Text is left out, since it would depend on the fonts of the machine.

    Raises:
        Unreadable: it cannot be drawn, and the message is a reason of a few words.
        Unreachable: nothing can be drawn now, as too many files are open.
    """
    if not drawer():
        raise Unreadable("an SVG, for which pip install 'ganvas[icons]' is needed")
    content = _plain(content, MOST_BYTES)
    if len(content) > MOST_BYTES:
        raise Unreadable(f"an SVG larger than {MOST_BYTES / 2**20:g} MiB")
    if ELSEWHERE.search(content):
        raise Unreadable("an SVG with a picture in another file, which is to be embedded")
    png = _asked(content.decode(errors="replace").encode(), min(side, MOST_SIDE))
    image = Image.open(io.BytesIO(png), formats=("PNG",)).convert("RGBA")
    if not image.getbbox():
        raise Unreadable("an SVG that paints nothing; text is to be converted to paths")
    return image


class _Child:
    """A process that draws."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, "-P", str(CHILD), str(SECONDS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, content: bytes, side: int) -> bytes:
        """The answer to one request; empty if the process ended instead."""
        assert self._process.stdin
        assert self._process.stdout
        with suppress(OSError):
            self._process.stdin.write(struct.pack("<II", len(content), side) + content)
            self._process.stdin.flush()
            head = self._process.stdout.read(4)
            count = int.from_bytes(head, "little") if len(head) == 4 else 0
            answer = self._process.stdout.read(count)
            return answer if len(answer) == count else b""
        return b""

    def waits(self) -> bool:
        """Whether it has not ended, as by Ctrl-C."""
        return self._process.poll() is None

    def end(self) -> None:
        with suppress(OSError):
            self._process.communicate()


_idle: list[_Child] = []
_lock = Lock()


def _asked(content: bytes, side: int) -> bytes:
    """The PNG of a drawing, by a process that is idle or new.

    Raises:
        Unreadable: it cannot be drawn.
        Unreachable: no process can be started.
    """
    with _lock:
        child = _idle.pop() if _idle else None
    if child and not child.waits():
        child.end()
        child = None
    try:
        child = child or _Child()
    except OSError as error:
        raise Unreachable(f"No process can be started that draws SVGs: {error.strerror or error}.") from None
    answer = child.ask(content, side)
    if not answer:
        child.end()
        raise Unreadable("an SVG that takes too long or too much memory to draw")
    with _lock:
        _idle.append(child)
    if answer[:1] != b"+":
        raise Unreadable("a damaged SVG")
    return answer[1:]


@atexit.register
def let_go() -> None:
    """End the processes that wait for more drawings."""
    while _idle:
        with _lock, suppress(IndexError):
            _idle.pop().end()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)  # their pipes are the parent's
