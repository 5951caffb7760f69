"""A strip of truncations: each seed a row, from typical to strange, in one picture that says what made it."""

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from ganvas.cli.sample import STRIP
from ganvas.models.made import made_of
from ganvas.models.model import Model, load, metadata
from ganvas.networks.layers import Generator
from ganvas.networks.resnet import ResnetGenerator
from ganvas.networks.video import TGANGenerator


def written(settings, shape, file):
    """The file of a model that has learned nothing."""
    torch.manual_seed(0)
    model = Model(settings.build(shape, 0).eval())
    tensors = {name: value.contiguous() for name, value in model.network.state_dict().items()}
    save_file(tensors, file, metadata(settings, model, tensors))
    return file


@pytest.fixture
def model(tmp_path):
    return written(ResnetGenerator(width=2, latent=4), (3, 8, 8), tmp_path / "model.safetensors")


def test_rows_are_seeds_and_columns_truncations(model, ganvas, tmp_path):
    code, _, err = ganvas("sample", model, "--truncation-strip", "--seeds", "3,9", "--out", "strip.png")
    assert code == 0, err
    made = made_of(tmp_path / "strip.png")
    assert (made.layout.columns, made.layout.captions) == (7, True)
    assert [(place.seed, place.truncation) for place in made.places] == [(s, t) for s in (3, 9) for t in STRIP]
    assert made.places[0].caption == ("", "seed 3, trunc. 0.2")
    ganvas("sample", model, "--like", "strip.png", "--out", "again.png")
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "strip.png").read_bytes()
    plain = ("--no-captions", "--scale", 1, "--out", "plain.png")
    assert ganvas("sample", model, "--truncation-strip", "--count", 2, *plain)[0] == 0
    with Image.open(tmp_path / "plain.png") as picture:
        assert picture.size == (7 * 10 + 2, 2 * 10 + 2)


def test_there_are_five_rows_if_nothing_is_said(model, ganvas, tmp_path):
    assert ganvas("sample", model, "--truncation-strip")[0] == 0
    assert len(made_of(tmp_path / "samples.png").places) == 5 * len(STRIP)
    assert ganvas("sample", model)[0] == 0
    assert len(made_of(tmp_path / "samples.png").places) == 25


@pytest.mark.parametrize("more", [("--columns", 3), ("--truncation", 0.5), ("--separate",), ("--place", '{"seed": 1}')])
def test_a_strip_lays_itself_out(more, model, ganvas):
    code, _, err = ganvas("sample", model, "--truncation-strip", *more)
    assert code == 1
    assert "by itself: leave out --place" in err


def test_models_that_have_no_strip(model, ganvas, tmp_path, monkeypatch):
    clips = written(TGANGenerator(width=2, latent=4), (1, 4, 8, 8), tmp_path / "clips.safetensors")
    assert "is of pictures, and this model makes clips" in ganvas("sample", clips, "--truncation-strip")[2]
    monkeypatch.setattr(Generator, "truncated", lambda self, z, condition, share: self.generate(z, condition))
    assert "truncation changes nothing" in ganvas("sample", model, "--truncation-strip")[2]
    assert load(model).doubles is False
