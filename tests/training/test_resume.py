"""Whatever ends a training, the same command goes on bit for bit as if nothing had."""

import json
import multiprocessing
import os
import random
import shutil
import signal
import time
import warnings
from dataclasses import replace

import pytest
from conftest import files

from ganvas import PassedOver, Run, fit, load
from ganvas.core import checkpoint, manifest
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.losses import Relativistic
from ganvas.learning.optimizers import Adam
from ganvas.learning.schedules import Cosine
from ganvas.runs.run import COPIES
from ganvas.training import session
from ganvas.training.recorder import Recorder


def train(recipe, folder, **options):
    return fit(recipe, out=folder, device="cpu", quiet=True, **options)


def lasting(folder):
    """All of a run that must not depend on interruptions: the last state by its hashes, the sheets, the log's terms."""
    run = Run(folder)
    assert run.damage == ""
    rows = [(row["images"], row["terms"]) for row in run.rows]
    sheets = files(folder / "samples")
    return json.loads((run.newest / "manifest.json").read_text()), sheets, rows


def same_state(folder, other):
    """Whether two runs have come to the same weights, moments and averages, bit for bit."""
    one, two = (
        {name: value for file in (checkpoint.MODEL, checkpoint.STATE) for name, value in
         checkpoint.read(Run(each).newest / file).items()}
        for each in (folder, other)
    )  # fmt: skip
    return one.keys() == two.keys() and all(one[name].equal(two[name]) for name in one)


@pytest.fixture(scope="module")
def everything(pictures):
    """A recipe in which all that can be interrupted takes part."""
    return replace(
        pictures,
        game=Adversarial(Relativistic(), r1=0.5, r2=0.5, lazy=3, critic_plays=2),
        optimizer=Adam(rate=Cosine(1e-2, 1e-3)),
        mirror=True,
    )


