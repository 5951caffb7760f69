"""With `auto` a training takes the doctor's advice once, the same way whatever interrupts it."""

import html
import json
import os
import signal
from dataclasses import replace

import pytest
import torch
from conftest import files as files_of

from ganvas import DoesNotFit, Run, doctor, fit
from ganvas.core import checkpoint
from ganvas.data.sources.digits import Digits
from ganvas.learning.optimizers import Adam
from ganvas.runs.diagnosis import Diagnosis
from ganvas.training import mender
from ganvas.training.loop import train
from ganvas.training.recorder import Recorder

GRAVE = Diagnosis("alike", "bad", "The samples are alike.", {}, "optimizer.rate=2e-4")


@pytest.fixture
def starving(points):
    """A generator that hardly moves, so that its samples stay as alike as they began."""
    slow = Adam(rate=1e-6, beta1=0.0, beta2=0.99)
    return replace(points, data=Digits(size=8), optimizers={"generator": slow}, images=110 * 16, batch=16)


@pytest.fixture
def told(monkeypatch):
    """A doctor that finds what it is told to, from a third of 320 images on."""
    found = [GRAVE]
    monkeypatch.setattr(mender, "diagnoses", lambda rows, **_: found if rows[-1]["images"] > 96 else [])
    return found


def run_of(recipe, folder, **options):
    return fit(recipe, out=folder, device="cpu", quiet=True, **options)


def lasting(folder):
    """All of a run that must not depend on interruptions."""
    run = Run(folder)
    rows = [(row["images"], row["terms"], row.get("signs"), row.get("notice"), row.get("changed")) for row in run.rows]
    hashes = json.loads((run.newest / "manifest.json").read_text())
    return hashes, files_of(folder / "samples"), rows, run.about["mended"], run.read("recipe.json")


def test_advice_is_taken_once_and_said_everywhere(starving, ganvas, tmp_path):
    run = run_of(starving, tmp_path / "run", auto=True)
    (changed,) = [row for row in run.rows if "changed" in row]
    mended = run.about["mended"]
    assert mended["kind"] == "alike"
    assert mended["setting"] == "optimizers.generator=adam(rate=0.001, beta1=0, beta2=0.99)"
    assert 0.25 <= mended["at"] / starving.images <= 0.8
    assert changed["changed"] == mended["setting"]
    assert changed["images"] == mended["at"] + 16, "the first row after it"
    assert run.recipe.optimizers["generator"].rate == 1e-3
    strides = [row["signs"]["generator.stride"] for row in run.rows if "signs" in row]
    assert strides[-1] > 100 * strides[0], "it moves at last"
    said = f"At {mended['at']:,} images the doctor found: The samples are alike"
    assert changed["notice"].startswith(said)
    assert run.status["notice"].startswith(said)
    assert said in html.unescape((run.path / "report.html").read_text())
    assert any(note.startswith(said) for note in doctor(run).notes)
    code, out, err = ganvas("train", run.path)
    assert (code, said in out) == (0, True), err


def test_without_it_nothing_is_changed(starving, told, points, tmp_path):
    run = run_of(points, tmp_path / "run")
    assert run.about["mended"] is None
    assert not any("changed" in row for row in run.rows)


def test_it_takes_two_looks_and_a_setting_and_its_time(points, told, tmp_path):
    run = run_of(points, tmp_path / "first", auto=True)
    assert run.about["mended"]["at"] == 128, "found at 112 images and again at 128"
    for number, found in enumerate(
        (replace(GRAVE, severity="look"), replace(GRAVE, setting=None), replace(GRAVE, setting="images=640"))
    ):
        told[:] = [found]
        assert run_of(points, tmp_path / f"{number}", auto=True).about["mended"] is None


def test_too_late_is_not_at_all(points, monkeypatch, tmp_path):
    monkeypatch.setattr(mender, "diagnoses", lambda rows, **_: [GRAVE] if rows[-1]["images"] > 240 else [])
    assert run_of(points, tmp_path / "run", auto=True).about["mended"] is None


def test_it_goes_on_as_by_hand(points, told, tmp_path):
    """Eight steps by the one recipe, twelve by the other, from the same state."""
    held = checkpoint.read(run_of(points, tmp_path / "run", auto=True).newest / checkpoint.STATE)
    for tick in train(points):
        if tick.images == 128:
            early = tick.state.tensors()
            break
    after = replace(points, optimizer=replace(points.optimizer, rate=2e-4))
    for tick in train(after, restore=early):
        late = tick.state.tensors()
    for name, value in late.items():
        assert torch.equal(value, held[name]), name


