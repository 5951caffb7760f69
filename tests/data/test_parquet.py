"""Parquet files as Hugging Face has them: pictures, classes, words, splits, and what of them is of no use."""

import builtins
import io
import json
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from ganvas import NotFound, Recipe, plan
from ganvas.core.errors import DoesNotFit, GanvasError, NotInstalled, Unreadable
from ganvas.data.dataset import open_source, source
from ganvas.data.sources.parquet import Parquet
from ganvas.recipes.settings import from_json, to_json

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "cache"))


def png(number, side=8):
    """A picture that is known by its number."""
    file = io.BytesIO()
    Image.fromarray(np.full((side, side, 3), number, np.uint8)).save(file, "PNG")
    return file.getvalue()


def struct(number):
    return {"bytes": png(number), "path": f"{number}.png"}


def table(path, names=(), **columns):
    """A file of these columns, with the names of a ClassLabel as the package datasets writes them."""
    made = pa.table(columns)
    if names:
        told = {"info": {"features": {"label": {"names": list(names), "_type": "ClassLabel"}}}}
        made = made.replace_schema_metadata({"huggingface": json.dumps(told)})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(made, path, row_group_size=5)
    return path


@pytest.fixture
def animals(tmp_path):
    """A folder as it is fetched from there: twenty to learn from in two files, four to test on."""
    for part in range(2):
        rows = range(10 * part, 10 * part + 10)
        table(
            tmp_path / "animals" / "data" / f"train-0000{part}-of-00002.parquet",
            ("owl", "ant"),
            image=[struct(n) for n in rows],
            label=[n % 2 for n in rows],
            text=[f"A bird, number {n}" for n in rows],
        )
    test = tmp_path / "animals" / "data" / "test-00000-of-00001.parquet"
    table(test, ("owl", "ant"), image=[struct(n) for n in range(100, 104)], label=[-1] * 4)
    (tmp_path / "animals" / "README.md").write_text("# Animals")
    return tmp_path / "animals"


def test_a_folder_is_known_by_its_path_alone(animals):
    assert source(str(animals)) == Parquet(str(animals))
    data = open_source(str(animals), size=8)
    assert data.samples[:, 0, 0, 0].tolist() == list(range(20))
    assert [data.classes[label] for label in data.labels[:3]] == ["owl", "ant", "owl"]
    assert data.keywords[3] == ("a bird", "number 3")
    assert data.names[12] == "train-00001-of-00002.parquet/00000002"
    ((name, reason),) = data.skipped
    assert (name, reason[:14]) == ("test-00000-of-00001.parquet", "kept for tests")


def test_one_file_and_a_pattern(animals):
    test = Parquet(str(animals / "data" / "test-00000-of-00001.parquet"), size=8).open()
    assert (test.samples[:, 0, 0, 0].tolist(), test.classes) == ([100, 101, 102, 103], ())
    assert len(open_source(f"parquet:{animals}/data/*-of-00002.parquet", size=8)) == 20
    with pytest.raises(NotFound, match="There is no"):
        open_source(f"parquet:{animals}/none-*.parquet")
    with pytest.raises(NotFound, match="holds no"):
        Parquet(str(animals.parent)).open()


@pytest.mark.parametrize(
    ("columns", "classes", "words"),
    [
        ({"img": [png(1), png(2)], "label": ["cat", "dog"]}, ("cat", "dog"), ((), ())),
        ({"image": [png(1), png(2)], "class": [7, 3]}, ("3", "7"), ((), ())),
        ({"picture": [struct(1), struct(2)], "caption": ["Red fish", None]}, (), (("red", "fish"), ())),
        ({"anything": [struct(1), struct(2)], "keywords": [["Red", "Fish"], []]}, (), (("red", "fish"), ())),
        ({"mask": [struct(9), struct(9)], "image": [struct(1), struct(2)], "label": [1.5, 2.5]}, (), ((), ())),
    ],
)
def test_columns_by_their_names(columns, classes, words, tmp_path):
    data = Parquet(str(table(tmp_path / "a.parquet", **columns)), size=8).open()
    assert data.samples[:, 0, 0, 0].tolist() == [1, 2]
    assert (data.classes, data.keywords) == (classes, words if any(words) else ())


