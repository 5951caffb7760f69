"""What is done to a picture file before Pillow sees it: counting the work in it, and taking out what is in the way."""

import re
import zlib

__all__ = ["MOST_SCANS", "light", "scans"]

MOST_SCANS = 100
"""Encoders make about ten; each one may touch every pixel, and costs a file a few bytes."""

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
TEXTS = {b"tEXt", b"zTXt", b"iTXt", b"iCCP"}
MOST_TEXT = 2**20
EXIF = b"Raw profile type exif\0"  # the orientation as ImageMagick writes it
MARKER = re.compile(
    rb"\xff([^\x00\x01\xd0-\xd8\xff])"
)  # of a JPEG; not of its pixels, where a zero follows, or a restart
START, END = 0xDA, 0xD9


def light(content: bytes) -> bytes:
    """A picture file without what is no part of the picture and would be in the way.

    Of a PNG these are texts and colour profiles. Pillow takes the whole file for damaged if one of them is larger than
    a megabyte, as those are that programs which generate pictures write.
    """
    if not content.startswith(PNG):
        return content
    kept, place, since = [], len(PNG), 0
    while place + 12 <= len(content):
        length, name = int.from_bytes(content[place : place + 4]), content[place + 4 : place + 8]
        end = place + 12 + length
        if name in TEXTS and not _turns(name, content[place + 8 : place + 8 + min(length, MOST_TEXT)]):
            kept.append(content[since:place])
            since = end
        place = end
    return b"".join([*kept, content[since:]]) if kept else content


def _turns(name: bytes, text: bytes) -> bool:
    """Whether this text of a PNG may say which way up the picture is, and is of a size to be read."""
    if name not in {b"tEXt", b"zTXt"} or not text.startswith(EXIF):
        return False
    try:
        unpacked = zlib.decompressobj().decompress(text[len(EXIF) + 1 :], MOST_TEXT) if name == b"zTXt" else text
    except zlib.error:
        return False
    return len(unpacked) < MOST_TEXT


def scans(content: bytes) -> int:
    """How many times the decoder of a JPEG would go over the picture; 0 for other files.

    A file of 3 MB can hold forty thousand scans of sixty megapixels, which are twenty minutes of work.
    """
    if not content.startswith(JPEG):
        return 0
    found, place = 0, len(JPEG)
    while (marker := MARKER.search(content, place)) and marker[1][0] != END:
        found += marker[1][0] == START
        place = marker.end() + max(2, int.from_bytes(content[marker.end() : marker.end() + 2]))
    return found
