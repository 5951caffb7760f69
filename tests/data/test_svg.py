"""SVGs among the pictures."""

import base64
import errno
import gzip
import io
import signal
import struct
import subprocess
import sys
import tarfile
import time
import zipfile

import numpy as np
import pytest
from PIL import Image

from ganvas.core.errors import DoesNotFit, Unreachable
from ganvas.data import svg
from ganvas.data.dataset import source
from ganvas.data.decode import Frame, Unusable, decode
from ganvas.data.look import as_it_is, before_and_after, look
from ganvas.data.picture_files import read_pictures

pytest.importorskip("resvg_py")

DISC = '<circle cx="16" cy="16" r="8" fill="#f00"/>'


def document(body=DISC, *, box="0 0 32 32", before="", **attributes):
    words = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return f'{before}<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" {words}>{body}</svg>'.encode()


def reason(content):
    with pytest.raises(Unusable) as told:
        decode(content, Frame(8, 8))
    return str(told.value)


@pytest.mark.parametrize("side", ["", "7", "100%", "1em", "210mm", "8in", "12pt"])
def test_a_drawing_is_sharp_at_any_size(side):
    found = decode(document(**{"width": side, "height": side} if side else {}), Frame(64, 64))
    picture = found.picture
    assert (found.kind, found.size, found.sheet) == ("SVG", (0, 0), False)
    assert picture[32, 32].tolist() == [255, 0, 0]
    assert picture[2, 2].tolist() == [255, 255, 255]
    edges = ((picture[32, :, 1] > 8) & (picture[32, :, 1] < 247)).sum()
    assert edges <= 4, "a disc has one or two pixels of edge on each side"


@pytest.mark.parametrize(
    "packed",
    [gzip.compress, lambda content: content.decode().encode("utf-16"), lambda content: b"\xef\xbb\xbf" + content],
    ids=["svgz", "utf-16", "utf-8 with a mark"],
)
def test_however_it_is_written(packed, tmp_path):
    """Inkscape packs by gzip, and some programs of Windows write UTF-16."""
    content = document(before='<?xml version="1.0"?><!-- \u2603 -->')
    assert (decode(packed(content), Frame(64, 64)).picture == decode(content, Frame(64, 64)).picture).all()
    for name in "ab":
        (tmp_path / f"{name}.svgz").write_bytes(packed(content))
    assert len(source(str(tmp_path)).open()) == 2


def test_what_grows_without_end_is_not_unpacked():
    bomb = gzip.compress(document(" " * 2**24))
    assert "larger than 16 MiB" in reason(bomb)
    assert len(svg._plain(bomb, 1000)) == 1001


@pytest.mark.parametrize(("fit", "left"), [("crop", [255, 0, 0]), ("pad", [0, 0, 255]), ("stretch", [255, 0, 0])])
def test_long_ones_are_made_to_fit_as_other_pictures_are(fit, left):
    striped = document(
        '<rect width="90" height="10" fill="#f00"/><rect width="40" height="10" fill="#00f"/>', box="0 0 90 10"
    )
    frame = Frame(30, 30, fit=fit, background="blue" if fit == "pad" else "white")
    picture = decode(striped, frame).picture
    assert picture[15, 29].tolist() == [255, 0, 0]
    assert picture[0, 20].tolist() == left


def test_the_middle_of_a_long_one_is_sharp():
    row = decode(document('<circle cx="450" cy="50" r="25" fill="#f00"/>', box="0 0 900 100"), Frame(64, 64)).picture[
        32
    ]
    assert ((row[:, 1] > 8) & (row[:, 1] < 247)).sum() <= 4


def test_what_is_not_painted_is_clear_and_on_the_background():
    assert decode(document(), Frame(32, 32, 4)).picture[0, 0, 3] == 0
    assert decode(document(), Frame(32, 32, background="#0f0")).picture[0, 0].tolist() == [0, 255, 0]
    assert decode(document(), Frame(32, 32, 1)).picture.shape == (32, 32, 1)


@pytest.mark.parametrize(
    "before",
    [
        "\ufeff",
        "<?xml version='1.0'?>\n",
        "<!-- by hand -->\n",
        "<!DOCTYPE svg [<!ENTITY a 'b>'>]>\n" + "<!-- -->" * 300,
    ],
)
def test_what_editors_write_before_it(before):
    assert decode(document(before=before), Frame(8, 8)).picture[4, 4].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    "content", [b"<html><svg/></html>", b"<!DOCTYPE html><svg/>", b"<?xml?><!-- <svg/> --><a/>", b"<svgs/>"]
)
def test_other_markup_is_no_image(content):
    assert reason(content) == "not an image"


