"""Recipes for pictures that are asked for by words."""

from ..augment import Augment
from ..catalog import part
from ..conditions import Keywords
from ..data.icons import Icons
from ..ema import Average
from ..games.adversarial import Adversarial
from ..losses import Relativistic
from ..networks.resnet import ResnetCritic, ResnetGenerator
from ..optimizers import Adam
from ..recipe import Recipe
from ..schedules import Cosine

__all__ = ["keyword_icons"]


@part("recipe")
def keyword_icons() -> Recipe:
    """Icons at 64x64 from keywords: R3GAN's loss, words in generator and critic, and wrong words as fakes.

    The words scale and shift the generator's features and multiply the critic's; the critic also learns to refuse
    pictures under the words of others.

    Run:    ganvas train keyword_icons --data FOLDER
    Costs:  600,000 images at about 25 a CPU second of a Xeon at 2.5 GHz, 7 hours.
    Gives:  not trained to its end here. The model `icons` that comes with the toolkit saw 323,000 images with penalties
            that were first weaker, and with augmentation only in the second half; its card has the figures.
    """
    return Recipe(
        data=Icons(size=64),
        networks={
            "generator": ResnetGenerator(width=16, widest=8, modulated=True),
            "critic": ResnetCritic(width=32, widest=8, projection=True, strided=True),
        },
        condition=Keywords(),
        game=Adversarial(
            Relativistic(),
            r1=Cosine(2.0, 0.5),
            r2=Cosine(2.0, 0.5),
            lazy=4,
            mismatch=0.5,
            augment=Augment(strength=0.5, cutout=0.35, colour=0.0),  # colours are among the words
        ),
        optimizer=Adam(rate=Cosine(6e-4, 1e-4), beta1=0.0, beta2=0.99),
        average=Average(halflife_images=10_000, rampup=0.1),
        bfloat16=("generator",),
        batch=32,
        images=600_000,
        sheets=120,
    )
