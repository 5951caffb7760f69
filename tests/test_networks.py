"""The networks are those of their papers: layers, parameter counts, and how they are initialised."""

import math

import pytest
import torch
from torch import nn

from ganvas.networks.dcgan import DCGANCritic, DCGANGenerator
from ganvas.networks.mlp import MLPCritic, MLPGenerator
from ganvas.networks.r3gan import R3Critic, R3Generator, _Block
from ganvas.networks.resnet import ResnetCritic, ResnetGenerator

RGB64 = (3, 64, 64)


def build(settings, shape=RGB64, condition=0):
    torch.manual_seed(0)
    return settings.build(shape, condition)


def count(network):
    return sum(weight.numel() for weight in network.parameters())


def kinds(network):
    return {type(module) for module in network.modules() if not list(module.children())}


def convolutions(network):
    return [tuple(each.weight.shape) for each in network.modules() if isinstance(each, nn.Conv2d | nn.ConvTranspose2d)]


def deviation(weight, expected):
    """The weights are N(0, expected^2), as far as their number lets one tell."""
    slack = 4 / math.sqrt(2 * weight.numel())
    assert abs(weight.mean()) < 5 * expected / math.sqrt(weight.numel())
    assert weight.std().item() == pytest.approx(expected, rel=slack)


def test_dcgan_is_the_classic_one():
    """Sizes and parameter counts of the DCGAN example in PyTorch's own collection, at its default widths of 64."""
    generator, critic = build(DCGANGenerator()), build(DCGANCritic())
    assert (count(generator), count(critic)) == (3_576_704, 2_765_568)
    assert convolutions(generator) == [
        (100, 512, 4, 4), (512, 256, 4, 4), (256, 128, 4, 4), (128, 64, 4, 4), (64, 3, 4, 4)
    ]  # fmt: skip
    assert convolutions(critic) == [(64, 3, 4, 4), (128, 64, 4, 4), (256, 128, 4, 4), (512, 256, 4, 4), (1, 512, 4, 4)]
    assert kinds(generator) == {nn.ConvTranspose2d, nn.BatchNorm2d, nn.ReLU, nn.Tanh}
    assert kinds(critic) == {nn.Conv2d, nn.BatchNorm2d, nn.LeakyReLU}
    norms = [sum(isinstance(each, nn.BatchNorm2d) for each in network.modules()) for network in (generator, critic)]
    assert norms == [4, 3]  # none at the generator's picture and the critic's input


def test_dcgan_begins_as_its_authors_began():
    for network in (build(DCGANGenerator()), build(DCGANCritic())):
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                deviation(module.weight, 0.02)
            elif isinstance(module, nn.BatchNorm2d):
                deviation(module.weight - 1, 0.02)
                assert not module.bias.any()


def test_resnet_has_the_parts_it_says():
    generator, critic = build(ResnetGenerator()), build(ResnetCritic())
    assert not any(isinstance(each, nn.BatchNorm2d) for each in critic.modules())
    assert sum(isinstance(each, nn.BatchNorm2d) for each in generator.modules()) == 9
    widths = [block.conv2.weight.shape[0] for block in generator.blocks]
    assert widths == [64, 64, 32, 16]
    assert [block.conv2.weight.shape[0] for block in critic.blocks] == [16, 32, 64, 64]
    assert generator(torch.randn(2, 64) * 100).abs().max() <= 1


def test_mlp_ends_as_its_samples_need():
    z = torch.randn(64, 64) * 100
    assert build(MLPGenerator(), (1, 8, 8))(z).abs().max() <= 1
    assert build(MLPGenerator(), (2,))(z).abs().max() > 1
    critic = build(MLPCritic(width=7, depth=2), (2,))
    assert [tuple(weight.shape) for weight in critic.parameters() if weight.dim() == 2] == [(7, 2), (7, 7), (1, 7)]


