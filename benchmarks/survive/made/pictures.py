"""Odd picture files, each with the expected outcome.

Every file that holds a whole picture is teal, so that it can be checked that the picture was read correctly.
"""

import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

TEAL = (0, 128, 128)
SIZE = (40, 30)

USED, LEFT_OUT, EITHER = "used", "left out", "either"


@dataclass(frozen=True)
class Odd:
    """A file: its name, how its content is made, and whether it should be `used`, `left out`, or may be `either`."""

    kind: str
    name: str
    make: Callable[[], bytes]
    expected: str = USED


def odd_pictures() -> Iterator[Odd]:
    """All odd pictures."""
    yield from _forms()
    yield from _endings()
    yield from _turned()
    yield from _laden()
    yield from _strange_png()
    yield from _bombs()
    yield from _no_pictures()
    yield from _cut()
    yield from _flipped()


@cache
def saved(kind: str, mode: str = "RGB", size: tuple[int, int] = SIZE, /, **options: Any) -> bytes:
    """A teal picture in this format and mode."""
    base = Image.new("RGB", size, TEAL)
    image = base.convert(mode) if mode not in ("I;16", "I", "F") else _gray(size, mode)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _gray(size: tuple[int, int], mode: str) -> Image.Image:
    value, kind = {"I;16": (257 * 90, np.uint16), "I": (257 * 90, np.int32), "F": (90 / 255, np.float32)}[mode]
    return Image.fromarray(np.full(size[::-1], value, kind))


@cache
def rough(kind: str, **options: Any) -> bytes:
    """A picture that compresses badly, so that there is much to damage."""
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


FORMS = {
    "PNG": ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"],
    "JPEG": ["L", "RGB", "CMYK"],
    "WEBP": ["L", "RGB", "RGBA"],
    "GIF": ["1", "L", "P", "RGB"],
    "BMP": ["1", "L", "P", "RGB", "RGBA"],
    "TIFF": ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"],
}
ENDING = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "GIF": "gif", "BMP": "bmp", "TIFF": "tif"}


def _forms() -> Iterator[Odd]:
    for kind, modes in FORMS.items():
        for mode in modes:
            yield Odd("formats", f"{mode}.{ENDING[kind]}", lambda k=kind, m=mode: saved(k, m))
        for size in ((1, 1), (1, 3000), (3000, 1), (7, 9), (2001, 3)):
            name = f"{size[0]}x{size[1]}.{ENDING[kind]}"
            yield Odd("formats", name, lambda k=kind, s=size: saved(k, "RGB", s))
    for method in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        yield Odd("formats", f"{method}.tif", lambda m=method: saved("TIFF", compression=m))
    yield Odd("formats", "group4.tif", lambda: saved("TIFF", "1", compression="group4"))
    yield Odd("formats", "progressive.jpg", lambda: saved("JPEG", progressive=True))
    yield Odd("formats", "best.jpg", lambda: saved("JPEG", quality=100, subsampling=0))
    yield Odd("formats", "least.jpg", lambda: saved("JPEG", quality=10))
    yield Odd("formats", "lossless.webp", lambda: saved("WEBP", lossless=True))
    yield Odd("formats", "lab.tif", lambda: _lab(), LEFT_OUT)
    for kind in ("PNG", "GIF", "WEBP", "TIFF"):
        yield Odd("formats", f"moves.{ENDING[kind]}", lambda k=kind: _moving(k))


def _lab() -> bytes:
    file = io.BytesIO()
    Image.new("LAB", SIZE, (120, 100, 100)).save(file, "TIFF")
    return file.getvalue()


def _moving(kind: str, count: int = 3) -> bytes:
    file = io.BytesIO()
    first = Image.new("RGB", SIZE, TEAL)
    rest = [Image.new("RGB", SIZE, (place * 9 % 256, 0, 0)) for place in range(1, count)]
    first.save(file, kind, save_all=True, append_images=rest)
    return file.getvalue()


