"""What is drawn is of the model as it is now, also when a training went on since it was last looked at."""

from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("starlette")
from ganvas import Run, fit, plan
from ganvas.core.errors import Unreadable
from ganvas.latent.draw import Place
from ganvas.models.publish import publish
from ganvas.studio.data import Sets
from ganvas.studio.gallery import Gallery
from ganvas.studio.models import Models
from ganvas.studio.worker import Worker
from ganvas.studio.workspace import Workspace


def train(out: Any, images: int) -> None:
    recipe = plan("mlp_gan", data="digits")
    fit(replace(recipe, batch=8, images=images, measure_images=0, sheets=1), out=out, device="cpu", quiet=True)


def test_a_model_that_learned_on_is_known_by_its_new_fingerprint(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.prepare()
    train(tmp_path / "runs/one", 16)
    models = Models(workspace)
    gallery = Gallery(workspace, models, Worker())
    models.describe("one")
    before = models.about("one")["fp"]
    train(tmp_path / "runs/two", 32)
    (tmp_path / "runs/two").rename(tmp_path / "runs/gone")
    (tmp_path / "runs/one").rename(tmp_path / "runs/two")
    (tmp_path / "runs/gone").rename(tmp_path / "runs/one")
    assert models.about("one")["fp"] == before
    assert gallery.check("one", [Place(seed=3)]) == ([], [[]])
    assert models.about("one")["fp"] == models.loaded("one").fp != before


@pytest.mark.filterwarnings("ignore::ganvas.core.errors.PassedOver")
def test_a_model_that_cannot_be_read_is_looked_at_once(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.prepare()
    train(tmp_path / "runs/one", 16)
    (weights,) = (tmp_path / "runs/one/checkpoints").glob("*/model.safetensors")
    weights.write_bytes(b"no weights")
    models = Models(workspace)
    assert "one" in models.changed()
    models.describe("one")
    assert "one" not in models.changed()
    assert models.knows("one")
    assert models.all() == []
    with pytest.raises(Unreadable, match="damaged"):
        models.loaded("one")


def test_a_file_that_is_uploaded_again_counts_once(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.prepare()
    sets = Sets(workspace)
    sets.create("mine", None)
    for length in (1000, 300):
        with sets.opened("mine", "a/b.png", length) as upload:
            upload.write(b"x" * length)
    view = sets.view("mine")
    assert (view.held, view.size) == (1, 300)


@pytest.mark.parametrize("name", ["a/b.svg", "B.SVG"])
def test_drawings_are_taken_into_a_set(tmp_path, name):
    workspace = Workspace(tmp_path)
    workspace.prepare()
    sets = Sets(workspace)
    sets.create("mine", None)
    with sets.opened("mine", name, 6) as upload:
        upload.write(b"<svg/>")
    assert (tmp_path / "data/mine" / name).read_bytes() == b"<svg/>"


def test_whose_pictures_a_published_model_learned_from_is_said(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.prepare()
    train(tmp_path / "own", 16)
    publish(Run(tmp_path / "own"), tmp_path / "runs/theirs", licence="CC0", attribution="NIST")
    publish(
        Run(tmp_path / "own"), tmp_path / "runs/plain", about="## What it learned from\n\nDigits. Of 1998. Small.\n"
    )
    models = Models(workspace)
    for name, said in (("theirs", "NIST, CC0."), ("plain", "Digits. Of 1998.")):
        models.describe(name)
        assert models.about(name)["licence"] == said
