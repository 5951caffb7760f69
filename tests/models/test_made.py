"""A picture says what made it, is drawn again byte for byte, and what strangers write into one does no harm."""

import json
import os
import shutil
from dataclasses import replace

import pytest
from conftest import files
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ganvas import fit
from ganvas.core.errors import DoesNotFit, NotFound, Unreadable
from ganvas.models.made import Layout, Made, here, made_of
from ganvas.models.place import Place

SAID = Made("icons", "0" * 64, (Place(3, words="Übung <b>"), Place(4, moves={"warmth": 1.5})), Layout(columns=2))


@pytest.fixture(scope="module")
def run(pictures, tmp_path_factory):
    return fit(replace(pictures, images=32), out=tmp_path_factory.mktemp("run") / "digits", quiet=True, device="cpu")


@pytest.fixture
def with_text(tmp_path):
    """`with_text(key, text)`: a PNG that holds this text."""

    def write(key, text, *, packed=False):
        info = PngInfo()
        info.add_itxt(key, text, zip=packed)
        Image.new("L", (4, 4)).save(tmp_path / "foreign.png", pnginfo=info)
        return tmp_path / "foreign.png"

    return write


def text_of(made, **changed):
    return json.dumps({**json.loads(made.as_text()), **changed})


def test_what_is_written_is_read(with_text, tmp_path):
    assert made_of(with_text("ganvas", SAID.as_text())) == SAID
    assert SAID.as_text().isascii()
    Image.new("L", (4, 4)).save(tmp_path / "a.png", **SAID.for_png())
    assert made_of(tmp_path / "a.png") == SAID
    (tmp_path / "a.svg").write_text(f'<?xml version="1.0"?>\n<svg>{SAID.for_svg()}<path d="M0 0"/></svg>')
    assert made_of(tmp_path / "a.svg") == SAID
    moved = SAID.for_svg().replace("<metadata", '<metadata\n     lang="en"')  # as an editor may write it
    assert Made.read(moved.encode()) == SAID


def test_what_strangers_write(with_text, tmp_path):
    wrong = [
        "", "{", "[]", "3", "null", "[" * 200_000, text_of(SAID, places=[]), text_of(SAID, places=[{"seed": -1}]),
        text_of(SAID, places=[{"seed": 1}] * 4097), text_of(SAID, places=3), text_of(SAID, digest="x"),
        text_of(SAID, digest=3), text_of(SAID, model="../../etc/passwd"), text_of(SAID, model="C:\\windows"),
        text_of(SAID, model="~/model.safetensors"), text_of(SAID, places=[{"latent": "~somebody/a.safetensors"}]),
        text_of(SAID, model="a" * 201), text_of(SAID, model="\x1b[2J"), text_of(SAID, version=None),
        text_of(SAID, columns="many"), text_of(SAID, columns=0), text_of(SAID, scale=True), text_of(SAID, separate=1),
        text_of(SAID, places=[{"seed": 1, "words": "\x1b[2J"}]), text_of(SAID, places=[{"latent": "/a.safetensors"}]),
        text_of(SAID, places=[{"latent": "\\\\host\\share\\a.safetensors"}]), text_of(SAID, places={"seed": 1}),
    ]  # fmt: skip
    for text in wrong:
        with pytest.raises(Unreadable, match=r"foreign.png cannot be drawn again: .*\.$"):
            made_of(with_text("ganvas", text))
    with pytest.raises(Unreadable, match="does not say what made it"):
        made_of(with_text("parameters", "steps: 20"))
    with pytest.raises(Unreadable):
        made_of(with_text("ganvas", "a" * 70_000_000, packed=True))
    with pytest.raises(Unreadable, match="too long"):
        Made.read(f'<svg><metadata id="ganvas">{"a" * 600_000}</metadata></svg>'.encode())
    for content in (b"", b"\x89PNG\r\n\x1a\n", b'<metadata id="' * 100_000, os.urandom(1000)):
        (tmp_path / "broken").write_bytes(content)
        with pytest.raises(Unreadable, match="broken cannot be drawn again"):
            made_of(tmp_path / "broken")
    with pytest.raises(NotFound, match="Cannot read"):
        made_of(tmp_path / "nothing.png")
    assert made_of(with_text("ganvas", text_of(SAID, later="unknown"))) == SAID


def test_what_is_too_much_is_not_written():
    many = replace(SAID, places=(Place(1),) * 4097)
    assert many.as_text() is None
    assert many.for_png() == {}
    assert many.for_svg() == ""
    long = Made("icons", "0" * 64, tuple(Place(seed, words="a" * 200) for seed in range(4096)))
    assert long.as_text() is None
    with pytest.raises(DoesNotFit):
        Layout(scale=0)


def test_nobody_learns_where_a_model_lies(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    assert here("runs/mine") == here(tmp_path / "runs" / "mine") == "runs/mine"
    assert here("/usr/lib") == "lib"
    assert here("icons") == "icons"


def test_drawn_again_byte_for_byte(ganvas, run, tmp_path):
    shutil.copytree(run.path, tmp_path / "digits")
    asked = [
        ["--count", 5, "--columns", 2, "--out", "a.png"],
        ["--seeds", "9,3", "--truncation", 0.5, "--scale", 3, "--out", "a.png"],
        ["--count", 1, "--out", "a.png"],
    ]
    for options in asked:
        assert ganvas("sample", "digits", *options)[0] == 0
        assert ganvas("sample", "--like", "a.png", "--out", "b.png")[0] == 0
        assert (tmp_path / "b.png").read_bytes() == (tmp_path / "a.png").read_bytes()
    assert ganvas("sample", "digits", "--seeds", "7,8", "--separate", "--out", "some")[0] == 0
    code, out, _ = ganvas("sample", run.path, "--like", "some/seed-0008.png", "--out", "more")
    assert (code, out) == (0, "1 samples in more\n")
    assert list(files(tmp_path / "more").values()) == [(tmp_path / "some" / "seed-0008.png").read_bytes()]
    assert ganvas("sample", "--like", "some/seed-0008.png", "--out", "one.png")[:2] == (0, "1 samples in one.png\n")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "some" / "seed-0008.png").read_bytes()
    assert ganvas("sample", "--like", "some/seed-0008.png", "--scale", 3, "--out", "one.webp")[0] == 0
    with Image.open(tmp_path / "one.png") as small, Image.open(tmp_path / "one.webp") as large:
        assert large.size == (3 * small.width, 3 * small.height), "a picture alone has no border"
    assert ganvas("data", "some")[1].startswith("2 pictures")


def test_drawn_again_by_another_model(ganvas, run, tmp_path):
    assert ganvas("sample", run.path, "--count", 2, "--out", "a.png")[0] == 0
    for words, said in (
        (["icons", "--like", "a.png"], "was made by digits with other weights"),
        (["--like", "a.png"], "digits, which made a.png, is not here"),
        (["--like", "a.png", "--seeds", "3"], "--like says all of a picture"),
        ([], "Name the model to draw with"),
    ):
        code, _, err = ganvas("sample", *words)
        assert code == 1
        assert said in err
