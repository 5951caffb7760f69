"""A program can tell by the kind of an error what went wrong, and catch all of them by one name."""

import json

import pytest

import ganvas
from ganvas.core import errors
from ganvas.training.recorder import Recorder

KINDS = [getattr(errors, name) for name in errors.__all__]


@pytest.fixture
def folder(tmp_path):
    """Some files that are not what they seem."""
    (tmp_path / "none").mkdir()
    (tmp_path / "broken.zip").write_bytes(b"PK no zip")
    (tmp_path / "broken.safetensors").write_bytes(b"no weights")
    (tmp_path / "notes.txt").write_text("no pictures")
    return tmp_path


def test_all_are_ganvas_errors_and_public():
    for kind in KINDS:
        assert issubclass(kind, (ganvas.GanvasError, ganvas.PassedOver))
        assert getattr(ganvas, kind.__name__) is kind
        assert kind.__name__ in errors.__doc__
    assert issubclass(ganvas.NotInstalled, ganvas.NotFound)


@pytest.mark.parametrize(
    ("kind", "act"),
    [
        ("NotFound", lambda folder: ganvas.load(folder / "nothing")),
        ("NotFound", lambda folder: ganvas.load(folder / "none")),
        ("NotFound", lambda folder: ganvas.find("nonsense", "loss")),
        ("NotFound", lambda folder: ganvas.plan("nonsense")),
        ("NotFound", lambda folder: ganvas.source(str(folder / "nothing"))),
        ("NotFound", lambda folder: ganvas.source(str(folder / "none")).open()),
        ("NotFound", lambda folder: ganvas.Run(folder / "none").recipe),
        ("NotFound", lambda folder: ganvas.fit("digits", start_from="nonsense", quiet=True)),
        ("DoesNotFit", lambda folder: ganvas.change(ganvas.plan("digits"), "batch=0")),
        ("DoesNotFit", lambda folder: ganvas.change(ganvas.plan("digits"), "batch=many")),
        ("DoesNotFit", lambda folder: ganvas.plan("ring", size=64)),
        ("DoesNotFit", lambda folder: ganvas.fit("digits", images=1, minutes=1)),
        ("DoesNotFit", lambda folder: ganvas.compare("digits", "ring")),
        ("Unreadable", lambda folder: ganvas.load(folder / "broken.safetensors")),
        ("Unreadable", lambda folder: ganvas.source(str(folder / "broken.zip")).open()),
        ("Unreadable", lambda folder: ganvas.source(str(folder / "notes.txt")).open()),
        ("Unwritable", lambda folder: ganvas.fit("digits", images=64, out=folder / "notes.txt", quiet=True)),
    ],
)
def test_a_kind_says_what_is_wrong(folder, kind, act):
    with pytest.raises(ganvas.GanvasError) as caught:
        act(folder)
    assert type(caught.value).__name__ == kind, caught.value


def test_a_folder_in_use_is_busy(points, tmp_path):
    run = ganvas.Run(tmp_path / "run")
    with Recorder(run).held(), pytest.raises(ganvas.Busy):
        ganvas.fit(points, out=run.path, device="cpu", quiet=True)


def test_numbers_that_are_none_any_more_are_a_divergence(points, tmp_path):
    diverging = ganvas.change(points, "optimizer.rate=1e30")
    with pytest.raises(ganvas.Diverged, match="no longer a number"):
        ganvas.fit(diverging, out=tmp_path / "run", device="cpu", quiet=True)


def test_a_setting_of_another_version_is_unreadable(points, tmp_path):
    run = ganvas.fit(points, out=tmp_path / "run", images=16, device="cpu", quiet=True)
    saved = json.loads((run.path / "recipe.json").read_text())
    del saved["sum"]  # it is not damaged, but another version's
    (run.path / "recipe.json").write_text(json.dumps(saved | {"of_tomorrow": 1}))
    with pytest.raises(ganvas.Unreadable, match="of_tomorrow"):
        run.recipe  # noqa: B018
