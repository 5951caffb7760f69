"""What a run folder holds, how long a run is, and what it does when the disk or the numbers give out."""

import json
import math
import shutil
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
from conftest import files

from ganvas import Run, fit, plan
from ganvas.core import checkpoint
from ganvas.core.batch import Kind
from ganvas.core.errors import DoesNotFit, GanvasError, PassedOver, Unreadable
from ganvas.learning.optimizers import Adam
from ganvas.runs import film, report
from ganvas.training import allowance, budget, recorder, session
from ganvas.training.recorder import Recorder


def train(recipe, folder, **options):
    return fit(recipe, out=folder, device="cpu", quiet=True, **options)


def test_what_a_run_leaves(points, tmp_path, monkeypatch):
    monkeypatch.setattr(allowance, "SHARE", math.inf)  # a busy machine would leave out some of the sheets
    run = train(points, tmp_path / "run", seed=7)
    assert sorted({file.name for file in run.path.iterdir()} - {".lock", "tensorboard"}) == [
        ".copies", "checkpoints", "log.jsonl", "recipe.json", "report.html", "run.json", "samples", "status.json"
    ]  # fmt: skip
    assert run.recipe == points
    assert run.finished
    assert (run.about["seed"], run.about["minutes"]) == (7, None)
    assert run.about["data"]["count"] == 500
    assert run.about["machine"]["threads"] == 1
    assert [row["images"] for row in run.rows] == list(range(16, 321, 16))
    assert run.rows[-1]["terms"].keys() >= {"critic.loss", "critic.r1", "critic.r2", "generator.loss"}
    assert [row["seconds"] for row in run.rows] == sorted(row["seconds"] for row in run.rows)
    assert sorted(files(run.path / "samples")) == [f"{images:09}.png" for images in range(0, 321, 64)]
    assert sorted(file.name for file in (run.path / "checkpoints").iterdir()) == ["000000320"]
    assert {file.name for file in run.newest.iterdir()} == {
        "manifest.json", "model.safetensors", "state.safetensors"
    }  # fmt: skip
    assert (run.path / "report.html").stat().st_size > 1000


def test_a_long_run_leaves_no_more(points, tmp_path, monkeypatch):
    monkeypatch.setitem(recorder.ON_A_SHEET, Kind.POINTS, 2)
    run = train(replace(points, batch=2, images=2 * 350, sheets=60), tmp_path / "run")
    assert len(run.rows) == 300
    assert len(files(run.path / "samples")) == 61


