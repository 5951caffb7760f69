"""A discriminative model tells which class a picture belongs to; a generative one does too, and can draw each class.

Both learn the handwritten digits from labels. The discriminative one (softmax regression) learns only the boundaries
between classes. The generative one learns a Gaussian of the 64 pixels for each class: it classifies by asking which
Gaussian makes a picture most likely, and draws by sampling from one of them.
"""

import sys

import numpy as np
import torch
from figure import BLUE, ORANGE, Figure

from ganvas.core.pixels import grid
from ganvas.data.sources.digits import Digits

FULL = sys.argv[1:] == ["full"]
SEEDS, EACH = (range(3), (3, 5, 10, 20, 40, 80, 120)) if FULL else (range(2), (3, 20, 120))
SPREAD = 0.1  # added to each pixel's variance, so that the covariance can be inverted even with few pictures

data = Digits(size=8).open()
pictures, labels = data.take(np.arange(len(data))).flatten(1), torch.from_numpy(data.labels)


def chosen(seed, each):
    """Rows to learn from, `each` of every class, and the remaining rows."""
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    rows = torch.cat([order[labels[order] == digit][:each] for digit in range(10)])
    return rows, order[~torch.isin(order, rows)]


def boundaries(rows):
    """Softmax regression with a little weight decay: a function from pictures to logits."""
    weights = torch.zeros(65, 10, requires_grad=True)
    x = torch.nn.functional.pad(pictures, (0, 1), value=1.0)
    optimizer = torch.optim.LBFGS([weights], max_iter=100, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        value = torch.nn.functional.cross_entropy(x[rows] @ weights, labels[rows]) + 1e-3 * weights.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return lambda some: torch.nn.functional.pad(some, (0, 1), value=1.0) @ weights.detach()


def gaussians(rows):
    """A Gaussian for each class, with its own mean and a covariance that all share."""
    means = torch.stack([pictures[rows][labels[rows] == digit].mean(0) for digit in range(10)])
    covariance = (pictures[rows] - means[labels[rows]]).T.cov() + SPREAD * torch.eye(64)
    return [torch.distributions.MultivariateNormal(mean, covariance) for mean in means]


right = {"boundaries (discriminative)": [], "Gaussians (generative)": []}
for each in EACH:
    found = []
    for seed in SEEDS:
        rows, left = chosen(seed, each)
        likely = torch.stack([gaussian.log_prob(pictures[left]) for gaussian in gaussians(rows)], 1)
        answers = (boundaries(rows)(pictures[left]).argmax(1), likely.argmax(1))
        found.append([(answer == labels[left]).double().mean().item() for answer in answers])
    for name, shares in zip(right, np.transpose(found), strict=True):
        right[name].append(shares)
        print(f"{each} of each class: {name} right in {shares.round(3).tolist()}")

torch.manual_seed(0)
rows, _ = chosen(0, EACH[-1])
drawn = torch.stack([gaussian.sample((12,)) for gaussian in gaussians(rows)])  # [10, 12, 64]
read = boundaries(rows)(drawn.flatten(0, 1)).argmax(1).view(10, 12)
share = (read == torch.arange(10)[:, None]).double().mean().item()
print(f"of the drawn ones {share:.2f} are read as the digit that was asked for")

figure = Figure(2)
panel = figure.panel("New digits that are read rightly", x="pictures of each class that were learned from",
                     y="share", across=(0, EACH[-1]), up=(0.5, 1))  # fmt: skip
for (name, shares), ink in zip(right.items(), (ORANGE, BLUE), strict=True):
    for index, run in enumerate(np.transpose(shares)):
        panel.line(EACH, run, ink, "" if index else name)
shown = ((drawn.clamp(-1, 1) + 1) * 127.5).view(10, 12, 8, 8).transpose(0, 1).reshape(120, 8, 8, 1).numpy()
figure.picture("Drawn by the Gaussians, a class a column", grid(shown.astype(np.uint8), columns=10, gap=1, zoom=1))
figure.save("kinds.png")

assert min(min(shares[-1]) for shares in right.values()) > 0.85, "both read most of the digits"
assert share > 0.9, "what the generative one draws is read as what was asked for"