OCTAVES = '<filter id="f"><feTurbulence baseFrequency=".1" numOctaves="99999999"/></filter>'
FILTERED = '<rect filter="url(#f)" width="32" height="32"/>'
UNUSABLE = {
    "<text y='20'>Hello</text>": "an SVG that paints nothing; text is to be converted to paths",
    "<image href='a.png' width='9' height='9'/>": "an SVG with a picture in another file, which is to be embedded",
    "<image id='>' href='a.png'/>": "an SVG with a picture in another file, which is to be embedded",
    "<circle": "a damaged SVG",
    "<rect width='32' height='32' fill='#fff'/><!": "a damaged SVG",
    "<g opacity='.9'>" * 900 + DISC + "</g>" * 900: "an SVG that takes too long or too much memory to draw",
    "<path stroke='#fff' d='M0 0L9 9'/>": "transparent, with nothing to be seen on white: set data.background",
}


@pytest.mark.parametrize("body", UNUSABLE, ids=range(len(UNUSABLE)))
def test_what_cannot_be_used_says_why(body):
    assert reason(document(body)) == UNUSABLE[body]
    assert decode(document(), Frame(8, 8)).kind == "SVG", "the next one is drawn"


def test_one_that_takes_too_long_is_ended(monkeypatch):
    monkeypatch.setattr(svg, "SECONDS", 1.0)
    svg.let_go()
    began = time.perf_counter()
    assert reason(document(OCTAVES + FILTERED)) == "an SVG that takes too long or too much memory to draw"
    assert time.perf_counter() - began < 8


def test_pictures_within_it_are_drawn():
    held = io.BytesIO()
    Image.new("RGB", (2, 2), "blue").save(held, "PNG")
    data = base64.b64encode(held.getvalue()).decode()
    body = f'<image href="\n data:image/png;base64,{data}" width="32" height="32"/><image href=""/>'
    assert decode(document(body), Frame(8, 8)).picture[4, 4].tolist() == [0, 0, 255]


def test_a_megabyte_of_pictures_is_searched_in_a_moment():
    began = time.perf_counter()
    assert reason(document("<image " * 2**17)) == "a damaged SVG"
    assert time.perf_counter() - began < 8


def asked_to_take_long(seconds):
    """A process that draws for hours, for which nobody waits, as after its parent was killed."""
    process = subprocess.Popen([sys.executable, "-P", str(svg.CHILD), seconds], stdin=subprocess.PIPE)
    content = document(OCTAVES + FILTERED)
    with process.stdin:
        process.stdin.write(struct.pack("<II", len(content), 8) + content)
    return process


def test_it_ends_by_itself_when_nobody_waits_any_more():
    asked_to_take_long("1").wait(20)


@pytest.mark.skipif(sys.platform == "win32", reason="its signals are others")
def test_ctrl_c_ends_it_while_it_draws():
    process = asked_to_take_long("99")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(2)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == -signal.SIGINT


def test_one_that_has_ended_while_it_waited_is_replaced():
    decode(document(), Frame(8, 8))
    for child in svg._idle:
        child._process.kill()
        child._process.wait()
    assert decode(document(), Frame(8, 8)).kind == "SVG"


def test_one_that_ends_within_its_answer_gives_a_reason(monkeypatch, tmp_path):
    (tmp_path / "child.py").write_text(r"import sys; sys.stdout.buffer.write(b'\x99\0\0\0+PNG')")
    monkeypatch.setattr(svg, "CHILD", tmp_path / "child.py")
    svg.let_go()
    assert reason(document()) == "an SVG that takes too long or too much memory to draw"


def test_no_file_is_blamed_where_no_process_can_be_started(monkeypatch, folder):
    def refuse(*_, **__):
        raise OSError(errno.EMFILE, "Too many open files")

    svg.let_go()
    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(Unreachable, match=r"No process can be started that draws SVGs: Too many open files\."):
        source(folder).open()


def test_terabytes_are_not_asked_for():
    assert decode(document(width="1e6", height="1e6"), Frame(8, 8)).picture[4, 4].tolist() == [255, 0, 0]


def test_without_the_package(monkeypatch):
    monkeypatch.setattr(svg, "drawer", lambda: "")
    assert reason(document()) == "an SVG, for which pip install 'ganvas[icons]' is needed"


