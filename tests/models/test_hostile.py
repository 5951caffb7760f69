"""Model files that say of themselves what is not so: refused in a sentence, before they are given memory."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load as load_tensors
from safetensors.torch import save_file

from ganvas import Run, fit, load
from ganvas.core import machine
from ganvas.core.errors import DoesNotFit, GanvasError, Unreadable
from ganvas.core.seeds import MOST_SEED
from ganvas.core.weights import read_header, read_weights
from ganvas.learning.conditions import Keywords, Labels
from ganvas.models.convert import convert
from ganvas.networks.fill import build
from ganvas.networks.layers import NetworkSettings
from ganvas.networks.mlp import MLPGenerator
from ganvas.networks.resnet import ResnetGenerator
from ganvas.recipes.recipe import Recipe
from ganvas.recipes.settings import from_json


@pytest.fixture(scope="module")
def run(pictures, tmp_path_factory):
    return fit(pictures, images=16, out=tmp_path_factory.mktemp("run") / "digits", quiet=True, device="cpu")


@pytest.fixture
def good(run):
    return run.newest / "model.safetensors"


def saying(good, file, change):
    """The same weights, of which something else is said."""
    with safe_open(good, "pt") as opened:
        about = json.loads(opened.metadata()["ganvas"])
    about = {
        name: value for name, value in about.items() if name not in ("sum", "tensors")
    }  # a stranger leaves them out
    save_file(load_tensors(good.read_bytes()), file, {"ganvas": json.dumps(about | change)})
    return file


@pytest.mark.parametrize(
    "network",
    [
        {"part": "resnet_generator", "width": 30_000},
        {"part": "mlp_generator", "width": 70_000},
        {"part": "stylegan2_generator", "width": 8192, "base": 2**20},
        {"part": "mlp_generator", "depth": 256, "width": 4000},
        {"part": "dcgan_generator", "extra": 2**20},  # layers, which would be minutes of work
    ],
)
def test_no_network_is_made_that_the_weights_are_not_of(network, good, tmp_path, monkeypatch):
    made, init = [], torch.nn.Module.register_parameter

    def watched(self, name, weight):
        made.append(0 if weight is None or weight.is_meta else weight.nbytes)
        init(self, name, weight)

    file = saying(good, tmp_path / "large.safetensors", {"network": network})
    monkeypatch.setattr(torch.nn.Module, "register_parameter", watched)
    with pytest.raises(Unreadable, match="its weights are not those of the network it describes"):
        load(file)
    assert made
    assert sum(made) == 0
    load(good)
    assert sum(made) == 4 * sum(weight.numel() for weight in load(good).network.parameters())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"shape": [1, 2**15, 2**15]}, "are too large"),
        ({"shape": "abc"}, "description of itself is of another kind"),
        ({"shape": [True, 8, 8]}, "description of itself is of another kind"),
        ({"network": 0}, "not a model that"),
        ({"network": {"part": ["a"]}}, "A part is named by a word"),
        ({"network": {"part": "ring"}}, "of another kind"),
        ({"network": {"part": "resnet_generator", "width": "2"}}, "resnet_generator.width takes a whole number"),
        ({"network": {"part": "resnet_generator", "latent": None}}, "resnet_generator.latent takes a whole number"),
        ({"network": {"part": "mlp_generator", "depth": 10**9}}, "mlp_generator.depth must be at most 256"),
        ({"condition": [1, 2]}, "of another kind"),
        ({"condition": {"part": "labels", "classes": ["a", "b"], "shares": [1.0]}}, "a frequency for each"),
    ],
)
def test_what_a_description_may_not_say(change, said, good, tmp_path):
    with pytest.raises(GanvasError, match=said):
        load(saying(good, tmp_path / "odd.safetensors", change))


def test_weights_that_are_no_numbers(good, tmp_path):
    tensors = load_tensors(good.read_bytes())
    with safe_open(good, "pt") as opened:
        about = opened.metadata()
    name = next(name for name, value in tensors.items() if value.dtype == torch.float32)
    tensors[name].view(-1)[0] = torch.nan
    save_file(tensors, tmp_path / "nan.safetensors", about)
    with pytest.raises(Unreadable, match=f"{name} holds what is no number"):
        load(tmp_path / "nan.safetensors")


def test_a_header_tells_what_is_there_and_a_cut_file_has_none(good, tmp_path):
    header, tensors = read_header(good), load_tensors(good.read_bytes())
    assert header.shapes == {name: tuple(value.shape) for name, value in tensors.items()}
    assert header.real == {name for name, value in tensors.items() if value.is_floating_point()}
    assert isinstance(build(ResnetGenerator(width=2, latent=4), (1, 8, 8), 0, header), torch.nn.Module)
    (tmp_path / "cut.safetensors").write_bytes(good.read_bytes()[:-1])
    with pytest.raises(Unreadable, match="not a whole"):
        read_header(tmp_path / "cut.safetensors")
    save_file({"a/x": torch.zeros(2), "b/x": torch.zeros(3, dtype=torch.int64)}, tmp_path / "two.safetensors")
    both = read_header(tmp_path / "two.safetensors")
    assert both.below("a").shapes == {"x": (2,)}
    assert both.below("b").shapes == {"x": (3,)}
    assert (both.below("a").real, both.below("b").real) == ({"x"}, set())


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"MainLayers.0.Layers.0.Basis": torch.zeros(1).expand(10**6, 10**4)}, "describes more numbers than it holds"),
        ({0: torch.zeros(2)}, "not a dictionary of tensors by name"),
        ({"MainLayers.0.Layers.0.Basis": torch.zeros(())}, "no generator"),
        ({"x": torch.zeros(2, 2).to_sparse()}, "only plain ones"),
        ({"x": torch.zeros(2, 2, device="meta")}, "only plain ones"),
    ],
)
def test_state_dicts_of_torch_that_are_not_what_they_seem(state, said, tmp_path, monkeypatch):
    monkeypatch.setattr("ganvas.core.weights.UNPICKLES", "0")
    torch.save(state, tmp_path / "theirs.pt")
    with pytest.raises(Unreadable, match=said):
        convert(tmp_path / "theirs.pt", "r3gan", tmp_path / "ours.safetensors")
    whole = (tmp_path / "theirs.pt").read_bytes()
    for length in range(0, len(whole), 101):
        (tmp_path / "cut.pt").write_bytes(whole[:length])
        with pytest.raises(Unreadable):
            read_weights(tmp_path / "cut.pt")


def test_a_run_whose_recipe_is_not_that_of_its_weights_is_no_start(run, tmp_path, ganvas):
    recipe = run.read("recipe.json")
    recipe["networks"]["critic"]["width"] = 30_000
    (run.path / "recipe.json").rename(tmp_path / "kept.json")
    try:
        (run.path / "recipe.json").write_text(json.dumps(recipe))
        code, _, err = ganvas("train", "digits", "--size", "8", "--images", "8", "--from", run.path, "--out", "begun")
    finally:
        (tmp_path / "kept.json").rename(run.path / "recipe.json")
    assert code == 1
    assert "its weights are not those of its recipe" in err
    assert not Run(tmp_path / "begun").exists


def test_settings_that_are_written_down_are_of_their_kind(pictures):
    from ganvas.recipes.settings import to_json

    whole = json.loads(json.dumps(to_json(pictures)))
    assert from_json(whole, Recipe) == pictures
    for name, odd in {"batch": "8", "images": 1.5, "networks": [], "game": {}, "data": 3, "mirror": 1}.items():
        with pytest.raises(GanvasError):
            from_json(whole | {name: odd}, Recipe)
    with pytest.raises(Unreadable, match="no setting 'batches'"):
        from_json(whole | {"batches": 3}, Recipe)
    with pytest.raises(GanvasError, match=r"mlp_generator.width takes a whole number, not True"):
        from_json({"part": "mlp_generator", "width": True}, NetworkSettings)
    assert from_json({"part": "mlp_generator", "width": 5}, NetworkSettings) == MLPGenerator(width=5)


def test_conditions_that_no_model_has(ganvas):
    for shares in ((), (0.0, 0.0), (float("nan"), 1.0), (-1.0, 2.0)):
        with pytest.raises(DoesNotFit, match="a frequency for each"):
            Labels(("a", "b"), shares)
    with pytest.raises(DoesNotFit, match="a vector for each of its words"):
        Keywords(words=("red",), phrases=("red",), table="AAAA")
    with pytest.raises(Unreadable, match="'blue', and that is none of its words"):
        Keywords(words=(), phrases=("blue",), table="").draw([0])


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("generator.width=20000", "generator: lower --set generator.width"),
        ("critic.width=20000", "critic: lower --set critic.width"),
        ("batch=99999999999", "batch: lower --set batch"),
        ("generator.width=16777216", "generator: lower --set generator.width"),
    ],
)
def test_what_no_machine_holds_is_refused_before_there_is_a_folder(setting, said, ganvas, tmp_path):
    code, _, err = ganvas("train", "digits", "--images", "64", "--set", setting, "--out", "run")
    assert code == 1
    assert said in err
    assert not (tmp_path / "run").exists()


def test_threads_of_a_larger_machine(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    with machine.threads(10_000):
        assert torch.get_num_threads() == 2
    with machine.threads(1):
        assert torch.get_num_threads() == 1
    assert machine.memory() > 2**28


@pytest.mark.parametrize("seed", [MOST_SEED + 1, 2**63 - 1, 2**64, 10**30])
@pytest.mark.parametrize(
    "words", ["train ring --images 16 --seed SEED --out begun", "sample RUN --seed SEED", "evaluate RUN --seed SEED"]
)
def test_seeds_are_of_one_range(seed, words, run, ganvas):
    code, _, err = ganvas(*words.replace("SEED", str(seed)).replace("RUN", str(run.path)).split())
    assert code == 1
    assert "eed" in err
    assert f"{MOST_SEED:,}" in err


def test_the_largest_seed_is_one(run, ganvas):
    assert load(run.path).generate([MOST_SEED]).isfinite().all()
    code, _, err = ganvas("sample", run.path, "--seed", 0, "--count", 10**12)
    assert code == 1
    assert "--count is from 1 to 1,000,000" in err
    assert ganvas("sample", run.path, "--count", 2, "--columns", 2**64)[0] == 0
