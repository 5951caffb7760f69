"""Moving through latent space turns one digit into another by way of other digits; cross-fading does not.

A small conditional model is trained, then three rows are drawn: a morph between two seeds, a morph between classes of
one seed, and for comparison a cross-fade between the ends of the first row.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

import ganvas
from ganvas.core.pixels import grid, to_uint8
from ganvas.data.sources.digits import Digits
from ganvas.latent.morph import Stop, morph, save_morph
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.conditions import Labels
from ganvas.learning.ema import Average
from ganvas.learning.losses import Relativistic
from ganvas.learning.optimizers import Adam
from ganvas.networks.resnet import ResnetCritic, ResnetGenerator

FULL = sys.argv[1:] == ["full"]
IMAGES, FRAMES = (24_000, 13) if FULL else (960, 13)

recipe = ganvas.Recipe(
    data=Digits(size=16),
    networks={"generator": ResnetGenerator(width=12, latent=32), "critic": ResnetCritic(width=12)},
    game=Adversarial(Relativistic(), r1=0.05, r2=0.05, lazy=4),
    condition=Labels(),
    optimizer=Adam(rate=1e-3, beta1=0.0, beta2=0.9),
    average=Average(halflife_images=2_000, rampup=0.1),
    batch=32,
    images=IMAGES,
)
run = ganvas.fit(recipe, out="runs/latent", device="cpu", quiet=True)
model = ganvas.load(run.path)

seeds = [Stop(1, "3"), Stop(6, "8")]
rows = {
    "through latent space, from seed 1 as a 3 to seed 6 as an 8": morph(model, seeds, frames=FRAMES, eased=False),
    "one seed, told 0, then 9, then 7": morph(
        model, [Stop(4, "0"), Stop(4, "9"), Stop(4, "7")], frames=FRAMES, eased=False
    ),
}
first, *_, last = rows["through latent space, from seed 1 as a 3 to seed 6 as an 8"]
shares = torch.linspace(0, 1, FRAMES)[:, None, None, None]
rows["for comparison: the ends of the first row, faded"] = (1 - shares) * first + shares * last
save_morph(model, [*seeds, Stop(4, "0")], Path("latent.gif"), closed=True)  # as `ganvas morph` does

strips = [grid(to_uint8(row).numpy(), columns=FRAMES, gap=4, zoom=7) for row in rows.values()]
height, width = strips[0].shape[:2]
paper = Image.new("RGB", (width, len(rows) * (height + 44)), "white")
pen, font = ImageDraw.Draw(paper), ImageFont.load_default(22)
for index, (name, strip) in enumerate(zip(rows, strips, strict=True)):
    top = index * (height + 44)
    pen.text((5, top + 22), name, fill=(40, 44, 52), font=font, anchor="lm")
    paper.paste(Image.fromarray(strip[..., 0]), (0, top + 40))
paper.quantize(64).save("latent.png", optimize=True)

data = recipe.data.open()
reals = data.take(np.arange(len(data))).flatten(1)
way = slice(FRAMES // 3, FRAMES - FRAMES // 3)  # the middle third
morphed, _, faded = (torch.cdist(row[way].flatten(1), reals).min(1).values.mean().item() for row in rows.values())
moved = rows["through latent space, from seed 1 as a 3 to seed 6 as an 8"].diff(dim=0).flatten(1).norm(dim=1)
apart = (last - first).norm().item()
print(f"distance to the nearest of {len(data):,} real digits, half-way: morphed {morphed:.2f}, faded {faded:.2f}")
print(f"largest step {moved.max():.2f} on a way of {moved.sum():.2f} between pictures {apart:.2f} apart")

assert torch.equal(first, model.generate([1], model.condition_for("3", [1]))[0]), "a stop is the picture of its seed"
assert moved.max() < 0.5 * moved.sum(), "no jump"
if FULL:
    assert morphed < faded, "what is morphed looks more like a digit than what is faded"
