"""The same command again: with data that changed or moved, with damaged checkpoints, after a kill at a bad moment."""

import json
import shutil

import numpy as np
import pytest
from conftest import files
from PIL import Image

from ganvas import Run, fit, load
from ganvas.core import checkpoint
from ganvas.core.errors import DoesNotFit, NotFound, Unreadable
from ganvas.training.recorder import Recorder
from ganvas.training.state import start

CLASSES = ("cat", "dog", "fish")
QUICK = ["--size", "8", "--set", "generator.width=4", "--set", "critic.width=4", "--set", "batch=8"]


def pictures(folder, seed=0):
    dice = np.random.default_rng(seed)
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
        for place in range(4):
            drawn = dice.integers(0, 256, (8, 8, 3), np.uint8)
            Image.fromarray(drawn).save(folder / name / f"{place}.png")
    return folder


@pytest.fixture
def trained(tmp_path, ganvas):
    """A run of 16 images on `d`, and the same command for more."""
    pictures(tmp_path / "d")

    def train(images, *more, data="d"):
        return ganvas("train", "cgan", "--data", data, *QUICK, "--images", images, "--out", "r", *more)

    code, _, err = train(16)
    assert code == 0, err
    return train


def renamed(folder):
    (folder / "cat").rename(folder / "zebra")


def added_class(folder):
    (folder / "ant").mkdir()
    shutil.copy(folder / "dog" / "0.png", folder / "ant" / "0.png")


def removed_class(folder):
    shutil.rmtree(folder / "fish")


def edited(folder):
    Image.new("RGB", (8, 8), "red").save(folder / "cat" / "0.png")


def added(folder):
    Image.new("RGB", (8, 8), "red").save(folder / "cat" / "new.png")


def removed(folder):
    (folder / "cat" / "0.png").unlink()


def swapped(folder):
    """The same pictures, two of which are of each other's class."""
    (folder / "cat" / "0.png").rename(folder / "kept.png")
    (folder / "dog" / "0.png").rename(folder / "cat" / "0.png")
    (folder / "kept.png").rename(folder / "dog" / "0.png")


@pytest.mark.parametrize("change", [renamed, added_class, removed_class])
def test_other_classes_are_refused_and_nothing_is_written(change, trained, tmp_path):
    change(tmp_path / "d")
    before = files(tmp_path / "r")
    for more in ([], ["--data-changed"]):
        code, _, err = trained(32, *more)
        assert code == 1
        assert "its classes were cat, dog, fish, and now they are" in err
    assert files(tmp_path / "r") == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (edited, "some are others"),
        (added, "now there are 13"),
        (removed, "now there are 11"),
        (swapped, "others"),
    ],
)
def test_other_pictures_are_refused_unless_that_is_asked_for(change, said, trained, tmp_path, ganvas):
    change(tmp_path / "d")
    before = files(tmp_path / "r")
    code, _, err = trained(32)
    assert code == 1
    assert said in err
    assert "--data-changed" in err
    code, _, err = ganvas("evaluate", "r", "--count", 10)
    assert code == 1
    assert "has changed" in err
    assert files(tmp_path / "r") == before
    code, _, err = trained(32, "--data-changed")
    assert code == 0, err
    assert said in err
    assert Run(tmp_path / "r").images == 32
    assert trained(40)[0] == 0  # they are what the run learns from by now


def test_data_of_a_run_of_an_earlier_version(trained, tmp_path):
    about = Run(tmp_path / "r").about
    del about["data"]["digest"]
    (tmp_path / "r" / "run.json").write_text(json.dumps(about))
    edited(tmp_path / "d")
    code, _, err = trained(32)
    assert code == 0, err
    assert "digest" in Run(tmp_path / "r").about["data"]


