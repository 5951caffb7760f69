"""A training that blows up goes back and on by smaller steps, the same way whatever interrupts it."""

import html
import json
import math
from dataclasses import replace

import pytest
import torch
from conftest import files as files_of

from ganvas import Diverged, Run, fit
from ganvas.core import checkpoint, files
from ganvas.learning.adversarial import Adversarial
from ganvas.training import loop, recorder, session
from ganvas.training.alarm import LEAST_LEVEL, MEMORY_STEPS, TIMES, Alarm, BlewUp
from ganvas.training.loop import train
from ganvas.training.recorder import Recorder, return_step

WRONG = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf, "explosion": 1e5}


@pytest.fixture(autouse=True)
def _closer(monkeypatch):
    """Steps to return to lie closer than in trainings of thousands of steps."""
    monkeypatch.setattr(recorder, "RETURN_STEPS", 4)


class Faults:
    """Makes losses go wrong at certain steps, by the rate that a player learns at there: (step, player) -> how.

    A step is known by its draw and a rate by the optimizer, so that a fault belongs to the training, not to a sitting.
    """

    def __init__(self, patch):
        self.planned, self.met, self.rates = {}, [], {}
        critic, generator, gradients = Adversarial._critic, Adversarial._generator, loop._gradients

        def noting(turn, state, *args, **options):
            self.rates[turn.player] = state.optimizers[turn.player].param_groups[0]["lr"]
            return gradients(turn, state, *args, **options)

        patch.setattr(loop, "_gradients", noting)
        patch.setattr(
            Adversarial, "_critic", lambda *at, player: self._spoilt(critic(*at, player=player), at[2], player)
        )
        patch.setattr(Adversarial, "_generator", lambda *at: self._spoilt(generator(*at), at[2], "generator"))

    def at(self, step, player, wrong="nan", *, above=6e-4, of=None, gradient=False):
        """From now on, at the `step`-th step, as long as the rate of a player, the same or `of` whom, is `above`."""
        self.planned[step, player] = (wrong, above, of or player, gradient)

    def _spoilt(self, terms, batch, player):
        wrong, above, of, gradient = self.planned.get((batch.dice._entropy[1], player), ("", math.inf, player, False))
        if self.rates.get(of, 0.0) > above:
            self.met.append(player)
            loss = terms["loss"]
            terms["loss"] = (
                loss + (loss - loss.detach()).sqrt() if gradient else loss * WRONG[wrong]
            )  # whose slope at 0 is not
        return terms


@pytest.fixture
def faults(monkeypatch):
    return Faults(monkeypatch)


def run_of(recipe, folder, **options):
    return fit(recipe, out=folder, device="cpu", quiet=True, **options)


def lasting(folder):
    """All of a run that must not depend on interruptions."""
    run = Run(folder)
    assert run.damage == ""
    rows = [(row["images"], row["terms"], row.get("notice")) for row in run.rows]
    hashes = json.loads((run.newest / "manifest.json").read_text())
    return hashes, files_of(folder / "samples"), rows, run.about["rescues"]


def test_steps_to_return_to_follow_from_their_number_alone(monkeypatch):
    monkeypatch.setattr(recorder, "RETURN_STEPS", 1024)
    assert [return_step(step) for step in (0, 1, 1023, 1024, 2047, 8191, 8192, 16383)] == [
        0, 0, 0, 1024, 1024, 7168, 8192, 15360
    ]  # fmt: skip
    for step in range(1024, 200_000, 997):
        back = return_step(step)
        assert return_step(back) == back
        assert step - back < max(1024, step / 8)


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("player", ["critic", "generator"])
def test_it_goes_back_halves_the_rate_and_comes_to_its_end(player, wrong, faults, points, tmp_path):
    other = {"critic": "generator", "generator": "critic"}[player]
    blamed = other if wrong == "explosion" else player
    faults.at(14, player, wrong, of=blamed)
    run = run_of(points, tmp_path / "run")
    assert run.finished
    (rescue,) = run.about["rescues"]
    assert (rescue["back"], rescue["at"]) == (12 * 16, 14 * 16), "the step in which it happened, not a later one"
    assert (rescue["player"], len(faults.met)) == (blamed, 1)
    assert rescue["why"].startswith(f"{player}.loss is ")
    notices = {row["images"]: row["notice"] for row in run.rows if "notice" in row}
    assert list(notices) == [13 * 16]
    assert f"went back to {12 * 16} images" in notices[13 * 16]
    assert run.status["notice"] == notices[13 * 16]
    assert f"went back to {12 * 16} images" in html.unescape((run.path / "report.html").read_text())
    assert [row["images"] for row in run.rows] == list(range(16, 321, 16)), "no row twice, none of what was lost"


