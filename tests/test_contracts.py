"""What every network and every loss of the catalogue must do, also those that do not exist yet."""

import json
import re
from dataclasses import replace
from itertools import islice

import numpy as np
import onnxruntime
import pytest
import torch
from in_node import in_node
from tiny import tiny
from torch.nn.modules.batchnorm import _BatchNorm

from ganvas import change, find, names, train
from ganvas.core.batch import Dice
from ganvas.core.errors import GanvasError
from ganvas.data.sources.clips import MovingDigits
from ganvas.data.sources.digits import Digits
from ganvas.learning.conditions import Labels
from ganvas.learning.penalties import squared_gradient
from ganvas.models.model import Model
from ganvas.models.onnx import export
from ganvas.models.web import export_page
from ganvas.networks.layers import BatchNorm, Critic, Generator

PICTURES = [(3, 16, 16), (1, 32, 32), (4, 64, 64), (3, 128, 128), (3, 96, 64), (1, 28, 28)]
EIGHTS = [(3, 16, 16), (1, 32, 32), (4, 64, 64), (3, 96, 64)]
VECTORS = [(2,), (7,)]
CLIPS = [(1, 16, 32, 32), (3, 8, 16, 16), (4, 32, 16, 24), (1, 6, 64, 64), (2, 5, 28, 28)]
SHAPES = dict.fromkeys(["mlp_generator", "mlp_critic", "mlp_autoencoder"], PICTURES + VECTORS)
SHAPES |= {"tgan_generator": CLIPS, "tgan_critic": CLIPS, "tgan_frame_critic": CLIPS}
SHAPES |= dict.fromkeys(["step_generator", "fourier_critic"], VECTORS)
SHAPES |= dict.fromkeys(["latent_autoencoder", "latent_generator", "latent_critic"], EIGHTS)
"""The samples that a network must be able to make or to judge; pictures, if it is not named here."""

NETWORKS = {name: {} for name in names("network")} | {
    "mlp_critic spectral": {"spectral": True},
    "fourier_critic spectral": {"spectral": True},
    "step_generator": {"stretch": 1.0, "gain": 1.0},  # as it is, a tiny one is flat to the last bit at many z
    "dcgan_generator extra": {"extra": 2, "slope": 0.2},
    "dcgan_generator full": {"full": 2, "modulated": True},
    "dcgan_generator modulated": {"modulated": True},
    "dcgan_generator seamless": {"seamless": True, "full": 1},
    "dcgan_critic dropout": {"dropout": 0.4},
    "dcgan_critic projection": {"projection": True},
    "resnet_critic projection": {"projection": True},
    "resnet_critic strided": {"strided": True},
    "resnet_critic stem": {"strided": True, "stem": True},
    "resnet_generator modulated": {"modulated": True},
    "sngan_critic projection": {"projection": True},
    "autoencoder gaussian": {"gaussian": True},
    "latent_generator flow": {"steps": 2, "guidance": 2.0},
    "latent_generator sketched": {"sketch": 3, "guidance": 2.0},
    "latent_generator sketched flow": {"steps": 3, "sketch": 3, "guidance": 2.0},
}
"""Every network as it is, and some with settings that make another network of it: "NAME WORD" -> settings."""

DEAF = ["latent_autoencoder"]
"""What hears no condition, so that others can draw in its latents whatever they are told."""

LOSSES = names("loss")

LABELS = torch.eye(10)
WORDS = 8 * torch.nn.functional.normalize(torch.randn(8, 64, generator=torch.Generator().manual_seed(0)), dim=1)
"""Conditions as they come from classes and from keywords."""


def shapes(name):
    """What the network called so must be able to make or to judge."""
    return SHAPES.get(name.partition(" ")[0], PICTURES)


CASES = [(name, shape, condition) for name in NETWORKS for shape in shapes(name) for condition in (0, 5)]
DOUBLED = [name for name in NETWORKS if shapes(name) is PICTURES]


