"""Scores as the training goes on: when they are due, what they cost, what they are of, and what is kept of the best."""

import json
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from ganvas import Run, fit, load
from ganvas.core.errors import GanvasError
from ganvas.data.dataset import Dataset
from ganvas.models.model import Model
from ganvas.runs.curves import charts
from ganvas.training import meter
from ganvas.training.meter import SHARE, Meter
from ganvas.training.recorder import Recorder
from ganvas.training.state import start

CPU = torch.device("cpu")


@pytest.fixture
def untrained(points):
    return Model(start(points, points.data.open()).average)


def test_it_is_asked_for_every_so_many_images(untrained):
    meter = Meter(Dataset(np.zeros((20, 2), np.float32)), every=100, device=CPU)
    asked = [images for images in range(32, 400, 32) if meter.wanted_at(images, 32)]
    assert asked == [128, 224, 320]
    assert [images for images in range(32, 400, 32) if meter.due(untrained, images, 32, 1e9)] == asked
    never = Meter(Dataset(np.zeros((20, 2), np.float32)), every=0, device=CPU)
    assert not never.due(untrained, 100, 32, 1e9)


def test_it_takes_a_small_share_of_the_time(points, untrained, monkeypatch):
    """By a clock that only the measurements move on: each takes 1 second, a step of training 0.01."""
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    describe = Meter._features

    def slow(self, samples):
        clock[0] += len(samples) / 1000
        return describe(self, samples)

    monkeypatch.setattr(Meter, "_features", slow)
    automatic = Meter(points.data.open(), every=None, device=CPU)
    measured = []
    for step in range(20_000):
        if automatic.due(untrained, step * 16, 16, 0.01 * step):
            automatic.measure(untrained)
            measured.append(0.01 * step)
    assert measured[0] >= 10
    assert len(measured) > 20
    assert 0.8 * SHARE < clock[0] / 200 <= SHARE
    assert max(np.diff(measured)) < 25


def test_a_network_that_draws_slowly_is_measured_seldom(points, untrained, monkeypatch):
    """Sixteen samples take 1.6 seconds by a clock that only they move on, so five hundred are not made before 625."""
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

    class Slow(Model):
        def generate(self, seeds, condition=None):
            clock[0] += 0.1 * len(seeds)
            return super().generate(seeds, condition)

    automatic, slow = Meter(points.data.open(), every=None, device=CPU), Slow(untrained.network)
    assert [seconds for seconds in range(0, 800, 50) if automatic.due(slow, 16, 16, seconds)] == [650, 700, 750]
    assert clock[0] == pytest.approx(1.6), "it is tried once"


def test_points_far_from_the_data_score_worse(points, untrained):
    data = points.data.open()
    watch = Meter(data, every=1, device=CPU)
    (name, far), (_, variety) = watch.measure(untrained).items()
    assert name == "kd-coordinates"
    assert variety < 0.5, "an untrained network makes much the same of all inputs"

    class Perfect(Model):
        def generate(self, seeds, condition=None):
            return torch.from_numpy(replace(points.data, count=1000).open().samples[list(seeds)])

    perfect = watch.measure(Perfect(untrained.network))
    assert abs(perfect[name]) < 0.1 * far
    assert perfect["variety"] == pytest.approx(1, abs=0.1)
    assert watch.measure(untrained)[name] == far, "always the same samples"


def test_without_features_it_is_off(untrained, monkeypatch):
    def missing(*_args, **_named):
        raise GanvasError("pip install something")

    monkeypatch.setattr(meter, "features", missing)
    pictures = Dataset(np.zeros((20, 8, 8, 3), np.uint8))
    automatic = Meter(pictures, every=None, device=CPU)
    assert not automatic.due(untrained, 100, 10, 1e6)
    with pytest.raises(GanvasError, match="pip install something"):
        Meter(pictures, every=10, device=CPU).measure(untrained)  # asked for, it says what is missing


def test_scores_are_logged_drawn_and_the_best_model_kept(points, tmp_path):
    run = fit(replace(points, measure_images=64), out=tmp_path / "run", quiet=True, device="cpu")
    scored = {row["images"]: row["scores"]["kd-coordinates"] for row in run.rows if "scores" in row}
    assert list(scored) == [64, 128, 192, 256, 320]
    best = min(scored, key=scored.get)
    at_best = fit(replace(points, measure_images=64, images=320), out=tmp_path / "again", quiet=True, device="cpu")
    seeds = range(5)
    assert torch.equal(load(run.path / "best").generate(seeds), load(at_best.path / "best").generate(seeds))
    last = load(run.path).generate(seeds)
    assert torch.equal(load(run.path / "best").generate(seeds), last) == (best == 320)
    assert "kd-coordinates" in (run.path / "report.html").read_text()


def test_the_best_is_not_replaced_by_worse(points, tmp_path):
    run = fit(replace(points, images=32), out=tmp_path / "run", quiet=True, device="cpu")
    state = start(points, points.data.open())
    for images, score in ((40, 2.0), (50, 1.0), (60, 3.0)):
        with torch.no_grad():
            next(state.average.parameters()).fill_(score)
        Recorder(run).keep_best(points, state, {"kd": score})
        Recorder(run).log(images, 1.0, 1.0, {}, {"kd": score})
    kept = next(load(run.path / "best").network.parameters())
    assert (kept == 1.0).all()


def test_an_interrupted_run_scores_on(points, tmp_path):
    recipe = replace(points, measure_images=64)
    whole = fit(recipe, out=tmp_path / "whole", quiet=True, device="cpu")
    fit(replace(recipe, images=160), out=tmp_path / "parts", quiet=True, device="cpu")
    parts = Run(tmp_path / "parts")
    parts = fit(recipe, out=parts.path, images=320, quiet=True, device="cpu")
    scores = [[row["scores"] for row in run.rows if "scores" in row] for run in (whole, parts)]
    assert len(scores[0]) == len(scores[1]) == 5
    assert json.loads((parts.path / "recipe.json").read_text())["measure_images"] == 64


def test_the_mean_of_each_epoch_is_drawn():
    rows = [{"images": images, "scores": {"fid": float(images)}} for images in range(10, 101, 10)]
    (chart,) = charts(rows, epoch=40)
    assert [line.name for line in chart.lines] == ["fid", "mean of each epoch"]
    assert chart.lines[1].images == [40, 80, 100]
    assert chart.lines[1].values == [25.0, 65.0, 95.0]
    (chart,) = charts(rows, epoch=10)
    assert len(chart.lines) == 1


@pytest.mark.parametrize("every", [None, 0, 1])
def test_too_few_samples_are_never_measured(every, untrained):
    """Fewer than ten say nothing of a distribution; the training goes on without a score."""
    for count, measured in ((2, False), (9, False), (10, every == 1)):
        meter = Meter(Dataset(np.zeros((count, 2), np.float32)), every=every, device=CPU)
        assert meter.wanted_at(100, 100) == measured
        assert meter.due(untrained, 100, 100, 5.0) == measured