@pytest.fixture(scope="module")
def whole(everything, tmp_path_factory):
    """What that recipe leaves if nothing interrupts it."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    train(everything, folder)
    return lasting(folder)


class Killed(BaseException):
    """Ends a training where it stands, as a kill does: nothing is caught, saved or tidied up."""


@pytest.mark.parametrize("moment", ["log", "sheet", "save"])
@pytest.mark.parametrize("after", [1, 4, 17])
def test_a_killed_run_goes_on_bit_for_bit(moment, after, everything, whole, tmp_path, monkeypatch):
    monkeypatch.setattr(session, "CHECKPOINT_SECONDS", 0.03)
    work, calls = getattr(Recorder, moment), []

    def killed(*args, **options):
        calls.append(1)
        if len(calls) == after:
            raise Killed
        work(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Recorder, moment, killed)
        try:
            train(everything, tmp_path / "killed")
        except Killed:
            assert not Run(tmp_path / "killed").finished
    run = train(everything, tmp_path / "killed")
    assert run.finished
    assert lasting(run.path) == whole


def test_an_interrupted_run_goes_on_bit_for_bit(everything, whole, tmp_path, monkeypatch):
    work = Recorder.log

    def interrupted(self, images, *args):
        work(self, images, *args)
        if images == 56:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)  # a shell lets what it runs in the background ignore it
    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "log", interrupted)
        run = train(everything, tmp_path / "run")
    assert (run.images, run.finished) == (56, False)
    assert signal.getsignal(signal.SIGINT) is before
    assert train(str(run.path), None).images == 160, "a run folder is enough to go on"
    assert lasting(run.path) == whole


def work(recipe, folder):
    """What a process of its own does until it is killed."""
    import torch

    torch.set_num_threads(1)
    session.CHECKPOINT_SECONDS = 0.05
    train(recipe, folder)


def test_a_process_killed_at_random_moments(everything, tmp_path):
    recipe = replace(everything, images=8 * 120)
    train(recipe, tmp_path / "whole")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["ganvas.training.fit"])
    dice, killed, progress = random.Random(0), 0, [0]
    while killed < 3 or len(set(progress)) < 3:
        process = context.Process(target=work, args=(recipe, tmp_path / "run"))
        process.start()
        while process.is_alive() and Run(tmp_path / "run").images == progress[-1]:
            time.sleep(0.02)
        time.sleep(dice.uniform(0, 0.3))
        assert process.is_alive(), "it finished before it could be killed: make the run longer"
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        killed += 1
        progress.append(Run(tmp_path / "run").images)
    assert progress == sorted(progress)
    assert not Run(tmp_path / "run").finished
    assert train(recipe, tmp_path / "run").finished
    assert lasting(tmp_path / "run") == lasting(tmp_path / "whole")
    left = {file.name for folder in ("", "checkpoints") for file in (tmp_path / "run" / folder).iterdir()}
    hidden = {name for name in left if name.startswith(".")}
    assert hidden <= {".lock", COPIES}, "what a killed process was writing is swept"


class Interrupting(session.Budget):
    """Sends a Ctrl-C when it is first looked at."""

    def speed(self, seen):
        signal.raise_signal(signal.SIGINT)
        return super().speed(seen)


def test_interrupted_before_anything_is_logged(ganvas, tmp_path, monkeypatch):
    monkeypatch.setattr(session.Session, "_is_due", lambda *_, **__: False)
    monkeypatch.setattr(session, "Budget", Interrupting)
    code, out, err = ganvas("train", "ring", "--set", "data.count=500", "--set", "batch=16", "--out", "run")
    assert (code, out.splitlines()[0]) == (0, "16 images in 0 s, interrupted: the same command goes on from here."), err
    assert not Run(tmp_path / "run").rows


def test_minutes_between_two_rows_of_the_log_count_though_it_is_stopped_there(points, tmp_path, monkeypatch):
    """A run of days has a row each quarter of an hour: one that was stopped each time before took days more."""
    monkeypatch.setattr(session.Session, "_is_due", lambda *_, **__: False)
    told = []

    monkeypatch.setattr(session, "Budget", Interrupting)
    for _ in range(3):
        run = train(points, tmp_path / "run", minutes=60)
        assert not run.finished
        assert not run.rows
        told.append(run.seconds)
    assert 0 < told[0] < told[1] < told[2]


def test_interrupting_the_command(start, ganvas, tmp_path):
    constant = ["optimizer=adam(1e-3)", "game.r1=0.1", "game.r2=0.1"]  # a schedule would depend on the run's length
    settings = ["batch=16", "width=16", "data.count=500", "measure_images=0", *constant]
    words = ["train", "ring", "--device", "cpu", *[word for each in settings for word in ("--set", each)]]
    process, log = start(*words, "--out", "run", "--images", 64_000), tmp_path / "run" / "log.jsonl"
    while process.poll() is None and not (log.exists() and len(log.read_text().splitlines()) > 3):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "interrupted: the same command goes on from here" in out
    assert "Traceback" not in err
    images = Run(tmp_path / "run").images
    assert 0 < images < 64_000
    for folder in ("run", "whole"):
        assert ganvas(*words, "--out", folder, "--images", images + 320)[0] == 0
    assert same_state(tmp_path / "run", tmp_path / "whole")  # the log has a row more


def flip(file, place=-100):
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("name", ["state.safetensors", "model.safetensors", "manifest.json"])
def test_a_damaged_checkpoint_is_passed_over(name, points, tmp_path, monkeypatch):
    monkeypatch.setattr(session, "CHECKPOINT_SECONDS", 0.0)
    points = replace(points, images=64)
    run = train(points, tmp_path / "run")
    shutil.copytree(run.path, tmp_path / "whole")
    assert sorted(file.name for file in (run.path / "checkpoints").iterdir()) == ["000000048", "000000064"]
    flip(run.newest / name)
    with pytest.warns(PassedOver, match=r"checkpoints/000000064 is damaged and passed over"):
        assert run.newest_sound().name == "000000048"
    with warnings.catch_warnings(action="error" if name == "state.safetensors" else "ignore"):
        assert load(run.path).network is not None, "what is not used is not hashed"
    with pytest.warns(PassedOver):
        assert train(points, run.path).images == 64
    assert lasting(run.path) == lasting(tmp_path / "whole")
    assert (run.path / "checkpoints" / "000000064.damaged").is_dir(), "nothing is lost"


def test_each_file_of_a_checkpoint_is_hashed_once_to_go_on(points, tmp_path, monkeypatch):
    run, hashed = train(points, tmp_path / "run", images=160), []
    monkeypatch.setattr(manifest, "hash_of", lambda file, known=manifest.hash_of: (hashed.append(file), known(file))[1])
    assert run.images == 160
    assert not hashed
    train(points, run.path, images=176)
    assert sorted(file.name for file in hashed if file.parent.name == "000000160") == [
        "model.safetensors", "state.safetensors"
    ]  # fmt: skip


def test_what_came_after_the_checkpoint_is_forgotten(points, tmp_path):
    run = train(points, tmp_path / "run", images=160)
    shutil.copy(run.newest_sheet, run.path / "samples" / "000000161.png")
    with (run.path / "log.jsonl").open("a") as log:
        log.write(json.dumps(run.rows[-1] | {"images": 161}) + "\n")
    train(points, run.path, images=192)
    assert not (run.path / "samples" / "000000161.png").exists()
    assert [row["images"] for row in run.rows] == list(range(16, 193, 16))


def test_a_torn_log_is_mended(points, tmp_path):
    run = train(points, tmp_path / "run", images=160)
    with (run.path / "log.jsonl").open("a") as log:
        log.write('{"images": 176, "sec')  # power was cut
    assert [row["images"] for row in train(points, run.path, images=320).rows] == list(range(16, 321, 16))
