"""The layers that are quick on a processor are torch's own to the last digits, and so are their slopes' slopes."""

import copy
import functools

import pytest
import torch
from torch import nn

from ganvas.learning.penalties import slope
from ganvas.networks import strided
from ganvas.networks.r3gan import R3Critic
from ganvas.networks.strided import Doubling, Gathering, Halving, InstanceNorm, Keeping, Resample, Spreading
from ganvas.networks.wgan import WGANCritic

OF_TORCH = (nn.Conv2d, nn.ConvTranspose2d, nn.InstanceNorm2d)
LAYERS = {
    "halving, matrices": (lambda: Halving(3, 8), (2, 3, 4, 4)),  # 8 places, no more than 2 for each of 8 channels
    "halving": (lambda: Halving(3, 2), (2, 3, 8, 12)),
    "halving, penalised": (lambda: Halving(3, 2, penalised=True), (2, 3, 8, 12)),
    "halving, without a bias": (lambda: Halving(3, 2, bias=False), (2, 3, 8, 4)),
    "doubling, matrices": (lambda: Doubling(8, 3), (2, 8, 2, 3)),
    "doubling, matrices, without a bias": (lambda: Doubling(8, 3, bias=False), (1, 8, 2, 3)),
    "doubling": (lambda: Doubling(2, 3), (2, 2, 4, 6)),
    "spreading": (lambda: Spreading(5, 4, (2, 3)), (3, 5, 1, 1)),
    "gathering": (lambda: Gathering(4, 2, (2, 3)), (3, 4, 2, 3)),
    "keeping": (lambda: Keeping(4, 6, 3), (2, 4, 3, 5)),
    "keeping, in groups, without a bias": (lambda: Keeping(4, 6, 3, groups=2, bias=False), (2, 4, 3, 5)),
    "keeping, in groups, one sample": (lambda: Keeping(16, 16, 3, groups=4), (1, 16, 4, 4)),
    "keeping, one place": (lambda: Keeping(4, 6, 1), (2, 4, 3, 5)),
    "resample, up": (lambda: Resample(up=True), (2, 3, 4, 6)),
    "resample, up, one place": (lambda: Resample(up=True), (2, 3, 1, 1)),
    "resample, down": (lambda: Resample(up=False), (2, 3, 4, 6)),
    "instance norm": (lambda: InstanceNorm(3), (2, 3, 4, 6)),
}


def of_torch(network):
    """A copy out of torch's own layers."""
    network = copy.deepcopy(network)
    for layer in network.modules():
        layer.__class__ = next((own for own in OF_TORCH if isinstance(layer, own)), layer.__class__)
        if isinstance(layer, Resample):
            layer.eval()
    return network


def slopes(layer, x):
    """(what it answers, the slope of a curve of that at x, and slopes of the length of that at x and all weights)."""
    x = x.requires_grad_()
    answer = layer(x)
    (slope,) = torch.autograd.grad(answer.sin().sum(), x, create_graph=True)
    further = torch.autograd.grad(slope.square().sum() + answer.cos().sum(), [x, *layer.parameters()])
    return [answer, slope, *further]


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("name", LAYERS)
def test_slopes_of_slopes_are_those_of_torch(name, memory_format):
    torch.manual_seed(0)
    make, shape = LAYERS[name]
    layer = make().double().to(memory_format=memory_format)
    x = torch.randn(*shape, dtype=torch.float64).contiguous(memory_format=memory_format)
    for own, theirs in zip(slopes(layer, x), slopes(of_torch(layer), x.detach()), strict=True):
        torch.testing.assert_close(own, theirs, rtol=1e-10, atol=1e-10)


