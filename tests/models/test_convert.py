"""Generators of others: their weights by our names, and the pictures that their own code makes of them."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from benchmarks.cross_check_pretrained import EVERY, SHARE, inputs, made_up, ours
from ganvas import load
from ganvas.core.errors import GanvasError
from ganvas.models.convert import convert, translate

GOLDEN = Path(__file__).parents[1] / "golden"
KINDS = ["stylegan2", "r3gan"]


def golden(kind):
    """What the original code made of made-up weights: names and shapes of these, and some values of its pictures."""
    return json.loads((GOLDEN / f"pretrained_{kind}.json").read_text())


def published(kind):
    """The state dict as the original code would save it, filters and all."""
    weights = {name: made_up(kind, name, shape) for name, shape in golden(kind)["shapes"].items()}
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    filters = (
        ("synthesis.b8.resample_filter",) if kind == "stylegan2" else ("Model.MainLayers.1.Layers.0.Resampler.Kernel",)
    )
    return weights | dict.fromkeys(filters, torch.outer(taps, taps))


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def file(kind, tmp_path):
    tensors = {name: value.float().contiguous() for name, value in published(kind).items()}
    save_file({name: value.clone() for name, value in tensors.items()}, tmp_path / "theirs.safetensors")
    return tmp_path / "theirs.safetensors"


@pytest.mark.parametrize(("precision", "slack"), [(torch.float64, 1e-9), (torch.float32, 1e-4)])
def test_the_pictures_are_those_of_the_original(kind, precision, slack):
    expected = golden(kind)
    network = ours(kind, published(kind), precision)
    z, told = (each.to(precision) for each in inputs(network.latent))
    made = {"samples": network.forward(z, told)}
    if "truncated" in expected:
        made["truncated"] = network.truncated(z, told, SHARE)
    for name, pictures in made.items():
        known = torch.tensor(expected[name], dtype=torch.float64)
        found = pictures.double().flatten()[:: EVERY[kind]]
        assert (found - known).abs().max() < slack * known.std()
    assert len(made) == (2 if kind == "stylegan2" else 1)


def test_a_converted_file_is_a_model_like_any_other(kind, file, tmp_path, ganvas):
    names = "cat,dog,fish"
    code, out, err = ganvas("convert", file, "--from", kind, "--out", "model.safetensors", "--classes", names)
    assert code == 0, err
    assert "model.safetensors" in out
    model = load(tmp_path / "model.safetensors")
    assert model.condition.classes == ("cat", "dog", "fish")
    z, told = (each.float() for each in inputs(model.network.latent))
    assert torch.equal(model.network(z, told), ours(kind, published(kind), torch.float32)(z, told))
    assert ganvas("sample", "model.safetensors", "--label", "dog", "--count", 4, "--truncation", 0.5)[0] == 0
    assert ganvas("morph", "model.safetensors", "--seeds", "0,1", "--out", "strip.png")[0] == 0
    with Image.open(tmp_path / "samples.png") as sheet:
        assert sheet.width > 2 * model.shape[2]


def test_half_precision_and_several_networks_in_one_file(kind, tmp_path):
    tensors = published(kind)
    both = {f"G.{name}": torch.zeros_like(value) for name, value in tensors.items() if value.shape != (4, 4)}
    both |= {f"G_ema.{name}": value.half() for name, value in tensors.items()}
    torch.save(both, tmp_path / "all.pt")
    model = convert(tmp_path / "all.pt", kind, tmp_path / "model.safetensors")
    assert model.condition.classes == ("0", "1", "2")
    whole = ours(kind, tensors, torch.float32)
    z, told = (each.float() for each in inputs(whole.latent))
    made, exact = model.network(z, told), whole(z, told)
    assert made.dtype == torch.float32
    assert 0 < (made - exact).abs().max() < 0.1 * exact.std()


def test_without_classes(tmp_path):
    tensors = published("r3gan")
    del tensors["Model.EmbeddingLayer.weight"]
    name = "Model.MainLayers.0.Layers.0.LinearLayer.weight"
    tensors[name] = tensors[name][:, :8]
    torch.save(tensors, tmp_path / "a.pt")
    model = convert(tmp_path / "a.pt", "r3gan", tmp_path / "model.safetensors")
    assert model.condition is None
    assert model.network.latent == 8
    assert len(load(tmp_path / "model.safetensors").sample(2)) == 2


def test_truncation_moves_styles():
    network = ours("stylegan2", published("stylegan2"), torch.float32)
    _, told = (each.float() for each in inputs(network.latent))
    z = torch.randn(2, network.latent, generator=torch.Generator().manual_seed(0))
    mean = network.truncated(z, told, 0.0)
    assert torch.equal(mean[0], mean[1]), "whatever z and class"
    assert torch.allclose(network.truncated(z, told, 1.0), network(z, told), atol=1e-4)
    from ganvas.models.model import Model

    shown = Model(network).truncated(0.7).network(z, told)
    assert torch.equal(shown, network.truncated(z, told, 0.7))


def test_clamp():
    found = translate(published("stylegan2"), "stylegan2", clamp=None)
    assert found.settings.clamp is None


def changed(tensors, kind):
    """Ways in which a state dict can be another network: what is changed in it, and what is said."""
    conv = (
        "synthesis.b8.conv1.weight" if kind == "stylegan2" else "Model.MainLayers.1.Layers.1.LinearLayer1.Layer.weight"
    )
    extra = "synthesis.b8.skip.weight" if kind == "stylegan2" else "Model.MainLayers.1.Layers.1.Other.weight"
    filter_ = next(name for name in tensors if name.endswith(("resample_filter", "Resampler.Kernel")))
    anchor = next(name for name in tensors if name.endswith(("synthesis.b4.const", "MainLayers.0.Layers.0.Basis")))
    return [
        (tensors | {conv: tensors[conv][:, 1:]}, "has the shape"),
        ({name: value for name, value in tensors.items() if name != conv}, "is missing"),
        (tensors | {extra: torch.zeros(3)}, "has no place here"),
        (tensors | {filter_: torch.ones(4, 4)}, r"is not the filter \[1, 3, 3, 1\]"),
        ({name: value for name, value in tensors.items() if name != anchor}, "it holds no"),
        ({anchor: tensors[anchor]}, "is missing|as it is known here"),
    ]


@pytest.mark.parametrize("number", range(6))
def test_other_networks_are_refused(kind, number, tmp_path):
    tensors, told = changed(published(kind), kind)[number]
    torch.save(tensors, tmp_path / "a.pt")
    with pytest.raises(GanvasError, match=told):
        convert(tmp_path / "a.pt", kind, tmp_path / "model.safetensors")
    assert not (tmp_path / "model.safetensors").exists()


class _Evil:
    def __reduce__(self):
        return (Path("was-run").write_text, ("oh",))


@pytest.mark.parametrize("name", ["network.pkl", "network.pt"])
def test_pickles_are_never_run(name, tmp_path, ganvas):
    (tmp_path / name).write_bytes(pickle.dumps({"G_ema": _Evil()}, protocol=2))
    code, _, err = ganvas("convert", name, "--from", "stylegan2")
    assert code == 1
    if name.endswith("pkl"):
        assert "docs/pretrained.md" in err
    assert not (tmp_path / "was-run").exists()
    assert not list(tmp_path.glob("*.safetensors"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("theirs.safetensors --from stylegan3", "There is no conversion from 'stylegan3'; there are: stylegan2, r3gan"),
        ("nothing.safetensors --from r3gan", "nothing.safetensors cannot be read"),
        ("theirs.safetensors --from r3gan --out ./theirs.safetensors", "is what this is made from, and would be lost"),
        ("theirs.safetensors --from r3gan --out a.pt", "A model file ends in .safetensors"),
        ("theirs.safetensors --from r3gan --classes a,b", "knows 3 classes, and --classes names 2"),
    ],
)
def test_what_is_refused(words, told, tmp_path, ganvas):
    save_file({name: value.float().contiguous() for name, value in published("r3gan").items()}, "theirs.safetensors")
    code, out, err = ganvas("convert", *words.split())
    assert (code, out) == (1, "")
    assert told in err