def test_what_is_of_no_use_is_listed(tmp_path):
    (tmp_path / "secret.png").write_bytes(png(9))
    rows = [
        struct(1),
        None,
        {"bytes": None, "path": str(tmp_path / "secret.png")},
        {"bytes": b"MZ" + bytes(99), "path": "a.exe"},
        {"bytes": png(2)[:40], "path": None},
        struct(3),
    ]
    data = Parquet(str(table(tmp_path / "a.parquet", image=rows)), size=8).open()
    assert data.samples[:, 0, 0, 0].tolist() == [1, 3]
    reasons = [reason for _, reason in data.skipped]
    assert reasons[:3] == ["no picture", "only the path of a picture, and no bytes", "not a picture"]
    assert len(reasons) == 4


def test_damaged_files_are_read_as_far_as_they_go(tmp_path):
    path = table(tmp_path / "set" / "a.parquet", image=[struct(n) for n in range(20)])
    whole = path.read_bytes()
    table(tmp_path / "set" / "b.parquet", image=[struct(n) for n in range(20, 24)])
    for place in (10, len(whole) // 2, len(whole) - 30):
        spoiled = bytearray(whole)
        spoiled[place : place + 20] = bytes(20)
        path.write_bytes(spoiled)
        data = Parquet(str(tmp_path / "set"), size=8).open()
        assert data.samples[-4:, 0, 0, 0].tolist() == [20, 21, 22, 23]
        assert data.skipped or len(data) == 24
    path.write_bytes(whole[:100])
    ((name, reason),) = Parquet(str(tmp_path / "set"), size=8).open().skipped
    assert (name, reason[:7]) == ("a.parquet", "damaged")


@pytest.mark.parametrize("told", [b"{", b"[]", b"[" * 100_000, b'{"info": {"features": {"label": {"names": 3}}}}'])
def test_strange_metadata_name_no_classes(told, tmp_path):
    made = pa.table({"image": [struct(1), struct(2)], "label": [0, 1]}).replace_schema_metadata({"huggingface": told})
    pq.write_table(made, tmp_path / "a.parquet")
    assert Parquet(str(tmp_path / "a.parquet"), size=8).open().classes == ("0", "1")


def test_tables_without_pictures_and_with_one(tmp_path):
    with pytest.raises(Unreadable, match=r"no column of pictures, .*: it has text, label"):
        Parquet(str(table(tmp_path / "a.parquet", text=["x"], label=[1]))).open()
    with pytest.raises(DoesNotFit, match="single usable picture"):
        Parquet(str(table(tmp_path / "b.parquet", image=[struct(1)]))).open()
    (tmp_path / "c.parquet").write_bytes(b"PAR1")
    with pytest.raises(GanvasError, match="damaged"):
        Parquet(str(tmp_path / "c.parquet")).open()


def test_memory_stays_flat(tmp_path, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)  # of threads, each of which holds some
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    row, peaks = {"bytes": file.getvalue(), "path": ""}, []
    for count in (100, 300):
        path = table(tmp_path / f"{count}.parquet", image=[row] * count)
        tracemalloc.start()
        Parquet(str(path), size=32).open()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 200 * len(file.getvalue()) / 2


def test_a_recipe_for_it(animals):
    recipe = plan(str(animals), size=16)
    assert recipe.data == Parquet(str(animals), size=16)
    assert from_json(json.loads(json.dumps(to_json(recipe))), Recipe) == recipe
    assert Parquet(str(animals)).drawn()


def test_without_the_package_the_extra_is_named(animals, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.partition(".")[0] == "pyarrow":
            raise ImportError
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(NotInstalled, match=r"pip install 'ganvas\[parquet\]'"):
        open_source(str(animals))
