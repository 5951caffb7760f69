"""With cross-entropy a generator drops modes of the 25 Gaussians; with a Wasserstein critic and penalty it keeps them.

Networks, optimizer, batch and seeds are the same. Each sample is assigned to the nearest of the 25 modes. The reverse
Kullback-Leibler divergence of the modes' shares is 0 if every mode gets its fair share of 4 %, and log 25 if one gets
all samples.
"""

import sys

import numpy as np
from figure import BLUE, GRAY, ORANGE, Figure

import ganvas
from ganvas.data.sources.toys import Grid25
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.losses import Nonsaturating, Wasserstein
from ganvas.learning.optimizers import Adam
from ganvas.models.model import Model
from ganvas.networks.mlp import MLPCritic, MLPGenerator

FULL = sys.argv[1:] == ["full"]
SEEDS, STEPS, EVERY = (range(3), 400, 40) if FULL else (range(1), 120, 20)
BATCH, SAMPLES = 128, 2000
GAMES = {
    "cross-entropy": (Adversarial(Nonsaturating()), ORANGE),
    "WGAN-GP": (Adversarial(Wasserstein(), gradient_penalty=0.1, critic_plays=5), BLUE),
}

source = Grid25(count=20_000)
data = source.open()


def shares_of_modes(points):
    """The share of the points that are nearest to each mode, [25]."""
    nearest = np.linalg.norm(points[:, None] - source.modes[None], axis=2).argmin(1)
    return np.bincount(nearest, minlength=25) / len(points)


def divergence(shares):
    """KL(shares || fair shares), in nats."""
    some = shares[shares > 0]
    return float((some * np.log(25 * some)).sum())


def play(game, seed):
    """The samples at the end, and (step, divergence, modes with a quarter of their fair share) during training."""
    recipe = ganvas.Recipe(
        data=source,
        networks={"generator": MLPGenerator(width=64, latent=8), "critic": MLPCritic(width=64)},
        game=game,
        optimizer=Adam(rate=5e-3, beta1=0.9, beta2=0.9),
        batch=BATCH,
        images=STEPS * BATCH,
    )
    rows = []
    for tick in ganvas.train(recipe, data, seed=seed):
        if tick.step % EVERY == 0:
            points = Model(tick.state.networks["generator"]).generate(range(SAMPLES)).numpy()
            shares = shares_of_modes(points)
            rows.append((tick.step, divergence(shares), (shares >= 0.01).sum()))
    return points, np.array(rows)


figure, found = Figure(3, width=380, height=380), {}
for name, (game, ink) in GAMES.items():
    runs = [play(game, seed) for seed in SEEDS]
    found[name] = np.stack([rows for _, rows in runs])
    panel = figure.panel(f"{name}: samples, seed 0", x="first coordinate", y="second", across=(-6, 6), up=(-6, 6))
    panel.dots(*runs[0][0].T, ink, size=0.9)
    panel.dots(*source.modes.T, GRAY, "the 25 modes", size=2.2)
    last = found[name][:, -1]
    print(f"{name}: divergence {last[:, 1].round(2).tolist()}, modes {last[:, 2].astype(int).tolist()} of 25")
panel = figure.panel("Divergence from fair shares", x=f"steps of {BATCH} images", y="nats; one mode alone: 3.2",
                     across=(0, STEPS), up=(0, 3.2))  # fmt: skip
for name, runs in found.items():
    for index, rows in enumerate(runs):
        panel.line(rows[:, 0], rows[:, 1], GAMES[name][1], "" if index else name)
figure.save("collapse.png")

late = slice(STEPS // EVERY // 2, None)  # the second half of training: both curves fluctuate
entropy, wasserstein = (runs[:, late, 1].mean(1) for runs in found.values())
print(f"mean divergence in the second half: {entropy.round(2).tolist()} and {wasserstein.round(2).tolist()}")
assert entropy.min() > 2 * np.median(wasserstein), "cross-entropy leaves more out"
