"""The signs of a training: that they say what they are said to, and change nothing."""

from dataclasses import replace
from itertools import islice

import pytest
import torch

from ganvas import fit, plan, train
from ganvas.networks.layers import Generator
from ganvas.recipes.recipe import change
from ganvas.training.pulse import Pulse, small
from ganvas.training.state import start


class Made(Generator):
    """A generator of what a function makes of z."""

    def __init__(self, shape, latent, made):
        super().__init__(shape, 0, latent)
        self.made, self.weight = made, torch.nn.Parameter(torch.zeros(1))

    def forward(self, z, condition):
        return self.made(z)


def signs(recipe, made):
    """The signs of a training whose generator is this function."""
    data = recipe.data.open()
    state = start(recipe, data)
    state.average = state.networks["generator"] = Made(data.shape, 2, made)
    return Pulse(data, "generator").take(state)


def test_samples_that_are_all_alike_have_neither_spread_nor_neighbours_nor_slope(points):
    found = signs(points, lambda z: torch.ones(len(z), 2))
    assert found["spread"] == found["near"] == found["bend"] == found["wander"] == 0


def test_twice_as_far_apart_is_twice_the_spread_and_the_slope(points):
    once, twice = (signs(points, lambda z, by=by: by * z) for by in (1.0, 2.0))
    assert once["spread"] > 0
    for name in ("spread", "near", "bend"):
        assert twice[name] == pytest.approx(2 * once[name], rel=1e-5)


def test_a_few_places_have_spread_but_no_neighbours(points):
    found = signs(points, lambda z: z.sign())
    assert found["spread"] > 0.5
    assert found["near"] == 0


def test_the_last_step_of_each_player_is_told_as_a_share_of_its_weights(points):
    recipe = replace(points, average=replace(points.average, halflife_images=0.0))
    data = recipe.data.open()
    before = None
    for tick in islice(train(recipe, data), 5):
        weights = torch.cat([weight.detach().flatten() for weight in tick.state.networks["generator"].parameters()])
        if before is not None:
            moved = float((weights - before).norm() / weights.norm())
            assert Pulse(data, "generator").take(tick.state)["generator.stride"] == pytest.approx(moved, rel=0.02)
        before = weights.clone()
    found = Pulse(data, "generator").take(tick.state)
    assert found["generator.gradient"] > 0
    assert found["critic.stride"] > 0
    assert found["wander"] == pytest.approx(0, abs=1e-5)  # its average is what it is


def test_signs_change_nothing_and_leave_networks_as_they_were(points):
    data = points.data.open()
    with_signs, without = train(points, data), train(points, data)
    pulse = Pulse(data, "generator")
    for one, other in islice(zip(with_signs, without, strict=True), 6):
        pulse.take(one.state)
        assert one.terms() == other.terms()
        assert all(network.training for network in one.state.networks.values())


def test_a_run_logs_them_some_times_and_what_it_heeds_with_classes(tmp_path):
    recipe = plan("cgan", size=8, images=32 * 30, settings=["width=2", "measure_images=0", "sheets=1"])
    run = fit(recipe, out=tmp_path / "run", quiet=True, device="cpu")
    rows = [row["signs"] for row in run.rows if "signs" in row]
    assert 20 <= len(rows) <= 25
    assert rows[-1]["heed"] > 0
    run = fit(change(recipe, "condition=None"), out=tmp_path / "other", quiet=True, device="cpu")
    assert "heed" not in run.rows[-1]["signs"]


def test_large_pictures_and_clips_are_looked_at_small():
    assert small(torch.zeros(2, 3, 64, 32)).shape == (2, 3 * 16 * 16)
    assert small(torch.zeros(2, 3, 5, 8, 8)).shape == (2, 15 * 64)
    assert small(torch.zeros(2, 7)).shape == (2, 7)


def test_what_is_wrong_is_told_while_it_trains(points, tmp_path, capsys):
    blinded = replace(points, images=6_400, game=replace(points.game, noise=100.0))
    run = fit(blinded, out=tmp_path / "run", device="cpu")
    (found,) = [each for each in run.status["diagnoses"] if each["kind"] == "blind"]
    assert found["setting"] == "game.noise=0"
    assert found["numbers"]["right"] < 0.55
    assert "look out: " in capsys.readouterr().err