def _endings() -> Iterator[Odd]:
    for ending in ("JPG", "Jpeg", "jpe", "jfif", "JFIF", "pjpeg", "png", "dat", "tmp", "bin", "JPG_large"):
        yield Odd("endings", f"photograph.{ending}", lambda: saved("JPEG"))
    yield Odd("endings", "photograph", lambda: saved("JPEG"))
    yield Odd("endings", "photograph.", lambda: saved("JPEG"))
    yield Odd("endings", "0123456789abcdef", lambda: saved("WEBP"))
    for kind, ending in (("PNG", "jpg"), ("WEBP", "png"), ("GIF", "jpg"), ("BMP", "png"), ("TIFF", "gif")):
        yield Odd("endings", f"{kind} as.{ending}", lambda k=kind: saved(k))
    yield Odd("endings", "drawing.dib", lambda: saved("BMP"))
    yield Odd("endings", "drawing.apng", lambda: _moving("PNG"))


def _turned() -> Iterator[Odd]:
    for orientation in (*range(10), 255, 65535):
        for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
            name = f"orientation {orientation}.{ENDING[kind]}"
            yield Odd("metadata", name, lambda k=kind, o=orientation: saved(k, exif=_exif(o)))
    broken = (
        b"Exif\0\0",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0" + bytes(range(256)),
        b"Exif\0\0MM\0*" + b"\xff" * 60,
    )
    for place, exif in enumerate(broken):
        yield Odd("metadata", f"broken exif {place}.jpg", lambda e=exif: saved("JPEG", exif=e))
        yield Odd("metadata", f"broken exif {place}.webp", lambda e=exif: saved("WEBP", exif=e))


def _exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def _laden() -> Iterator[Odd]:
    """Sound pictures that carry a lot of other data."""
    noise = random.Random(0).randbytes
    yield Odd("metadata", "profile of 3 MB.png", lambda: saved("PNG", icc_profile=noise(3 << 20)))
    yield Odd("metadata", "profile of 3 MB.jpg", lambda: saved("JPEG", icc_profile=noise(3 << 20)))
    yield Odd("metadata", "profile of 3 MB.webp", lambda: saved("WEBP", icc_profile=noise(3 << 20)))
    yield Odd("metadata", "profile of 3 MB.tif", lambda: saved("TIFF", icc_profile=noise(3 << 20)))
    yield Odd("metadata", "profile that is none.png", lambda: with_chunks((b"iCCP", b"x\0\0no zlib at all")))
    yield Odd("metadata", "profile that unpacks to 300 MB.png", lambda: with_chunks((b"iCCP", b"x\0\0" + _packed(300))))
    for name, chunk in (
        ("text of 8 MB", (b"tEXt", b"prompt\0" + b"x" * (8 << 20))),
        ("packed text of 90 MB", (b"zTXt", b"prompt\0\0" + _lazily(90))),
        ("packed international text of 90 MB", (b"iTXt", b"prompt\0\x01\0\0\0" + _lazily(90))),
        ("text without an end", (b"tEXt", b"prompt")),
        ("exif of 5 MB", (b"eXIf", b"II*\0\x08\0\0\0\0\0" + bytes(5 << 20))),
        ("a chunk of its own of 5 MB", (b"prVt", bytes(5 << 20))),
        ("gamma of nothing", (b"gAMA", bytes(4))),
        ("gamma cut", (b"gAMA", b"\0")),
        ("palette beside RGB", (b"PLTE", bytes(9))),
        ("background", (b"bKGD", bytes(6))),
        ("time", (b"tIME", bytes(7))),
        ("physical size", (b"pHYs", b"\xff" * 9)),
    ):
        yield Odd("metadata", f"{name}.png", lambda c=chunk: with_chunks(c), EITHER if name == "gamma cut" else USED)
    yield Odd("metadata", "9,000 texts.png", lambda: with_chunks(*[(b"tEXt", b"k\0v")] * 9000))
    yield Odd("metadata", "prompt.png", lambda: saved("PNG", pnginfo=_info({"parameters": "a cat, <lora:x:1>" * 9999})))
    yield Odd("metadata", "comment of 60 kB.jpg", lambda: saved("JPEG", comment=b"x" * 60_000))
    yield Odd("metadata", "200 comments.jpg", lambda: _inserted(saved("JPEG"), _segment(0xFE, b"x" * 60_000) * 200))
    for marker in (0xE0, 0xE1, 0xE2, 0xED, 0xEE):
        name = f"an empty segment {marker:x}.jpg"
        yield Odd("metadata", name, lambda m=marker: _inserted(saved("JPEG"), _segment(m, b"")))
    yield Odd("metadata", "10 MB behind it.png", lambda: saved("PNG") + bytes(10 << 20))
    yield Odd("metadata", "10 MB behind it.jpg", lambda: saved("JPEG") + bytes(10 << 20))