def test_r3gan_blocks_are_those_of_the_paper():
    block = _Block(64, cardinality=16, depth=8)
    assert convolutions(block) == [(128, 64, 1, 1), (128, 16, 3, 3), (64, 128, 1, 1)]
    assert (block.widen.groups, block.mix.groups, block.narrow.groups) == (1, 8, 1)
    assert block.narrow.bias is None
    x = torch.randn(2, 64, 5, 5)
    assert torch.equal(block(x), x)  # the last convolution starts at zero, and nothing follows the sum
    gain = math.sqrt(2 / 1.04) * 8 ** (-1 / 4)
    deviation(block.widen.weight, gain / math.sqrt(64))
    deviation(block.mix.weight, gain / math.sqrt(16 * 9))
    assert not block.widen.bias.any()
    assert not block.mix.bias.any()


@pytest.mark.parametrize("settings", [R3Generator(width=32), R3Critic(width=32)])
def test_r3gan_has_two_blocks_a_stage_scaled_by_their_number(settings):
    network = build(settings)
    blocks = [each for each in network.modules() if isinstance(each, _Block)]
    assert len(blocks) == 2 * 5  # 4, 8, 16, 32 and 64
    gain = math.sqrt(2 / 1.04) * 10 ** (-1 / 4)
    for block in blocks:
        deviation(block.mix.weight, gain / math.sqrt(16 * 9))
    assert not {nn.BatchNorm2d, nn.Tanh} & kinds(network)


def test_r3gan_generator():
    network = build(R3Generator(width=256), condition=10)
    assert network.basis.shape == (256, 4, 4)
    deviation(network.basis, 1.0)
    assert network.embed.weight.shape == (64, 10)
    deviation(network.embed.weight, 1 / math.sqrt(10))
    assert network.scale.weight.shape == (256, 128)
    deviation(network.scale.weight, 1 / math.sqrt(128))
    assert convolutions(network)[-1] == (3, 256, 1, 1)
    deviation(network.picture.weight, 1 / math.sqrt(256))
    assert (network.embed.bias, network.scale.bias, network.picture.bias) == (None, None, None)


def test_r3gan_starts_as_its_basis_enlarged():
    network = build(R3Generator(width=8, cardinality=4), (3, 16, 16))
    z = torch.randn(2, 64)
    expected = network.basis * network.scale(z)[:, :, None, None]
    for stage in network.stages:
        if not isinstance(stage, _Block):
            expected = stage(expected)
    assert torch.allclose(network(z), network.picture(expected), atol=1e-6)
    assert torch.allclose(network(100 * z), 100 * network(z), rtol=1e-4, atol=1e-4)  # the output is linear, no tanh


def test_r3gan_critic():
    network = build(R3Critic(width=256), condition=10)
    assert convolutions(network)[0] == (256, 3, 1, 1)
    assert network.read.bias is None
    assert convolutions(network)[-1] == (256, 1, 4, 4)
    assert network.gather.groups == 256
    deviation(network.gather.weight, 1 / 4)
    assert (network.score.weight.shape, network.embed.weight.shape) == ((256, 256), (256, 10))
    deviation(network.embed.weight, 1 / math.sqrt(256))
    assert build(R3Critic(width=32)).score.weight.shape == (1, 32)


def test_r3gan_critic_projects_its_condition():
    network = build(R3Critic(width=16), (3, 8, 8), condition=3)
    x, label = torch.randn(2, 3, 8, 8), torch.eye(3)[:2]
    features = network.score(network.gather(network.stages(network.read(x))).flatten(1))
    assert torch.allclose(network(x, label), (features * network.embed(label)).sum(1), atol=1e-6)
    assert torch.allclose(network(x, 2 * label), 2 * network(x, label), atol=1e-5)


def test_r3gan_groups_of_the_cifar_preset():
    with torch.device("meta"):
        network = R3Generator(width=768).build((3, 32, 32), 10)
    assert {each.mix.groups for each in network.modules() if isinstance(each, _Block)} == {96}
    block = 768 * 1536 + 1536 + 1536 * 16 * 9 + 1536 + 1536 * 768
    assert count(network) == 8 * block + 768 * 16 + 128 * 768 + 10 * 64 + 768 * 3
