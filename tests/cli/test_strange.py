"""What strangers type: nothing of theirs is lost, and whatever cannot be is refused before any work, in one line."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import files
from PIL import Image

from ganvas import Run, fit, plan, source, train
from ganvas.cli import app
from ganvas.core.errors import DoesNotFit, GanvasError, NotFound, PassedOver
from ganvas.core.seeds import refuse_seeds
from ganvas.models.publish import hand_over
from ganvas.runs.film import film


@pytest.fixture(scope="module")
def trained(tmp_path_factory, pictures):
    """A finished run of digits of 8x8."""
    folder = tmp_path_factory.mktemp("strange") / "run"
    return fit(replace(pictures, images=4 * pictures.batch), out=folder, device="cpu", quiet=True).path


def drawn(folder, count=12):
    """A folder of pictures whose names are numbers, as those of sheets are."""
    folder.mkdir(parents=True)
    for number in range(count):
        Image.new("RGB", (10, 10), (20 * number, 0, 0)).save(folder / f"{number}.png")
    return folder


@pytest.mark.parametrize("name", ["samples/0.png", "samples/reconstructions/3.png", "report.html", "log.jsonl"])
def test_a_training_begins_in_no_folder_of_which_it_would_remove_something(ganvas, tmp_path, name):
    mine = tmp_path / "mine" / name
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    before = files(tmp_path / "mine")
    code, _, err = ganvas("train", "ring", "--images", 64, "--out", "mine", "--device", "cpu")
    assert code == 1
    assert f"mine is no run and holds {Path(name)}" in err
    assert files(tmp_path / "mine") == before


def test_a_training_that_was_killed_before_it_had_a_name_begins_anew(ganvas, tmp_path):
    run = tmp_path / "runs" / "ring"
    assert ganvas("train", "ring", "--images", 64, "--device", "cpu")[0] == 0
    for name in ("run.json", "log.jsonl"):
        (run / name).unlink()
    for checkpoint in (run / "checkpoints").iterdir():
        for file in checkpoint.iterdir():
            file.unlink()
        checkpoint.rmdir()
    assert ganvas("train", "ring", "--images", 64, "--device", "cpu")[0] == 0


@pytest.mark.parametrize("out", ["art/3.png", "art"])
def test_a_sheet_replaces_no_picture_that_it_shows(ganvas, tmp_path, out):
    before = files(drawn(tmp_path / "art"))
    code, _, err = ganvas("data", "art", "--size", 8, "--out", out)
    assert (code, "would be lost" in err) == (1, True)
    assert files(tmp_path / "art") == before
    for _ in range(2):  # a sheet of before may be replaced
        assert ganvas("data", "art", "--size", 8, "--out", "art/contact.png")[0] == 0


def test_what_something_is_made_from_is_not_replaced(ganvas, tmp_path, trained):
    drawn(tmp_path / "art", 1)
    hand_over(trained, tmp_path / "model")
    before = files(tmp_path)
    for words in (
        ("project", trained, "art/0.png", "--out", "art/0.png", "--steps", 2, "--pixels"),
        ("mix", "model", trained, "--at", 8, "--out", "model"),
        ("mix", trained, "model", "--at", 8, "--out", "model/model.safetensors"),
        ("directions", "model/model.safetensors", "--out", "model/model.safetensors"),
        ("inspect", trained, "art/0.png", "--sheet", "art/0.png"),
    ):
        code, _, err = ganvas(*words)
        assert (code, "is what this is made from" in err) == (1, True), (words, err)
    assert files(tmp_path) == before


def test_what_is_not_written_loses_nothing(ganvas, tmp_path, monkeypatch):
    drawn(tmp_path / "art")
    (tmp_path / "art" / "3.png").rename(tmp_path / "art" / "contact.png")
    assert ganvas("data", "art", "--size", 8, "--json")[0] == 0
    monkeypatch.chdir(tmp_path / "art")
    assert ganvas("data", ".", "--size", 8, "--json")[0] == 0


def test_the_doctor_says_what_the_log_says_where_no_checkpoint_is_sound(ganvas, tmp_path, trained):
    shutil.copytree(trained, tmp_path / "sick")
    for file in tmp_path.glob("sick/checkpoints/*/model.safetensors"):
        file.write_bytes(file.read_bytes()[:-100])
    with pytest.warns(PassedOver):
        code, out, _ = ganvas("doctor", "sick")
    assert code == 0
    assert "no intact checkpoint" in out


def test_a_folder_may_have_brackets_in_its_name(ganvas, tmp_path):
    drawn(tmp_path / "my (pictures)", 30)
    shown = [ganvas("train", "photos", *how, "--dry-run") for how in (
        ("--data", "my (pictures)"), ("--set", "data=my (pictures)"), ("--set", "data=folder('my (pictures)')")
    )]  # fmt: skip
    assert [code for code, _, _ in shown] == [0, 0, 0], shown
    assert shown[0][1] == shown[1][1] == shown[2][1]


def test_a_folder_may_begin_as_the_home_of_nobody_does(ganvas, tmp_path):
    code, _, err = ganvas("data", "~nobody-of-that-name/art")
    assert (code, err.count("\n")) == (1, 1), err
    drawn(tmp_path / "~nobody-of-that-name")
    assert ganvas("data", "~nobody-of-that-name", "--size", 8)[0] == 0


@pytest.mark.parametrize("seeds", [[0, 1.5, 3], [0, "1"], [0, 1, -1]])
def test_each_seed_is_looked_at(seeds):
    with pytest.raises(DoesNotFit, match="Seeds are whole numbers from 0"):
        refuse_seeds(seeds)


def test_points_have_no_attributes(ganvas, tmp_path, points):
    fit(replace(points, images=64), out=tmp_path / "ring", device="cpu", quiet=True)
    code, _, err = ganvas("attributes", "ring", "ring")
    assert (code, err.count("\n")) == (1, 1), err


def test_a_film_takes_time(trained):
    for times in ({"seconds": 0}, {"frames_per_second": 0}):
        with pytest.raises(DoesNotFit, match="more than 0"):
            film(trained, **times)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("train", "digits", "--data", ""), "The name of the data is empty"),
        (("train", "digits", "--from", ""), "--from is empty"),
        (("publish", "RUN", "--to", ""), "--to is empty"),
        (("evaluate", "RUN", "", "--count", 20), "The name of the data is empty"),
        (("evaluate", "RUN", "--held-out", "", "--count", 20), "The name of the data is empty"),
        (("doctor", "RUN", "--held-out", ""), "The name of the data is empty"),
        (("sample", "RUN", "--out", "."), "its name must end as a picture's does"),
        (("sample", "RUN", "--scale", 100_000), "are too many for one file"),
        (("quiz", "RUN", "--out", "."), "A quiz is a page: --out quiz.html"),
        (("quiz", "RUN", "--seed", -1), "Seeds are whole numbers from 0"),
        (("evaluate", "RUN", "--neighbours", "near.xyz"), "its name must end as a picture's does"),
        (("morph", "RUN", "--seconds", "1e9"), "--seconds is how long a film takes"),
        (("morph", "RUN", "--frames", 10**9), "are too many for one file"),
        (("edit", "RUN", "--direction", "light", "--strength", "1e300"), "at most 100"),
        (("directions", "RUN", "--strength", "nan"), "at most 100"),
        (("sample", "RUN", "--place", '{"seed": 1}', "--count", 9), "says how many pictures and which"),
        (("project", "RUN", "."), "is a folder. Name one picture in it"),
        (("sample", "RUN", "--seeds", "3,4", "--count", 9), "--seeds says how many pictures and which"),
        (("morph", "RUN", "--place", '{"seed": 1}', "--variety", 0), "--place"),
        (("inspect", "RUN", "--device", "nonsense"), "This machine has no device 'nonsense'"),
        (("quiz", "RUN", "--device", "nonsense"), "This machine has no device 'nonsense'"),
        (("inspect", "RUN", "--count", 0), "It takes 10 real pictures of each source"),
        (("data", "digits", "--to", "z.zip", "--out", "y.png"), "Give one of --out, --to and --json"),
        (("train", "digits", "--size", "²"), "--size is a number of pixels"),
        (("train", "digits", "--size", "9" * 5000), "--size is a number of pixels"),
        (("sample", "RUN", "--seeds", "9" * 5000), "--seeds are whole numbers from 0"),
        (("morph", "RUN", "--seeds", "9" * 5000), "--seeds are whole numbers from 0"),
        (("train", "digits", "--dry-run", "--minutes", "nan"), "--minutes takes a positive number"),
        (("train", "digits", "--dry-run", "--images", 0), "--images takes a whole number from 1"),
        (("train", "digits", "--dry-run", "--images", 5, "--minutes", 3), "not both"),
        (("train", "digits", "--images", 64, "--set", "images=32"), "each says how long to train"),
        (("train", "digits", "--dry-run", "--seed", -1), "--seed takes a whole number from 0"),
        (("train", "digits", "--dry-run", "--auto", "--no-rescue"), "Give only one of the two"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_and_leaves_nothing(ganvas, tmp_path, trained, words, told):
    before = files(trained)
    code, out, err = ganvas(*(trained if word == "RUN" else word for word in words))
    assert (code, out) == (1, "")
    assert told in err, err
    assert err.count("\n") == 1, err
    assert not list(tmp_path.iterdir())
    assert files(trained) == before


def test_a_dry_run_shows_what_would_be_trained(ganvas, tmp_path):
    drawn(tmp_path / "art", 30)
    kept = ("widen", str(plan("photos").widen))
    for length, widens in ((("--images", 64), False), ((), False), (("--minutes", 3), True)):
        shown = ganvas("train", "photos", "--data", "art", "--dry-run", *length)[1]
        assert (kept in [tuple(line.split(maxsplit=1)) for line in shown.splitlines()]) == widens


@pytest.mark.parametrize("seed", [1.5, "1", None])
def test_a_seed_of_another_type_is_refused_before_there_is_a_folder(points, tmp_path, seed):
    with pytest.raises(DoesNotFit, match="`seed=` takes a whole number"):
        fit(points, seed=seed, out=tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


def test_numbers_of_numpy_and_paths_are_taken_as_what_they_are(pictures, points, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    drawn(tmp_path / "digits", 30)
    run = fit(replace(points, images=64), seed=np.int64(3), images=np.int64(64), out=tmp_path / "run", quiet=True)
    assert (run.about["seed"], run.images) == (3, 64)
    assert Run(run.path).finished
    for at in (Path("digits"), Path("./digits"), tmp_path / "digits"):  # and not the data of that name
        assert Path(source(at).path).samefile(tmp_path / "digits")
        assert plan(at, size=[16, np.int64(8)]).data.size == (16, 8)
        assert plan("icons", data=at, size=np.int64(16)).data.size == 16
    for size in ("16", (16,), 16.0, [1, 2, 3]):
        with pytest.raises(DoesNotFit, match="`size=` takes a whole number of pixels"):
            plan("digits", size=size)
    with pytest.raises(NotFound, match="empty"):
        source(" ")
    with pytest.raises(GanvasError, match="This machine has no device 'gpu'"):
        next(train(pictures, device="gpu"))


def test_python_without_docstrings_will_do():
    told = subprocess.run([sys.executable, "-OO", "-m", "ganvas", "list", "data"], capture_output=True, text=True)
    assert (told.returncode, "digits" in told.stdout) == (0, True), told.stderr


def test_a_size_after_the_name_of_data_is_taken(ganvas):
    assert plan("digits:16").data.size == plan("digits", size=16).data.size == 16
    assert plan("icons", data="digits:16").data.size == 16
    assert plan("digits:16", size=8).data.size == 8
    assert "size=16" in ganvas("train", "digits:16", "--dry-run")[1]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows removes no folder that a process works in")
def test_a_folder_that_is_gone_is_told(tmp_path):
    (tmp_path / "gone").mkdir()
    program = "import os; os.rmdir(os.getcwd()); from ganvas.cli import app; app.main()"
    told = subprocess.run(
        [sys.executable, "-c", program, "models"], cwd=tmp_path / "gone", capture_output=True, text=True
    )
    assert (told.returncode, told.stderr) == (
        1,
        "ganvas: The folder of this terminal is gone. Go to another, such as by `cd ~`.\n",
    )


def test_the_setting_of_threads_is_one_that_is_read_in_turkish():
    """There I is no capital of i, and libgomp warned of PASSIVE with each command, and did not take it."""
    told = subprocess.run(
        [sys.executable, "-c", "import os, ganvas; print(os.environ['OMP_WAIT_POLICY'])"],
        env={name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"},
        capture_output=True,
        text=True,
    )
    assert told.stdout == "passive\n"


def test_the_folder_of_runs_says_which_there_are(ganvas, trained):
    code, _, err = ganvas("sample", trained.parent)
    assert (code, f"holds runs and is none; name one of them, such as {trained}" in err) == (1, True), err


def test_what_may_not_be_used_is_called_by_a_name_that_is_known(tmp_path, monkeypatch, capsys):
    """The superuser, as in CI, may use everything."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "closed").mkdir()
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path).name != "closed")
    for file, told in (
        ("run/.draft-0123456789abcdef-report-1.html", "run/report-1.html"),
        ("closed/run.json", "closed"),
        ("mine.png", "mine.png"),
        (None, "a file"),
    ):
        error = PermissionError(13, "Permission denied", file)
        monkeypatch.setattr(app, "app", lambda error=error: (_ for _ in ()).throw(error))
        with pytest.raises(SystemExit):
            app.main()
        said = f"ganvas: {told} cannot be used: Permission denied. Name another, or open it.\n"
        assert capsys.readouterr().err == said


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_the_name_of_a_class_is_no_line_of_its_own(ganvas, tmp_path):
    for name in ("cat", "dog\nnote: all is well"):
        drawn(tmp_path / "art" / name)
    code, out, _ = ganvas("data", "art", "--size", 8)
    assert (code, "2 classes: cat 12, dog note: all is well 12\n" in out) == (0, True), out
