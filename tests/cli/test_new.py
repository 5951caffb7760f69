"""What `ganvas new` begins is found, and its tests pass as they are."""

import os
import re
import subprocess
import sys
import tomllib

import numpy as np
import pytest

from ganvas import find, names
from ganvas.cli.new import Kind, skeleton
from ganvas.core import catalog
from ganvas.data.dataset import Dataset, unwatched
from ganvas.evaluation.sides import opened
from ganvas.recipes.plan import choose, plan


def test_each_kind_begins_with_tests_that_pass(tmp_path, ganvas):
    for kind in Kind:
        code, said, _ = ganvas("new", kind.value, f"my_{kind.value}", "--out", tmp_path / kind.value)
        assert (code, f"pip install -e {tmp_path / kind.value}" in said.replace("\n", " ")) == (0, True), said
        entries = tomllib.loads((tmp_path / kind.value / "pyproject.toml").read_text())["project"]["entry-points"]
        assert entries == {f"ganvas.{kind.value}": {f"my_{kind.value}": f"ganvas_my_{kind.value}"}}
    places = [*map(str, tmp_path.iterdir()), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= 12, done.stdout


@pytest.mark.parametrize("name", ["Soft", "soft hinge", "1st", "class", "../soft", "hinge", "süß", "_"])
def test_a_name_that_cannot_be_is_refused(name, tmp_path, ganvas):
    code, _, said = ganvas("new", "loss", name)
    assert code == 1
    assert "name" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "would"), [("soft_2d", "soft2d"), ("a_b", "ab"), ("soft_", "soft")])
def test_a_name_whose_class_is_called_otherwise_is_refused(name, would, tmp_path, ganvas):
    code, _, said = ganvas("new", "loss", name)
    assert code == 1
    assert f"is called {would!r}" in said.replace("\n", " ")
    assert not list(tmp_path.iterdir())
    assert ganvas("new", "metric", name)[0] == 0, "a function may be called anything"


def test_nothing_is_overwritten(tmp_path, ganvas):
    (tmp_path / "mine").mkdir()
    code, _, said = ganvas("new", "loss", "soft", "--out", "mine")
    assert code == 1
    assert "is there already" in said
    assert "--out" in said


def test_no_word_of_a_skeleton_is_left_open():
    for kind in Kind:
        assert "$" not in "".join(skeleton(kind.value, "one_more").values())


def test_what_is_begun_calls_things_as_the_rest_does():
    assert "def one(real: Features, fake: Features)" in skeleton("metric", "one")["ganvas_one.py"]  # as all metrics
    assert "--recipe" not in skeleton("recipe", "one")["ganvas_one.py"]  # an option that there is not


def test_a_source_of_pictures_is_asked_for_them_in_the_shape_of_a_model(tmp_path, monkeypatch):
    """What `ganvas new data` began could be trained on, and neither compared with a model nor started from one."""
    (tmp_path / "begun.py").write_text(skeleton("data", "begun")["ganvas_begun.py"])
    monkeypatch.setitem(catalog._parts, "data", {name: find(name, "data") for name in names("data")})
    monkeypatch.setenv("GANVAS_PARTS", str(tmp_path / "begun.py"))
    catalog._load.cache_clear()
    wide = Dataset(np.zeros((20, 16, 24, 3), np.uint8))
    assert opened("begun", size=None, device="cpu", watch=unwatched, like=wide).shape == (3, 16, 24)
    assert choose("begun", like=plan("icons")).source.channels == 3
