import io
import re
import struct
import time
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ganvas.core.errors import GanvasError
from ganvas.data import precautions
from ganvas.data.decode import Frame, Unusable, decode, explain

RED_AND_BLUE = np.zeros((40, 60, 3), np.uint8)
RED_AND_BLUE[:, :30, 0] = RED_AND_BLUE[:, 30:, 2] = 255


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def picture(image, kind="PNG", *, size=(8, 8), **settings):
    content = image if isinstance(image, bytes) else encoded(image, kind)
    return decode(content, Frame(*size, **settings))[0]


def reason(content, **settings):
    with pytest.raises(Unusable) as told:
        decode(content, Frame(8, 8), **settings)
    return str(told.value)


def png(width, height, rows=b"", *, bits=8, colour=2, laced=0):
    """A PNG whose header may claim anything."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, laced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_format_fit_and_channel_count_gives_the_frame(kind, fit, channels):
    taken = picture(Image.fromarray(RED_AND_BLUE), kind, size=(20, 12), fit=fit, channels=channels)
    assert taken.shape == (12, 20, channels)
    assert taken.dtype == np.uint8


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "F", "I;16"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_mode_of_a_middle_gray_comes_out_gray(mode, channels):
    gray = Image.new("L", (9, 9), 128)
    wide = {"I": (np.int32, 257), "I;16": (np.uint16, 257), "F": (np.float32, 1 / 255)}
    if mode in wide:
        kind, factor = wide[mode]
        image = Image.fromarray((np.asarray(gray).astype(np.float64) * factor).astype(kind))
    else:
        image = gray.convert({"1": "L", "LA": "L", "PA": "LA"}.get(mode, "RGB")).convert(mode)
    assert image.mode == mode
    taken = Frame(4, 4, channels).take(image)[..., : min(channels, 3)]
    assert taken.shape == (4, 4, min(channels, 3))
    if mode == "1":
        assert 90 < taken.mean() < 165  # dithered
    else:
        assert np.abs(taken.astype(int) - 128).max() <= 2


def test_sixteen_bits_are_scaled_and_not_clipped():
    ramp = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    for kind in ("PNG", "TIFF"):
        taken = picture(Image.fromarray(ramp), kind, channels=1)[..., 0]
        np.testing.assert_array_equal(taken, np.rint(ramp / 257))


def test_floating_point_is_scaled_by_the_smallest_range_that_holds_it():
    for top in (1.0, 255.0, 65535.0):
        ramp = np.linspace(0, top, 64, dtype=np.float32).reshape(8, 8)
        assert picture(Image.fromarray(ramp), "TIFF", channels=1).max() == 255
    signed = np.linspace(-3, 5, 64, dtype=np.float32).reshape(8, 8)
    taken = picture(Image.fromarray(signed), "TIFF", channels=1)
    assert (taken.min(), taken.max()) == (0, 255)
    assert (
        reason(encoded(Image.fromarray(np.full((4, 4), np.nan, np.float32)), "TIFF"))
        == "has values that are not finite"
    )


def test_transparency_shows_the_background_and_stays_with_four_channels():
    clear = Image.new("RGBA", (8, 8), (0, 0, 255, 0))
    palette = Image.new("P", (8, 8), 0)
    palette.info["transparency"] = 0
    for image in (clear, clear.convert("LA"), palette):
        content = encoded(image, transparency=0) if image.mode == "P" else encoded(image)
        assert (picture(content) == 255).all()
        assert (picture(content, background="black", channels=1) == 0).all()
        assert (picture(content, background="#ff8000") == [255, 128, 0]).all()
        assert (picture(content, channels=4)[..., 3] == 0).all()


@pytest.mark.parametrize("frame", [{}, {"size": (16, 16)}, {"size": (4, 4), "across": 2}, {"fit": "pad"}], ids=str)
def test_no_colour_is_learned_where_nothing_is_seen(frame):
    sprite = np.zeros((8, 8, 4), np.uint8)
    sprite[:] = 255, 0, 255, 0  # an editor leaves any colour below what was erased
    sprite[2:6, 2:6] = 10, 20, 30, 255
    for image in (Image.fromarray(sprite), Image.fromarray(sprite[:6])):
        taken = picture(image, **{"size": (8, 8), "channels": 4, **frame}).reshape(-1, 4)
        clear = taken[:, 3] == 0
        assert clear.any()
        assert not taken[clear].any()
    assert [10, 20, 30, 255] in picture(Image.fromarray(sprite), size=(8, 8), channels=4).reshape(-1, 4).tolist()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_photographs_are_turned_upright(kind, orientation):
    upright = Image.fromarray(RED_AND_BLUE).transpose(Image.Transpose.ROTATE_90)  # blue above red, 40 wide, 60 high
    turned = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transposition that a camera held so has made of it
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(turned[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    taken, size, *_ = decode(encoded(stored, kind, exif=exif), Frame(8, 8))
    assert size == (40, 60)
    assert taken[0, 0].argmax() == taken[0, -1].argmax() == 2
    assert taken[-1, 0].argmax() == taken[-1, -1].argmax() == 0


def test_of_an_animation_it_is_the_first_frame():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    for kind in ("GIF", "WEBP", "PNG"):
        taken = picture(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
        assert taken[4, 4].argmax() == 0


def test_crop_pad_and_stretch_show_what_they_say():
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = 255
    wide = Image.fromarray(wide)
    assert (picture(wide, fit="crop") >= 240).all()  # the filter reaches a little over the edge
    assert picture(wide, fit="pad", background="red")[0, 0].tolist() == [255, 0, 0]
    assert picture(wide, fit="pad", size=(60, 60), background="red")[30, 30].tolist() == [255, 255, 255]
    assert picture(wide, fit="pad", channels=4)[0, 0, 3] == 0
    stretched = picture(wide, fit="stretch", size=(6, 6), channels=1)[..., 0]
    assert (stretched[:, [0, 5]] < 40).all()
    assert (stretched[:, 2:4] > 215).all()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 3000), (3000, 1), (2, 1)])
@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_extreme_proportions_are_pictures_too(width, height, fit):
    for kind in ("PNG", "JPEG"):
        assert picture(Image.new("RGB", (width, height), "red"), kind, fit=fit).shape == (8, 8, 3)


def test_a_large_photograph_is_reduced_without_aliasing():
    stripes = np.zeros((1024, 1024), np.uint8)
    stripes[:, ::2] = 255
    for kind in ("PNG", "JPEG"):
        assert np.abs(picture(Image.fromarray(stripes), kind, size=(32, 32)).astype(int) - 127).max() < 6


def test_an_untouched_size_keeps_every_pixel():
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    np.testing.assert_array_equal(picture(Image.fromarray(noise), size=(32, 32)), noise)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_file_cut_short_is_refused(kind):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    whole = encoded(Image.fromarray(noise), kind)
    for share in (0.3, 0.6, 0.9):
        assert reason(whole[: int(len(whole) * share)]) in {"truncated", "damaged", "not an image"}


def test_bombs_are_refused_before_they_are_unpacked():
    assert reason(png(30_000, 30_000)) == "larger than 64 megapixels"
    assert reason(png(10_000, 10_000)) == "larger than 64 megapixels"
    assert reason(png(10_000, 7_000)) == "larger than 64 megapixels"
    assert reason(encoded(Image.new("L", (64, 64))), most=1000) == "larger than 0.001 megapixels"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        b"<html></html>",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
    ],
)
def test_what_is_no_picture_is_refused(content):
    assert reason(content) == "not an image"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "EPS"),
        (b"%PDF-1.5\n", "PDF"),
        (b"gimp xcf v011\0", "XCF"),
        (b"8BPS\0\1", "PSD"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0", "HEIC"),
        (b"\0\0\0\x20ftypavif\0\0\0\0", "AVIF"),
    ],
)
def test_a_picture_of_another_format_is_called_by_its_name(content, kind):
    assert reason(content) == f"{kind}, to be saved as PNG first"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\x93NUMPY\1\0v\0", r"from Python, as ganvas\.Dataset"),
        (b"PAR1\x15\4", "a Parquet file: name it"),
        (b"\xff\xff\xff\xffx\0\0\0\x10\0\0\0", "an Arrow file: .*to_parquet"),
        (bytes(257) + b"ustar\0", r"'shards:FOLDER/\*\.tar'"),
        (b"\x1f\x8b\x08\0", "packed by gzip: unpack it"),
        (b"\0\0\0\x20ftypisom\0\0\2\0", "a video, .*train moving_digits"),
        (b"\x1a\x45\xdf\xa3", "a video, .*train moving_digits"),
        (b"RIFF\0\0\0\0AVI LIST", "a video, .*train moving_digits"),
        (b"PK\3\4" + bytes(26) + b"[Content_Types].xml", "^a document, from which"),
        (b"PK\3\4" + bytes(26) + b"mimetypeapplication/vnd.oasis.opendocument.text", "^a document, from which"),
        (b"PK\3\4" + bytes(26) + b"mimetypeapplication/x-krita", "^a drawing of Krita, to be saved as PNG"),
        (b"PK\3\4" + bytes(26) + b"a.png", "^a zip within the data"),
        (b"just a text", "^not an image$"),
    ],
)
def test_what_can_be_learned_from_otherwise_says_how(content, told):
    assert re.search(told, reason(content))


def test_marks_that_are_lost_on_the_background_are_told():
    mark = Image.new("RGBA", (40, 40), (255, 255, 255, 0))
    mark.paste((255, 255, 255, 255), (10, 10, 30, 30))
    content = encoded(mark)
    assert reason(content) == "transparent, with nothing to be seen on white: set data.background"
    assert picture(content, background="black").max() == 255
    assert picture(content, channels=4)[..., 3].max() == 255
    assert (picture(Image.new("RGBA", (40, 40), "white")) == 255).all(), "an opaque one is as it is meant"
    assert (picture(Image.new("RGBA", (40, 40), (0, 0, 255, 40))) < 255).any(), "a faint one is seen"


def progressive(scans, width=40, height=30):
    """A JPEG whose last scan is there so many times more."""
    whole = encoded(Image.new("RGB", (40, 30), "teal"), "JPEG", progressive=True)
    place = whole.index(b"\xff\xc2") + 5
    whole = whole[:place] + struct.pack(">HH", height, width) + whole[place + 4 :]
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * scans + whole[-2:]


def test_scans_of_a_jpeg_are_counted_before_it_is_decoded():
    """3 MB of them at 60 megapixels would be twenty minutes of work."""
    own = precautions.scans(progressive(0))
    assert 5 < own < 20
    assert precautions.scans(progressive(50)) == own + 50
    assert decode(progressive(50), Frame(8, 8)).size == (40, 30)
    began = time.process_time()
    told = "a JPEG of more than 100 scans, which would take minutes"
    assert reason(progressive(101)) == reason(progressive(40_000, 8000, 7500)) == told
    assert time.process_time() - began < 2
    assert precautions.scans(encoded(Image.new("RGB", (40, 30)), "JPEG")) == 1
    assert precautions.scans(b"\x89PNG" + b"\xff\xda" * 999) == 0


def test_chunks_of_a_png_are_counted_before_it_is_decoded():
    whole = encoded(Image.new("RGB", (40, 30), "teal"), "PNG")
    chunk = struct.pack(">I4s", 0, b"teXt") + struct.pack(">I", zlib.crc32(b"teXt"))
    began = time.process_time()
    assert reason(whole[:33] + chunk * 5_000_000 + whole[33:]) == (
        "a PNG of more than 100,000 chunks, which would take minutes"
    )
    assert decode(whole + bytes(2**26), Frame(8, 8)).kind == "PNG", "what is behind its last one is not looked at"
    assert decode(whole[:33] + chunk * 50 + whole[33:], Frame(8, 8)).kind == "PNG"
    assert time.process_time() - began < 2


def test_what_looks_like_scans_inside_of_other_segments_is_none():
    whole = encoded(Image.new("RGB", (40, 30), "teal"), "JPEG")
    comment = b"\xff\xda" * 9000
    for marker in (0xFE, 0xE1, 0xED):
        laden = whole[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(comment) + 2) + comment + whole[2:]
        assert precautions.scans(laden) == 1
        assert decode(laden, Frame(8, 8)).kind == "JPEG"
    assert decode(whole + comment, Frame(8, 8)).kind == "JPEG"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("iCCP", b"x\0\0" + zlib.compress(bytes(4 << 20))),
        ("iCCP", b"x\0\0" + np.random.default_rng(0).bytes(2 << 20)),
        ("zTXt", b"prompt\0\0" + zlib.compress(bytes(99 << 20))),
        ("iTXt", b"prompt\0\1\0\0\0" + zlib.compress(bytes(2 << 20))),
        ("tEXt", b"prompt\0" + b"x" * (80 << 20)),
        ("zTXt", b"Raw profile type exif\0\0" + zlib.compress(bytes(4 << 20))),
    ],
)
def test_pictures_carry_any_amount_of_text(name, text):
    sound = encoded(Image.new("RGB", (8, 8), "teal"))
    chunk = struct.pack(">I", len(text)) + name.encode() + text + struct.pack(">I", zlib.crc32(name.encode() + text))
    for place in (33, len(sound) - 12):
        assert (decode(sound[:place] + chunk + sound[place:], Frame(8, 8)).picture == [0, 128, 128]).all()


def test_the_way_up_that_a_text_says_is_kept():
    """As older programs write it into a PNG, packed or not."""
    exif = Image.Exif()
    exif[0x0112] = 6
    told = exif.tobytes()
    text = b"\nexif\n" + f"{len(told):8}\n{told.hex()}\n".encode()
    sound = encoded(Image.fromarray(RED_AND_BLUE))
    for name, content in ((b"tEXt", b"\0" + text), (b"zTXt", b"\0\0" + zlib.compress(text))):
        content = b"Raw profile type exif" + content
        chunk = struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        assert decode(sound[:33] + chunk + sound[33:], Frame(8, 8)).size == RED_AND_BLUE.shape[:2]


def test_sixteen_bits_of_which_fewer_are_used():
    ramp = np.linspace(0, 4095, 64).astype(np.uint16).reshape(8, 8)
    for kind in ("PNG", "TIFF"):
        content = encoded(Image.fromarray(ramp), kind)
        assert decode(content, Frame(8, 8)).kind == f"{kind} of 12 bits"
        taken = decode(content, Frame(8, 8, 1, bits=12)).picture[..., 0]
        np.testing.assert_array_equal(taken, np.rint(ramp / 4095 * 255))
    full = encoded(Image.fromarray(ramp * 16))
    assert decode(full, Frame(8, 8)).kind == "PNG of 16 bits"
    with pytest.raises(Unusable, match=r"takes? more than 12 bits"):
        decode(full, Frame(8, 8, bits=12))


def test_what_reading_a_file_raises_has_a_reason():
    assert explain(FileNotFoundError(2, "No such file or directory")) == "cannot be read: No such file or directory"


@pytest.mark.parametrize(("bits", "colour", "samples"), [(8, 2, 3), (16, 2, 3), (1, 0, 1), (8, 6, 4), (2, 0, 1)])
def test_a_png_whose_rows_end_early_in_a_sound_stream(bits, colour, samples):
    """Pillow 13 shows the missing ones as zeros; what is there may be of any colour."""
    row = b"\0" + bytes(range(1, 1 + -(-9 * samples * bits // 8)))
    whole = png(9, 9, row * 9, bits=bits, colour=colour)
    assert picture(whole).shape == (8, 8, 3)
    for rows in (row * 8, row * 3, row * 9):
        short = rows if rows != row * 9 else rows[:-1]
        assert reason(png(9, 9, short, bits=bits, colour=colour)) == "truncated"
    assert picture(png(9, 9, row * 12, bits=bits, colour=colour)).shape == (8, 8, 3), "more than it says is no loss"
    black = b"\0" + bytes(len(row) - 1)
    assert picture(png(9, 9, row * 4 + black * 5, bits=bits, colour=colour)).shape == (8, 8, 3), "rows that are black"


def test_an_interlaced_png_is_counted_by_its_passes():
    sizes = [(2, 2), (1, 2), (3, 1), (2, 3), (5, 2), (4, 5), (9, 4)]  # of the seven, for 9x9
    rows = b"".join((b"\0" + b"\x50" * columns) * count for columns, count in sizes)
    whole = png(9, 9, rows, colour=0, laced=1)
    assert (picture(whole, channels=1) == 0x50).all()
    assert not precautions.ends_early(whole)
    for lost in (1, 10, len(rows) // 2):
        assert reason(png(9, 9, rows[:-lost], colour=0, laced=1)) == "truncated"


@pytest.mark.parametrize(
    "settings",
    [
        {"width": 0},
        {"height": 5000},
        {"channels": 2},
        {"fit": "squeeze"},
        {"background": "nocolour"},
        {"bits": 0},
        {"bits": 17},
    ],
)
def test_a_frame_that_cannot_be_meant_is_refused(settings):
    with pytest.raises(GanvasError):
        Frame(**{"width": 8, "height": 8} | settings)


BASES = [
    encoded(Image.fromarray(RED_AND_BLUE), kind, **options)
    for kind, options in [
        ("PNG", {}),
        ("JPEG", {"exif": Image.Exif()}),
        ("WEBP", {}),
        ("GIF", {}),
        ("BMP", {}),
        ("TIFF", {}),
    ]
]


@settings(max_examples=600, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    base=st.sampled_from(BASES),
    flips=st.lists(st.tuples(st.integers(0, 2**16), st.integers(1, 255)), max_size=12),
    keep=st.floats(0.05, 1.0),
)
def test_no_damage_raises_anything_but_its_reason(base, flips, keep):
    content = bytearray(base)
    for place, bits in flips:
        content[place % min(len(content), 600)] ^= bits
    content = bytes(content[: max(1, round(len(content) * keep))])
    told = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            taken, size, *_ = decode(content, Frame(8, 8), most=1_000_000)
        except Unusable as unusable:
            told = str(unusable)
    if told:
        assert len(told) < 60
    else:
        assert taken.shape == (8, 8, 3)
        assert size[0] * size[1] <= 1_000_000
