"""A Wasserstein critic's score difference is the earth mover's distance: it still grows where cross-entropy saturates.

A heap of points moves towards another from far away, and two critics keep learning: a Wasserstein critic with the
gradient penalty, and a classifier. We compare the first with the earth mover's distance computed by scipy, and the
second with the Jensen-Shannon divergence of the two heaps.
"""

import math
import sys

import numpy as np
import torch
from figure import BLUE, GRAY, ORANGE, Figure
from scipy.stats import wasserstein_distance

from ganvas.learning.losses import Minimax, Wasserstein
from ganvas.learning.penalties import interpolate, slope
from ganvas.networks.mlp import MLPCritic

FULL = sys.argv[1:] == ["full"]
STEPS, SEEDS, WEIGHT = (60, range(3), 10.0) if FULL else (40, range(1), 10.0)
SHIFTS = np.linspace(0, 3, 13 if FULL else 7)
POINTS, FREE = 64, 20  # the first steps have no penalty, because it accepts a slope of -1 as well as one of 1


def critics_answers(objective, weight, seed):
    """For each shift: mean real minus mean fake score, minus the loss, and slope at interpolates, of one critic."""
    dice = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    critic = MLPCritic(width=32, depth=2).build((1,), 0)
    adam = torch.optim.Adam(critic.parameters(), lr=3e-3, betas=(0.5, 0.9))
    answers = []
    for shift in SHIFTS[::-1]:
        for step in range(STEPS):
            real, fake = torch.rand(2, POINTS, 1, generator=dice)
            real = real + float(shift)
            points = interpolate(real, fake, torch.rand(POINTS, generator=dice)).requires_grad_()
            loss = objective.critic(critic(real), critic(fake))
            if weight and (answers or step >= FREE):
                loss = loss + weight * (slope(critic(points), points) - 1).square()
            adam.zero_grad()
            loss.mean().backward()
            adam.step()
        real, fake = torch.linspace(0, 1, 201)[:, None] + float(shift), torch.linspace(0, 1, 201)[:, None]
        steepness = slope(critic(points), points).mean().item()
        scores = critic(real).detach(), critic(fake).detach()
        answers.append(
            ((scores[0].mean() - scores[1].mean()).item(), -objective.critic(*scores).mean().item(), steepness)
        )
    return np.array(answers[::-1]).T


grid = np.linspace(0, 1, 201)
truth = np.array([wasserstein_distance(grid + shift, grid) for shift in SHIFTS])
divergence = np.minimum(SHIFTS, 1) * math.log(2)  # of two uniform heaps of width 1 at this distance; at most log 2

figure = Figure(2)
left = figure.panel("Wasserstein critic with penalty", x="how far apart the heaps are", y="distance",
                    across=(0, 3), up=(0, 3.8))  # fmt: skip
right = figure.panel("Classifier (cross-entropy)", x="how far apart the heaps are", y="divergence, nats",
                     across=(0, 3), up=(0, 0.84))  # fmt: skip
left.line(SHIFTS, truth, GRAY, "earth mover's distance (scipy)")
far = np.linspace(0, 3, 60)
left.line(far, far + far**2 / (2 * WEIGHT), BLUE, dashed=True)  # far * s, where far * s - WEIGHT * (s - 1)^2 is largest
left.words(1.55, 0.75, "dashed: what the penalty's", BLUE)
left.words(1.55, 0.45, "finite weight lets through", BLUE)
right.line(SHIFTS, divergence, GRAY, "Jensen-Shannon divergence")
right.words(2.95, 0.75, "log 2 = 0.69", GRAY, "rm")
for index, seed in enumerate(SEEDS):
    difference, _, steepness = critics_answers(Wasserstein(), WEIGHT, seed)
    _, gain, _ = critics_answers(Minimax(), 0.0, seed)
    judged = math.log(2) + gain / 2  # the best classifier's loss is 2 log 2 - 2 JS (Goodfellow et al. 2014, theorem 1)
    left.dots(SHIFTS, difference, BLUE, "" if index else "score difference")
    right.dots(SHIFTS, judged, ORANGE, "" if index else "from the classifier's loss")
    far = SHIFTS >= 1
    correlation = np.corrcoef(difference, truth)[0, 1]
    excess = difference[far] / truth[far] - 1
    corrected = difference[far] / steepness[far] / truth[far] - 1
    print(
        f"seed {seed}: correlation with scipy {correlation:.4f}; too large by {excess.min():.1%} to "
        f"{excess.max():.1%}, after division by the slope by {corrected.min():.1%} to {corrected.max():.1%}; "
        f"from {truth[far][0]:.1f} to {truth[far][-1]:.1f} apart the classifier's {judged[far][0]:.2f} becomes "
        f"{judged[far][-1]:.2f}"
    )
    assert correlation > 0.99
    assert np.abs(difference[far] / truth[far] - 1).max() < 0.25
    assert judged[-1] < math.log(2) + 1e-6
    assert judged[-1] - judged[len(SHIFTS) // 2] < 0.15, "it is near its end long before the heap has stopped"
figure.save("distance.png")
