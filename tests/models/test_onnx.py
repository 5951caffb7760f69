"""What a generator as ONNX is checked for before it is kept, and what is refused."""

import json
import sys

import onnx
import pytest
import torch

from ganvas import fit
from ganvas.core.errors import GanvasError
from ganvas.models.exported import sum_of
from ganvas.models.model import Model
from ganvas.models.onnx import export
from ganvas.networks.mlp import MLPGenerator


@pytest.fixture
def model():
    return Model(MLPGenerator(width=8, depth=1, latent=4).build((1, 8, 8), 0).eval().requires_grad_(False))


def test_what_draws_something_else_is_not_kept(model, tmp_path, monkeypatch):
    monkeypatch.setattr(Model, "make", lambda self, z, condition=None: torch.ones(len(z), *self.shape))
    with pytest.raises(GanvasError, match="draws something else"):
        export(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "onnxscript"])
def test_a_missing_package_is_named(model, package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(GanvasError, match=r"pip install 'ganvas\[export\]'"):
        export(model, tmp_path / "model.onnx")


def test_other_endings_and_places_are_refused(model, tmp_path):
    with pytest.raises(GanvasError, match=r"end in \.onnx"):
        export(model, tmp_path / "model.pt")
    (tmp_path / "file").write_text("")
    with pytest.raises(GanvasError, match="Cannot write"):
        export(model, tmp_path / "file" / "model.onnx")


def test_the_command_writes_a_file_and_says_how_far_it_is_from_the_model(ganvas, pictures, tmp_path):
    run = fit(pictures, out=tmp_path / "run", device="cpu", quiet=True)
    code, out, _ = ganvas("export", str(run.path), "--out", "deep/model.onnx")
    assert code == 0
    assert "the generator is deep/model.onnx" in out
    (about,) = onnx.load(tmp_path / "deep" / "model.onnx").metadata_props
    assert about.key == "ganvas"
    assert json.loads(about.value)["of"] == sum_of(str(run.path))
