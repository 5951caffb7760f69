"""A DCGAN builds a picture by convolutions; a perceptron computes every pixel separately. Both see as many digits.

A small digit classifier gives 64 features of each sample and picture. The smaller the Fréchet distance between the
features of samples and pictures, the better the samples.
"""

import sys
from dataclasses import replace

import numpy as np
from figure import Figure

import ganvas
from ganvas import metrics
from ganvas.core.pixels import grid, to_uint8
from ganvas.data.sources.digits import Digits
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.ema import Average
from ganvas.learning.losses import Nonsaturating
from ganvas.learning.optimizers import Adam
from ganvas.metrics.features.classifier import classifier
from ganvas.models.model import Model
from ganvas.networks.dcgan import DCGANCritic, DCGANGenerator
from ganvas.networks.mlp import MLPCritic, MLPGenerator

FULL = sys.argv[1:] == ["full"]
SEEDS, IMAGES, COUNT = (range(2), 9_600, 1_000) if FULL else (range(1), 1_600, 300)

NETWORKS = {
    "perceptrons": {"generator": MLPGenerator(width=256, depth=3, latent=64), "critic": MLPCritic(width=256, depth=3)},
    "DCGAN": {"generator": DCGANGenerator(width=16, latent=64), "critic": DCGANCritic(width=16)},
}
recipe = ganvas.Recipe(
    data=Digits(size=32),
    networks=NETWORKS["DCGAN"],
    game=Adversarial(Nonsaturating()),
    optimizer=Adam(rate=5e-4, beta1=0.5),
    average=Average(halflife_images=2_000, rampup=0.1),
    batch=32,
    images=IMAGES,
)
data, judge = recipe.data.open(), classifier(Digits(size=28))
reals = judge.features(data.samples)
figure, found = Figure(3, width=380, height=400), {}
figure.picture("Pictures", grid(data.samples[:64], columns=8, gap=1, zoom=1))
for name, networks in NETWORKS.items():
    found[name] = []
    for seed in SEEDS:
        *_, last = ganvas.train(replace(recipe, networks=networks), data, seed=seed)
        samples = to_uint8(Model(last.state.average).generate(range(COUNT))).numpy()
        found[name].append(metrics.frechet_distance(reals, judge.features(samples)).value)
        if seed == 0:
            figure.picture(f"{name}, {IMAGES:,} images", grid(samples[:64], columns=8, gap=1, zoom=1))
    print(f"{name}: Fréchet distance {np.round(found[name], 1).tolist()}")
figure.save("growing.png")

assert max(found["DCGAN"]) < min(found["perceptrons"]), "convolutions come nearer to the pictures"