def test_every_line_of_a_log_has_the_terms_of_lazy_turns(points, tmp_path, monkeypatch):
    monkeypatch.setattr("ganvas.training.session.ROWS", 16)  # every second step would be due
    run = train(replace(points, game=replace(points.game, lazy=4), images=16 * 32), tmp_path / "run")
    assert [row["images"] // 16 for row in run.rows] == [1, 5, 9, 13, 17, 21, 25, 29, 32]
    assert all("critic.r1" in row["terms"] for row in run.rows[:-1])
    assert run.newest_sheet.stem == f"{run.images:09}"


def test_another_run_is_refused(points, tmp_path):
    run = train(points, tmp_path / "run")
    before = files(run.path)
    with pytest.raises(GanvasError, match=r"holds another run \(batch: 8, not 16\). Give `out=` another folder"):
        train(replace(points, batch=8), run.path)
    with pytest.raises(GanvasError, match=r"seed: 1, not 0"):
        train(points, run.path, seed=1)
    with pytest.raises(GanvasError, match=r"game.r1: 0.5, not 0.1"):
        train(replace(points, game=replace(points.game, r1=0.5)), run.path)
    assert files(run.path) == before


def test_two_processes_do_not_train_in_one_folder(points, tmp_path):
    run = train(points, tmp_path / "run", images=160)
    with Recorder(run).held(), pytest.raises(GanvasError, match=r"Another process is training in .*run\. Wait for it"):
        train(points, run.path)
    assert run.recipe.images == 160
    assert train(points, run.path).finished


def test_where_files_cannot_be_locked_training_goes_without(points, tmp_path, monkeypatch):
    def acquire(lock):
        raise NotImplementedError

    monkeypatch.setattr("ganvas.training.recorder.FileLock.acquire", acquire)
    assert train(points, tmp_path / "run").finished


def test_fewer_images_than_it_has_seen_are_refused(points, tmp_path):
    run = train(points, tmp_path / "run", images=160)
    with pytest.raises(GanvasError, match=r"has already seen 160 images, more than the 64 asked for"):
        train(points, run.path, images=64)
    assert run.recipe.images == 160


def test_what_a_run_began_with_is_written_down(points, tmp_path):
    first = train(points, tmp_path / "first")
    run = train(points, tmp_path / "run", start_from=first.path)
    assert (first.about["from"], run.about["from"]) == (None, str(first.path))
    assert "Started from the weights of" in (run.path / "report.html").read_text()
    for other in (None, run.path):
        with pytest.raises(GanvasError, match=r"holds another run \(from: .*, not .*first"):
            train(points, run.path, start_from=other)
    assert fit(run.path, images=run.images + 16, quiet=True).about["from"] == str(first.path)


def test_what_somebody_keeps_in_a_run_folder_stays_and_is_in_nobodys_way(points, tmp_path):
    run = train(replace(points, measure_images=16), tmp_path / "run")
    own = [run.path / "2024-notes", run.path / "1000", run.path / "checkpoints" / "000000320-backup"]
    for folder in own:
        folder.mkdir()
    grid = run.path / "samples" / "grid.png"
    grid.write_bytes(run.newest_sheet.read_bytes())
    train(replace(points, measure_images=16), run.path, images=run.images + 64)
    assert (run.path / "best").exists()
    assert all(folder.exists() for folder in own)
    assert grid.exists()
    assert run.newest_sheet != grid
    assert len([folder for folder in (run.path / "checkpoints").iterdir() if folder not in own]) <= 2


def test_a_moved_run_goes_on(points, tmp_path):
    run = train(points, tmp_path / "run", images=160)
    shutil.move(run.path, tmp_path / "elsewhere")
    assert fit(str(tmp_path / "elsewhere"), images=320, quiet=True).images == 320


@contextmanager
def little_room(most):
    """No file may grow larger, as on a full disk; not for longer than needed, as pytest's own output may be a file."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [600, 3000, 7000])
def test_a_full_disk(room, points, tmp_path):
    run = train(points, tmp_path / "run", images=160)
    whole = checkpoint.read(run.newest / "state.safetensors")
    with pytest.raises(GanvasError, match=r"[Cc]annot write"), little_room(room):
        train(points, run.path, images=3200)
    assert run.newest.name == "000000160"
    restored = checkpoint.read(run.newest / "state.safetensors")
    assert all((restored[name] == value).all() for name, value in whole.items())
    assert [file.name for file in (run.path / "checkpoints").iterdir()] == ["000000160"]


def test_a_folder_that_cannot_be(points, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(GanvasError, match=r"Cannot write .*file"):
        train(points, tmp_path / "file" / "run")


@pytest.mark.parametrize("rate", [1e10, 1e39])
def test_divergence_is_told_and_never_saved(rate, points, tmp_path, monkeypatch):
    monkeypatch.setattr(session, "CHECKPOINT_SECONDS", 0.0)
    recipe = replace(points, optimizer=Adam(rate=rate), images=16 * 3000)
    with pytest.raises(GanvasError, match=r"diverged at .* images: .* It went back three times.* Try `settings="):
        train(recipe, tmp_path / "run")
    for file in (tmp_path / "run" / "checkpoints").rglob("*.safetensors"):
        assert all(tensor.isfinite().all() for tensor in checkpoint.read(file).values()), file
    for row in Run(tmp_path / "run").rows:
        assert all(value is not None and math.isfinite(value) for value in row["terms"].values())


def test_minutes(points, tmp_path):
    began = time.perf_counter()
    run = train(points, tmp_path / "run", minutes=0.03)
    took = time.perf_counter() - began
    assert run.about["minutes"] == 0.03
    assert 0.6 < run.rows[-1]["seconds"] < 10  # planned for 1.3 s, on a machine that does other work too
    assert took < run.rows[-1]["seconds"] + 10
    images, log = run.images, (run.path / "log.jsonl").read_bytes()
    assert images % 16 == 0
    assert train(points, tmp_path / "run", minutes=0.03).images == images
    assert (run.path / "log.jsonl").read_bytes() == log
    run = train(points, tmp_path / "run", minutes=0.05)
    assert run.images > images
    assert train(points, tmp_path / "run", images=run.images + 160).about["minutes"] is None
    assert run.rows[-1]["seconds"] > 1.2 * json.loads(log.splitlines()[-1])["seconds"]


@pytest.mark.parametrize(("pace", "width"), [(160, 16), (1600, 24), (2e9, 36)])
def test_longer_budgets_have_wider_networks(pace, width, points, tmp_path, monkeypatch):
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "cache"))  # where the pace of the other cases is remembered
    monkeypatch.setattr(budget, "_pace", lambda *_, **__: pace)
    recipe = replace(points, widen=(2**11, 2**30))
    run = train(recipe, tmp_path / "run", minutes=0.03)
    assert [network.width for network in run.recipe.networks.values()] == [width, width]
    assert run.recipe == replace(points, images=run.recipe.images, networks=run.recipe.networks)
    images = run.images
    assert train(recipe, tmp_path / "run", minutes=0.03).images == images, "the same command goes on with it"
    assert train(recipe, tmp_path / "run", images=images + 16).images == images + 16
    networks = {name: replace(network, width=17) for name, network in points.networks.items()}
    with pytest.raises(GanvasError, match="holds another run"):
        train(replace(recipe, networks=networks), tmp_path / "run", images=images + 32)


def test_only_minutes_widen_and_only_what_nobody_asked_for(points, tmp_path):
    recipe = replace(points, widen=(1,))
    assert train(recipe, tmp_path / "images").recipe == points
    started = train(recipe, tmp_path / "started", minutes=0.01, start_from=tmp_path / "images").recipe
    assert started.networks == points.networks
    assert plan("photos").widen
    assert plan("photos", settings=["batch=16"]).widen == plan("photos").widen
    assert not plan("photos", settings=["generator.width=8"]).widen
    assert plan("photos", settings=["generator.width=8", "widen=(7,)"]).widen == (7,)


def test_more_images_later(points, tmp_path):
    run = train(points, tmp_path / "run", images=160)
    first = run.rows
    assert train(points, tmp_path / "run", images=320).images == 320
    assert run.rows[:10] == first
    assert [row["images"] for row in run.rows] == list(range(16, 321, 16))
    assert run.recipe.images == 320


def test_a_start_that_fails_is_in_nobodys_way(points, tmp_path):
    """Neither a refused one, which leaves no folder, nor one that was killed before its first checkpoint."""
    with pytest.raises(GanvasError, match="no critic"):
        fit(replace(points, game=replace(points.game, critics=("generator",))), out=tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()
    shutil.rmtree(fit(points, out=tmp_path / "run", quiet=True, device="cpu").path / "checkpoints")
    again = fit(replace(points, images=64), out=tmp_path / "run", seed=3, quiet=True, device="cpu")
    assert again.about["seed"] == 3


@pytest.mark.parametrize("name", ["run.json", "recipe.json"])
def test_what_a_run_is_stands_in_it_twice(name, points, tmp_path):
    run = fit(points, out=tmp_path / "run", device="cpu", quiet=True)
    good, file = (run.about, run.recipe), run.path / name
    text = file.read_text()
    file.write_text(text.replace("1", "7", 1))
    with pytest.warns(PassedOver, match=rf"{name} is damaged, and its copy .* is used"):
        assert (run.about, run.recipe) == good
    with pytest.warns(PassedOver, match=name):
        assert fit(str(run.path), device="cpu", quiet=True).finished
    assert (run.about["seed"], run.recipe) == (good[0]["seed"], good[1]), "and was written anew"
    file.write_text("")
    (run.path / ".copies" / name).write_text("")
    with pytest.raises(Unreadable, match=rf"{name} is damaged.* Bring it back from a copy"):
        run.read(name)


def test_a_damaged_sheet_is_named_and_left_out_of_the_film(points, tmp_path):
    run = fit(points, out=tmp_path / "run", device="cpu", quiet=True)
    sheet = sorted((run.path / "samples").glob("*.png"))[1]
    content = bytearray(sheet.read_bytes())
    content[len(content) // 2] ^= 4  # which Pillow alone would show
    sheet.write_bytes(content)
    with pytest.warns(PassedOver, match=f"{sheet.name} is damaged and left out"):
        film.film(run.path)
    with pytest.warns(PassedOver, match=sheet.name):
        report.write(run.path)
    for other in (run.path / "samples").glob("*.png"):
        other.write_bytes(other.read_bytes()[:60])
    with pytest.warns(PassedOver), pytest.raises(DoesNotFit, match="A film needs two sheets"):
        film.film(run.path)


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        (lambda about: about.pop("seed"), "seed"),
        (lambda about: about.update(data=5), "data"),
        (lambda about: about["data"].update(count="many"), "data.count"),
        (lambda about: about.update(machine=[]), "machine"),
        (lambda about: about.clear(), "ganvas"),
    ],
)
def test_a_run_json_of_another_version_is_refused_in_a_sentence_and_reported_as_far_as_it_goes(
    change, missing, points, tmp_path
):
    run = fit(points, out=tmp_path / "run", device="cpu", quiet=True)
    about = run.about
    change(about)
    (run.path / "run.json").write_text(json.dumps(about))
    with pytest.raises(Unreadable, match=rf"run.json does not say {missing} as this version of ganvas does"):
        fit(str(run.path), device="cpu", quiet=True)
    with pytest.warns(PassedOver, match="The report shows what is left"):
        assert report.write(run.path).exists()
