"""A 1-Lipschitz critic is never steeper than 1, so its scores tell how far fakes are from reals.

Three critics learn to tell two heaps of points apart: a classifier, an unconstrained Wasserstein critic, and one with
the gradient penalty. Only the last has a slope of about 1 all the way from the fakes to the reals.
"""

import sys

import numpy as np
import torch
from figure import BLUE, GRAY, GREEN, ORANGE, RED, Figure

from ganvas.learning.losses import Minimax, Wasserstein
from ganvas.learning.penalties import interpolate, slope
from ganvas.networks.mlp import MLPCritic

FULL = sys.argv[1:] == ["full"]
STEPS, POINTS, WEIGHT = 1000 if FULL else 200, 64, 10.0
CRITICS = {
    "classifier's belief": (Minimax(), 0.0, ORANGE),
    "Wasserstein, free": (Wasserstein(), 0.0, RED),
    "Wasserstein, with penalty": (Wasserstein(), WEIGHT, BLUE),
}

line = torch.linspace(-3, 3, 301)[:, None].requires_grad_()
places = line.detach().numpy()[:, 0]
between, at_fakes = np.abs(places) < 1.5, np.abs(places + 2) < 0.2


def train(objective, weight):
    """A critic's outputs and slopes along the line, after it has learned to tell N(2, 0.2) from N(-2, 0.2)."""
    dice = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    critic = MLPCritic(width=32, depth=2).build((1,), 0)
    adam = torch.optim.Adam(critic.parameters(), lr=3e-3, betas=(0.5, 0.9))
    for _ in range(STEPS):
        real, fake = torch.tensor([2.0, -2.0])[:, None, None] + 0.2 * torch.randn(2, POINTS, 1, generator=dice)
        loss = objective.critic(critic(real), critic(fake))
        if weight:
            points = interpolate(real, fake, torch.rand(POINTS, generator=dice)).requires_grad_()
            loss = loss + weight * (slope(critic(points), points) - 1).square()
        adam.zero_grad()
        loss.mean().backward()
        adam.step()
    answers = critic(line)
    if isinstance(objective, Minimax):
        answers = answers.sigmoid()  # a classifier's output is a probability
    return answers.detach().numpy(), slope(answers, line).detach().numpy()


figure = Figure(2)
answers_panel = figure.panel("What they say of each place", x="place; fakes lie about -2, reals about 2", y="score",
                             across=(-3, 3), up=(-4, 4))  # fmt: skip
slope_panel = figure.panel("How steep they are", x="place; fakes lie about -2, reals about 2", y="slope",
                           across=(-3, 3), up=(1e-5, 1e5), log=True)  # fmt: skip
answers_panel.band(places, -np.abs(places), np.abs(places), GREEN)
answers_panel.words(0.6, -3.5, "shaded: slope up to 1", GREEN)
slope_panel.line((-3, 3), (1, 1), GRAY, dashed=True)
found = {}
for name, (objective, weight, ink) in CRITICS.items():
    answers, slopes = train(objective, weight)
    found[name] = slopes
    middle = 0.0 if "belief" in name else answers[len(answers) // 2]  # only differences of scores mean anything
    answers_panel.line(places, answers - middle, ink, name.removeprefix("Wasserstein, ").removeprefix("classifier's "))
    slope_panel.line(places, slopes, ink)
    print(
        f"{name}: slope {slopes[between].min():.3g} to {slopes[between].max():.3g} between fakes and reals, "
        f"{slopes[at_fakes].mean():.3g} at the fakes"
    )
figure.save("lipschitz.png")

belief, free, held = found.values()
best = 1 + 4 / (2 * WEIGHT)  # maximises 4 s - WEIGHT (s - 1)^2: a penalty of finite weight allows a bit more than 1
assert np.abs(held[between] - best).max() < 0.15, "nearly the same slope from the fakes to the reals"
assert free[between].min() > 20, "nothing holds its scores back"
assert belief[at_fakes].max() < 0.02 < 0.5 < belief[between].max(), "flat at the fakes, a cliff in between"
