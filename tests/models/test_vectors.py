"""Tracing: valid, near the picture when it is drawn again, of few nodes, and without a ground."""

import io
import re
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from ganvas import DoesNotFit, NotInstalled, load
from ganvas.core import pixels
from ganvas.latent.draw import draw
from ganvas.models.curves import area, outline
from ganvas.models.made import Layout, Made, made_of
from ganvas.models.place import Place
from ganvas.models.sheets import save_sheet
from ganvas.models.svg import document
from ganvas.models.vectors import traced

pytest.importorskip("contourpy")
SAID = Made("icons", "0" * 64, (Place(3, words="red <disc>"),), Layout(separate=True))


def drawing(ground: str = "white", size: int = 128) -> np.ndarray:
    """A red disc with a white window and a blue foot, its edges soft as those of a generator."""
    image = Image.new("RGB", (size * 4, size * 4), ground)
    draw = ImageDraw.Draw(image)
    draw.ellipse([size * side // 16 for side in (10, 8, 50, 48)], fill="#d03030")
    draw.ellipse([size * side // 16 for side in (22, 20, 38, 36)], fill="white")
    draw.rectangle([size * side // 16 for side in (25, 45, 35, 60)], fill="#2040c0")
    return np.asarray(image.resize((size, size), Image.Resampling.LANCZOS))


def drawn(picture: np.ndarray, size: int | None = None) -> np.ndarray:
    """The picture traced and drawn again, RGBA."""
    resvg = pytest.importorskip("resvg_py")
    svg = document([traced(picture)], SAID, width=size or picture.shape[1])
    return np.asarray(Image.open(io.BytesIO(bytes(resvg.svg_to_bytes(svg_string=svg)))).convert("RGBA"))


def apart(picture: np.ndarray) -> float:
    return float(np.abs(pixels.on_white(drawn(picture)).astype(int) - picture).mean())


def nodes(made) -> int:
    return sum(len(re.findall("[MLC]", shape)) for _, shapes in made.layers for shape in shapes)


@pytest.mark.parametrize("size", [24, 64, 128, 200])
@pytest.mark.parametrize("ground", ["white", "#f0d040", "black"])
def test_drawn_again_it_is_near_the_picture(ground, size):
    assert apart(drawing(ground, size)) < 120 / size + 1


@pytest.mark.parametrize("inks", [("white", "#d03030"), ("#ff00ff", "#00ff00"), ("black", "white")])
def test_what_is_clear_stays_clear_and_white_is_a_fill(inks):
    """As sprites are: an outline, its inside, and nothing around it; a shade below it is none of its fills."""
    image = Image.new("RGBA", (512, 512))
    draw = ImageDraw.Draw(image)
    draw.ellipse((60, 440, 450, 500), fill=(0, 0, 0, 40))
    draw.ellipse((60, 40, 450, 450), fill=inks[0])
    draw.ellipse((120, 100, 390, 390), fill=inks[1])
    draw.ellipse((200, 180, 310, 310), fill=(0, 0, 0, 0))
    picture = np.asarray(image.resize((128, 128), Image.Resampling.LANCZOS))
    again = drawn(picture)
    assert (np.abs(again[..., 3].astype(int) - picture[..., 3]) > 60).mean() < 0.01
    solid = (picture[..., 3] > 250) & (again[..., 3] > 250)
    assert np.abs(again[solid][:, :3].astype(int) - picture[solid][:, :3]).mean() < 5
    assert len(traced(picture).layers) == 2


def test_thin_lines_on_nothing_have_their_own_colour():
    image = Image.new("RGBA", (32, 32))
    ImageDraw.Draw(image).ellipse((4, 4, 27, 27), fill="white", outline="black")
    assert [fill for fill, _ in traced(np.asarray(image)).layers] == ["#ffffff", "#000000"]


def test_white_of_a_model_of_transparent_pictures_is_drawn(tmp_path):
    image = Image.new("RGBA", (32, 32))
    ImageDraw.Draw(image).ellipse((4, 4, 27, 27), fill="white")
    sample = pixels.to_float(torch.tensor(np.asarray(image))[None])
    save_sheet(sample, tmp_path / "x.svg", SAID, shape=(4, 32, 32))
    assert 'fill="#ffffff"' in (tmp_path / "x.svg").read_text()


def test_it_has_few_nodes_flat_fills_and_no_raster():
    made = traced(drawing())
    assert sorted(fill for fill, _ in made.layers) == ["#2040c0", "#d03030", "#ffffff"]
    assert [len(shapes) for _, shapes in made.layers] == [1, 1, 1]
    assert nodes(made) < 40
    root = ElementTree.fromstring(document([made], SAID, width=64))
    assert root.get("viewBox") == "0 0 128 128"
    assert root.get("width") == "64"
    assert {element.tag.split("}")[1] for element in root.iter()} == {"svg", "metadata", "title", "g", "path"}


def test_a_white_ground_is_left_out_and_white_inside_stays():
    made = drawn(drawing())
    assert made[0, 0, 3] == made[-1, -1, 3] == 0
    assert made[56, 60].tolist() == [255, 255, 255, 255]
    assert drawn(drawing("black"))[1, 1, 3] == 255
    assert traced(drawing("black")).ground == "#000000"


def test_of_one_ink_white_is_a_hole():
    one = drawing().copy()
    one[one[..., 2] > one[..., 0]] = 255  # without the foot
    ((fill, shapes),) = traced(one).layers
    assert fill == "#d03030"
    assert "".join(shapes).count("Z") == 2
    assert drawn(one)[56, 60, 3] == 0


def test_a_thin_line_and_a_faint_one_are_there():
    for ink in ((0, 120, 255), (242, 242, 225)):
        picture = np.full((64, 64, 3), 255, np.uint8)
        picture[20:22, 8:56] = picture[8:56, 40:42] = ink
        assert traced(picture).layers, ink
        assert apart(picture) < 6


def test_noise_is_bounded_by_colours_and_an_empty_picture_is_one():
    noise = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    assert len(traced(noise, colours=4).layers) <= 4
    assert traced(np.full((16, 16, 3), 255, np.uint8)).elements() == ""
    assert traced(np.full((16, 16, 3), 9, np.uint8)).ground == "#090909"


def test_an_outline_has_a_node_for_each_corner_and_four_for_a_circle():
    square = np.array([[10.0, 10.0], [50.0, 10.0], [50.0, 50.0], [10.0, 50.0]])
    start, curves = outline(square, tolerance=0.4)
    assert [len(curve) for curve in curves] == [1, 1, 1, 1]
    corners = np.concatenate([start[None], *curves])
    assert np.abs(corners - square[[0, 1, 2, 3, 0]]).max() < 0.5 or area(corners[:-1]) > 1580
    turn = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    circle = 30 + 20 * np.stack([np.cos(turn), np.sin(turn)], 1)
    start, curves = outline(circle, tolerance=0.3)
    assert len(curves) <= 6
    before = [start, *(curve[-1] for curve in curves)]
    u = np.linspace(0, 1, 30)[:, None]
    for first, curve in zip(before, curves, strict=False):
        one, two, last = curve
        points = (1 - u) ** 3 * first + 3 * u * (1 - u) ** 2 * one + 3 * u**2 * (1 - u) * two + u**3 * last
        assert np.abs(np.linalg.norm(points - 30, axis=1) - 20).max() < 0.5


def test_what_is_no_picture_and_a_missing_package_are_named(monkeypatch):
    for wrong in (np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3)), np.zeros((0, 8, 3), np.uint8)):
        with pytest.raises(DoesNotFit, match="uint8"):
            traced(wrong)
    with pytest.raises(DoesNotFit, match="from 2 to 32"):
        traced(drawing(), colours=1)
    with pytest.raises(DoesNotFit, match="at most 1024"):
        traced(np.zeros((1025, 8, 3), np.uint8))
    monkeypatch.setitem(sys.modules, "contourpy", None)
    with pytest.raises(NotInstalled, match=r"ganvas\[vectors\]"):
        traced(drawing())


def test_drawings_of_the_shipped_model():
    model = load("icons")
    places = [Place(seed, words=words) for words in ("key", "outline house", "bird", "umbrella") for seed in range(2)]
    for picture in pixels.to_uint8(draw(model, places, large=True)).numpy():
        made = traced(picture)
        assert nodes(made) > 3
        assert apart(picture) < 14


def test_a_sheet_of_vectors(ganvas, tmp_path):
    words = ["--keywords", "3d star & <moon>", "--count", 3]
    assert ganvas("sample", "icons", *words, "--out", "a.svg")[0] == 0
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    assert [each.get("id") for each in root.findall("{*}g")] == [f"a-3d-star-moon-{seed}" for seed in range(3)]
    texts = [each.text for each in root.iter() if each.tag.endswith("text")]
    assert texts[:3] == ["3d star & <moon>", " ".join(load("icons").added("3d star moon", 0)), "seed 0"]
    assert made_of(tmp_path / "a.svg").layout.captions
    assert ganvas("sample", "--like", "a.svg", "--out", "b.svg")[0] == 0
    assert (tmp_path / "b.svg").read_bytes() == (tmp_path / "a.svg").read_bytes()
    assert ganvas("sample", "icons", *words, "--out", "c.svg", "--no-captions", "--scale", 4)[0] == 0
    assert "<text" not in (tmp_path / "c.svg").read_text()
    assert "3 samples in some\n" in ganvas("sample", "icons", *words, "--separate", "--out", "some.svg")[1]
    assert sorted(path.name for path in (tmp_path / "some").iterdir()) == [f"seed-000{seed}.svg" for seed in range(3)]
    one = ElementTree.parse(tmp_path / "some" / "seed-0001.svg").getroot()
    assert (one.get("width"), one.get("viewBox")) == ("128", "0 0 128 128")
    assert "1 samples in samples\n" in ganvas("sample", "--like", "some/seed-0001.svg")[1]
    assert len([*(tmp_path / "samples").glob("*.svg")]) == 1