def test_from_there_on_the_rate_is_half(faults, points, tmp_path):
    """As a training by hand: 12 steps at the whole rate, then by half of the critic's."""
    faults.at(14, "critic")
    held = checkpoint.read(run_of(points, tmp_path / "run").newest / checkpoint.STATE)
    faults.planned.clear()
    early = last(replace(points, images=12 * 16))
    by_half = replace(points, optimizers={"critic": replace(points.optimizer, rate=5e-4)})
    for name, value in last(by_half, restore=early).items():
        assert torch.equal(value, held[name]), name
    assert not all(torch.equal(value, held[name]) for name, value in last(points).items())


def last(recipe, **options):
    """The tensors of the state at the end of a training by hand."""
    return list(train(recipe, **options))[-1].state.tensors()


def test_a_return_to_the_beginning(faults, points, tmp_path):
    faults.at(3, "critic")
    run = run_of(points, tmp_path / "run")
    assert [(each["back"], each["at"]) for each in run.about["rescues"]] == [(0, 48)]
    assert run.finished
    assert [row["images"] for row in run.rows] == list(range(16, 321, 16))
    assert "notice" in run.rows[0]


def test_a_gradient_that_is_no_number_is_the_players_own(faults, points, tmp_path):
    faults.at(14, "generator", gradient=True)
    run = run_of(points, tmp_path / "run")
    (rescue,) = run.about["rescues"]
    assert (rescue["player"], rescue["at"]) == ("generator", 14 * 16)
    assert rescue["why"] == "the norm of the generator's weights is no longer a number"
    assert run.finished


def test_it_gives_up_after_three_returns(faults, points, tmp_path):
    faults.at(14, "critic", above=0.0)
    with pytest.raises(Diverged) as caught:
        run_of(points, tmp_path / "run")
    run = Run(tmp_path / "run")
    said = str(caught.value)
    assert said.startswith("The training diverged at 224 images: critic.loss is no longer a number. It went back three")
    assert "smaller steps of the critic and generator did not help" in said
    assert said.endswith(f" Checkpoints from before are in {run.path}.")
    assert [each["player"] for each in run.about["rescues"]] == ["critic", "generator", "critic"]
    assert len(faults.met) == 4
    assert run.images == 192
    for file in (run.path / "checkpoints").rglob("*.safetensors"):
        assert all(value.isfinite().all() for value in checkpoint.read(file).values())
    assert (run.status["state"], run.status["error"]) == ("failed", said)
    assert "It went back three times" in (run.path / "report.html").read_text()
    with pytest.raises(Diverged, match="went back three times"):
        run_of(points, tmp_path / "run")
    faults.planned.clear()
    assert run_of(points, tmp_path / "run").finished, "where the trouble is gone it goes on"
    assert "diverged" not in run.about


def test_without_rescue_it_fails_plainly(faults, ganvas, points, tmp_path):
    faults.at(14, "critic")
    with pytest.raises(Diverged, match=r"at 224 images: critic.loss is no longer a number. Try `settings="):
        run_of(points, tmp_path / "run", rescue=False)
    assert Run(tmp_path / "run").about["rescues"] == []
    assert len(faults.met) == 1
    words = ("train", "ring", "--images", 6400, "--out", "hot", "--set", "optimizer.rate=1e10", "--device", "cpu")
    code, _, err = ganvas(*words, "--no-rescue")
    assert code == 1
    assert "diverged at" in err
    assert "--set optimizer.rate=0.0005" in err
    assert "went back" not in err
    code, _, err = ganvas(*words)
    assert code == 1
    assert "went back three times" in err
    assert "Checkpoints from before" not in err, "there are none"