@pytest.mark.parametrize("setting", ["game.r1=2", "generator.latent=9"])
def test_it_goes_the_same_way_when_it_is_interrupted(setting, points, told, monkeypatch, tmp_path):
    """Before, at and after the step at which the setting changes."""
    told[:] = [replace(GRAVE, setting=setting)]
    run_of(points, tmp_path / "unbroken", auto=True)
    log, stops = Recorder.log, iter([112, 128, 160])

    def interrupted(self, seen, *rest):
        log(self, seen, *rest)
        if seen == stop:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Recorder, "log", interrupted)
    stop = next(stops)
    run_of(points, tmp_path / "run", auto=True)
    for stop in stops:  # noqa: B007 - which `interrupted` reads
        fit(tmp_path / "run", device="cpu", quiet=True)
        assert not Run(tmp_path / "run").finished
    assert fit(tmp_path / "run", device="cpu", quiet=True).finished, "which keeps to what was asked for"
    assert lasting(tmp_path / "run") == lasting(tmp_path / "unbroken")


def test_it_goes_the_same_way_when_it_is_killed(points, told, monkeypatch, tmp_path):
    """Without a last checkpoint: it goes on from the beginning, with what run.json has told already."""
    run_of(points, tmp_path / "unbroken", auto=True)
    log = Recorder.log

    def killed(self, seen, *rest):
        log(self, seen, *rest)
        if seen == 144:
            raise MemoryError("as if it were killed")

    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "log", killed)
        with pytest.raises(MemoryError):
            run_of(points, tmp_path / "run", auto=True)
    assert Run(tmp_path / "run").about["mended"]["at"] == 128
    told.clear()  # and what the doctor says now is no matter
    assert run_of(points, tmp_path / "run", auto=True).finished
    assert lasting(tmp_path / "run") == lasting(tmp_path / "unbroken")


def test_the_same_command_goes_on_and_makes_it_longer(points, told, tmp_path):
    run_of(points, tmp_path / "run", auto=True)
    run = run_of(points, tmp_path / "run", images=400)
    assert (run.finished, run.about["mended"]["at"], run.recipe.optimizer.rate) == (True, 128, 2e-4)
    with pytest.raises(DoesNotFit, match="holds another run"):
        run_of(replace(points, optimizer=replace(points.optimizer, rate=2e-4)), tmp_path / "run", images=400)


@pytest.mark.parametrize("setting", ["generator.latent=9", "optimizers.generator=rmsprop"])
def test_what_the_setting_concerns_begins_anew_and_nothing_else(setting, points, told):
    for tick in train(points):
        state = tick.state
        if tick.images == 128:
            break
    after = mender.change(points, setting)
    data, device = points.data.open(), torch.device("cpu")
    merged = mender.carried(state, points, after, data, seed=0, device=device)
    held, anew = state.tensors(), setting.startswith("generator")
    for name in merged.keys() & held.keys():
        generators = name.startswith(("generator/", "average/"))
        if name.startswith(("critic/", "optimizer.critic/")) or (generators and not anew):
            assert torch.equal(merged[name], held[name]), name
    assert int(merged["counters/step"]) == 8
    assert not any(name.startswith("optimizer.generator/") for name in merged)
    ticks = list(train(after, data, restore=merged))
    assert len(ticks) == points.images // 16 - 8


def test_a_network_that_began_with_other_weights_does_not_begin_anew(points, told, tmp_path):
    first = run_of(points, tmp_path / "first")
    told[:] = [replace(GRAVE, setting="generator.latent=9")]
    run = run_of(points, tmp_path / "run", auto=True, start_from=first.path)
    assert run.about["mended"] is None


def test_what_contradicts_it_is_refused(points, tmp_path):
    with pytest.raises(DoesNotFit, match="Give only one of the two"):
        run_of(points, tmp_path / "run", auto=True, rescue=False)
    assert not (tmp_path / "run").exists()


def test_a_mended_training_that_blows_up_goes_back_before_it(points, told, monkeypatch, tmp_path):
    from ganvas.training import recorder
    from ganvas.training.alarm import Alarm, BlewUp

    monkeypatch.setattr(recorder, "RETURN_STEPS", 4)
    watched, blown = Alarm.weights, []

    def once(self, weights, *, images, player):
        watched(self, weights, images=images, player=player)
        if images == 144 and not blown:
            blown.append(images)
            raise BlewUp(player, images=images, why="it was told to")

    monkeypatch.setattr(Alarm, "weights", once)
    monkeypatch.setattr(recorder, "return_step", lambda step: step - step % 6)
    monkeypatch.setattr("ganvas.training.session.return_step", lambda step: step - step % 6)
    monkeypatch.setattr("ganvas.training.rescue.return_step", lambda step: step - step % 6)
    run = run_of(points, tmp_path / "run", auto=True)
    assert (run.about["rescues"][0]["back"], run.about["mended"]["at"]) == (96, 128)
    assert (run.finished, run.recipe.optimizer.rate) == (True, 2e-4)
    assert [row["images"] for row in run.rows if "changed" in row] == [144]