def test_a_path_is_good_from_everywhere_and_data_that_moved_can_be_named(trained, tmp_path, ganvas, monkeypatch):
    assert trained(32, data=tmp_path / "d")[0] == 0  # the same folder by its whole path
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    run = tmp_path / "r"
    code, _, err = ganvas("train", run, "--images", 40)
    assert code == 0, err
    (tmp_path / "d").rename(tmp_path / "moved")
    code, _, err = ganvas("train", run, "--images", 48)
    assert code == 1
    assert "If the data of this run were moved" in err
    code, _, err = ganvas("train", run, "--images", 48, "--data", "../moved")
    assert code == 0, err
    assert Run(run).recipe.data.path == str(elsewhere / ".." / "moved")
    edited(tmp_path / "moved")
    assert "--data-changed" in ganvas("train", run, "--images", 56, "--data", tmp_path / "moved")[2]


def test_every_checkpoint_damaged(points, tmp_path):
    run = fit(points, out=tmp_path / "run", quiet=True, device="cpu")
    fit(points, images=640, out=tmp_path / "run", quiet=True, device="cpu")
    for folder in (run.path / "checkpoints").iterdir():
        (folder / "state.safetensors").write_bytes(b"nothing")
    before = files(run.path)
    named = r"Every checkpoint .* is damaged \(000000320, 000000640\)"
    with pytest.raises(Unreadable, match=named), pytest.warns(UserWarning, match="damaged and passed over"):
        fit(points, images=960, out=tmp_path / "run", quiet=True, device="cpu")
    assert files(run.path) == before
    for folder in (run.path / "checkpoints").iterdir():
        (folder / "manifest.json").write_text("{}")  # an empty manifest vouches for nothing
    with pytest.raises(Unreadable, match="Every checkpoint"), pytest.warns(UserWarning, match="damaged"):
        fit(points, images=960, out=tmp_path / "run", quiet=True, device="cpu")


def test_the_best_stays_though_its_row_was_cut_off(points, tmp_path):
    recorder, state = Recorder(Run(tmp_path)), start(points, points.data.open())
    (tmp_path / "run.json").write_text("{}")
    recorder.keep_best(points, state, {"kd": 0.1})
    best = files(tmp_path / "best")
    recorder.keep_best(points, state, {"kd": 0.2})  # after a kill the log knows nothing of 0.1
    assert files(tmp_path / "best") == best
    recorder.keep_best(points, state, {"kd": 0.05})
    assert files(tmp_path / "best") != best
    assert load(tmp_path / "best").generate([0]).isfinite().all()


def test_the_best_is_brought_back_after_a_kill_between_two_names(points, tmp_path):
    run = fit(points, out=tmp_path / "run", quiet=True, device="cpu")
    Recorder(run).keep_best(points, start(points, points.data.open()), {"kd": 0.1})
    best = files(run.path / "best")
    (run.path / "best").rename(run.path / ".draft-0123456789abcdef-best")
    (run.path / ".draft-4567cdef4567cdef-log.jsonl").write_text("half a li")
    fit(points, images=640, out=tmp_path / "run", quiet=True, device="cpu")
    assert files(run.path / "best") == best
    assert [file.name for file in run.path.iterdir() if file.name.startswith(".draft")] == []


def test_moments_that_are_missing_are_no_checkpoint(points, tmp_path):
    state = start(points, points.data.open())
    fit(points, out=tmp_path / "run", quiet=True, device="cpu")
    tensors = Run(tmp_path / "run").restore()
    lost = {name: value for name, value in tensors.items() if not name.startswith("optimizer.critic/0/")}
    with pytest.raises(DoesNotFit, match="moments"):
        state.load(lost)
    state.load(tensors)


def test_data_that_are_drawn_lie_nowhere(points, tmp_path):
    fit(points, out=tmp_path / "run", quiet=True, device="cpu")
    with pytest.raises(DoesNotFit, match="reads no files"):
        fit(tmp_path / "run", data="somewhere", quiet=True, device="cpu")
    with pytest.raises(NotFound):
        fit("cgan", data=str(tmp_path / "nothing"), quiet=True, device="cpu")
    assert checkpoint.named(tmp_path / "run" / "checkpoints") == ["000000320"]
