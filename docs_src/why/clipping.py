"""Weight clipping pushes the critic's weights to the ends of their interval; the gradient penalty leaves them spread.

All critics start from the same small weights and learn to tell the ring from the samples of an untrained generator.
Then we plot how their weights are distributed, and compare their slope between reals and fakes with 1, the slope that a
Wasserstein critic should have there. With clipping, the slope is whatever the limit and the number of layers make it.
"""

import sys
from dataclasses import dataclass, replace

import numpy as np
import torch
from figure import BLUE, GRAY, GREEN, ORANGE, RED, Figure

import ganvas
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.losses import Wasserstein
from ganvas.learning.optimizers import Adam, Rmsprop
from ganvas.learning.penalties import interpolate, slope
from ganvas.learning.turns import Turn
from ganvas.models.model import Model
from ganvas.networks.mlp import MLPCritic, MLPGenerator
from ganvas.training.state import start

FULL = sys.argv[1:] == ["full"]
SEEDS, STEPS, EVERY = (range(3), 300, 10) if FULL else (range(1), 250, 10)
LIMIT, BATCH = 0.1, 64


@dataclass(frozen=True)
class Alone(Adversarial):
    """A game in which only the critic plays, so that it gets as good as it can."""

    def turns(self) -> tuple[Turn, ...]:
        return super().turns()[:1]


def clipped(limit):
    """A game with clipping and its optimizer, whose rate is proportional to the limit."""
    return Alone(Wasserstein(), clip=limit), Rmsprop(rate=limit / 100)


GAMES = {
    f"clipped to {LIMIT}": (*clipped(LIMIT), ORANGE),
    "gradient penalty": (Alone(Wasserstein(), gradient_penalty=10.0), Adam(rate=1e-3, beta1=0.5, beta2=0.9), BLUE),
    f"to {LIMIT / 2}": (*clipped(LIMIT / 2), RED),
    f"to {2 * LIMIT}": (*clipped(2 * LIMIT), GREEN),
}
recipe = ganvas.Recipe(
    data=ganvas.source("ring"),
    networks={"generator": MLPGenerator(width=32, depth=2, latent=4), "critic": MLPCritic(width=32, depth=3)},
    batch=BATCH,
    images=STEPS * BATCH,
)
data = recipe.data.open()
shares = torch.rand(512, generator=torch.Generator().manual_seed(0))


def weights_of(critic):
    return torch.cat([weight.detach().flatten() for name, weight in critic.named_parameters() if "weight" in name])


def play(game, optimizer, seed):
    """The critic's weights at the end, and (step, mean slope) during training."""
    setting = replace(recipe, game=game, optimizer=optimizer)
    small = start(setting, data, seed=seed).tensors()
    small = {name: 0.1 * value if name.startswith("critic/") else value for name, value in small.items()}
    slopes = []
    for tick in ganvas.train(setting, data, seed=seed, restore=small):
        if tick.step % EVERY == 0:
            fakes = Model(tick.state.networks["generator"]).generate(range(512))
            points = interpolate(data.take(np.arange(512)), fakes, shares).requires_grad_()
            steepness = slope(tick.state.networks["critic"](points), points)
            slopes.append((tick.step, steepness.mean().item()))
    return weights_of(tick.state.networks["critic"]).numpy(), np.array(slopes)


figure, found = Figure(3, width=380), {}
for index, (name, (game, optimizer, ink)) in enumerate(GAMES.items()):
    runs = [play(game, optimizer, seed) for seed in SEEDS]
    weights = np.concatenate([weights for weights, _ in runs])
    found[name] = np.array([slopes for _, slopes in runs])
    at_ends = np.array([(np.abs(each) > 0.99 * (game.clip or LIMIT)).mean() for each, _ in runs])
    last = found[name][:, -1, 1].round(3).tolist()
    ends = f"share of weights at the ends {at_ends.round(2).tolist()}, " if game.clip else ""
    print(f"{name}: {ends}slope {last} after {STEPS} plays")
    if index < 2:
        width = LIMIT if index == 0 else 4 * LIMIT
        panel = figure.panel(
            f"Weights, {name}", x="weight of the critic", y="share of all weights",
            across=(-1.2 * width, 1.2 * width), up=(0, 0.6 if index == 0 else 0.2),
        )  # fmt: skip
        panel.bars(weights.tolist(), ink, f"{len(SEEDS)} run{'s' * (len(SEEDS) > 1)}, {len(weights):,} weights")
    if index == 0:
        assert at_ends.min() > 0.5, "most weights lie at the ends"
panel = figure.panel("Slope between reals and fakes", x="plays of the critic", y="mean slope", across=(0, STEPS),
                     up=(1e-3, 1e2), log=True)  # fmt: skip
panel.line((0, STEPS), (1, 1), GRAY, dashed=True)
for name, runs in found.items():
    for index, slopes in enumerate(runs):
        panel.line(
            *slopes.T, GAMES[name][2], "" if index else name.replace("gradient ", "").replace("clipped ", "clip ")
        )
figure.save("clipping.png")

clip, penalty, low, high = (runs[:, -1, 1] for runs in found.values())
assert np.abs(penalty - 1).max() < 0.2, "with the penalty the slope goes to 1"
assert low.max() < 0.3 < 3 < high.min(), "with clipping it is what the limit makes of it"