def _info(texts: dict[str, str]) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    for key, value in texts.items():
        info.add_text(key, value)
    return info


def _segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def _inserted(jpeg: bytes, segments: bytes) -> bytes:
    return jpeg[:2] + segments + jpeg[2:]


@cache
def _packed(mebibytes: int) -> bytes:
    engine = zlib.compressobj(9)
    return b"".join(engine.compress(bytes(1 << 20)) for _ in range(mebibytes)) + engine.flush()


def _lazily(mebibytes: int) -> bytes:
    return _packed(mebibytes)


def chunk(name: bytes, content: bytes) -> bytes:
    """A chunk of a PNG with its checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def with_chunks(*chunks: tuple[bytes, bytes]) -> bytes:
    """A teal PNG with these chunks before its pixels."""
    png = saved("PNG")
    return png[:33] + b"".join(chunk(*each) for each in chunks) + png[33:]


def png_of(
    width: int, height: int, depth: int, colour: int, rows: bytes, *more: tuple[bytes, bytes], laced: int = 0
) -> bytes:
    """A PNG assembled by hand."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, laced)
    body = b"".join(chunk(*each) for each in more)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


def _strange_png() -> Iterator[Odd]:
    row = b"\0" + bytes(TEAL) * 8
    plain = png_of(8, 8, 8, 2, row * 8)
    deep = b"\0" + b"".join(struct.pack(">3H", *(257 * each for each in TEAL)) for _ in range(8))
    for name, content, expected in (
        ("by hand", plain, USED),
        ("16 bits of RGB", png_of(8, 8, 16, 2, deep * 8), USED),
        ("no end", plain[:-12], USED),
        ("no pixels", plain[:33] + plain[-12:], LEFT_OUT),
        ("no palette", png_of(8, 8, 8, 3, (b"\0" + bytes(8)) * 8), EITHER),
        ("places beyond the palette", png_of(8, 8, 8, 3, (b"\0" + b"\xff" * 8) * 8, (b"PLTE", bytes(TEAL))), EITHER),
        ("too few rows", png_of(8, 8, 8, 2, row * 3), LEFT_OUT),
        ("too many rows", png_of(8, 8, 8, 2, row * 30), EITHER),
        ("an unknown filter", png_of(8, 8, 8, 2, (b"\x09" + row[1:]) * 8), EITHER),
        ("width 0", png_of(0, 8, 8, 2, row), LEFT_OUT),
        ("height 0", png_of(8, 0, 8, 2, row), LEFT_OUT),
        ("width of 4 thousand millions", png_of(2**32 - 1, 8, 8, 2, row), LEFT_OUT),
        ("depth 7", png_of(8, 8, 7, 2, row * 8), LEFT_OUT),
        ("colours 5", png_of(8, 8, 8, 5, row * 8), LEFT_OUT),
        ("transparency cut", png_of(8, 8, 8, 2, row * 8, (b"tRNS", b"\0")), EITHER),
        ("two headers", plain[:33] + plain[8:], EITHER),
        ("wrong sum of the header", plain[:29] + b"\0\0\0\0" + plain[33:], EITHER),
        ("a chunk that ends beyond the file", plain[:33] + b"\x7f\xff\xff\xfftEXt" + plain[33:], EITHER),
        ("an iPhone's", plain[:8] + chunk(b"CgBI", bytes(4)) + plain[8:], EITHER),
        ("only its mark", plain[:8], LEFT_OUT),
        ("only its header", plain[:33], LEFT_OUT),
    ):
        yield Odd("strange", f"{name}.png", lambda c=content: c, expected)
    yield Odd(
        "strange", "many frames said.png", lambda: with_chunks((b"acTL", struct.pack(">II", 2**31 - 1, 0))), EITHER
    )


