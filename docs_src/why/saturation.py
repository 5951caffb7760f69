"""The minimax loss gives no gradient where the critic is sure, and the non-saturating one does.

Left: how hard each loss pushes a fake, by the critic's logit. Right: a critic is trained ahead for a while, then both
players learn, the generator by plain gradient descent; with the minimax loss it hardly moves any more.
"""

import sys
from dataclasses import dataclass, replace

import numpy as np
import torch
from figure import BLUE, ORANGE, Figure

import ganvas
from ganvas.game import Turn
from ganvas.games.adversarial import Adversarial
from ganvas.losses import Minimax, Nonsaturating
from ganvas.networks.mlp import MLPCritic, MLPGenerator
from ganvas.optimizers import Adam, Optimizer
from ganvas.sample import Model

FULL = sys.argv[1:] == ["full"]
SEEDS, HEAD_START, TOGETHER, EVERY = (range(3), 300, 400, 10) if FULL else (range(1), 200, 100, 10)
LOSSES = {"minimax": (Minimax(), ORANGE), "non-saturating": (Nonsaturating(), BLUE)}

data = ganvas.Dataset(3 + 0.1 * np.random.default_rng(0).standard_normal((5_000, 1)).astype(np.float32))  # N(3, 0.1)


@ganvas.part("optimizer")
@dataclass(frozen=True)
class Descent(Optimizer):
    """Plain gradient descent: a small gradient makes a small step. Adam would scale it up again."""

    rate: float = 0.01

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
    optimizers={"generator": Descent()},
    batch=64,
)


def push(loss):
    """|d loss / d logit| of a fake."""
    logits = torch.linspace(-10, 10, 201, requires_grad=True)
    loss.generator(logits).sum().backward()
    return logits.detach().numpy(), logits.grad.abs().numpy()


def mean_of_samples(tick):
    return Model(tick.state.networks["generator"]).generate(range(64)).mean().item()


def mean_after_head_start(loss, seed):
    """Where the generator's samples are on average, after each EVERY steps of both."""
    head = replace(recipe, game=Alone(loss), images=HEAD_START * recipe.batch)
    *_, tick = ganvas.train(head, data, seed=seed)
    ahead = tick.state.tensors() | {"counters/step": torch.tensor(0)}  # the generator has not been touched
    both = replace(recipe, game=Adversarial(loss), images=TOGETHER * recipe.batch)
    means = [mean_of_samples(tick)]
    ticks = ganvas.train(both, data, seed=seed, restore=ahead)
    means += [mean_of_samples(tick) for tick in ticks if tick.step % EVERY == 0]
    return means


figure = Figure(2)
left = figure.panel(
    "How hard the loss pushes a fake", x="logit of the fake (critic's belief that it is real)",
    y="|d loss / d logit|", across=(-10, 10), up=(1e-5, 2), log=True,
)  # fmt: skip
right = figure.panel(
    f"After {HEAD_START} steps of the critic alone", x="steps of both players since",
    y="mean of the samples; the data's is 3", across=(0, TOGETHER), up=(-1, 7),
)  # fmt: skip
moved = {}
for name, (loss, ink) in LOSSES.items():
    logits, pushes = push(loss)
    left.line(logits, pushes, ink, name)
    runs = np.array([mean_after_head_start(loss, seed) for seed in SEEDS])
    for index, run in enumerate(runs):
        right.line(np.arange(len(run)) * EVERY, run, ink, "" if index else name)
    moved[name] = np.abs(runs[:, -1] - runs[:, 0])
    print(
        f"{name}: push at logit -10 {pushes[0]:.1e}; moved by {moved[name].round(3).tolist()} of 3 in {TOGETHER} steps"
    )
figure.save("saturation.png")

assert push(Minimax())[1][0] < 1e-4 < 0.99 < push(Nonsaturating())[1][0]
assert moved["minimax"].max() < 0.2 * moved["non-saturating"].min(), "a starved generator hardly moves"
