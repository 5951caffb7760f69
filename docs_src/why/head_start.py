"""A game in which the critic first trains alone, so that it is sure before the generator begins to learn.

The reals are a narrow heap of points at 3, and the first fakes lie near 0. The generator uses plain gradient descent,
so that a small gradient makes a small step; Adam would scale the step up again.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch

import ganvas
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.optimizers import Adam, Optimizer
from ganvas.learning.turns import Turn
from ganvas.models.model import Model
from ganvas.networks.mlp import MLPCritic, MLPGenerator
from ganvas.training.loop import Tick

data = ganvas.Dataset(3 + 0.1 * np.random.default_rng(0).standard_normal((5_000, 1)).astype(np.float32))  # N(3, 0.1)


@dataclass(frozen=True)
class Descent(Optimizer):
    """Plain gradient descent."""

    rate: float

    def build(self, network: torch.nn.Module) -> torch.optim.Optimizer:
        return torch.optim.SGD(network.parameters(), lr=self.rate)

    def schedule(self, optimizer: torch.optim.Optimizer, progress: float) -> None:
        """Keep the rate constant."""


@dataclass(frozen=True)
class Alone(Adversarial):
    """A game in which only the critic plays."""

    def turns(self) -> tuple[Turn, ...]:
        return super().turns()[:1]


def recipe(*, rate: float) -> ganvas.Recipe:
    """A recipe with small networks, and a generator that descends at this rate."""
    return ganvas.Recipe(
        data=ganvas.source("ring"),  # never opened: `data` above replaces it
        networks={"generator": MLPGenerator(width=32, depth=2, latent=2), "critic": MLPCritic(width=32, depth=2)},
        optimizer=Adam(rate=3e-3, beta1=0.5),
        optimizers={"generator": Descent(rate)},
        batch=64,
    )


def ahead(start: ganvas.Recipe, game: Alone, *, steps: int, seed: int) -> Tick:
    """Train the critic alone for so many steps; the generator does not change."""
    *_, tick = ganvas.train(replace(start, game=game, images=steps * start.batch), data, seed=seed)
    return tick


def means_of_both(
    start: ganvas.Recipe, game: Adversarial, tick: Tick, *, steps: int, every: int, seed: int
) -> list[float]:
    """The mean of the samples at the start and after every `every` steps, as both players continue from `tick`."""

    def mean(tick: Tick) -> float:
        return Model(tick.state.networks["generator"]).generate(range(64)).mean().item()

    restore = tick.state.tensors() | {"counters/step": torch.tensor(0)}
    means = [mean(tick)]
    ticks = ganvas.train(replace(start, game=game, images=steps * start.batch), data, seed=seed, restore=restore)
    return means + [mean(each) for each in ticks if each.step % every == 0]


if __name__ == "__main__":
    sure = ahead(recipe(rate=0.01), Alone(), steps=20, seed=0)
    print(f"after 20 steps alone the critic's loss is {sure.terms()['critic.loss']:.2f}, from 1.39 before")
