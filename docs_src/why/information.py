"""How many bits encoding takes with the right code and with a wrong one; and where a classifier's loss ends.

Left: the entropy of a coin. Middle: the gray of one pixel of the handwritten digits, encoded with the true frequencies
of its grays, with those of another pixel, and as if all grays were equally frequent. Right: a classifier that learns
from labels of which a fifth are wrong. Its cross-entropy falls to the entropy of the labels and no further.
"""

import sys

import numpy as np
import torch
from figure import BLUE, GRAY, GREEN, ORANGE, Figure

from ganvas.data.sources.digits import Digits

FULL = sys.argv[1:] == ["full"]
SEEDS, STEPS, EVERY = (range(3), 400, 5) if FULL else (range(1), 250, 5)
WRONG = 0.2

data = Digits(size=8).open()
grays = np.rint(data.samples[..., 0] / (255 / 16)).astype(int).reshape(-1, 64)  # 0 to 16, as in the original data


def frequencies(pixel):
    """The frequency of each of the 17 grays; one is added to each count, so that no gray is impossible."""
    counts = np.bincount(grays[:, pixel], minlength=17) + 1
    return counts / counts.sum()


def cross_entropy(p, q):
    return -(p * np.log2(q)).sum()


def learn(seed):
    """The loss in bits of a classifier that tells two heaps of points apart, with a fifth of the labels wrong."""
    dice = torch.Generator().manual_seed(seed)
    weight, bias = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    heap = torch.randint(2, (20_000,), generator=dice).float()
    x = 8 * heap - 4 + torch.randn(20_000, generator=dice) / 2
    label = torch.where(torch.rand(20_000, generator=dice) < WRONG, 1 - heap, heap)
    optimizer, losses = torch.optim.Adam([weight, bias], 0.02), []
    for _ in range(STEPS):
        optimizer.zero_grad()
        logits = 2 * torch.tanh(weight * x + bias)  # limits its confidence to .88
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, label)
        loss.backward()
        optimizer.step()
        losses.append(loss.item() / np.log(2))
    return losses[::EVERY]


figure = Figure(3, width=380)
panel = figure.panel("A coin", x="how often it shows heads", y="bits a throw", across=(0, 1), up=(0, 1.2))
shares = np.linspace(0.001, 0.999, 200)
panel.line(shares, [cross_entropy(np.array([p, 1 - p]), np.array([p, 1 - p])) for p in shares], BLUE, "best code")
panel.line(shares, np.ones(200), GRAY, "code for a fair one", dashed=True)

inner, other = 28, 8  # a pixel in the middle, which is often inked, and one at the edge, which rarely is
p, q, fair = frequencies(inner), frequencies(other), np.full(17, 1 / 17)
bits = {
    "its own code": cross_entropy(p, p),
    "no knowledge": cross_entropy(p, fair),
    "an edge's code": cross_entropy(p, q),
}
panel = figure.panel("The gray of a pixel of the middle", x="code", y="bits a pixel", across=(-0.6, 2.6),
                     up=(0, 10), ticks=False)  # fmt: skip
for place, ((name, value), ink) in enumerate(zip(bits.items(), (BLUE, GRAY, ORANGE), strict=True)):
    panel.line((place, place), (0, value), ink)
    panel.dots((place,), (value,), ink, size=5)
    panel.words(place, value + 0.9, f"{value:.2f}", anchor="mm")
    panel.words(place, -0.7, name, anchor="mm")
    print(f"gray of a pixel by {name}: {value:.2f} bits")

floor = cross_entropy(np.array([WRONG, 1 - WRONG]), np.array([WRONG, 1 - WRONG]))
panel = figure.panel(f"A classifier, {WRONG:.0%} of labels wrong", x="steps", y="cross entropy, bits",
                     across=(0, STEPS), up=(0, 1.2))  # fmt: skip
panel.line((0, STEPS), (floor, floor), GRAY, "entropy of the labels", dashed=True)
ends = []
for seed in SEEDS:
    losses = learn(seed)
    panel.line(np.arange(len(losses)) * EVERY, losses, GREEN, "" if seed else "loss")
    ends.append(losses[-1])
print(f"the classifiers end at {np.round(ends, 3).tolist()} bits, the labels' entropy is {floor:.3f}")
figure.save("information.png")

assert bits["its own code"] < bits["no knowledge"] < bits["an edge's code"], "a wrong belief costs more than none"
assert np.abs(np.array(ends) - floor).max() < 0.03, "no classifier gets below the entropy of its labels"