class Killed(BaseException):
    """Ends a training where it stands, as a kill does."""


CUTS = [
    (Recorder, "go_back", 1),
    (checkpoint, "forget", 2),
    (files, "discard", 1),
    (files, "discard", 3),
    (Recorder, "_cut", 2),
    (Recorder, "_tell", 2),
    (Recorder, "_tell", 3),
    (Recorder, "save", 13),
    (Recorder, "save", 14),
    (Recorder, "save", 23),
    (Recorder, "log", 15),
]
"""What is cut off before or after which of its calls; the training goes back from its 15th and from its 22nd step."""


@pytest.fixture(scope="module")
def unbroken(points, tmp_path_factory):
    """What a training with two returns leaves if nothing interrupts it."""
    with pytest.MonkeyPatch.context() as patch:
        run = run_of(troubled(points, patch), tmp_path_factory.mktemp("runs") / "whole")
    assert [(each["player"], each["back"]) for each in run.about["rescues"]] == [("critic", 192), ("generator", 320)]
    return lasting(run.path)


def troubled(points, patch):
    patch.setattr(recorder, "RETURN_STEPS", 4)
    patch.setattr(session, "CHECKPOINT_SECONDS", 0.0)
    faults = Faults(patch)
    faults.at(15, "critic")
    faults.at(22, "generator")
    return replace(points, images=400)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("owner", "name", "call"), CUTS)
def test_killed_anywhere_it_goes_on_to_the_same(owner, name, call, after, unbroken, points, tmp_path, monkeypatch):
    recipe = troubled(points, monkeypatch)
    work, calls = getattr(owner, name), []

    def killed(*args, **options):
        calls.append(1)
        if len(calls) == call and not after:
            raise Killed
        work(*args, **options)
        if len(calls) == call:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, killed)
        with pytest.raises(Killed):
            run_of(recipe, tmp_path / "run")
    assert run_of(recipe, tmp_path / "run").finished
    assert lasting(tmp_path / "run") == unbroken


def rise(alarm):
    """By half in each step."""
    for step in range(100):
        value = torch.tensor(1.02**2000 * 1.5**step)
        alarm.terms({"a.loss": value}, 1, images=step, player="a", before="b")


def test_a_slow_rise_is_no_explosion_and_a_jump_is():
    alarm, levels = Alarm(), {}
    alarm.watch(levels)
    for step in range(2000):
        alarm.terms({"a.loss": torch.tensor(1.02**step)}, 1, images=step, player="a", before="b")
    assert levels["a.loss"][1] == MEMORY_STEPS
    with pytest.raises(BlewUp, match="times what it was before") as caught:
        rise(alarm)
    assert caught.value.suspects == ("b", "a")
    assert caught.value.images < 30, "growth by half a step is told within thirty"


@pytest.mark.parametrize(("size", "told"), [(0.99, False), (1.01, True)])
def test_what_is_small_may_grow_a_thousandfold(size, told):
    alarm = Alarm()
    alarm.watch({})
    alarm.terms({"a.r1": torch.tensor(1e-6)}, 1, images=1, player="a", before="a")
    grown = {"a.r1": torch.tensor(size * TIMES * LEAST_LEVEL)}
    if told:
        with pytest.raises(BlewUp):
            alarm.terms(grown, 1, images=2, player="a", before="a")
    else:
        alarm.terms(grown, 1, images=2, player="a", before="a")


def test_what_is_gathered_is_told_by_the_step_in_which_it_happened(monkeypatch):
    """As on a device: nothing is read until it is due, and then the first trouble is told, not the last."""
    alarm, levels = Alarm(gathered=64), {}
    monkeypatch.setattr("ganvas.training.alarm.AT_ONCE", frozenset())
    alarm.watch(levels)
    for step in range(10):
        value = torch.tensor(math.nan if step > 3 else 1.0)
        alarm.terms({"a.loss": value}, 1, images=step, player="a", before="b")
    assert not levels
    with pytest.raises(BlewUp) as caught:
        alarm.read()
    assert caught.value.images == 4
    assert levels["a.loss"] == (1.0, 4)
    alarm.read()
