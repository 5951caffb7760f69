"""Recipes for clips."""

from ..catalog import part
from ..data.clips import MovingDigits
from ..ema import Average
from ..games.adversarial import Adversarial
from ..losses import Relativistic
from ..networks.video import TGANCritic, TGANGenerator
from ..optimizers import Adam
from ..recipe import Recipe
from ..schedules import Cosine

__all__ = ["moving_digits"]


@part("recipe")
def moving_digits() -> Recipe:
    """Clips of 16 frames, of digits that move: the default for clips. One clip counts as one image.

    Run:    ganvas train moving_digits
    Costs:  21 minutes, 20,000 clips, on one thread of a Xeon at 2.5 GHz that had much other work.
    Gives:  blobs and strokes that glide smoothly, few of them readable, which change shape on the way (1 seed, looked
            at; not good yet): frames of a clip, centred, correlate by .70 and those of different clips by .63; in the
            data by .96 and .59. See LOG.md for what was tried.
    """
    return Recipe(
        data=MovingDigits(),
        networks={"generator": TGANGenerator(width=24), "critic": TGANCritic(width=16)},
        game=Adversarial(Relativistic(), r1=0.3, r2=0.3, lazy=4),
        optimizer=Adam(rate=Cosine(1e-3, 5e-4), beta1=0.0, beta2=0.9),
        average=Average(halflife_images=5_000, rampup=0.1),
        bfloat16=("generator",),
        batch=8,
        images=20_000,
    )