def build(name, shape, condition, *, moved=True):
    """A tiny network of this kind; what starts at zero is moved, since it would hide what lies behind it."""
    network = tiny(name.partition(" ")[0], shape, condition, **NETWORKS[name])
    assert isinstance(network, Generator | Critic)
    for weight in network.parameters():
        if moved and weight.dim() > 1 and not weight.any():
            torch.nn.init.normal_(weight, 0.0, 0.1)
    return network


def inputs(network, count=3):
    shape = (network.latent,) if isinstance(network, Generator) else network.shape
    x = torch.randn(count, *shape, requires_grad=True)
    condition = torch.eye(network.condition)[torch.arange(count) % network.condition] if network.condition else None
    return x, condition


def gradients(network):
    found = {name: weight.grad for name, weight in network.named_parameters() if weight.requires_grad}
    network.zero_grad()
    return found


@pytest.mark.parametrize(("name", "shape", "condition"), CASES, ids=str)
def test_forward_backward_and_double_backward(name, shape, condition):
    network = build(name, shape, condition)
    x, label = inputs(network)
    answer = network(x, label)
    assert answer.shape == ((3, *shape) if isinstance(network, Generator) else (3,))
    assert answer.dtype == torch.float32
    assert answer.isfinite().all()

    objective = (answer.flatten() * torch.randn(answer.numel())).sum()
    if isinstance(network, Generator) and (again := network.reconstruct(answer.detach(), label)) is not None:
        assert again.shape == answer.shape
        objective = objective + again.square().sum()
    objective.backward()
    for weight, gradient in gradients(network).items():
        assert gradient is not None, f"{weight} is not used"
        assert gradient.isfinite().all()
        assert gradient.dim() < 2 or gradient.any(), f"{weight} never learns"

    projected = network(x, label).flatten(1).sum(1) if isinstance(network, Generator) else network(x, label)
    penalty = squared_gradient(projected, x)
    assert penalty.shape == (3,)
    assert (penalty > 0).all()
    penalty.sum().backward()
    found = [gradient for gradient in gradients(network).values() if gradient is not None]
    assert len(found) > 1
    assert all(gradient.isfinite().all() for gradient in found)


@pytest.mark.parametrize("name", NETWORKS)
def test_batch_norm_is_over_all_processes(name):
    norms = [each for each in build(name, shapes(name)[0], 5).modules() if isinstance(each, _BatchNorm)]
    assert all(isinstance(norm, BatchNorm) for norm in norms)


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_can_be_counted_without_making_them(name):
    count = lambda network: sorted(tuple(weight.shape) for weight in network.parameters())  # noqa: E731
    with torch.device("meta"):
        counted = build(name, shapes(name)[0], 5, moved=False)
    assert all(weight.is_meta for weight in counted.parameters())
    assert count(counted) == count(build(name, shapes(name)[0], 5))


GENERATORS = [name for name in NETWORKS if "generator" in name or "autoencoder" in name]


# Torch takes longest for what is a generator many times; others are parts of one that is exported.
EXPORTED = [name for name in GENERATORS if not name.endswith((" flow", " gaussian", "dcgan_generator modulated"))]


