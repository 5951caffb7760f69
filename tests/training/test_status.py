"""What a training says of itself to whoever looks on from outside."""

import json
import os
import shlex
import signal
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ganvas import Run, fit
from ganvas.core.errors import Busy, NotFound, Unwritable
from ganvas.runs.run import process_began
from ganvas.runs.watch import watch
from ganvas.training.events import Events
from ganvas.training.recorder import MOST_SHEETS, Recorder
from ganvas.training.status import Status

FIELDS = {
    "pid", "began", "phase", "done", "total", "images", "wanted", "speed", "left", "state", "notice", "stage",
    "diagnoses", "error",
}  # fmt: skip


def until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def test_who_trains_is_told_without_the_lock_and_no_longer_after_a_kill(start, tmp_path):
    run = Run(tmp_path / "run")
    process = start("train", "ring", "--images", 10**7, "--out", "run")
    until(lambda: run.training)
    assert run.training == process.pid
    first = until(lambda: run.status if run.status["images"] else None)
    assert set(first) == FIELDS
    assert (first["state"], first["wanted"], first["error"]) == ("training", 10**7, None)
    assert first["done"] == first["images"]
    later = until(lambda: run.status if run.status["images"] > first["images"] else None)
    assert later["left"] == pytest.approx((later["wanted"] - later["images"]) / later["speed"], rel=0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert run.status["state"] == "training"  # nobody was left to say otherwise
    assert run.training is None
    second = start("train", "ring", "--images", 10**7, "--out", "run")
    until(lambda: run.training == second.pid and run.status["phase"] == "training")
    second.send_signal(signal.SIGTERM)
    second.wait()
    assert run.training is None
    assert run.status["state"] == "interrupted"
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored under nohup, which children inherit
    third = start("train", "ring", "--images", 10**7, "--out", "run")
    signal.signal(signal.SIGHUP, before)
    until(lambda: run.training == third.pid and run.status["phase"] == "training")
    third.send_signal(signal.SIGHUP)  # its terminal was closed
    third.wait()
    assert run.status["state"] == "interrupted"
    assert run.newest_sound().name == f"{run.status['images']:09}", "and what it had learned is kept"


def test_what_seems_wrong_is_still_told_when_the_command_of_a_finished_run_is_given_again(tmp_path):
    asked = {"images": 512, "out": tmp_path / "run", "quiet": True}
    before = fit("ring", **asked).status["diagnoses"]
    assert [each["kind"] for each in before] == ["short"]
    assert fit("ring", **asked).status["diagnoses"] == before


@pytest.mark.parametrize("moment", ["sheet", "log", "keep_best"])
def test_a_run_that_is_moved_while_it_trains_does_not_come_into_being_anew(moment, points, tmp_path, monkeypatch):
    work = getattr(Recorder, moment)

    def moving(self, *asked):
        if asked[0]:
            self.run.path.rename(tmp_path / "moved")
        work(self, *asked)

    monkeypatch.setattr(Recorder, moment, moving)
    points = replace(points, measure_images=160)
    with pytest.raises(Unwritable, match="was moved or removed while it trained"):
        fit(points, out=tmp_path / "run", quiet=True, device="cpu")
    assert not (tmp_path / "run").exists()
    monkeypatch.undo()
    assert fit(tmp_path / "moved", quiet=True, device="cpu").finished


def test_the_file_is_whole_at_any_time_and_new_once_a_second(start, tmp_path):
    run = Run(tmp_path / "run")
    start("train", "ring", "--images", 10**7, "--out", "run")
    until(lambda: run.training)
    seen = set()
    end = time.monotonic() + 4
    while time.monotonic() < end:
        seen.add(json.loads((run.path / "status.json").read_text())["images"])
    assert len(seen) >= 3


def test_how_it_ended(points, tmp_path, monkeypatch):
    run = fit(points, out=tmp_path / "run", quiet=True, device="cpu")
    assert (run.status["state"], run.status["images"], run.training) == ("finished", points.images, None)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Recorder, "save", full)
    with pytest.raises(OSError, match="No space"):
        fit(points, out=tmp_path / "other", quiet=True, device="cpu")
    failed = Run(tmp_path / "other")
    assert (failed.status["state"], failed.training) == ("failed", None)
    assert "No space left" in failed.status["error"]


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="Windows has the real one")
def test_ctrl_break_is_a_polite_stop_where_it_is_known(points, tmp_path, monkeypatch):
    monkeypatch.setattr(signal, "SIGBREAK", signal.SIGUSR1, raising=False)
    log = Recorder.log

    def interrupted(self, seen, *rest):
        log(self, seen, *rest)
        if seen == 128:
            os.kill(os.getpid(), signal.SIGBREAK)

    monkeypatch.setattr(Recorder, "log", interrupted)
    before = signal.getsignal(signal.SIGUSR1)
    run = fit(points, out=tmp_path / "run", quiet=True, device="cpu")
    assert (run.status["state"], run.finished) == ("interrupted", False)
    assert run.newest is not None
    assert signal.getsignal(signal.SIGUSR1) == before
    assert fit(run.path, quiet=True, device="cpu").finished


