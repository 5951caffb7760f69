"""Sheets and signs take a share of a training's time, however slowly its network draws."""

from dataclasses import replace

import pytest

from ganvas import fit
from ganvas.core import files
from ganvas.training import allowance
from ganvas.training.allowance import Allowance


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes when it is told to."""
    now = [100.0]
    monkeypatch.setattr(allowance.time, "perf_counter", lambda: now[0])
    return now


def taken(clock, *, each, between, times):
    """How many of so many are allowed, each of so many seconds, and the share of the time that they took."""
    some, count, began = Allowance(), 0, clock[0]
    for _ in range(times):
        clock[0] += between
        if some.affords():
            count += 1
            with some.spends():
                clock[0] += each
    return count, count * each / (clock[0] - began)


def test_what_is_quick_is_never_left_out(clock):
    assert taken(clock, each=0.05, between=0.1, times=100)[0] == 100


def test_what_takes_long_is_done_seldom(clock):
    count, share = taken(clock, each=4.0, between=2.0, times=1000)
    assert 10 < count < 40
    assert 0.03 < share < 0.06


def test_only_what_is_quick_is_done_in_advance(clock):
    """The first says how long one takes, where nobody knows; of forty seconds a twentieth is allowed, which are two."""
    assert taken(clock, each=2.0, between=1.0, times=38)[0] == 1
    assert taken(clock, each=0.9, between=1.0, times=38)[0] == 8, "five seconds more"
    known = Allowance(2.0)
    clock[0] += 39
    assert not known.affords()
    clock[0] += 2
    assert known.affords()


def test_a_training_whose_sheets_and_signs_take_long_has_few(points, tmp_path, monkeypatch):
    whole = fit(replace(points, sheets=20), out=tmp_path / "whole", device="cpu", quiet=True)
    monkeypatch.setattr(allowance, "SECONDS", 0.0)
    monkeypatch.setattr(allowance, "SHARE", 0.0)
    run = fit(replace(points, sheets=20), out=tmp_path / "short", device="cpu", quiet=True)
    sheets = [images for images, _ in files.numbered(run.path / "samples")]
    assert len(files.numbered(whole.path / "samples")) == 21
    assert len(sheets) == 2, "as the first took its time"
    assert (sheets[0], sheets[-1]) == (0, run.images)
    assert [row["images"] for row in run.rows if row.get("signs")][-1] == run.images
    assert sum("signs" in row for row in run.rows) == 1
    assert sum("signs" in row for row in whole.rows) > 10
    mended = fit(points, out=tmp_path / "auto", device="cpu", quiet=True, auto=True)
    assert [row["images"] for row in mended.rows if "signs" in row] == [
        row["images"] for row in whole.rows if "signs" in row
    ]