def _bombs() -> Iterator[Odd]:
    """Small files that would take much time or memory."""
    yield Odd("bombs", "100 megapixels.png", lambda: png_of(10_000, 10_000, 1, 0, bytes(1251) * 10_000), LEFT_OUT)
    yield Odd("bombs", "2.5 gigapixels.png", lambda: png_of(50_000, 50_000, 1, 0, bytes(100)), LEFT_OUT)
    yield Odd("bombs", "63 megapixels.png", lambda: png_of(7900, 7900, 1, 0, bytes(989) * 7900))
    yield Odd("bombs", "4.2 gigapixels.gif", lambda: b"GIF89a\xff\xff\xff\xff\x80\0\0" + bytes(6) + b";", LEFT_OUT)
    yield Odd(
        "bombs", "4.2 gigapixels.bmp", lambda: _patched(saved("BMP"), 18, struct.pack("<ii", 65535, 65535)), LEFT_OUT
    )
    yield Odd("bombs", "below 0.bmp", lambda: _patched(saved("BMP"), 18, struct.pack("<ii", -40, -30)), EITHER)
    yield Odd("bombs", "upside down.bmp", lambda: _patched(saved("BMP"), 22, struct.pack("<i", -30)), USED)
    yield Odd("bombs", "4.2 gigapixels.jpg", lambda: _resized_jpeg(65500, 65500), LEFT_OUT)
    yield Odd("bombs", "50 megapixels of nothing.jpg", lambda: _resized_jpeg(7000, 7000), EITHER)
    for count in (100, 2000, 60_000):
        yield Odd("bombs", f"{count} scans.jpg", lambda c=count: many_scans(c, 40, 30), EITHER)
    yield Odd("bombs", "40,000 scans of 30 megapixels.jpg", lambda: many_scans(40_000, 6000, 5000), LEFT_OUT)
    yield Odd("bombs", "3,000 frames.gif", lambda: _moving("GIF", 3000))
    yield Odd("bombs", "a ring of pages.tif", lambda: _ring_of_pages(), EITHER)
    for tag, value in (
        (256, 2**31),
        (257, 2**31),
        (258, 64),
        (259, 7),
        (262, 99),
        (277, 65535),
        (278, 0),
        (273, 2**31),
        (279, 2**31),
    ):
        yield Odd("bombs", f"tag {tag} is {value}.tif", lambda t=tag, v=value: _tag(t, v), EITHER)


def _patched(content: bytes, place: int, new: bytes) -> bytes:
    return content[:place] + new + content[place + len(new) :]


def _resized_jpeg(width: int, height: int) -> bytes:
    jpeg = saved("JPEG")
    return _patched(jpeg, jpeg.index(b"\xff\xc0") + 5, struct.pack(">HH", height, width))


@cache
def many_scans(count: int, width: int, height: int) -> bytes:
    """A progressive JPEG of this size, with its last scan repeated so many times."""
    jpeg = saved("JPEG", progressive=True)
    jpeg = _patched(jpeg, jpeg.index(b"\xff\xc2") + 5, struct.pack(">HH", height, width))
    last = jpeg.rindex(b"\xff\xda")
    return jpeg[:-2] + jpeg[last:-2] * count + jpeg[-2:]


