"""What Pillow does not check: the work that a file causes, chunks that are in the way, and missing rows."""

import re
import zlib
from collections.abc import Iterator

__all__ = ["MOST_CHUNKS", "MOST_SCANS", "crowded", "ends_early", "is_laced", "light", "scans"]

MOST_SCANS = 100
"""Encoders make about ten; each one may touch every pixel, but takes only a few bytes of the file."""

MOST_CHUNKS = 100_000
"""Encoders make one per 8 kB or more; each one is a few microseconds of work, but may take only twelve bytes."""

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
TEXTS = {b"tEXt", b"zTXt", b"iTXt", b"iCCP"}
MOST_TEXT = 2**20
EXIF = b"Raw profile type exif\0"  # the orientation as ImageMagick writes it
MARKER = re.compile(
    rb"\xff([^\x00\x01\xd0-\xd8\xff])"
)  # of a JPEG, except in pixel data, where a zero follows, and restarts
START, END = 0xDA, 0xD9
AT_A_TIME = 2**14  # bytes, which unpack to at most 17 MB
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type of a PNG
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""The passes of an interlaced PNG: the first column and row of each, and the steps to the next ones."""


def light(content: bytes) -> bytes:
    """A picture file without the parts that are not picture and would prevent decoding.

    In a PNG these are texts, and a colour profile that is no profile. Pillow takes the whole file for damaged if one
    of them is larger than a megabyte, as texts written by image generators are.
    """
    if not content.startswith(PNG):
        return content
    kept, since = [], 0
    for name, place, end in _chunks(content):
        if name in TEXTS and not _is_needed(name, content[place + 8 : min(end - 4, place + 8 + MOST_TEXT)]):
            kept.append(content[since:place])
            since = end
    return b"".join([*kept, content[since:]]) if kept else content


def _is_needed(name: bytes, text: bytes) -> bool:
    """Whether this text of a PNG may hold the picture's orientation or colours, and is small enough to be read."""
    if name == b"iTXt" or (name != b"iCCP" and not text.startswith(EXIF)):
        return False
    packed = text.partition(b"\0")[2][1:]
    try:
        unpacked = text if name == b"tEXt" else zlib.decompressobj().decompress(packed, MOST_TEXT)
    except zlib.error:
        return False
    return len(unpacked) < MOST_TEXT


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The name of each chunk of a PNG up to the last, where it begins, and where the next one begins."""
    place, name = len(PNG), b""
    while place + 12 <= len(content) and name != b"IEND":
        end, name = place + 12 + int.from_bytes(content[place : place + 4]), content[place + 4 : place + 8]
        yield name, place, end
        place = end


def crowded(content: bytes) -> bool:
    """Whether a PNG has more chunks than any encoder makes."""
    return content.startswith(PNG) and any(count > MOST_CHUNKS for count, _ in enumerate(_chunks(content), start=1))


def is_laced(content: bytes) -> bool:
    """Whether it is an interlaced PNG."""
    return content.startswith(PNG) and content[28:29] == b"\1"


def ends_early(content: bytes) -> bool:
    """Whether a readable PNG holds fewer rows than its header says; Pillow 13 shows the missing ones as zeros."""
    if not content.startswith(PNG):
        return False
    missing, unpacker = _unpacked(content), zlib.decompressobj()
    for name, place, end in _chunks(content):
        for start in range(place + 8, end - 4, AT_A_TIME) if name == b"IDAT" else ():
            try:
                missing -= len(unpacker.decompress(content[start : min(start + AT_A_TIME, end - 4)]))
            except zlib.error:  # Pillow has judged this
                return False
            if missing <= 0:
                return False
    return missing > 0


def _unpacked(content: bytes) -> int:
    """The uncompressed size of a PNG's rows in bytes, by its header."""
    width, height = int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
    bits = content[24] * CHANNELS.get(content[25], 0)
    total = 0
    for left, top, across, down in PASSES if is_laced(content) else ((0, 0, 1, 1),):
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + -(-columns * bits // 8))
    return total


def scans(content: bytes) -> int:
    """The number of scans of a JPEG, each a pass of the decoder over the picture; 0 for other files.

    A file of 3 MB can hold forty thousand scans of sixty megapixels, which take twenty minutes.
    """
    if not content.startswith(JPEG):
        return 0
    found, place = 0, len(JPEG)
    while (marker := MARKER.search(content, place)) and marker[1][0] != END:
        found += marker[1][0] == START
        place = marker.end() + max(2, int.from_bytes(content[marker.end() : marker.end() + 2]))
    return found
