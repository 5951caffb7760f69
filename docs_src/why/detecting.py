"""Telling a model's samples from real pictures gets harder as the model learns, and works for that model only.

The detector is logistic regression on the features of a small digit classifier. It learns from half of the pictures and
half of the samples and is tested on the rest. The figure is the share of pairs of a real picture and a sample that it
orders correctly: 1 is perfect, .5 is guessing.
"""

import sys
from dataclasses import replace

import numpy as np
import torch
from figure import BLUE, GRAY, ORANGE, Figure

import ganvas
from ganvas.core.pixels import grid, to_uint8
from ganvas.data.sources.digits import Digits
from ganvas.evaluation.detector import fit_logistic
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.ema import Average
from ganvas.learning.losses import Nonsaturating
from ganvas.learning.optimizers import Adam
from ganvas.metrics.auc import auc
from ganvas.metrics.features.classifier import classifier
from ganvas.models.model import Model
from ganvas.networks.dcgan import DCGANCritic, DCGANGenerator
from ganvas.networks.mlp import MLPCritic, MLPGenerator

FULL = sys.argv[1:] == ["full"]
MOMENTS = (320, 3_200, 16_000) if FULL else (320, 1_600)
NETWORKS = {
    "a DCGAN": {"generator": DCGANGenerator(width=16), "critic": DCGANCritic(width=16)},
    "perceptrons": {"generator": MLPGenerator(width=256, depth=3, latent=64), "critic": MLPCritic(width=256, depth=3)},
}
recipe = ganvas.Recipe(
    data=Digits(size=32),
    networks=NETWORKS["a DCGAN"],
    game=Adversarial(Nonsaturating()),
    optimizer=Adam(rate=5e-4, beta1=0.5),
    average=Average(halflife_images=2_000, rampup=0.1),
    batch=32,
    images=MOMENTS[-1],
)
data, judge = recipe.data.open(), classifier(Digits(size=28))
half = torch.randperm(len(data), generator=torch.Generator().manual_seed(0)) % 2 == 0
reals = judge.features(data.samples)


def samples(tick):
    return to_uint8(Model(tick.state.average).generate(range(1_200))).numpy()


def detector(made):
    """A function from features to logits, learned from half of the pictures and the first 600 samples."""
    x, is_real = torch.cat([reals[half], made[:600]]), torch.arange(half.sum() + 600) < half.sum()
    mean, deviation = x.mean(0), x.std(0) + 1e-6
    learned = fit_logistic((x - mean) / deviation, is_real, strength=1e-2)
    return lambda some: learned(((some - mean) / deviation).double())


def ordered(detect, made):
    return auc(detect(reals[~half]), detect(made[600:])).value


figure, shares, last = Figure(3, width=380, height=340), {}, {}
for name, networks in NETWORKS.items():
    shares[name] = []
    for tick in ganvas.train(replace(recipe, networks=networks), data, seed=0):
        if tick.images in MOMENTS:
            pictures = samples(tick)
            last[name] = judge.features(pictures)
            shares[name].append(ordered(detector(last[name]), last[name]))
    print(f"{name}: after {MOMENTS} images pairs are ordered rightly by {np.round(shares[name], 3).tolist()}")
    figure.picture(f"{name}, {MOMENTS[-1]:,} images", grid(pictures[:56], columns=8, gap=1, zoom=1))
panel = figure.panel("Pairs of real and made, ordered rightly", x="images that the model learned from", y="share",
                     across=(0, MOMENTS[-1]), up=(0.4, 1.05))  # fmt: skip
panel.line((0, MOMENTS[-1]), (0.5, 0.5), GRAY, "guessing", dashed=True)
for (name, each), ink in zip(shares.items(), (BLUE, ORANGE), strict=True):
    panel.line(MOMENTS, each, ink, name)
    panel.dots(MOMENTS, each, ink)
strangers = ordered(detector(last["perceptrons"]), last["a DCGAN"])
print(f"the detector of the perceptrons' samples orders {strangers:.3f} of the pairs with the DCGAN's")
figure.save("detecting.png")

assert shares["a DCGAN"][0] > 0.95, "what an unlearned model makes is told at once"
if FULL:
    assert shares["a DCGAN"][-1] < shares["a DCGAN"][0], "and less easily once it has learned"
    assert strangers < shares["a DCGAN"][-1], "a detector of one model knows less of another"
