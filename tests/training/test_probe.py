"""What a probe of the machine's speed has found is not asked for again."""

from dataclasses import replace

import pytest

from ganvas import fit
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