@pytest.mark.parametrize(("name", "classes"), [(name, tuple("abcde")) for name in EXPORTED] + [(GENERATORS[0], ())])
def test_generators_are_exported(name, classes, tmp_path):
    """As ONNX, which makes the same samples, however many at once."""
    network = build(name, shapes(name)[0], len(classes)).eval().requires_grad_(False)
    model = Model(network, Labels(classes, (0.2,) * 5) if classes else None)
    difference = export(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    for count_ in (1, 7):
        z, label = inputs(network, count_)
        told = {"condition": torch.eye(5)[torch.arange(count_) % 5].numpy()} if classes else {}
        (made,) = session.run(None, {"z": z.detach().numpy()} | told)
        assert made.shape == (count_, *model.shape)
        assert np.abs(made - network.generate(z.detach(), label).numpy()).max() < 1e-4
    assert difference < 1e-4
    about = json.loads(session.get_modelmeta().custom_metadata_map["ganvas"])
    assert about["classes"] == list(classes) if classes else "classes" not in about
    assert (about["latent"], tuple(about["shape"])) == (network.latent, model.shape)


@pytest.mark.parametrize("name", [name for name in GENERATORS if shapes(name) is not VECTORS])
def test_generators_draw_in_a_web_page(name, tmp_path):
    """By the JavaScript of that page, which Node runs."""
    network = build(name, shapes(name)[0], 5).eval().requires_grad_(False)
    page = export_page(
        Model(network, Labels(tuple("abcde"), (0.2,) * 5)), tmp_path / "page.html", name=name, half=False
    )
    z, label = inputs(network)
    labels = [None] * len(z) if label is None else label
    drawn = np.array(in_node(page.path, raw=[(*each, 0.7) for each in zip(z.detach(), labels, strict=True)])["raw"])
    expected = network.truncated(z.detach(), label, 0.7).flatten(1).numpy()
    assert np.abs(drawn - expected).max() < 1e-5 * max(1, np.abs(expected).max())


@pytest.mark.parametrize("name", [name for name in NETWORKS if "critic" in name])
def test_critics_that_judge_alone_do_so_and_all_others_say_that_they_do_not(name):
    network = build(name, shapes(name)[0], 5)
    x, label = inputs(network)

    def judge(x, label):
        dice = Dice(0, 1, rows=slice(0, 3), total=3, device=x.device)
        with dice.at_hand():
            return network(x, label)

    apart = torch.cat([judge(x, label), judge(1 - x, label)])
    try:
        at_once = judge(torch.cat([x, 1 - x]), torch.cat([label, label]))
    except (RuntimeError, IndexError):  # there are dice for three samples only
        assert not network.judges_alone
    else:
        assert network.judges_alone == torch.allclose(at_once, apart, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in NETWORKS if "critic" in name])
def test_critics_that_mix_samples_say_so(name):
    network = build(name, shapes(name)[0], 5)
    x, label = inputs(network, 4)

    def judge(x):
        dice = Dice(0, 1, rows=slice(0, 4), total=4, device=x.device)
        with dice.at_hand():
            return network(x, label)

    other = x.detach().clone()
    other[0] += 1
    assert network.mixes_samples == (not torch.allclose(judge(x)[1:], judge(other)[1:], atol=1e-6))


@pytest.mark.parametrize(("told", "most"), [(LABELS, 4), (WORDS, 8)], ids=["labels", "words"])
@pytest.mark.parametrize("name", [name for name in NETWORKS if "critic" in name and shapes(name) is not VECTORS])
def test_at_first_a_projected_condition_is_not_much_louder_than_the_samples(name, told, most):
    data = MovingDigits(count=16) if shapes(name) is CLIPS else Digits(size=32)
    x = data.open().take(np.arange(16))
    torch.manual_seed(0)
    part = find(name.partition(" ")[0], "network")
    critic = part(**NETWORKS[name]).build(tuple(x.shape[1:]), told.shape[1]).eval()
    if getattr(critic, "embed", None) is None:
        pytest.skip("its condition stands beside the sample")
    with torch.no_grad():
        logits = torch.stack([critic(x, each.expand(len(x), -1)) for each in told])
    assert logits.std(0).mean() < most * logits.std(1).mean()


@pytest.mark.parametrize("condition", [0, 5])
@pytest.mark.parametrize("name", NETWORKS)
def test_rows_do_not_mix_once_trained(name, condition):
    network = build(name, shapes(name)[0], condition).eval()
    x, label = inputs(network, 4)
    other = x.detach().clone()
    other[0] += 1
    before, after = network(x, label), network(other, label)
    assert (after[0] != before[0]).any()
    assert torch.equal(after[1:], before[1:])
    alone = network(x[2:3], None if label is None else label[2:3])
    assert torch.allclose(alone, before[2:3], atol=1e-5)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in DEAF])
