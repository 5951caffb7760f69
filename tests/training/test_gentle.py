"""What is to keep a critic gentle does: slopes go to 1, clipped weights to their ends, and dropout is repeatable."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_train import after, same
from torch import nn

from ganvas import train
from ganvas.core.errors import GanvasError
from ganvas.data.sources.digits import Digits
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.losses import Hinge, Nonsaturating, Wasserstein
from ganvas.learning.optimizers import Adam, Rmsprop
from ganvas.learning.penalties import interpolate, slope
from ganvas.networks.dcgan import DCGANCritic
from ganvas.networks.mlp import MLPCritic, MLPGenerator
from ganvas.networks.r3gan import R3Generator

CLIP = 0.01


@pytest.fixture(scope="module")
def wasserstein(points):
    """The critic of a WGAN learns to tell a ring from what a still generator makes."""
    return replace(
        points,
        networks={"generator": MLPGenerator(width=32, depth=2, latent=4), "critic": MLPCritic(width=32, depth=2)},
        game=Adversarial(Wasserstein(), critic_plays=5),
        optimizer=Adam(rate=2e-3, beta1=0.0, beta2=0.9),
        optimizers={"generator": Adam(rate=0.0)},
        batch=32,
        images=32 * 100,
    )


def slopes(tick, recipe):
    """The critic's slope at 500 points between reals and fakes, each."""
    torch.manual_seed(0)
    real, generator = recipe.data.open().take(np.arange(500)), tick.state.networks["generator"]
    fake = generator(torch.randn(500, generator.latent)).detach()
    between = interpolate(real, fake, torch.rand(500)).requires_grad_()
    return slope(tick.state.networks["critic"](between), between).detach()


def test_a_gradient_penalty_brings_the_slope_to_one(wasserstein):
    recipe = replace(wasserstein, game=replace(wasserstein.game, gradient_penalty=10.0))
    logged = [(tick, tick.terms()["critic.slope"]) for tick in train(recipe)]
    assert logged[0][1] < 0.5
    assert sum(value for _, value in logged[-20:]) / 20 == pytest.approx(1.0, abs=0.1)
    found = slopes(logged[-1][0], recipe)
    assert found.mean().item() == pytest.approx(1.0, abs=0.1)
    assert ((found - 1).abs() < 0.3).float().mean() > 0.8


def test_clipping_does_not_but_pushes_the_weights_to_their_ends(wasserstein):
    game = replace(wasserstein.game, clip=CLIP)
    recipe = replace(wasserstein, game=game, optimizers=wasserstein.optimizers | {"critic": Rmsprop(rate=1e-3)})
    *_, tick = train(recipe)
    assert (slopes(tick, recipe) < 0.3).all()
    weights = torch.cat([weight.detach().flatten() for weight in tick.state.networks["critic"].parameters()]).abs()
    assert weights.max() <= CLIP
    assert (weights > 0.99 * CLIP).float().mean() > 0.5


def test_spectral_normalisation_bounds_the_slope(wasserstein):
    """No layer enlarges by more than 1 and LeakyReLU does not either, so the critic does not, through a training."""
    networks = {**wasserstein.networks, "critic": MLPCritic(width=32, depth=2, spectral=True)}
    recipe = replace(wasserstein, networks=networks, game=Adversarial(Hinge()))
    *_, tick = train(recipe)
    assert slopes(tick, recipe).max() < 1.05
    critic = tick.state.networks["critic"]
    for _ in range(100):
        critic.settle()
    for layer in critic.modules():
        if isinstance(layer, nn.Linear):
            assert torch.linalg.matrix_norm(layer.weight, 2).item() == pytest.approx(1.0, abs=1e-2)


@pytest.mark.parametrize("penalty", ["r1", "r2", "gradient_penalty"])
def test_a_penalty_is_refused_where_samples_are_mixed(penalty, pictures):
    recipe = replace(pictures, data=Digits(size=16), networks={**pictures.networks, "critic": DCGANCritic(width=2)})
    next(train(replace(recipe, game=Adversarial())))
    with pytest.raises(GanvasError, match="'critic' mixes the samples of a batch"):
        next(train(replace(recipe, game=Adversarial(**{penalty: 1.0}))))


@pytest.fixture
def dropout(pictures):
    """A game whose critic has dropout, and no network batch norm."""
    networks = {
        "generator": R3Generator(width=8, blocks=1, cardinality=4, latent=4),
        "critic": DCGANCritic(width=4, dropout=0.4),
    }
    game = Adversarial(Nonsaturating(), r1=0.1, lazy=2, critic_plays=2, noise=0.1)
    return replace(pictures, networks=networks, game=game)


@pytest.mark.usefixtures("in_float64")
def test_dropout_is_dealt_with_the_samples(dropout):
    """Micro-batches drop the same features of the same samples: to 1e-12 in float64, as in test_train.py."""
    whole, terms = after(5, dropout)
    splits = [after(5, dropout, micro_batch=size) for size in (1, 3)]
    without, _ = after(5, replace(dropout, networks={**dropout.networks, "critic": DCGANCritic(width=4)}))
    for split, split_terms in splits:
        for name, value in whole.items():
            assert torch.allclose(value, split[name], rtol=1e-12, atol=1e-12), name
        for a, b in zip(terms, split_terms, strict=True):
            assert a == pytest.approx(b, rel=1e-12, abs=1e-12)
    assert not torch.allclose(whole["critic/layers.0.weight"], without["critic/layers.0.weight"], rtol=1e-3)


SPECTRAL = MLPCritic(width=8, depth=2, spectral=True)


@pytest.mark.parametrize("critic", [DCGANCritic(width=4, dropout=0.4), SPECTRAL], ids=["dropout", "spectral"])
def test_dropout_and_spectral_normalisation_resume_bit_for_bit(critic, dropout):
    recipe = replace(dropout, networks={**dropout.networks, "critic": critic})
    whole, terms = after(7, recipe)
    part, _ = after(3, recipe)
    rest, terms_of_rest = after(4, recipe, restore=part)
    assert same(whole, rest)
    assert terms[3:] == terms_of_rest
