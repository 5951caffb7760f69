"""Noise on everything the critic sees gives the generator a gradient where reals and fakes do not overlap.

The reals are a narrow heap at 3, and the first fakes lie near 0. A critic trained ahead tells them apart with
certainty. On noisy samples it cannot be certain, so the generator finds its way while the noise is faded out
(Sonderby et al. 2017, arXiv:1610.04490).
"""

import sys

import numpy as np
import torch
from figure import BLUE, GRAY, ORANGE, Figure
from head_start import Alone, ahead, means_of_both, recipe

from ganvas.learning.adversarial import Adversarial
from ganvas.learning.losses import Minimax
from ganvas.learning.schedules import Linear

FULL = sys.argv[1:] == ["full"]
SEEDS, HEAD_START, TOGETHER, EVERY = (range(3), 200, 600, 10) if FULL else (range(1), 150, 150, 10)
NOISE = 2.0
GAMES = {
    "without noise": (0.0, 0.0, ORANGE),
    "with noise that fades": (NOISE, Linear(NOISE, 0.0, over=0.8), BLUE),
}  # noise during the critic's head start, then while both play

start = recipe(rate=0.03)
places = torch.linspace(-1, 5, 241)[:, None]


def play(before, after, seed):
    """The loss's gradient for fakes at each place after the head start, and the means of the samples from then on."""
    tick = ahead(start, Alone(Minimax(), noise=before), steps=HEAD_START, seed=seed)
    asked = places.clone().requires_grad_()
    Minimax().generator(tick.state.networks["critic"](asked)).sum().backward()
    game = Adversarial(Minimax(), noise=after)
    return asked.grad[:, 0].abs().numpy(), means_of_both(start, game, tick, steps=TOGETHER, every=EVERY, seed=seed)


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
