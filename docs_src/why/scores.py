"""Which of five kinds of bad samples the Fréchet distance and the Inception score detect, and which they miss.

The samples are the handwritten digits themselves, damaged. Features and class probabilities come from a small digit
classifier, as those of the real FID and Inception score come from Inception. Copies of the training pictures get the
best distance of all.
"""

import sys

import numpy as np
import torch
from figure import BLUE, ORANGE, Figure

from ganvas import metrics
from ganvas.data.sources.digits import Digits
from ganvas.metrics.features.classifier import classifier

FULL = sys.argv[1:] == ["full"]
SEEDS = range(3) if FULL else range(1)

source = Digits(size=28)
data, judge = source.open(), classifier(source)
pictures, labels = data.samples, data.labels
sure = judge.logits(pictures).softmax(1)[range(len(labels)), labels].numpy()
surest = {digit: max(np.flatnonzero(labels == digit), key=lambda row: sure[row]) for digit in range(10)}


def noisy(some, dice):
    return np.clip(some + dice.normal(0, 50, some.shape), 0, 255).astype(np.uint8)


def blurred(some, dice):
    x = torch.from_numpy(some).movedim(3, 1).float()
    x = torch.nn.functional.avg_pool2d(x, 9, stride=1, padding=4, count_include_pad=False)
    return x.movedim(1, 3).byte().numpy()


DAMAGES = {
    "new digits": lambda some, of, dice: some,
    "noise": lambda some, of, dice: noisy(some, dice),
    "blur": lambda some, of, dice: blurred(some, dice),
    "five of ten": lambda some, of, dice: some[of < 5],
    "one a class": lambda some, of, dice: pictures[[surest[digit] for digit in of]],
    "copies": lambda some, of, dice: None,
}
found = {name: [] for name in DAMAGES}
for seed in SEEDS:
    dice = np.random.default_rng(seed)
    order = dice.permutation(len(labels))
    known, new = order[:900], order[900:]
    reals = judge.features(pictures[known])
    for name, damage in DAMAGES.items():
        some = damage(pictures[new], labels[new], dice)
        some = pictures[known] if some is None else some
        distance = metrics.frechet_distance(reals, judge.features(some)).value
        found[name].append((distance, metrics.inception_score(judge.logits(some), splits=1).value))
figure = Figure(2, width=520, height=330)
for place, (title, y, top, ink) in enumerate(
    (("Distance to 900 digits: 0 is best", "distance", 1.15, BLUE),
     ("Inception score: 10 is best", "score", 11.5, ORANGE))
):  # fmt: skip
    values = {name: [each[place] for each in runs] for name, runs in found.items()}
    highest = max(map(max, values.values())) * 1.15 if place == 0 else top
    panel = figure.panel(title, x="", y=y, across=(-0.6, 5.6), up=(0, highest), ticks=False)
    for index, (name, each) in enumerate(values.items()):
        panel.line((index, index), (0, np.mean(each)), ink)
        panel.dots([index] * len(each), each, ink, size=4)
        panel.words(
            index, np.mean(each) + highest * 0.07, f"{np.mean(each):.3g}" if np.mean(each) > 1e-3 else "0", anchor="mm"
        )
        panel.words(index, -highest * 0.06, name, anchor="mm")
for name, runs in found.items():
    print(f"{name}: Fréchet distance and Inception score {np.round(runs, 2).tolist()}")
figure.save("scores.png")

distance = {name: np.array(runs)[:, 0] for name, runs in found.items()}
score = {name: np.array(runs)[:, 1] for name, runs in found.items()}
assert all(distance[name].min() > 3 * distance["new digits"].max() for name in ("noise", "blur", "five of ten"))
assert distance["one a class"].min() > 3 * distance["new digits"].max(), (
    "the distance sees that each class is one picture"
)
assert score["one a class"].min() > 0.98 * score["new digits"].max(), "the Inception score does not"
assert distance["copies"].max() < distance["new digits"].min(), "nor does the distance see copies"
