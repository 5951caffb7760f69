"""The minimax loss gives no gradient where the critic is sure; the non-saturating loss does.

Left: how hard each loss pushes a fake, by the critic's logit. Right: the critic is trained alone for a while, then both
players learn, the generator by plain gradient descent. With the minimax loss the generator hardly moves.
"""

import sys

import numpy as np
import torch
from figure import BLUE, ORANGE, Figure
from head_start import Alone, ahead, means_of_both, recipe

from ganvas.learning.adversarial import Adversarial
from ganvas.learning.losses import Minimax, Nonsaturating

FULL = sys.argv[1:] == ["full"]
SEEDS, HEAD_START, TOGETHER, EVERY = (range(3), 300, 400, 10) if FULL else (range(1), 200, 100, 10)
LOSSES = {"minimax": (Minimax(), ORANGE), "non-saturating": (Nonsaturating(), BLUE)}

start = recipe(rate=0.01)


def push(loss):
    """|d loss / d logit| of a fake."""
    logits = torch.linspace(-10, 10, 201, requires_grad=True)
    loss.generator(logits).sum().backward()
    return logits.detach().numpy(), logits.grad.abs().numpy()


def mean_after_head_start(loss, seed):
    """The mean of the generator's samples after every EVERY steps of both players."""
    tick = ahead(start, Alone(loss), steps=HEAD_START, seed=seed)
    return means_of_both(start, Adversarial(loss), tick, steps=TOGETHER, every=EVERY, seed=seed)


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
