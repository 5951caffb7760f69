"""Noise on all that the critic sees gives the generator a way where reals and fakes have nothing in common.

Reals are a narrow heap at 3 and the first fakes one near 0. A critic trained ahead is sure of both; shown noisy samples
it cannot be, and the generator finds its way while the noise is faded out (Sonderby et al. 2017, arXiv:1610.04490).
"""

import sys
from dataclasses import dataclass, replace

import numpy as np
import torch
from figure import BLUE, GRAY, ORANGE, Figure

import ganvas
from ganvas.game import Turn
from ganvas.games.adversarial import Adversarial
from ganvas.losses import Minimax
from ganvas.networks.mlp import MLPCritic, MLPGenerator
from ganvas.optimizers import Adam, Optimizer
from ganvas.sample import Model
from ganvas.schedules import Linear

FULL = sys.argv[1:] == ["full"]
SEEDS, HEAD_START, TOGETHER, EVERY = (range(3), 200, 600, 10) if FULL else (range(1), 150, 150, 10)
NOISE = 2.0
GAMES = {
    "without noise": (0.0, 0.0, ORANGE),
    "with noise that fades": (NOISE, Linear(NOISE, 0.0, over=0.8), BLUE),
}  # the critic's head start, then both

data = ganvas.Dataset(3 + 0.1 * np.random.default_rng(0).standard_normal((5_000, 1)).astype(np.float32))  # N(3, 0.1)


@ganvas.part("optimizer")
@dataclass(frozen=True)
class SlowDescent(Optimizer):
    """Plain gradient descent: a small gradient makes a small step. Adam would scale it up again."""

    rate: float = 0.03

    def build(self, network: torch.nn.Module) -> torch.optim.Optimizer:
        return torch.optim.SGD(network.parameters(), lr=self.rate)

    def schedule(self, optimizer: torch.optim.Optimizer, progress: float) -> None:
        """The rate is constant."""


@dataclass(frozen=True)
class Alone(Adversarial):
    """Only the critic plays."""

    def turns(self) -> tuple[Turn, ...]:
        return super().turns()[:1]


recipe = ganvas.Recipe(
    data=ganvas.source("ring"),  # never opened: the points above take its place
    networks={"generator": MLPGenerator(width=32, depth=2, latent=2), "critic": MLPCritic(width=32, depth=2)},
    optimizer=Adam(rate=3e-3, beta1=0.5),
    optimizers={"generator": SlowDescent()},
    batch=64,
)
places = torch.linspace(-1, 5, 241)[:, None]


def mean_of_samples(tick):
    return Model(tick.state.networks["generator"]).generate(range(64)).mean().item()


def play(before, after, seed):
    """How the loss pushes fakes at each place after the head start, and the mean of the samples since then."""
    head = replace(recipe, game=Alone(Minimax(), noise=before), images=HEAD_START * recipe.batch)
    *_, tick = ganvas.train(head, data, seed=seed)
    asked = places.clone().requires_grad_()
    Minimax().generator(tick.state.networks["critic"](asked)).sum().backward()
    ahead = tick.state.tensors() | {"counters/step": torch.tensor(0)}  # the generator has not been touched
    both = replace(recipe, game=Adversarial(Minimax(), noise=after), images=TOGETHER * recipe.batch)
    means = [mean_of_samples(tick)]
    ticks = ganvas.train(both, data, seed=seed, restore=ahead)
    means += [mean_of_samples(tick) for tick in ticks if tick.step % EVERY == 0]
    return asked.grad[:, 0].abs().numpy(), means


figure = Figure(2)
left = figure.panel("How hard a fake is pushed from each place", x="place; the first fakes lie near 0, reals at 3",
                    y="|d loss / d place|", across=(-1, 5), up=(1e-4, 10), log=True)  # fmt: skip
right = figure.panel(f"After {HEAD_START} steps of the critic alone", x="steps of both players since",
                     y="mean of the samples", across=(0, TOGETHER), up=(-1, 4))  # fmt: skip
right.line((0, TOGETHER), (3, 3), GRAY, "data", dashed=True)
found = {}
for name, (before, after, ink) in GAMES.items():
    runs = [play(before, after, seed) for seed in SEEDS]
    for index, (pushes, means) in enumerate(runs):
        left.line(places[:, 0].numpy(), pushes, ink, "" if index else name)
        right.line(np.arange(len(means)) * EVERY, means, ink, "" if index else name)
    found[name] = np.array([means[-1] for _, means in runs])
    at_zero = [float(f"{pushes[40]:.1e}") for pushes, _ in runs]
    print(f"{name}: push at 0 {at_zero}; samples end at {found[name].round(2).tolist()}, the data are at 3")
figure.save("noise.png")

without, noisy = found.values()
assert np.abs(without - 3).min() > 2, "without noise the generator hardly leaves its place"
assert np.abs(noisy - 3).max() < 1, "with noise it comes to the data"
