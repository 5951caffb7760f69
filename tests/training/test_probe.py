"""What a probe of the machine's speed has found is not asked for again; but which threads are fastest is."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from ganvas import fit
from ganvas.core import machine
from ganvas.training import budget


@pytest.fixture
def probes(monkeypatch, tmp_path):
    """The batch of each probe that was made, in a cache of this test's own."""
    made = []
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(budget, "_pace", lambda recipe, *_, **__: made.append(recipe.batch) or 1600.0)
    return made


def images(recipe, folder):
    return fit(recipe, minutes=0.002, out=folder, device="cpu", quiet=True).recipe.images


def test_a_second_start_does_not_probe_again(probes, points, tmp_path):
    images(points, tmp_path / "first")
    assert len(probes) == 1
    images(replace(points, images=999), tmp_path / "second")
    assert len(probes) == 1


def test_another_recipe_shape_or_version_is_probed_anew(probes, points, pictures, tmp_path, monkeypatch):
    images(points, tmp_path / "points")
    images(replace(points, batch=8), tmp_path / "batch")
    images(pictures, tmp_path / "pictures")
    assert len(probes) >= 3
    known = len(probes)
    monkeypatch.setattr(budget, "__version__", "0")
    images(points, tmp_path / "version")
    assert len(probes) == known + 1


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", '{"images_per_second": 1e400}', '{"images_per_second": 3.0, "sum": "x"}']
)
def test_a_damaged_memory_is_probed_anew(damage, probes, points, tmp_path):
    images(points, tmp_path / "first")
    (kept,) = (tmp_path / "cache" / "paces").iterdir()
    kept.write_text(damage)
    images(points, tmp_path / "second")
    assert len(probes) == 2


@pytest.fixture
def eight(monkeypatch):
    """A machine of eight cores, all of which torch uses."""
    before = torch.get_num_threads()
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    torch.set_num_threads(8)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("fastest", "tried"), [(8, [8, 4]), (4, [8, 4, 2]), (2, [8, 4, 2, 1]), (1, [8, 4, 2, 1])], ids=str
)
def test_fewer_threads_are_tried_as_long_as_they_are_faster(fastest, tried, eight, points, monkeypatch):
    counts = []

    def pace(*_, **__):
        counts.append(torch.get_num_threads())
        return 100.0 - abs(counts[-1] - fastest)

    monkeypatch.setattr(budget, "_pace", pace)
    for _ in range(2):  # and once more, as nothing is kept
        assert budget.Threads.probed(points, None, seed=0, minutes=3).fastest == fastest
    assert counts == 2 * tried
    assert torch.get_num_threads() == 8


def turned(threads, paces):
    """How many threads are at work after each of these looks."""
    counts = []
    for pace in paces:
        before = torch.get_num_threads()
        assert threads.turn(pace) == (torch.get_num_threads() != before)
        counts.append(torch.get_num_threads())
    return counts


def test_other_threads_take_over_where_those_at_work_are_slow_twice(eight):
    threads = budget.Threads({8: 1000.0, 4: 700.0})
    assert threads.fastest == 8
    with machine.threads(8):
        assert turned(threads, [600.0, 200.0, 600.0, 200.0]) == [8, 8, 8, 8]
        assert turned(threads, [210.0]) == [4]
    alone = budget.Threads({2: 0.0})
    with machine.threads(alone.fastest):
        assert turned(alone, [1e-3] * 9) == [2] * 9


def test_threads_that_made_way_are_tried_again_and_kept_where_they_are_as_fast(eight):
    threads = budget.Threads({8: 1000.0, 4: 700.0})
    with machine.threads(8):
        assert turned(threads, [200.0, 200.0]) == [8, 4]
        assert turned(threads, [500.0, 500.0]) == [4, 8]  # tried after two looks
        assert turned(threads, [490.0]) == [4]  # and no faster, after four
        assert turned(threads, [500.0] * 4) == [4, 4, 4, 8]
        assert turned(threads, [900.0] * 9) == [8] * 9  # the cores are free again
        assert turned(threads, [300.0, 300.0, 500.0, 500.0]) == [8, 4, 4, 8]


def test_threads_are_tried_again_after_a_slow_look_too(eight):
    """One that is slow just when it is time to try others puts that off, and not for ever."""
    threads = budget.Threads({8: 1000.0, 4: 700.0})
    with machine.threads(8):
        assert turned(threads, [200.0, 200.0]) == [8, 4]
        assert turned(threads, [700.0, 150.0, 700.0]) == [4, 4, 8]


def test_threads_that_took_over_make_way_too_where_they_are_slow(eight):
    threads = budget.Threads({8: 1000.0, 4: 700.0})
    with machine.threads(8):
        assert turned(threads, [300.0, 300.0]) == [8, 4]
        assert turned(threads, [100.0, 100.0]) == [4, 8]


def clocked(monkeypatch, minutes=2.0):
    """A budget of so many minutes of a clock that goes on by what is added to its only number."""
    clock = [100.0]
    monkeypatch.setattr(budget, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    return budget.Budget(minutes, 0, 0.0), clock


def test_what_is_no_step_does_not_make_steps_slow(monkeypatch):
    """100 images a second, and six seconds of measuring before the second look alone."""
    known, clock = clocked(monkeypatch)
    assert known.look(0) is None, "too early"
    clock[0] += 10
    assert known.look(1000) == pytest.approx(100 * 110)
    with known.aside():
        clock[0] += 6
    clock[0] += 4
    assert known.look(1400) == pytest.approx(100 * 100 * 0.8), "not six of ten seconds are lost from now on"
    assert known.pace == pytest.approx(100)
    clock[0] += 20
    assert known.look(2400) == pytest.approx(50 * 80 * 34 / 40), "steps are half as fast since"
    assert known.pace == pytest.approx(50)


def test_images_that_are_seen_again_do_not_make_steps_fast(monkeypatch):
    known, clock = clocked(monkeypatch)
    clock[0] += 10
    known.look(1000)
    clock[0] += 10
    known.lose(500)
    assert known.look(1500) == pytest.approx(100 * 100)


def test_a_training_turns_to_other_threads_and_says_so(pictures, tmp_path, monkeypatch, capsys):
    """By the probe both are faster than can be; only the first two looks count."""
    counts, before, turn = [], torch.get_num_threads(), budget.Threads.turn
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr(budget, "_pace", lambda *_, **__: 1e6 * torch.get_num_threads())

    def noting(self, pace):
        turned = len(counts) < budget.TWICE and turn(self, pace)
        counts.append(torch.get_num_threads())
        return turned

    monkeypatch.setattr(budget.Threads, "turn", noting)
    torch.set_num_threads(2)
    try:
        run = fit(pictures, minutes=0.1, out=tmp_path / "run", device="cpu")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert counts[0] == 2
    assert set(counts[1:]) == {1}
    assert run.about["machine"]["threads"] == 1
    assert "continues on 1 of them" in capsys.readouterr().err.replace("\n", " ")


def test_a_run_of_days_is_fitted_soon_in_each_session(monkeypatch):
    """Its twelfth is six hours, and a session on a machine that is lent for an hour never saw one."""
    known, clock = clocked(monkeypatch, minutes=3 * 24 * 60)
    clock[0] += 300
    assert known.look(3000) == pytest.approx(10 * (3 * 86400 - 300))
    clock[0] += 3600
    assert known.look(9000) is None, "the next only after six hours, as speeds go up and down"
    endless, clock = clocked(monkeypatch, minutes=None)
    clock[0] += 3600
    assert endless.look(9000) is None
