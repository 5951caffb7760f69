"""Two players learn in turn: the samples, the critic's belief, and how both change.

The reals are two heaps of numbers. At three moments of one training we plot where reals and samples lie, and the
critic's probability at each place that it sees a real. At the end the samples lie where the reals do, and the critic
can no longer tell them apart.
"""

import sys
from dataclasses import replace

import numpy as np
import torch
from figure import BLUE, GRAY, ORANGE, Figure

import ganvas
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.losses import Nonsaturating
from ganvas.learning.optimizers import Adam
from ganvas.models.model import Model
from ganvas.networks.mlp import MLPCritic, MLPGenerator

FULL = sys.argv[1:] == ["full"]
SEEDS, STEPS, SHOWN = (range(2), 2_000, (1, 200, 2_000)) if FULL else (range(1), 900, (1, 200, 900))
BATCH = 128

dice = np.random.default_rng(0)
reals = dice.choice([-2.0, 2.0], (5_000, 1)) + 0.4 * dice.standard_normal((5_000, 1))
data = ganvas.Dataset(reals.astype(np.float32))
recipe = ganvas.Recipe(
    data=ganvas.source("ring"),  # never opened: `data` above replaces it
    networks={"generator": MLPGenerator(width=64, depth=3, latent=4), "critic": MLPCritic(width=64, depth=3)},
    game=Adversarial(Nonsaturating(), r1=0.1, r2=0.1),
    optimizer=Adam(rate=1e-3, beta1=0.0, beta2=0.99),
    batch=BATCH,
)
places = torch.linspace(-5, 5, 201)[:, None]


def moments(seed):
    """(step, samples, belief at each place) at the moments that are shown."""
    for tick in ganvas.train(replace(recipe, images=STEPS * BATCH), data, seed=seed):
        if tick.step in SHOWN:
            with torch.no_grad():
                belief = tick.state.networks["critic"](places).sigmoid()
            samples = Model(tick.state.networks["generator"]).generate(range(2_000))
            yield tick.step, samples.flatten().numpy(), belief.numpy()


def apart(samples):
    """The earth mover's distance to the reals: the mean distance of each sample to the real of the same rank."""
    return np.abs(np.sort(samples) - np.quantile(reals, (np.arange(len(samples)) + 0.5) / len(samples))).mean()


figure, ways, beliefs = Figure(3, width=380), [], []
for seed in SEEDS:
    for step, samples, belief in moments(seed):
        if step == SHOWN[-1]:
            ways.append(apart(samples))
            beliefs.append(belief[(np.abs(places[:, 0].numpy()) > 1.5) & (np.abs(places[:, 0].numpy()) < 2.5)])
        if seed == 0:
            title = f"After {step} step{'s' * (step > 1)}"
            panel = figure.panel(title, x="number", y="share; belief", across=(-5, 5), up=(0, 1))
            panel.bars(reals[:, 0].tolist(), BLUE, "reals")
            panel.bars(samples.tolist(), ORANGE, "samples", bins=83)
            panel.line(places[:, 0].numpy(), belief, GRAY, "critic")
            print(f"step {step}: samples are {apart(samples):.2f} from the reals")
print(f"at the end {np.round(ways, 2).tolist()} from the reals; belief among them "
      f"{[f'{each.min():.2f} to {each.max():.2f}' for each in beliefs]}")  # fmt: skip
figure.save("turns.png")

assert max(ways) < 0.8, "the samples have come to the reals, which they never saw"
assert max(np.abs(each - 0.5).max() for each in beliefs) < 0.3, "and the critic can no longer say which is which"
