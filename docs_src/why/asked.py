"""Two ways to control samples: tell the generator the class, or move its input along a gradient.

A small conditional GAN learns the digits. Left: one column for each requested class, checked by a classifier that never
saw a sample. Right: a few seeds of one class, moved along the gradient of the amount of ink in the picture. The ink
increases from step to step, and the generator does not change.
"""

import sys

import numpy as np
import torch
from figure import Figure

import ganvas
from ganvas.core.pixels import grid, to_uint8
from ganvas.data.sources.digits import Digits
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.conditions import Labels
from ganvas.learning.ema import Average
from ganvas.learning.losses import Nonsaturating
from ganvas.learning.optimizers import Adam
from ganvas.metrics.features.classifier import classifier
from ganvas.models.model import inputs
from ganvas.networks.dcgan import DCGANCritic, DCGANGenerator

FULL = sys.argv[1:] == ["full"]
IMAGES, STEPS, RATE = (16_000, 7, 0.15) if FULL else (960, 4, 0.15)

recipe = ganvas.Recipe(
    data=Digits(size=32),
    networks={"generator": DCGANGenerator(width=16), "critic": DCGANCritic(width=16, projection=True)},
    game=Adversarial(Nonsaturating()),
    condition=Labels(),
    optimizer=Adam(rate=5e-4, beta1=0.5),
    average=Average(halflife_images=5_000, rampup=0.1),
    batch=32,
    images=IMAGES,
)
model = ganvas.load(ganvas.fit(recipe, out="runs/asked", device="cpu", quiet=True).path)
judge = classifier(Digits(size=28))


def drawn(digit, seeds):
    return to_uint8(model.generate(seeds, model.condition_for(str(digit), seeds))).numpy()


columns = [drawn(digit, range(40)) for digit in range(10)]
read = np.stack([judge.labels(each).numpy() for each in columns])
share = (read == np.arange(10)[:, None]).mean()
print(f"asked for a digit, {share:.2f} of 400 samples are read as that digit; by chance .1")


def ink(pictures):
    """The share of each picture that is inked, in [0, 1]."""
    return (pictures.flatten(1).mean(1) + 1) / 2


seeds = range(1, 9)
z, condition = inputs(seeds, model.network.latent), model.condition_for("3", seeds)
strip, amounts = [], []
for _ in range(STEPS):
    z = z.detach().requires_grad_()
    pictures = model.network(z, condition)
    strip.append(to_uint8(pictures.detach()).numpy())
    amounts.append(ink(pictures.detach()).mean().item())
    (gradient,) = torch.autograd.grad(ink(pictures).sum(), z)
    z = z + RATE * z.shape[1] ** 0.5 * gradient / gradient.norm(dim=1, keepdim=True)  # steps of a fixed length
print(f"ink from step to step: {np.round(amounts, 3).tolist()}")

figure = Figure(2, width=430, height=420)
shown = np.stack([each[:10] for each in columns], 1).reshape(100, 32, 32, 1)
figure.picture(f"A digit a column; {share:.0%} of 400 read so", grid(shown, columns=10, gap=1, zoom=1))
figure.picture(
    "A 3 a row, with ever more ink", grid(np.stack(strip, 1).reshape(-1, 32, 32, 1), columns=STEPS, gap=1, zoom=1)
)
figure.save("asked.png")

assert amounts == sorted(amounts), "every step makes more ink"
if FULL:
    assert share > 0.8, "what is asked for is drawn"