def _ring_of_pages() -> bytes:
    tiff = saved("TIFF")
    (first,) = struct.unpack("<I", tiff[4:8])
    (count,) = struct.unpack("<H", tiff[first : first + 2])
    return _patched(tiff, first + 2 + 12 * count, struct.pack("<I", first))


def _tag(tag: int, value: int) -> bytes:
    tiff = saved("TIFF")
    (first,) = struct.unpack("<I", tiff[4:8])
    (count,) = struct.unpack("<H", tiff[first : first + 2])
    for place in range(first + 2, first + 2 + 12 * count, 12):
        if struct.unpack("<H", tiff[place : place + 2])[0] == tag:
            return _patched(tiff, place + 2, struct.pack("<HII", 4, 1, value))
    return tiff


def _no_pictures() -> Iterator[Odd]:
    for name, content in {
        "empty.png": b"",
        "one byte.jpg": b"\xff",
        "zeros.png": bytes(5000),
        "noise.jpg": random.Random(1).randbytes(5000),
        "text.png": b"not a picture",
        "page.jpg": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>',
        "entities.svg": b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><svg>&b;</svg>',
        "paper.pdf": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
        "page.ps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n",
        "picture.heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99),
        "picture.avif": b"\0\0\0\x18ftypavif\0\0\0\0mif1avif" + bytes(99),
        "picture.jxl": b"\xff\x0a" + bytes(99),
        "picture.psd": b"8BPS\0\x01" + bytes(99),
        "film.mp4": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(99),
        "program.exe": b"MZ" + bytes(99),
        "program.png": b"\x7fELF" + bytes(99),
        "weights.pkl": b"\x80\x04cos\nsystem\n(S'true'\ntR.",
        "icon.ico": b"\0\0\x01\0\x01\0" + bytes(99),
        "table.xlsx": b"PK\x03\x04" + bytes(99),
        "picture.ppm": b"P6 2 2 255 " + bytes(12),
        "picture.tga": bytes(18),
        "Thumbs.db": b"\xd0\xcf\x11\xe0" + bytes(99),
        "notes.md": b"# Notes",
        "lfs.png": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
    }.items():
        yield Odd("no pictures", name, lambda c=content: c, LEFT_OUT)


DAMAGED = {
    "plain.png": lambda: rough("PNG"),
    "plain.jpg": lambda: rough("JPEG"),
    "progressive.jpg": lambda: rough("JPEG", progressive=True),
    "plain.webp": lambda: rough("WEBP"),
    "lossless.webp": lambda: rough("WEBP", lossless=True),
    "plain.gif": lambda: rough("GIF"),
    "plain.bmp": lambda: rough("BMP"),
    "plain.tif": lambda: rough("TIFF"),
    "lzw.tif": lambda: rough("TIFF", compression="tiff_lzw"),
}


def _cut() -> Iterator[Odd]:
    for name, make in DAMAGED.items():
        for share in (0.02, 0.1, 0.3, 0.6, 0.9, 0.99):
            yield Odd("cut short", f"{share:g} of {name}", lambda m=make, s=share: m()[: int(len(m()) * s)], EITHER)


def _flipped() -> Iterator[Odd]:
    for name, make in DAMAGED.items():
        for seed in range(14):
            yield Odd("flipped", f"{seed} of {name}", lambda m=make, s=seed: flipped(m(), s), EITHER)


def flipped(content: bytes, seed: int, *, most: int = 6) -> bytes:
    """The content with a few bits flipped, one of them near its beginning."""
    dice, changed = random.Random(seed), bytearray(content)
    places = [
        dice.randrange(min(200, len(changed))),
        *(dice.randrange(len(changed)) for _ in range(dice.randrange(most))),
    ]
    for place in places:
        changed[place] ^= 1 << dice.randrange(8)
    return bytes(changed)