def test_the_condition_is_needed_and_heard(name):
    network = build(name, shapes(name)[0], 5).eval()
    x, label = inputs(network)
    assert not torch.allclose(network(x, label), network(x, label.roll(1, 0)))
    with pytest.raises(GanvasError, match="wants a condition vector of 5 numbers"):
        network(x)


@pytest.mark.parametrize("name", NETWORKS)
def test_bfloat16_answers_in_float32(name):
    network = build(name, shapes(name)[0], 0).eval()
    x, _ = inputs(network)
    exact = network(x)
    network.precision = torch.bfloat16
    rough = network(x)
    assert rough.dtype == torch.float32
    assert 0 < (rough - exact).abs().max() < 0.05 * exact.abs().max() + 0.02


@pytest.mark.parametrize(("width", "height"), [(33, 33), (7, 7), (72, 63), (64, 33), (3, 100)])
@pytest.mark.parametrize("name", DOUBLED)
def test_impossible_sizes_name_a_near_one(name, width, height):
    with pytest.raises(GanvasError, match=f"{width}x{height} cannot be grown") as caught:
        build(name, (1, height, width), 0)
    wide, high = map(int, re.search(r"size=\((\d+), (\d+)\)", str(caught.value)).groups())
    assert abs(wide - width) <= max(5, width / 4)
    assert abs(high - height) <= max(5, height / 4)
    network = build(name, (1, high, wide), 0)
    assert network(*inputs(network)).isfinite().all()


@pytest.mark.parametrize("name", ["mlp_generator", "mlp_critic"])
def test_the_mlp_takes_any_size(name):
    network = build(name, (2, 33, 7), 0)
    assert network(*inputs(network)).isfinite().all()


@pytest.mark.parametrize("name", DOUBLED)
def test_vectors_are_for_the_mlp(name):
    with pytest.raises(GanvasError, match="take the recipe ring, or an mlp"):
        build(name, (2,), 0)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_stand_any_logits(name):
    loss = find(name, "loss")()
    extreme = torch.tensor([-1e4, -30.0, 0.0, 30.0, 1e4])
    real, fake = (grid.flatten().requires_grad_() for grid in torch.meshgrid(extreme, extreme, indexing="ij"))
    for minimised in (loss.critic(real, fake), loss.generator(fake, real if loss.paired else None)):
        assert minimised.shape == fake.shape
        assert minimised.isfinite().all()
        (slope,) = torch.autograd.grad(minimised.sum(), fake)
        assert slope.isfinite().all()


@pytest.mark.parametrize("name", LOSSES)
def test_losses_pull_the_right_way(name):
    loss = find(name, "loss")()
    real, fake = torch.tensor([0.3], requires_grad=True), torch.tensor([0.2], requires_grad=True)
    up_real, up_fake = torch.autograd.grad(loss.critic(real, fake).sum(), (real, fake))
    assert up_real < 0 < up_fake  # the critic raises reals and lowers fakes
    (up_fake,) = torch.autograd.grad(loss.generator(fake, real if loss.paired else None).sum(), fake)
    assert up_fake < 0  # the generator raises its fakes


@pytest.mark.parametrize("name", LOSSES)
def test_losses_do_not_mix_samples(name):
    loss = find(name, "loss")()
    real, fake = torch.randn(2, 6)
    for term in (loss.critic, lambda real, fake: loss.generator(fake, real if loss.paired else None)):
        assert torch.equal(term(real, fake)[2:3], term(real[2:3], fake[2:3]))


@pytest.mark.parametrize("setting", ["game.lazy=1", "game.lazy=2", "game.critic_plays=2"])
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_trains(loss, setting, points):
    recipe = change(change(replace(points, images=64), f"game.loss={loss}"), setting)
    ticks = list(islice(train(recipe), 4))
    for tick in ticks:
        assert {"critic.loss", "critic.real", "critic.fake", "generator.loss"} <= tick.terms().keys()
    assert all(value.isfinite().all() for value in ticks[-1].state.tensors().values())
