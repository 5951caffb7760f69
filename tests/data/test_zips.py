"""Data sets as one zip: what is written is read again as it was, the same bytes each time, and whole or not at all."""

import json
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganvas.core.errors import DoesNotFit, Unwritable
from ganvas.data import zips
from ganvas.data.dataset import Dataset, open_source
from ganvas.data.sources.folder import Folder
from ganvas.data.zips import save_zip


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path):
    """Six pictures of larger sizes in two classes, some with words."""
    for number in range(6):
        path = tmp_path / "mine" / ("owl", "ant")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(number).integers(0, 256, (20, 30, 3), np.uint8)
        Image.fromarray(noise).save(path)
    (tmp_path / "mine" / "owl" / "0.txt").write_text("Großer, brauner Vogel")
    return tmp_path / "mine"


def same(a, b):
    np.testing.assert_array_equal(a.samples, b.samples)
    np.testing.assert_array_equal(a.labels, b.labels)
    assert (a.classes, a.keywords) == (b.classes, b.keywords)


def test_what_is_read_again_is_the_same(folder, tmp_path):
    before = Folder(str(folder), size=(16, 8)).open()
    again = Folder(str(save_zip(before, tmp_path / "set.zip")), size=(16, 8)).open()
    same(again, before)
    assert again.skipped == ()
    assert again.keywords[3] == ("großer", "brauner vogel")


def test_the_pictures_are_not_replaced_by_their_copies(folder, ganvas):
    assert ganvas("data", folder, "--size", 8, "--to", "set.zip")[0] == 0
    before = Path("set.zip").read_bytes()
    code, _, said = ganvas("data", "set.zip", "--size", 4, "--to", "./set.zip")
    assert (code, "is what this is made from" in said) == (1, True)
    assert Path("set.zip").read_bytes() == before


def test_it_is_as_the_programs_of_stylegan_have_it(folder, tmp_path):
    data = Folder(str(folder), size=8).open()
    with zipfile.ZipFile(save_zip(data, tmp_path / "set.zip")) as made:
        assert made.testzip() is None
        told = json.loads(made.read("dataset.json"))["labels"]
        pictures = [name for name in made.namelist() if name.endswith(".png")]
        assert all(each.compress_type == zipfile.ZIP_STORED for each in made.infolist())
        with made.open(pictures[5]) as file, Image.open(file) as picture:
            np.testing.assert_array_equal(np.asarray(picture), data.samples[5])
    assert pictures == [f"00000/img0000000{n}.png" for n in range(6)]
    assert told == [[name, int(label)] for name, label in zip(pictures, data.labels, strict=True)]


def test_without_classes_labels_are_null(tmp_path):
    gray = Dataset(np.random.default_rng(0).integers(0, 256, (1001, 4, 4, 1), np.uint8))
    path = save_zip(gray, tmp_path / "set.zip")
    with zipfile.ZipFile(path) as made:
        assert json.loads(made.read("dataset.json")) == {"labels": None}
        assert {name.partition("/")[0] for name in made.namelist()} == {"00000", "00001", "dataset.json"}
    again = Folder(str(path), size=4, channels=1).open()
    np.testing.assert_array_equal(again.samples, gray.samples)
    assert (again.classes, again.skipped) == ((), ())


def test_the_same_data_make_the_same_bytes(folder, tmp_path, monkeypatch):
    data = Folder(str(folder), size=8).open()
    first = save_zip(data, tmp_path / "a.zip").read_bytes()
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert save_zip(data, tmp_path / "b.zip").read_bytes() == first


def test_it_is_there_whole_or_not_at_all(folder, tmp_path, monkeypatch):
    data, out = Folder(str(folder), size=8).open(), tmp_path / "out" / "set.zip"
    before = save_zip(data, out).read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zips, "_labels", full)
    with pytest.raises(Unwritable, match="No space left"):
        save_zip(data, out)
    assert out.read_bytes() == before
    assert [path.name for path in out.parent.iterdir()] == ["set.zip"]


def test_memory_stays_flat(tmp_path):
    def peak(count):
        data = Dataset(np.zeros((1, 64, 64, 3), np.uint8).repeat(count, 0), labels=None)
        tracemalloc.start()
        save_zip(data, tmp_path / "set.zip")
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(600) - peak(100) < 500 * 2000, "of each picture its entry in the zip's list, and not its 12 kB"


def test_what_does_not_fit(folder, tmp_path):
    with pytest.raises(DoesNotFit, match="A zip is of pictures"):
        save_zip(open_source("ring"), tmp_path / "set.zip")
    with pytest.raises(DoesNotFit, match=r"to a \.zip"):
        save_zip(Folder(str(folder)).open(), tmp_path / "set.tar")


@pytest.mark.parametrize("names", [5, ["a"], ["a", "a"], ["", "b"], [1, 2], {"0": "a"}])
def test_odd_names_of_classes_are_left_alone(names, folder):
    for kind in folder.iterdir():
        for path in kind.glob("*.png"):
            path.rename(folder / path.name)
    labels = [[f"{number}.png", number % 2] for number in range(6)]
    (folder / "dataset.json").write_text(json.dumps({"labels": labels, "classes": names}))
    assert Folder(str(folder)).open().classes == (("1", "a") if names == ["a"] else ("0", "1"))


def test_the_command(folder, ganvas, tmp_path):
    code, out, err = ganvas("data", folder, "--size", 8, "--to", "set.zip")
    assert code == 0, err
    assert out.rstrip().endswith("its pictures in that size: set.zip")
    assert not (tmp_path / "contact.png").exists()
    same(Folder(str(tmp_path / "set.zip"), size=8).open(), Folder(str(folder), size=8).open())
    assert "Give one of --out, --to and --json" in ganvas("data", folder, "--to", "set.zip", "--json")[2]