@pytest.mark.skipif(sys.platform == "win32", reason="its processes cannot be limited")
@pytest.mark.parametrize("limited", ["", "ulimit -v 500000; "], ids=["", "where its memory cannot be set, as on macOS"])
def test_the_process_that_draws_can_open_no_file(tmp_path, limited):
    """Not even where a file is named in a way that nobody looked for."""
    Image.new("RGB", (32, 32), "red").save(tmp_path / "secret.png")
    content = document(f'<image href="{tmp_path}/secret.png" width="32" height="32"/>')
    done = subprocess.run(
        ["sh", "-c", limited + 'exec "$@"', "", sys.executable, "-P", str(svg.CHILD), "9"],
        input=struct.pack("<II", len(content), 8) + content,
        capture_output=True,
        check=True,
    )
    (tmp_path / "drawn.png").write_bytes(done.stdout[5:])
    assert done.stdout[4:5] == b"+"
    assert not np.asarray(Image.open(tmp_path / "drawn.png").convert("RGBA")).any()


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "drawings"
    place.mkdir()
    for number in range(8):
        (place / f"{number}.svg").write_bytes(document(f'<circle cx="16" cy="16" r="{number + 4}"/>'))
        (place / f"{number}.txt").write_text(f"disc, size {number}")
    Image.new("RGB", (40, 20), "red").save(place / "7.png")
    return place


def test_a_folder_of_drawings(folder):
    held = source(folder)
    data = held.open()
    assert data.names == (*(f"{number}.svg" for number in range(7)), "7.png")
    assert data.skipped == (("7.svg", "an SVG of which a PNG or the like lies beside it"),)
    assert data.kinds == (("SVG", 7), ("PNG", 1))
    assert data.sizes == ((40, 40, 40), (20, 20, 20)), "a drawing has no size of its own"
    assert data.keywords[2] == ("disc", "size 2")
    assert held.drawn()
    assert not svg._idle, "nothing waits for more of them"


@pytest.mark.parametrize("kind", ["shards", "parquet"])
def test_nothing_waits_for_more_of_them_after_packing(tmp_path, kind):
    drawings = [document(f'<circle cx="16" cy="16" r="{number + 4}"/>') for number in range(3)]
    if kind == "shards":
        pytest.importorskip("webdataset")
        with tarfile.open(tmp_path / "a.tar", "w") as shard:
            for number, content in enumerate(drawings):
                member = tarfile.TarInfo(f"{number}.svg")
                member.size = len(content)
                shard.addfile(member, io.BytesIO(content))
        data = source(f"shards:{tmp_path}/a.tar").open()
    else:
        parquet = pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pytest.importorskip("pyarrow").table({"image": drawings}), tmp_path / "a.parquet")
        data = source(tmp_path / "a.parquet").open()
    assert data.kinds == (("SVG", 3),)
    assert not svg._idle


def test_zips_shards_and_tables_of_them(folder, tmp_path):
    files = {f"{number}.svg": (folder / f"{number}.svg").read_bytes() for number in range(7)}
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    whole = source(folder).open().samples[:7]
    assert np.array_equal(source(tmp_path / "some.zip").open().samples, whole)
    pytest.importorskip("webdataset")
    with tarfile.open(tmp_path / "some-0.tar", "w") as packed:
        for name in files:
            packed.add(folder / name, name)
    assert np.array_equal(source(f"shards:{tmp_path}/some-*.tar").open().samples, whole)
    pytest.importorskip("pyarrow")
    from pyarrow import parquet, table

    parquet.write_table(table({"image": list(files.values())}), tmp_path / "some.parquet")
    assert np.array_equal(source(tmp_path / "some.parquet").open().samples, whole)


def test_they_are_looked_at(folder):
    assert look(source(folder))["sizes"] == [{"width": 40, "height": 20, "count": 1}]
    before, after = before_and_after(source(folder), "3.svg")
    assert before.size == (512, 512)
    assert after.shape == (32, 32, 3)
    assert as_it_is(document(box="0 0 64 16")).size == (512, 128)


@pytest.mark.parametrize("count", [1, 2])
def test_a_sheet_of_ours_is_left_out_and_a_drawing_of_ours_is_not(ganvas, tmp_path, count):
    pytest.importorskip("contourpy")
    made = tmp_path / "ideas.svg"
    ganvas("sample", "icons", "--keywords", "heart", "--count", count, "--out", made)
    assert decode(made.read_bytes(), Frame(32, 32)).sheet == (count > 1)


def test_one_given_to_a_model_is_adapted_or_refused(folder):
    (given,), _ = read_pictures([folder / "3.svg"], Frame(32, 32), adapt=True)
    assert given.notes == ("was an SVG",)
    with pytest.raises(DoesNotFit, match=r"3\.svg is an SVG and this model makes 32x32 RGB"):
        read_pictures([folder / "3.svg"], Frame(32, 32))
