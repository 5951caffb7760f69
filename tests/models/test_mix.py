"""Two models as one: whose layers are whose, and that what does not fit is refused."""

import pytest
import torch
from safetensors.torch import save_file

from ganvas import load
from ganvas.core.errors import DoesNotFit
from ganvas.learning.conditions import Labels
from ganvas.models.mix import mix, sides
from ganvas.models.model import Model, metadata
from ganvas.networks.dcgan import DCGANGenerator
from ganvas.networks.mlp import MLPGenerator
from ganvas.networks.r3gan import R3Generator
from ganvas.networks.resnet import ResnetGenerator
from ganvas.networks.stylegan2 import Stylegan2Generator

NETWORKS = [
    DCGANGenerator(width=4, latent=4),
    R3Generator(width=8, blocks=1, cardinality=2, latent=4),
    ResnetGenerator(width=4, latent=4),
    ResnetGenerator(width=4, latent=4, modulated=True),
    DCGANGenerator(width=4, latent=4, modulated=True),
    Stylegan2Generator(width=8, base=64, depth=2, latent=4),
]


def written(file, settings, seed, shape=(3, 16, 16), condition=None):
    """The file of a model whose weights are drawn by this seed."""
    torch.manual_seed(seed)
    network = settings.build(shape, condition.length if condition else 0).eval()
    for value in network.state_dict().values():
        if value.is_floating_point():
            value.add_(0.1 * torch.rand_like(value))  # also what begins alike
    model = Model(network, condition)
    tensors = {name: value.contiguous() for name, value in network.state_dict().items()}
    save_file(tensors, file, metadata(settings, model, tensors))
    return file


def planes(model, count):
    """The first planes of each side that come about when a seed is drawn, by side."""
    found = {}

    def note(_module, _given, made):
        made = made[0] if isinstance(made, tuple) else made
        if isinstance(made, torch.Tensor) and made.dim() == 4:
            found.setdefault(min(made.shape[-2:]), made)

    for layer in list(model.network.modules())[1:]:
        layer.register_forward_hook(note)
    model.generate(range(count))
    return found


@pytest.mark.parametrize("settings", NETWORKS, ids=lambda each: type(each).__name__)
def test_layers_below_are_of_the_one_and_the_others_of_the_other(settings, tmp_path):
    low, high = (written(tmp_path / f"{seed}.safetensors", settings, seed) for seed in (1, 2))
    mixed = mix(low, high, tmp_path / "mixed.safetensors", at=8)
    found, again = sides(load(low)), load(tmp_path / "mixed.safetensors")
    assert set(found.values()) >= {8, 16}
    ours, theirs = load(low).network.state_dict(), load(high).network.state_dict()
    for name, value in again.network.state_dict().items():
        assert value.equal((theirs if found[name] >= 8 else ours)[name]), name
    assert mixed.generate([3]).equal(again.generate([3]))
    assert again.generate([3]).isfinite().all()
    first, second = planes(load(low), 2), planes(again, 2)
    assert first[4].equal(second[4]), "as before, up to where they are mixed"
    assert not first[16].equal(second[16])


def test_sides_of_stylegan2(tmp_path):
    found = sides(load(written(tmp_path / "a.safetensors", NETWORKS[-1], 0)))
    assert {name: found[name] for name in ("constant", "average", "mapping.0.weight")} == {
        "constant": 0, "average": 0, "mapping.0.weight": 0,
    }  # fmt: skip
    for level, side in enumerate((4, 8, 16)):
        assert {each for name, each in found.items() if name.startswith(f"stages.{level}.")} == {side}


def test_the_command_makes_a_folder_that_says_of_what(tmp_path, ganvas):
    for seed in (1, 2):
        written(tmp_path / f"{seed}.safetensors", NETWORKS[2], seed)
    code, out, err = ganvas("mix", "1.safetensors", "2.safetensors", "--at", 16, "--out", "mixed")
    assert (code, out.strip()) == (0, "the model is mixed"), err
    told = "Layers below 16 pixels of 1.safetensors, and from there on of 2.safetensors."
    card = (tmp_path / "mixed" / "README.md").read_text()
    assert told in card
    assert "--from" not in card, "no recipe trained it, so nothing can start from it"
    assert ganvas("sample", "mixed", "--count", 2, "--out", "two.png")[0] == 0
    assert "can be mixed at 4, 8, 16, and not --at 5" in ganvas("mix", "1.safetensors", "2.safetensors", "--at", 5)[2]


def test_what_does_not_fit(tmp_path):
    labels = Labels(("a", "b"), (0.5, 0.5))
    a = written(tmp_path / "a.safetensors", NETWORKS[2], 1)
    others = {
        r"networks differ \(width: 8, not 4\)": written(tmp_path / "b.safetensors", ResnetGenerator(8, latent=4), 1),
        r"networks differ": written(tmp_path / "c.safetensors", NETWORKS[0], 1),
        r"\[3, 16, 16\] and the other \[3, 8, 8\]": written(tmp_path / "d.safetensors", NETWORKS[2], 1, (3, 8, 8)),
        r"told other things": written(tmp_path / "e.safetensors", NETWORKS[2], 1, condition=labels),
    }
    for said, other in others.items():
        with pytest.raises(DoesNotFit, match=said):
            mix(a, other, tmp_path / "mixed", at=8)
    turned = written(tmp_path / "f.safetensors", NETWORKS[2], 1, condition=Labels(("b", "a"), (0.5, 0.5)))
    with pytest.raises(DoesNotFit, match="told other things"):
        mix(tmp_path / "e.safetensors", turned, tmp_path / "mixed", at=8)
    flat = written(tmp_path / "g.safetensors", MLPGenerator(width=4, depth=2, latent=4), 1)
    with pytest.raises(DoesNotFit, match="no layers of several resolutions"):
        mix(flat, flat, tmp_path / "mixed", at=8)
    assert not (tmp_path / "mixed").exists()
