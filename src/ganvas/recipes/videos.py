"""Recipes for clips."""

from ..core.catalog import part
from ..data.sources.clips import MovingDigits
from ..learning.adversarial import Adversarial
from ..learning.ema import Average
from ..learning.losses import Relativistic
from ..learning.optimizers import Adam
from ..learning.schedules import Cosine
from ..networks.video import TGANCritic, TGANFrameCritic, TGANGenerator
from .recipe import Recipe

__all__ = ["moving_digits"]


@part("recipe")
def moving_digits() -> Recipe:
    """Clips of 16 frames of moving digits: the default for clips. One clip counts as one image.

    There are two critics: one for whole clips, one for a single frame of each. Without the second few were readable.

    Run:    ganvas train moving_digits
    Costs:  16 minutes, 20,000 clips, on one thread of a Xeon at 2.5 GHz that had other work.
    Gives:  digits, mostly 0, 8, 3 and 9, that glide smoothly and bounce but change into one another on the way (1 seed,
            looked at; not good yet): centred frames of a clip correlate by .86, as do those of different clips; in the
            data by .97 and .70. See LOG.md for what was tried.
    """
    return Recipe(
        data=MovingDigits(),
        networks={
            "generator": TGANGenerator(width=24),
            "critic": TGANCritic(width=16),
            "frames": TGANFrameCritic(width=16),
        },
        game=Adversarial(Relativistic(), r1=0.3, r2=0.3, lazy=4, critics=("critic", "frames")),
        optimizer=Adam(rate=Cosine(1e-3, 5e-4), beta1=0.0, beta2=0.9),
        average=Average(halflife_images=5_000, rampup=0.1),
        bfloat16=("generator",),
        batch=8,
        images=20_000,
    )
