"""Fast ways of computing something beside the plain ones, in float64, where rounding is out of the way."""

import pytest
import torch

from ganvas.core.batch import Batch, Dice
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.augment import Augment
from ganvas.learning.losses import Hinge, Relativistic, Wasserstein
from ganvas.networks.dcgan import DCGANCritic
from ganvas.networks.mlp import MLPCritic, MLPGenerator
from ganvas.networks.r3gan import R3Critic
from ganvas.networks.resnet import ResnetCritic
from ganvas.networks.sngan import SNGANCritic
from ganvas.networks.wgan import WGANCritic

SHAPE, CLASSES, COUNT = (3, 8, 8), 4, 5

GAMES = {
    "no penalty": Adversarial(Hinge()),
    "r1": Adversarial(Relativistic(), r1=0.7),
    "r1 and r2": Adversarial(Relativistic(), r1=0.7, r2=0.3),
    "lazy": Adversarial(Relativistic(), r1=0.7, r2=0.3, lazy=4),
    "noise": Adversarial(Hinge(), r1=0.7, r2=0.3, noise=0.1),
    "augment": Adversarial(Hinge(), r1=0.7, r2=0.3, augment=Augment(strength=0.6)),
    "gradient penalty": Adversarial(Wasserstein(), gradient_penalty=10.0),
}
CRITICS = {
    "mlp": MLPCritic(width=6, depth=2),
    "mlp spectral": MLPCritic(width=6, depth=2, spectral=True),
    "resnet": ResnetCritic(width=2, projection=True),
    "sngan": SNGANCritic(width=2),
    "r3gan": R3Critic(width=4, blocks=1, cardinality=2),
    "wgan": WGANCritic(width=2),
}


@pytest.fixture(autouse=True)
def _doubles():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def players(critic):
    torch.manual_seed(0)
    return {"generator": MLPGenerator(width=6, latent=3).build(SHAPE, CLASSES), "critic": critic.build(SHAPE, CLASSES)}


def batch():
    torch.manual_seed(1)
    dice = Dice(0, 1, rows=slice(0, COUNT), total=COUNT, device=torch.device("cpu"))
    return Batch(torch.rand(COUNT, *SHAPE) * 2 - 1, torch.eye(CLASSES)[torch.arange(COUNT) % CLASSES], dice, 0.5)


def learned(game, nets):
    """All terms and gradients of the critic's turns, each on the same batch."""
    found = {}
    for place, turn in enumerate(turn for turn in game.turns() if turn.player == "critic"):
        terms = turn.loss(nets, batch())
        gradients = torch.autograd.grad(sum(terms.values()).sum(), list(nets["critic"].parameters()), allow_unused=True)
        found |= {(place, name): term.detach() for name, term in terms.items()}
        found |= {(place, at): gradient for at, gradient in enumerate(gradients) if gradient is not None}
    return found


@pytest.mark.parametrize("critic", CRITICS)
@pytest.mark.parametrize("game", GAMES)
def test_reals_and_fakes_judged_at_once_and_apart(game, critic, monkeypatch):
    nets, calls = players(CRITICS[critic]), []
    nets["critic"].register_forward_hook(lambda _, given, __: calls.append(len(given[0])))
    at_once, sizes = learned(GAMES[game], nets), calls.copy()
    monkeypatch.setattr(type(nets["critic"]), "judges_alone", False)
    calls.clear()
    apart = learned(GAMES[game], nets)
    assert (2 * COUNT in sizes) == (game != "r1")
    assert 2 * COUNT not in calls
    assert at_once.keys() == apart.keys()
    for name, value in apart.items():
        assert torch.allclose(at_once[name], value, rtol=1e-12, atol=1e-12), name


def test_batch_norm_sees_reals_and_fakes_apart():
    nets, calls = players(DCGANCritic(width=2)), []
    nets["critic"].register_forward_hook(lambda _, given, __: calls.append(len(given[0])))
    learned(Adversarial(), nets)
    assert calls == [COUNT, COUNT]