def test_a_number_of_a_process_that_another_one_has_now(tmp_path):
    status = Status(tmp_path, images=0, wanted=5)
    with status.kept():
        assert Run(tmp_path).training == os.getpid()
        held = Run(tmp_path).status
        assert held["began"] == process_began(os.getpid())
        (tmp_path / "status.json").write_text(json.dumps(held | {"began": held["began"] + 1}))
        assert Run(tmp_path).training is None
    for odd in ({"pid": "x"}, {"pid": -1}, {"pid": 2**70}, {"pid": True}, [], "{"):
        text = odd if isinstance(odd, str) else json.dumps(held | odd if isinstance(odd, dict) else odd)
        (tmp_path / "status.json").write_text(text)
        assert Run(tmp_path).training is None


def test_a_stage_is_told_by_the_folder_around_it_too(tmp_path):
    stage = tmp_path / "stages" / "1-first"
    stage.mkdir(parents=True)
    status = Status(stage, images=0, wanted=10, stage="1 of 2", around=tmp_path)
    with status.kept():
        status.update(10, 10, 5.0)
        assert Run(tmp_path).training == os.getpid()
        status.during("saving")
        assert Run(tmp_path).status == Run(stage).status
        assert (Run(tmp_path).status["stage"], Run(tmp_path).status["images"]) == ("1 of 2", 10)
    assert Run(stage).status["state"] == "finished"
    assert Run(tmp_path).status["state"] == "training", "the next stage begins"
    with pytest.raises(ValueError, match="broken"), Status(stage, images=0, wanted=10, around=tmp_path).kept():
        raise ValueError("broken")
    assert (Run(tmp_path).status["state"], Run(tmp_path).status["error"]) == ("failed", "broken")


def test_nobody_to_tell_is_no_reason_to_end(points, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ganvas.core.files.put", full)
    assert fit(points, out=tmp_path / "run", quiet=True, device="cpu").finished


def test_watching_follows_to_the_end(start, tmp_path, ganvas):
    process = start("train", "ring", "--images", 20_000, "--out", "run")
    until(lambda: Run(tmp_path / "run").training)
    code, out, err = ganvas("watch", "run")
    process.wait(timeout=30)
    assert code == 0
    assert "finished, 20,0" in out
    assert "images" in err
    with pytest.raises(NotFound, match="There is no"):
        watch(Run(tmp_path / "nothing"))


def test_watching_a_training_in_stages_before_its_last_one(tmp_path):
    (tmp_path / "status.json").write_text(json.dumps({"state": "training", "stage": "1 of 3", "pid": 0}))
    assert watch(Run(tmp_path)) == f"{tmp_path}: nobody trains here; go on by `ganvas train {tmp_path}`."


def test_the_command_that_goes_on_is_one_for_a_shell_whatever_the_folder_is_called(tmp_path):
    run = tmp_path / "my run; it's"
    run.mkdir()
    (run / "status.json").write_text(json.dumps({"state": "training", "pid": 0}))
    assert shlex.split(watch(Run(run)).split("`")[1]) == ["ganvas", "train", str(run)]


def test_watching_says_how_it_ended_where_nobody_trains(points, tmp_path):
    run = fit(points, out=tmp_path / "run", quiet=True, device="cpu")
    assert watch(run).endswith("finished, 320 of 320 images.")
    (run.path / "status.json").write_text(json.dumps(run.status | {"state": "failed", "error": "the disk is full"}))
    assert watch(run).endswith("failed, 320 of 320 images are kept: the disk is full")


def test_old_sheets_are_thinned_and_the_first_and_newest_stay(points, tmp_path):
    samples = tmp_path / "samples"
    samples.mkdir()
    for images in range(MOST_SHEETS + 1):
        Image.fromarray(np.zeros((1, 1), np.uint8)).save(samples / f"{images:09}.png")
    recorder = Recorder(Run(tmp_path))
    recorder.thin(replace(points, sheets=MOST_SHEETS))
    assert len(list(samples.iterdir())) == MOST_SHEETS + 1  # so many were asked for
    recorder.thin(points)
    left = sorted(int(sheet.stem) for sheet in samples.iterdir())
    assert left == list(range(0, MOST_SHEETS + 1, 2))
    recorder.thin(points)
    assert len(list(samples.iterdir())) == len(left)


def test_what_is_logged_is_there_for_tensorboard(points, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = fit(points, out=tmp_path / "run", quiet=True, device="cpu")
    held = accumulator.EventAccumulator(str(run.path / "tensorboard"))
    held.Reload()
    name = next(iter(run.rows[0]["terms"]))
    events = {each.step: each.value for each in held.Scalars(name.replace(".", "/"))}
    logged = {row["images"]: row["terms"][name] for row in run.rows}
    assert events == pytest.approx(logged, rel=1e-6)


def test_without_tensorboard_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr("ganvas.training.events.find_spec", lambda _: None)
    events = Events(tmp_path, seen=0)
    events.log(1, {"a": 1.0})
    events.close()
    assert list(tmp_path.iterdir()) == []


def test_what_another_process_has_just_trained_is_not_set_aside(points, tmp_path, monkeypatch):
    fitting = sys.modules[fit.__module__]
    start = fitting._start

    def meanwhile(*given):
        monkeypatch.undo()
        fit(points, out=tmp_path / "run", quiet=True, device="cpu")
        return start(*given)

    monkeypatch.setattr(fitting, "_start", meanwhile)
    with pytest.raises(Busy, match="Another process has just trained"):
        fit(points, out=tmp_path / "run", quiet=True, device="cpu")
    run = Run(tmp_path / "run")
    assert run.newest_sound().name == f"{points.images:09}"
    assert not list(tmp_path.glob("run/checkpoints/*.damaged"))
