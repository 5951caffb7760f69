"""The networks are those of their papers: layers, parameter counts, and how they are initialised."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import nn

from ganvas.core import distributed
from ganvas.core.batch import Dice
from ganvas.core.errors import GanvasError
from ganvas.networks.dcgan import DCGANCritic, DCGANGenerator
from ganvas.networks.feature import FeatureCritic
from ganvas.networks.layers import BatchNorm, Dropout
from ganvas.networks.mlp import MLPCritic, MLPGenerator
from ganvas.networks.r3gan import R3Critic, R3Generator, _Block
from ganvas.networks.resnet import ResnetCritic, ResnetGenerator
from ganvas.networks.sngan import SNGANCritic, SNGANGenerator
from ganvas.networks.strided import Doubling, Gathering, Halving, InstanceNorm, Spreading
from ganvas.networks.stylegan2 import Stylegan2Generator
from ganvas.networks.wgan import WGANCritic, WGANGenerator

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
    assert kinds(generator) == {Spreading, Doubling, BatchNorm, nn.ReLU, nn.Tanh}
    assert kinds(critic) == {Halving, Gathering, BatchNorm, nn.LeakyReLU}
    norms = [sum(isinstance(each, BatchNorm) for each in network.modules()) for network in (generator, critic)]
    assert norms == [4, 3]  # none at the generator's picture and the critic's input


def test_dcgan_begins_as_its_authors_began():
    for network in (build(DCGANGenerator()), build(DCGANCritic())):
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                deviation(module.weight, 0.02)
            elif isinstance(module, BatchNorm):
                deviation(module.weight - 1, 0.02)
                assert not module.bias.any()


def test_the_dcgan_of_the_documents_has_more_convolutions():
    """At 32x32 there are 128, 64 and 32 channels at 4x4, 8x8 and 16x16.

    Transposed convolutions have 100*128*16 + 128*64*16 + 64*32*16 + 32*3*16 = 370,176 weights, and batch norm has 2 for
    each channel, 448. One 3x3 convolution after each has (128^2 + 64^2 + 32^2)*9 = 193,536 more, and batch norm 448.
    """
    plain = build(DCGANGenerator(width=32), (3, 32, 32))
    extra = build(DCGANGenerator(width=32, extra=1, slope=0.2), (3, 32, 32))
    assert (count(plain), count(extra)) == (370_176 + 448, 370_176 + 448 + 193_536 + 448)
    assert convolutions(extra) == [
        (100, 128, 4, 4), (128, 128, 3, 3), (128, 64, 4, 4), (64, 64, 3, 3), (64, 32, 4, 4), (32, 32, 3, 3),
        (32, 3, 4, 4),
    ]  # fmt: skip
    assert kinds(extra) == {Spreading, Doubling, nn.Conv2d, BatchNorm, nn.LeakyReLU, nn.Tanh}
    assert {each.negative_slope for each in extra.modules() if isinstance(each, nn.LeakyReLU)} == {0.2}
    full = build(DCGANGenerator(width=32, full=2), (3, 32, 32))
    assert convolutions(full)[2:] == [(64, 32, 4, 4), (32, 32, 4, 4), (32, 32, 3, 3), (3, 32, 3, 3)]
    assert convolutions(build(DCGANGenerator(width=32, full=1, extra=1), (3, 32, 32)))[-2:] == [
        (32, 32, 4, 4),
        (3, 32, 3, 3),
    ]
    critic = build(DCGANCritic(width=32, dropout=0.3), (3, 32, 32))
    assert [each.share for each in critic.modules() if isinstance(each, Dropout)] == [0.3] * 3
    assert count(critic) == count(build(DCGANCritic(width=32), (3, 32, 32)))


def test_dropout_is_for_training_only():
    critic = build(DCGANCritic(width=8, dropout=0.5), (3, 16, 16))
    x = torch.randn(2, 3, 16, 16)
    assert not torch.equal(critic(x), critic(x))
    critic.eval()
    assert torch.equal(critic(x), critic(x))


def test_wgan_is_that_of_the_documents():
    """At 128x128, every convolution with a bias.

    Generator, weights and biases of the transposed convolutions, then scales and shifts of batch norm:
        200*512*16 + 512 = 1,638,912    512*256*16 + 256 = 2,097,408    256*128*16 + 128 = 524,416
        128*64*16 + 64   =   131,136    64*32*16 + 32    =    32,800    32*3*16 + 3      =   1,539
        2*(512 + 256 + 128 + 64 + 32) = 1,984                           together 4,428,195
    Critic; its instance norm learns nothing:
        3*16*16 + 16     =       784    16*32*16 + 32    =     8,224    32*64*16 + 64    =  32,832
        64*128*16 + 128  =   131,200    128*256*16 + 256 =   524,544    256*1*16 + 1     =   4,097
        together 701,681
    """
    generator, critic = build(WGANGenerator(), (3, 128, 128)), build(WGANCritic(), (3, 128, 128))
    assert generator.latent == 200
    assert convolutions(generator) == [
        (200, 512, 4, 4), (512, 256, 4, 4), (256, 128, 4, 4), (128, 64, 4, 4), (64, 32, 4, 4), (32, 3, 4, 4)
    ]  # fmt: skip
    assert convolutions(critic) == [
        (16, 3, 4, 4), (32, 16, 4, 4), (64, 32, 4, 4), (128, 64, 4, 4), (256, 128, 4, 4), (1, 256, 4, 4)
    ]  # fmt: skip
    assert (count(generator), count(critic)) == (4_428_195, 701_681)
    block = [Doubling, BatchNorm, nn.ReLU]
    assert [type(layer) for layer in generator.layers] == [Spreading, *block[1:], *4 * block, Doubling, nn.Tanh]
    assert [type(layer) for layer in critic.layers] == 5 * [Halving, InstanceNorm, nn.LeakyReLU]
    for layer in [*generator.layers, *critic.layers, critic.score]:
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            inner = layer not in {generator.layers[0], critic.score}
            assert (layer.stride, layer.padding) == (((2, 2), (1, 1)) if inner else ((1, 1), (0, 0)))
            assert layer.bias is not None
    assert {layer.affine for layer in critic.layers if isinstance(layer, nn.InstanceNorm2d)} == {False}
    assert {layer.negative_slope for layer in critic.layers if isinstance(layer, nn.LeakyReLU)} == {0.2}
    sizes = []
    for layer in critic.layers:
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda layer, x, y: sizes.append(tuple(y.shape[1:])))
    assert critic(generator(torch.randn(2, 200))).shape == (2,)
    assert sizes == [(16, 64, 64), (32, 32, 32), (64, 16, 16), (128, 8, 8), (256, 4, 4)]


@pytest.mark.parametrize(("size", "widest"), [(16, 32), (32, 64), (64, 128), (128, 256), (256, 256)])
def test_wgan_at_other_sizes(size, widest):
    with torch.device("meta"):
        generator, critic = (each().build((1, size, size), 0) for each in (WGANGenerator, WGANCritic))
    assert convolutions(generator)[0] == (200, 2 * widest, 4, 4)
    assert convolutions(generator)[-1] == (32, 1, 4, 4)
    assert convolutions(critic)[0] == (16, 1, 4, 4)
    assert convolutions(critic)[-1] == (1, widest, 4, 4)


@pytest.mark.parametrize("size", [8, 16])
def test_the_wgan_critic_judges_each_picture_alone(size):
    """Also where instance norm has 16 numbers only, and in training."""
    critic = build(WGANCritic(width=4), (1, size, size))
    x = torch.randn(4, 1, size, size)
    assert torch.allclose(critic(x)[2:3], critic(x[2:3]), atol=1e-5)
    assert critic(torch.zeros_like(x)).isfinite().all()


def test_feature_critic_learns_its_heads_alone():
    """Four heads of width 64 at 64x64, whose features are 16, 8, 4 and 2 pixels wide; no condition.

    Stride 2: (64*128 + 128*128)*16 + 256 at 16 and 64*128*16 + 128 at 8 pixels; 3x3: 128*256*9 + 256 for these two and
    64*256*9 + 256 for the others; scores: 256*16 + 1 for the first three and 256*4 + 1.
    """
    critic = build(FeatureCritic())
    heads = 393_216 + 256 + 131_072 + 128 + 2 * (294_912 + 256) + 2 * (147_456 + 256) + 3 * 4_097 + 1_025
    assert count(critic) == heads
    learns = {weight.data_ptr() for weight in critic.parameters()}
    kept = {name for name, value in critic.state_dict().items() if value.data_ptr() not in learns}
    mixers = {f"{name}{level}" for name in ("across", "around") for level in range(4)}
    assert {name for name in kept if not name.startswith("heads.")} == mixers, "Lite1 is of its package, not of a run"
    x = torch.randn(2, *RGB64)
    larger = torch.nn.functional.interpolate(x[..., ::2, ::2], scale_factor=2.0, mode="bilinear")
    small = build(FeatureCritic(), (3, 32, 32))
    assert torch.equal(small(x[..., ::2, ::2]), critic(larger)), "small pictures are enlarged"


def test_feature_critic_sees_gray_as_gray_and_what_is_transparent_as_white():
    gray, coloured, clear = (build(FeatureCritic(), (channels, 64, 64)) for channels in (1, 3, 4))
    x = torch.rand(2, 3, 64, 64) * 2 - 1
    assert torch.equal(gray(x[:, :1]), coloured(x[:, :1].expand(-1, 3, -1, -1)))
    opacity = torch.ones(2, 1, 64, 64)
    assert torch.allclose(clear(torch.cat([x, opacity], 1)), coloured(x), atol=1e-5)
    assert torch.allclose(clear(torch.cat([x, -opacity], 1)), coloured(torch.ones_like(x)), atol=1e-5)
    with pytest.raises(GanvasError, match=r"transparent pictures, not at samples of shape \(2, 64, 64\)"):
        build(FeatureCritic(), (2, 64, 64))


def test_sngan_is_that_of_the_paper():
    """Miyato et al. 2018, table 4, for CIFAR-10: 256 channels in the generator and 128 in the critic.

    Generator: 128*4096 + 4096 = 528,384 first; three blocks of 2*(256*256*9 + 256) + 256*256 + 256 + 4*256 = 1,246,976;
    batch norm 512; the picture 256*3*9 + 3 = 6,915; together 4,276,739.
    Critic: 3*128*9 + 128 + 128*128*9 + 128 + 3*128 + 128 = 151,680; 2*(128*128*9 + 128) + 128*128 + 128 = 311,680; two
    blocks of 2*(128*128*9 + 128) = 295,168; the score 128 + 1; together 1,053,825.
    """
    generator, critic = build(SNGANGenerator(width=256), (3, 32, 32)), build(SNGANCritic(width=128), (3, 32, 32))
    assert (count(generator), count(critic)) == (4_276_739, 1_053_825)
    assert len(list(generator.blocks)) == 3
    sizes = []
    for block in critic.blocks:
        block.register_forward_hook(lambda block, x, y: sizes.append(tuple(y.shape[1:])))
    critic(generator(torch.randn(2, 128)))
    assert sizes == [(128, 16, 16), (128, 8, 8), (128, 8, 8), (128, 8, 8)]
    assert not any(isinstance(each, BatchNorm) for each in critic.modules())


NORMALISED = [MLPCritic(width=32, spectral=True), SNGANCritic(width=16), SNGANCritic(width=16, projection=True)]


@pytest.mark.parametrize("settings", NORMALISED, ids=str)
def test_no_layer_enlarges_by_more_than_one(settings):
    """Every weight, once settled after it was moved, has a largest singular value of 1."""
    critic = build(settings, (3, 16, 16), condition=3)
    with torch.no_grad():
        for weight in critic.parameters():
            weight += 0.3 * torch.randn_like(weight)
    layers = [each for each in critic.modules() if isinstance(each, nn.Linear | nn.Conv2d)]
    largest = lambda: [torch.linalg.matrix_norm(each.weight.flatten(1), 2).item() for each in layers]  # noqa: E731
    assert max(largest()) > 1.1, "it has not settled yet"
    for _ in range(100):
        critic.settle()
    assert len(layers) >= 4
    assert largest() == pytest.approx([1.0] * len(layers), abs=1e-2)


PROJECTING = [
    DCGANCritic(width=8, projection=True),
    ResnetCritic(width=8, projection=True),
    SNGANCritic(width=8, projection=True),
    WGANCritic(width=4),
]


@pytest.mark.parametrize("settings", PROJECTING, ids=str)
def test_projection_is_linear_in_the_condition_and_depends_on_the_picture(settings):
    critic = build(settings, (3, 16, 16), condition=3).eval()
    x, first, second = torch.randn(4, 3, 16, 16), torch.eye(3)[[0] * 4], torch.eye(3)[[1] * 4]
    none = critic(x, 0 * first)
    assert torch.allclose(critic(x, first + second) - none, critic(x, first) + critic(x, second) - 2 * none, atol=1e-5)
    preferred = critic(x, first) - critic(x, second)
    assert preferred.std() > 1e-3 * preferred.abs().mean(), "not only whether a class is frequent"
    plain = build(replace(settings, projection=False) if hasattr(settings, "projection") else settings, (3, 16, 16))
    assert count(critic) - count(plain) == 3 * critic.embed.weight.shape[0]


def test_resnet_has_the_parts_it_says():
    generator, critic = build(ResnetGenerator()), build(ResnetCritic())
    assert not any(isinstance(each, BatchNorm) for each in critic.modules())
    assert sum(isinstance(each, BatchNorm) for each in generator.modules()) == 9
    widths = [block.conv2.weight.shape[0] for block in generator.blocks]
    assert widths == [64, 64, 32, 16]
    assert [block.conv2.weight.shape[0] for block in critic.blocks] == [16, 32, 64, 64]
    assert generator(torch.randn(2, 64) * 100).abs().max() <= 1
    strided = [[*block.conv.weight.shape, *block.conv.stride] for block in build(ResnetCritic(strided=True)).blocks]
    assert strided == [[b, a, 4, 4, 2, 2] for a, b in pairwise([3, 16, 32, 64, 64])]
    stem = build(ResnetCritic(strided=True, stem=True)).blocks
    assert convolutions(stem[0]) == [(16, 3, 3, 3), (16, 3, 1, 1)]
    assert convolutions(stem[1:])[0] == (32, 16, 4, 4)


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
    assert not {BatchNorm, nn.Tanh} & kinds(network)


def test_r3gan_generator():
    network = build(R3Generator(width=256), condition=10)
    assert network.basis.shape == (256, 4, 4)
    deviation(network.basis, 1.0)
    assert network.embed.weight.shape == (64, 10)
    deviation(network.embed.weight, 1 / math.sqrt(10))
    assert network.scale.weight.shape == (256, 128)
    deviation(network.scale.weight, 1 / math.sqrt(128))
    assert convolutions(network)[-1] == (3, 128, 1, 1)  # of the second half as wide as of the first, from 64x64 on
    deviation(network.picture.weight, 1 / math.sqrt(128))
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
    assert convolutions(network)[0] == (128, 3, 1, 1)
    assert network.read.bias is None
    assert convolutions(network)[-1] == (256, 1, 4, 4)
    assert network.gather.groups == 256
    deviation(network.gather.weight, 1 / 4)
    assert (network.score.weight.shape, network.embed.weight.shape) == ((256, 256), (256, 10))
    deviation(network.embed.weight, 1 / math.sqrt(256 * 10))
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


@pytest.mark.parametrize("settings", [R3Generator(width=768), R3Critic(width=768)], ids=str)
def test_r3gan_widths_of_the_ffhq_preset(settings):
    """At 256x256: 768 channels up to 32x32, then 384, 192 and 96, in 96, 48, 24 and 12 groups; two blocks each."""
    with torch.device("meta"):
        network = settings.build((3, 256, 256), 0)
    order = 1 if isinstance(settings, R3Generator) else -1
    blocks = [each for each in network.modules() if isinstance(each, _Block)][::order]
    assert [each.widen.in_channels for each in blocks[::2]] == [768, 768, 768, 768, 384, 192, 96]
    assert [each.mix.groups for each in blocks[1::2]] == [96, 96, 96, 96, 48, 24, 12]
    converted = [each.convert.weight.shape[:2] for each in network.modules() if getattr(each, "convert", None)]
    wanted = [(384, 768), (192, 384), (96, 192)] if order == 1 else [(192, 96), (384, 192), (768, 384)]
    assert converted == wanted


def test_r3gan_changes_its_width_at_the_smaller_size():
    network = build(R3Generator(width=32, blocks=1))
    resize = network.stages[-2]
    x = torch.randn(2, 32, 5, 5)
    deviation(resize.convert.weight, 1 / math.sqrt(32))
    assert resize.convert.bias is None
    assert torch.equal(resize(x), resize.resample(resize.convert(x)))
    assert resize(x).shape == (2, 16, 10, 10)
    resize = build(R3Critic(width=32, blocks=1)).stages[1]
    x = torch.randn(2, 16, 10, 10)
    assert torch.equal(resize(x), resize.convert(resize.resample(x)))
    assert resize(x).shape == (2, 32, 5, 5)


def test_r3gan_takes_any_width():
    for width in (1, 7, 100):
        network = build(R3Generator(width=width, blocks=1), (1, 128, 128))
        assert network(torch.randn(1, 64)).shape == (1, 1, 128, 128)


@pytest.mark.parametrize(
    ("settings", "size", "classes", "expected"),
    [
        (Stylegan2Generator(base=32768), 1024, 0, 30_370_060),
        (Stylegan2Generator(), 256, 0, 24_767_458),
        (Stylegan2Generator(depth=2), 32, 10, 20_215_315),
        (R3Generator(width=768), 32, 10, 20_781_952),
        (R3Generator(width=768), 64, 0, 22_429_824),
        (R3Generator(width=768), 256, 0, 23_057_952),
        (R3Generator(width=1536, cardinality=32, wide=4), 64, 1000, 103_570_432),
    ],
)
def test_as_many_weights_as_in_the_originals(settings, size, classes, expected):
    """Counted in networks that NVlabs/stylegan2-ada-pytorch and brownvc/R3GAN built, of their own configurations."""
    with torch.device("meta"):
        assert count(settings.build((3, size, size), classes)) == expected


def test_stylegan2_begins_as_in_the_paper():
    """Weights N(0, 1), scaled as they are used; styles of 1, no noise (Karras et al. 2020, appendix B)."""
    network = build(Stylegan2Generator(width=32, depth=3, latent=64), (3, 32, 32))
    for name, weight in network.named_parameters():
        if name.startswith("mapping.") and name.endswith("weight"):
            deviation(weight, 100)
        elif name.endswith("weight") or name == "constant":
            deviation(weight, 1)
        else:
            assert (weight == (1 if name.endswith("affine.bias") else 0)).all(), name
    made = network(torch.randn(64, 64))
    assert 0.3 < made.std() < 3
    network.settle()
    assert network.get_buffer("average").any(), "the mean style is followed while training"
    features = network.stages[-1].refine(torch.randn(8, 32, 32, 32), network.style(torch.randn(8, 64), None), None)
    assert features.std().item() == pytest.approx(math.sqrt(0.5 * 1.04 - 0.64 / (2 * math.pi)) * math.sqrt(2), rel=0.1)


def test_stylegan2_follows_the_mean_style_once_a_step():
    """In however many pieces it was played, and not at all for a turn that was broken off."""
    networks = [build(Stylegan2Generator(width=4, depth=1, latent=8), (1, 16, 16)) for _ in range(2)]
    networks[1].load_state_dict(networks[0].state_dict())
    z = torch.randn(8, 8)
    networks[0](z)
    for pieces in (z.split(3), z.split(2)):  # fakes for the critic, and anew for the generator
        for piece in pieces:
            networks[1](piece)
    networks[1].withdraw()
    networks[1](z[:4])
    networks[1](z[4:])
    before = networks[0].average.clone()
    for network in networks:
        network.settle()
        once = network.average.clone()
        network.settle()
        assert torch.equal(network.average, once), "nothing was seen since"
    assert not torch.equal(networks[0].average, before)
    assert torch.allclose(networks[0].average, networks[1].average, rtol=1e-5)


def test_stylegan2_noise_is_fresh_while_training_only():
    network = build(Stylegan2Generator(width=4, depth=1, latent=8), (1, 16, 16))
    for name, weight in network.named_parameters():
        if name.endswith("strength"):
            torch.nn.init.ones_(weight)
    z, rows = torch.randn(3, 8), slice(0, 3)
    first, again, second = (Dice(0, draw, rows=rows, total=3, device=torch.device("cpu")) for draw in (0, 0, 1))
    made = []
    for dice in (first, again, second):
        with dice.at_hand():
            made.append(network(z))
    assert torch.equal(made[0], made[1])
    assert not torch.allclose(made[0], made[2])
    network.eval()
    with second.at_hand():
        assert torch.equal(network(z), network(z))
    assert not torch.equal(network(z), made[2])


def test_stylegan2_is_exported_for_any_batch():
    """What modulates weights instead of features is not: its groups are as many as there are samples."""
    network = build(Stylegan2Generator(width=8, depth=2, latent=8), (3, 32, 32), 4).eval().requires_grad_(False)
    told, batch = torch.eye(4), {0: torch.export.Dim("batch", min=1, max=64)}
    graph = torch.export.export(network, (torch.randn(3, 8), told[:3]), dynamic_shapes=(batch, batch))
    for count_ in (1, 2, 4):
        z = torch.randn(count_, 8)
        assert torch.allclose(graph.module()(z, told[:count_]), network(z, told[:count_]), atol=1e-5)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 5), (2, 3, 4, 5)])
def test_batch_norm_over_two_processes_is_that_of_both_batches(shape, monkeypatch):
    """Two processes with the same samples need no messages: their mean is that of each."""
    torch.manual_seed(0)
    x, known, ours = 5 + torch.randn(shape), nn.BatchNorm1d(3) if len(shape) < 4 else nn.BatchNorm2d(3), BatchNorm(3)
    expected = known(torch.cat([x, x]))[: len(x)]
    monkeypatch.setattr(distributed, "world", lambda: 2)
    monkeypatch.setattr(distributed, "mean", lambda value: value)
    assert torch.allclose(ours(x), expected, atol=1e-5)
    assert ours.state_dict().keys() == known.state_dict().keys()
    for name, value in known.state_dict().items():
        assert torch.allclose(ours.state_dict()[name], value, rtol=1e-5), name
    assert ours(x.bfloat16()).dtype == torch.bfloat16
