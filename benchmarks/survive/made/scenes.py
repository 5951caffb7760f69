"""Very short trainings that involve everything that can be interrupted or damaged."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from ganvas import Recipe, Run, fit
from ganvas.data.sources.digits import Digits
from ganvas.data.sources.folder import Folder
from ganvas.data.sources.toys import Ring
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.conditions import Keywords, Labels
from ganvas.learning.ema import Average
from ganvas.learning.losses import Nonsaturating, Relativistic
from ganvas.learning.optimizers import Adam
from ganvas.learning.schedules import Cosine
from ganvas.networks.mlp import MLPCritic, MLPGenerator
from ganvas.networks.resnet import ResnetCritic, ResnetGenerator
from ganvas.training import allowance, session

RING = Recipe(
    data=Ring(count=64),
    networks={"generator": MLPGenerator(width=16, depth=2, latent=4), "critic": MLPCritic(width=16, depth=2)},
    game=Adversarial(Nonsaturating(), r1=0.1, r2=0.1),
    optimizer=Adam(rate=1e-3, beta1=0.0, beta2=0.99),
    average=Average(halflife_images=100),
    batch=16,
    images=128,
    sheets=2,
    measure_images=32,
)
DIGITS = replace(
    RING,
    data=Digits(size=8),
    networks={"generator": ResnetGenerator(width=2, latent=4), "critic": ResnetCritic(width=2)},
    game=Adversarial(Relativistic(), r1=0.5, r2=0.5, lazy=3, critic_plays=2),
    optimizer=Adam(rate=Cosine(1e-2, 1e-3)),
    mirror=True,
    batch=8,
    images=64,
    sheets=2,
    measure_images=0,  # computing features of digits needs a classifier that trains for a minute
)
CGAN = replace(DIGITS, condition=Labels())
WORDS = replace(
    DIGITS,
    data=Folder("data", size=8),
    networks={
        "generator": ResnetGenerator(width=2, latent=4, modulated=True),
        "critic": ResnetCritic(width=2, projection=True),
    },
    condition=Keywords(),
    game=Adversarial(Relativistic(), r1=0.5, r2=0.5, lazy=4, mismatch=0.5),
)
SCENES = {"ring": RING, "digits": DIGITS, "cgan": CGAN, "keywords": WORDS}
RUN = "run"  # the folder of the training, beside the folder of the data


def set_up(folder: Path) -> None:
    """Write the data that a training there may need: twelve pictures with words, in two folders."""
    rows = []
    for place in range(12):
        name = f"{'round' if place % 2 else 'square'}/{place:02}.png"
        pixels = np.random.default_rng(place).integers(0, 256, (9, 9, 3), np.uint8)
        (folder / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / "data" / name)
        rows.append(f'{{"file_name": "{name}", "keywords": ["{("red", "blue", "green")[place % 3]}", "thing"]}}\n')
    (folder / "data" / "metadata.jsonl").write_text("".join(rows))


@cache
def warmed() -> None:
    """Train each scene for one step here, so that forked processes need not import or look up anything."""
    with TemporaryDirectory(prefix="survive-warm-") as name:
        set_up(Path(name))
        for scene, recipe in SCENES.items():
            data = replace(WORDS.data, path=f"{name}/data") if scene == "keywords" else recipe.data
            short = replace(
                recipe, data=data, images=recipe.batch, measure_images=recipe.batch if scene == "ring" else 0
            )
            fit(short, out=Path(name) / scene, device="cpu", quiet=True)


def training(recipe: Recipe, *, checkpoint_seconds: float = 0.0) -> Callable[[], Run]:
    """Train in the folder `run` of the working directory, with checkpoints this many seconds apart and all sheets."""
    return partial(_train, recipe, checkpoint_seconds)


def _train(recipe: Recipe, checkpoint_seconds: float) -> Run:
    session.CHECKPOINT_SECONDS = checkpoint_seconds  # type: ignore[misc, assignment]
    allowance.SHARE = math.inf  # a machine too busy to draw in a second would leave out some of the sheets
    return fit(recipe, out=RUN, device="cpu", quiet=True)
