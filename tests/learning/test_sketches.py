"""Learning sketches, and to draw from them: the terms in closed form, the axes, and who learns."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ganvas.core.batch import Batch, Dice
from ganvas.core.errors import GanvasError
from ganvas.data.dataset import Dataset
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.latents import unlike
from ganvas.learning.phrases import Phrases
from ganvas.learning.schedules import Cosine
from ganvas.learning.sketches import Drawing, Finishing, Sketching
from ganvas.networks.latent import LatentAutoencoder, LatentGenerator
from ganvas.networks.mlp import MLPCritic
from ganvas.networks.sketch import Sketcher

pytestmark = pytest.mark.usefixtures("narrow")

SHAPE, COUNT, NUMBERS = (3, 16, 16), 6, 3


def dice():
    return Dice(0, 1, rows=slice(0, COUNT), total=COUNT, device=torch.device("cpu"))


def batch(real, condition=None):
    return Batch(real=real, condition=condition, dice=dice(), progress=0.0)


def squares(count=40, side=16):
    """A dark square, on the left if it is called so and else on the right, at several heights."""
    samples, random = np.full((count, side, side, 3), 255, np.uint8), np.random.default_rng(0)
    for row, sample in enumerate(samples):
        y, x = random.integers(0, side // 2), side // 2 * (row % 2)
        sample[y : y + side // 2, x : x + side // 2] = 20
    return Dataset(samples, keywords=tuple((("left", "right")[row % 2],) for row in range(count)))


@pytest.fixture
def players():
    torch.manual_seed(0)
    nets = {
        "generator": LatentGenerator(width=8, blocks=1, sketch=NUMBERS).build(SHAPE, 4),
        "autoencoder": LatentAutoencoder().build(SHAPE, 0),
    }
    nets["generator"].sketcher.look(torch.randn(100, 4, 16))
    return nets


def learners(game, nets, seen):
    """The parts of the generator that its turn gives gradients."""
    (turn,) = (turn for turn in game.turns() if turn.player == "generator")
    terms = turn.loss(nets, seen)
    terms["loss"].sum().backward()
    parts = {name.partition(".")[0] for name, weight in nets["generator"].named_parameters() if weight.grad is not None}
    return terms, parts


def test_the_flow_of_sketches_weighs_by_the_noise_that_is_left(players, monkeypatch):
    """Each sample is seen under five noises, with its own words; an answer of 0 is wrong by the sketch itself."""
    generator, seen = players["generator"], []
    told, real = torch.randn(COUNT, 4), torch.randn(COUNT, *SHAPE)

    def clean(noisy, described, time):
        seen.append((noisy, described, time))
        return 0 * noisy

    monkeypatch.setattr(generator.sketcher, "clean", clean)
    (turn,) = Sketching(draws=5, centre=-1.0).turns()
    terms = turn.loss(players, batch(real, told))
    [(noisy, described, time)] = seen
    sketches = generator.sketcher.sketches(players["autoencoder"].latents(real))
    times = torch.sigmoid(dice().normal("time", 5) - 1.0)
    noise = dice().normal("sketch", 5, NUMBERS)
    wanted = (1 - times)[..., None] * noise + times[..., None] * sketches[:, None]
    assert torch.allclose(noisy.unflatten(0, (COUNT, 5)), wanted, atol=1e-6)
    assert torch.equal(time.unflatten(0, (COUNT, 5)), times)
    assert torch.allclose(described[::5], generator.sketcher.described(told))
    assert torch.equal(described[::5], described[4::5])
    error = sketches.square().mean(1)
    assert torch.allclose(terms["error"], error, atol=1e-5)
    assert torch.allclose(terms["loss"], error * (1 / (1 - times).clamp(min=0.1)).mean(1), atol=1e-5)


def test_what_is_drawn_of_a_sample_is_to_be_that_sample(players, monkeypatch):
    generator, seen = players["generator"], []
    told, real = torch.randn(COUNT, 4), torch.randn(COUNT, *SHAPE)
    drawn = torch.randn(COUNT, 4, 16)

    def finished(sketched, noise, condition):
        seen.append((sketched, noise, condition))
        return drawn

    monkeypatch.setattr(generator, "finished", finished)
    (turn,) = Drawing().turns()
    terms = turn.loss(players, batch(real, told))
    latents = players["autoencoder"].latents(real)
    [(sketched, noise, condition)] = seen
    sketches = generator.sketcher.sketches(latents)
    assert torch.allclose(generator.sketcher.sketches(sketched), sketches, atol=1e-5)
    assert torch.equal(noise, dice().normal("veil", 4, 16))
    assert condition is told
    assert torch.allclose(terms["loss"], unlike(drawn, latents))


def test_a_critic_beside_whom_samples_are_drawn_of_their_sketches(players):
    """The terms of an adversarial game, and how far each sample is missed, by a weight that falls."""
    players["critic"] = MLPCritic(width=4, depth=1).build(SHAPE, 4)
    real, told = torch.randn(COUNT, *SHAPE), torch.randn(COUNT, 4)

    def terms(game, progress):
        """Of each turn, with dice that nobody has rolled."""
        seen = [Batch(real=real, condition=told, dice=dice(), progress=progress) for _ in game.turns()]
        return [turn.loss(players, each) for turn, each in zip(game.turns(), seen, strict=True)]

    for progress, weight in ((0.0, 3.0), (1.0, 1.0)):
        (drawing,), plain = terms(Drawing(), progress), terms(Adversarial(), progress)
        critic, generator = terms(Finishing(drawn=Cosine(3.0, 1.0)), progress)
        missed = drawing["loss"]
        assert critic.keys() == plain[0].keys()
        assert torch.equal(generator["loss"], plain[1]["loss"])
        assert torch.allclose(generator["drawn"], weight * missed)


@pytest.mark.parametrize("told", [True, False])
def test_sketches_learn_in_their_own_game_alone(told, players):
    if not told:
        players["generator"] = LatentGenerator(width=8, blocks=1, sketch=NUMBERS).build(SHAPE, 0)
    seen = batch(torch.randn(COUNT, *SHAPE), torch.randn(COUNT, 4) if told else None)
    players["critic"] = MLPCritic(width=4, depth=1).build(SHAPE, 4 if told else 0)
    for game, wanted in (
        (Drawing(), {"body", "outward"}),
        (Adversarial(), {"body", "outward"}),
        (Finishing(), {"body", "outward"}),
        (Sketching(draws=2), {"sketcher"}),
    ):
        players["generator"].zero_grad(set_to_none=True)
        game.check(players)
        assert learners(game, players, replace(seen, made={}))[1] == wanted


@pytest.mark.parametrize("game", [Sketching(), Drawing(), Finishing()], ids=["sketching", "drawing", "finishing"])
def test_axes_are_found_once_in_what_the_data_are(game, players):
    data = squares()
    torch.manual_seed(1)
    fresh = Sketcher(NUMBERS, 4, 16, 4)
    players["generator"].sketcher = fresh
    game.begin(players, data)
    wanted = Sketcher(NUMBERS, 4, 16, 4)
    with torch.no_grad():
        wanted.look(players["autoencoder"].latents(data.take(np.arange(len(data)))))
    for name in ("axes", "mean", "deviation"):
        assert torch.allclose(fresh.get_buffer(name), wanted.get_buffer(name), atol=1e-5), name
    game.begin(players, Dataset(data.samples[::-1].copy()[:5]))
    assert torch.allclose(fresh.get_buffer("axes"), wanted.get_buffer("axes"), atol=1e-5), "they are known"


class Coarse(torch.nn.Module):
    """In the place of an encoder: how dark each quarter of a picture is, at all channels."""

    def latents(self, x):
        quarters = torch.nn.functional.avg_pool2d(x.mean(1, keepdim=True), 8).flatten(1)
        return quarters[:, :, None].expand(-1, -1, 16)


def test_it_learns_what_is_where_under_words():
    """Of squares that are called left and right, those that are drawn under a word are on its side."""
    data = squares()
    told = Phrases(places=1, first=1.0, nothing=0.0).of(data)
    torch.manual_seed(0)
    nets = {
        "generator": LatentGenerator(width=8, blocks=1, sketch=2).build(SHAPE, told.length),
        "autoencoder": Coarse(),
    }
    game, sketcher = Sketching(), nets["generator"].sketcher
    game.check(nets)
    game.begin(nets, data)
    (turn,) = game.turns()
    learner = torch.optim.Adam(sketcher.parameters(), 1e-3)
    rows = np.arange(len(data))
    for draw in range(60):
        rolled = Dice(0, draw, rows=slice(0, len(rows)), total=len(rows), device=torch.device("cpu"))
        seen = Batch(real=data.take(rows), condition=told.take(data, rows, rolled), dice=rolled, progress=0.0)
        learner.zero_grad()
        turn.loss(nets, seen)["loss"].mean().backward()
        learner.step()
    asked = told.take(data, rows, rolled)[:2].repeat_interleave(32, 0)
    drawn = sketcher(torch.randn(64, 4, 16), asked).mean(2)  # the quarters, row by row
    right = (drawn[:, [0, 2]].mean(1) > drawn[:, [1, 3]].mean(1)).float()  # white is high, so a dark right is low there
    assert right[:32].mean() < 0.1
    assert right[32:].mean() > 0.9


def test_generators_without_sketches_cannot_play(players):
    players["generator"] = LatentGenerator(width=8, blocks=1).build(SHAPE, 4)
    players["critic"] = MLPCritic(width=4, depth=1).build(SHAPE, 4)
    for game in (Sketching(), Drawing(), Finishing()):
        with pytest.raises(GanvasError, match=r"set generator\.sketch=64"):
            game.check(players)
        with pytest.raises(GanvasError, match="autoencoder that is a latent_autoencoder"):
            game.check({name: players[name] for name in ("generator", "critic")})


def test_samples_that_are_never_seen_are_refused():
    with pytest.raises(GanvasError, match="draws must be at least 1"):
        Sketching(draws=0)
    with pytest.raises(GanvasError, match=r"game\.drawn takes a number from 0"):
        Finishing(drawn=-1.0)