def test_a_critic_learns_from_its_penalty_what_torch_would_teach_it():
    torch.manual_seed(0)
    critic = WGANCritic(width=4).build((3, 32, 32), 0).double().to(memory_format=torch.channels_last)
    learned, x = [], torch.randn(2, 3, 32, 32, dtype=torch.float64)
    for each in (critic, of_torch(critic)):
        samples = x.clone().requires_grad_()
        logits = each(samples)
        (slope,) = torch.autograd.grad(logits.sum(), samples, create_graph=True)
        weights = [weight for name, weight in each.named_parameters() if name.endswith("weight")]
        ((slope.flatten(1).norm(dim=1) - 1).square().sum() + logits.sum()).backward(inputs=weights)
        assert samples.grad is None
        learned.append([weight.grad for weight in weights])
    for own, theirs in zip(*learned, strict=True):
        torch.testing.assert_close(own, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("settings", [WGANCritic(width=2), R3Critic(width=4)], ids=["wgan", "r3gan"])
def test_only_slopes_that_are_asked_for_are_computed(settings, monkeypatch):
    critic = settings.build((3, 16, 16), 0)
    x = torch.randn(2, 3, 16, 16).requires_grad_()
    monkeypatch.setattr("ganvas.networks.strided._weigh", lambda *tensors: pytest.fail("of weights"))
    torch.autograd.grad(critic(x).sum(), x, create_graph=True)


@pytest.mark.parametrize("name", LAYERS)
def test_outside_of_training_they_are_torchs_own(name):
    make, shape = LAYERS[name]
    layer, x = make().eval(), torch.randn(*shape)
    assert torch.equal(layer(x), of_torch(layer)(x))


@pytest.mark.parametrize("name", [name for name in LAYERS if name != "instance norm"])
def test_in_bfloat16_they_compute_what_torch_does(name):
    torch.manual_seed(0)
    make, shape = LAYERS[name]
    layer, x = make(), torch.randn(*shape)
    with torch.autocast("cpu", torch.bfloat16):
        answer = layer(x)
    assert answer.dtype == torch.bfloat16
    torch.testing.assert_close(answer.float(), of_torch(layer)(x), rtol=0.03, atol=0.03)


def test_a_critic_in_bfloat16_learns_nearly_the_same_from_its_penalty(monkeypatch):
    """Its convolutions are in bfloat16, by hand as elsewhere; instance norm, scores and slopes of weights are not."""
    seen = {"_convolve": set(), "_normalised": set()}

    def noted(name, plain, x, *rest):
        seen[name].add(x.dtype)
        return plain(x, *rest)

    for name in seen:
        monkeypatch.setattr(strided, name, functools.partial(noted, name, getattr(strided, name)))
    torch.manual_seed(0)
    critic = WGANCritic(width=16).build((3, 32, 32), 0).to(memory_format=torch.channels_last)
    weights = [weight for name, weight in critic.named_parameters() if name.endswith("weight")]
    x, learned = torch.randn(16, 3, 32, 32), []
    for critic.precision in (torch.float32, torch.bfloat16):
        samples = x.clone().requires_grad_()
        steepness = slope(critic(samples), samples)
        slopes = torch.autograd.grad((steepness - 1).square().mean(), weights)
        assert {each.dtype for each in (steepness, *slopes)} == {torch.float32}
        learned.append((steepness.detach(), torch.cat([each.flatten() for each in slopes])))
    assert seen == {"_convolve": {torch.float32, torch.bfloat16}, "_normalised": {torch.float32}}
    (exact, right), (rough, near) = learned
    assert 0 < (rough / exact - 1).abs().max() < 0.05
    assert (near - right).norm() < 0.1 * right.norm()


def test_distances_are_not_coarser_where_scores_are_large():
    torch.manual_seed(0)
    critic, x = WGANCritic(width=4).build((3, 16, 16), 0), torch.randn(8, 3, 16, 16)
    critic.precision = torch.bfloat16
    distances = []
    for offset in (0.0, 1000.0):
        nn.init.constant_(critic.score.bias, offset)
        distances.append(critic(x).diff())
    torch.testing.assert_close(*distances, rtol=0, atol=1e-3)
