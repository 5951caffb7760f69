"""Colour profiles of pictures."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from ganvas.data.decode import Frame, decode

P3 = np.array([[0.5151, 0.2920, 0.1571], [0.2412, 0.6922, 0.0666], [-0.0011, 0.0419, 0.7841]])
SRGB = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])
"""Red, green and blue as columns of XYZ, under the light D50 (Display P3 and IEC 61966-2-1)."""
GAMMA = 2.2
ORANGE = (200, 100, 50)


def profile(colours=P3, description="Display of a telephone"):
    """An ICC profile, version 2, of three primaries and one gamma."""

    def xyz(values):
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    text = description.encode() + b"\0"
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(GAMMA * 256)) + b"\0\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78),
        b"wtpt": xyz((0.9642, 1.0, 0.8249)),
        **{name + b"XYZ": xyz(column) for name, column in zip((b"r", b"g", b"b"), colours.T, strict=True)},
        **{name + b"TRC": curve for name in (b"r", b"g", b"b")},
    }
    return held(tags, b"mntrRGB XYZ ")


def held(tags, kind):
    """An ICC profile of these tags, name -> content."""
    place, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += name + struct.pack(">II", place + len(body), len(content))
        body += content
    head = struct.pack(">I4sI", place + len(body), b"test", 0x02400000) + kind + bytes(12)
    head += b"acsp" + bytes(28) + struct.pack(">iii", 63190, 65536, 54061)
    return head + bytes(128 - len(head)) + table + body


def inks():
    """An ICC profile of four inks, version 2: black alone darkens, and the lightness of the paper falls with it."""
    text, paper = b"Inks\0", [255, 128, 128]
    ends = bytes([byte for place in range(16) for byte in ([0, 128, 128] if place % 2 else paper)])
    even = b"".join(struct.pack(">i", 65536 * (place % 4 == 0)) for place in range(9))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + even + bytes(range(256)) * 4 + ends + bytes(range(256)) * 3
    tags = {b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78), b"A2B0": table}
    return held(tags, b"prtrCMYKLab ")


def meant(colour):
    """The same colour in sRGB, by the definitions of both."""
    linear = np.clip(np.linalg.solve(SRGB, P3 @ (np.array(colour) / 255) ** GAMMA), 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def taken(image, kind="PNG", channels=3, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return decode(file.getvalue(), Frame(4, 4, channels)).picture[0, 0].tolist()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_colours_are_those_that_are_meant(kind):
    options = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
    found = taken(Image.new("RGB", (8, 8), ORANGE), kind, icc_profile=profile(), **options)
    assert np.abs(np.array(found) - meant(ORANGE)).max() <= 2
    assert np.abs(meant(ORANGE) - ORANGE).max() > 8, "else this would say nothing"


def test_a_palette_has_a_profile_too():
    image = Image.new("RGB", (8, 8), ORANGE).quantize()
    assert np.abs(np.array(taken(image, icc_profile=profile())) - meant(ORANGE)).max() <= 2


def test_transparency_stays():
    image = Image.new("RGBA", (8, 8), (*ORANGE, 128))
    *colour, opacity = taken(image, icc_profile=profile(), channels=4)
    assert np.abs(np.array(colour) - meant(ORANGE)).max() <= 2
    assert opacity == 128


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_inks_are_those_of_their_printer(kind):
    """A lightness of 60 of 100 is a gray of 145, where 40 % of black without a profile is one of 153."""
    image = Image.new("CMYK", (8, 8), (0, 0, 0, 102))
    assert np.abs(np.array(taken(image, kind, icc_profile=inks())) - 145).max() <= 2
    assert taken(image, kind) == [153] * 3


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_transparent_colour_stays_transparent(mode):
    image = Image.new(mode, (8, 8), ORANGE if mode == "RGB" else 90)
    assert taken(image, icc_profile=profile(), transparency=ORANGE if mode == "RGB" else 90, channels=4)[3] == 0


def test_the_way_from_a_profile_is_found_once_for_all_pictures(monkeypatch):
    made, begin = [], ImageCms.ImageCmsTransform.__init__
    counted = lambda *given, **more: made.append(begin(*given, **more))  # noqa: E731
    monkeypatch.setattr(ImageCms.ImageCmsTransform, "__init__", counted)
    own = profile(description="of this test")
    colours = [taken(Image.new("RGB", (8, 8), ORANGE), icc_profile=own) for _ in range(3)]
    assert colours[0] == colours[1] == colours[2] != [*ORANGE]
    assert len(made) == 1


@pytest.mark.parametrize(
    "held",
    [
        profile(SRGB, "sRGB of somebody"),
        b"no profile",
        profile()[:200],
        ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
    ],
    ids=["sRGB", "garbage", "cut short", "of other pictures"],
)
def test_others_leave_it_as_it_is(held):
    assert taken(Image.new("RGB", (8, 8), ORANGE), icc_profile=held) == [*ORANGE]


def test_gray_ones():
    assert taken(Image.new("L", (8, 8), 90), channels=1, icc_profile=profile()) == [90], "a profile of colours"
