"""A picture of the critic's gradient: its direction and length, with clipped weights and with the gradient penalty.

Wasserstein critics learn to tell the ring of eight Gaussians from points near the middle: two with clipped weights, one
with the gradient penalty. The generator learns from nothing but this gradient. With the penalty, its length is close to
1 everywhere between fakes and reals.
"""

import sys
from dataclasses import dataclass, replace

import numpy as np
import torch
from figure import BLUE, GRAY, INK, ORANGE, RED, Figure

import ganvas
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.losses import Wasserstein
from ganvas.learning.optimizers import Adam, Rmsprop
from ganvas.learning.turns import Turn
from ganvas.models.model import Model
from ganvas.networks.mlp import MLPCritic, MLPGenerator

FULL = sys.argv[1:] == ["full"]
SEEDS, PLAYS, BATCH = (range(2), 500, 64) if FULL else (range(1), 250, 64)


@dataclass(frozen=True)
class Alone(Adversarial):
    """A game in which only the critic plays, against an untrained generator."""

    def turns(self) -> tuple[Turn, ...]:
        return super().turns()[:1]


GAMES = {
    "clipped to 0.01": (Alone(Wasserstein(), clip=0.01), Rmsprop(rate=5e-5), RED),
    "clipped to 0.2": (Alone(Wasserstein(), clip=0.2), Rmsprop(rate=2e-3), ORANGE),
    "gradient penalty": (Alone(Wasserstein(), gradient_penalty=10.0), Adam(rate=1e-3, beta1=0.5, beta2=0.9), BLUE),
}
recipe = ganvas.Recipe(
    data=ganvas.source("ring"),
    networks={"generator": MLPGenerator(width=32, depth=2, latent=4), "critic": MLPCritic(width=64, depth=3)},
    batch=BATCH,
    images=PLAYS * BATCH,
)
data = recipe.data.open()
ring = data.take(np.arange(300))
reach = 1.3 * ring.abs().max().item()
side = torch.linspace(-reach, reach, 15)
places = torch.cartesian_prod(side, side)


def gradients(game, optimizer, seed):
    """The critic's gradient [N, 2] at the places after training, and fakes like those that it learned from."""
    *_, tick = ganvas.train(replace(recipe, game=game, optimizer=optimizer), data, seed=seed)
    asked = places.clone().requires_grad_()
    tick.state.networks["critic"](asked).sum().backward()
    return asked.grad, Model(tick.state.networks["generator"]).generate(range(100))


def shown(length):
    """A length with as few digits as needed."""
    return f"{length:.0f}" if length > 10 else f"{length:.1g}"


between = (places.norm(dim=1) > 0.3 * ring.norm(dim=1).mean()) & (places.norm(dim=1) < ring.norm(dim=1).mean())
figure, lengths = Figure(3, width=380, height=400), {}
for name, (game, optimizer, ink) in GAMES.items():
    found = [gradients(game, optimizer, seed) for seed in SEEDS]
    lengths[name] = np.array([gradient[between].norm(dim=1).mean().item() for gradient, _ in found])
    gradient, fakes = found[0]
    print(f"{name}: mean length between fakes and reals {[f'{length:.2g}' for length in lengths[name]]}")
    panel = figure.panel(f"{name}: mean length {shown(lengths[name][0])}", x="", y="", across=(-reach, reach),
                         up=(-reach, reach), ticks=False)  # fmt: skip
    panel.dots(*ring.T.numpy(), GRAY, "reals", size=1.5)
    panel.dots(*fakes.T.numpy(), INK, "fakes", size=1.5)
    step = 0.9 * (side[1] - side[0]).item()
    arrows = gradient / gradient.norm(dim=1, keepdim=True).clamp(min=1) * step  # those longer than 1 are drawn as 1
    for (x, y), (a, b) in zip(places.tolist(), arrows.tolist(), strict=True):
        panel.line((x, x + a), (y, y + b), ink)
        panel.dots((x,), (y,), ink, size=1.2)
figure.save("slopes.png")

small, large, penalty = lengths.values()
assert np.abs(penalty - 1).max() < 0.25, "with the penalty the gradient has a length near 1"
assert small.max() < 0.01 < 2 < large.min(), "with clipping it vanishes or explodes, by the limit"
