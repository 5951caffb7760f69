"""Recipes for pictures that are asked for by words."""

from dataclasses import replace

from ..core.catalog import part
from ..data.sources.icons import Icons
from ..learning.adversarial import Adversarial
from ..learning.augment import Augment
from ..learning.conditions import Keywords
from ..learning.ema import Average
from ..learning.losses import Hinge, Relativistic
from ..learning.optimizers import Adam
from ..learning.schedules import Cosine
from ..networks.feature import FeatureCritic
from ..networks.resnet import ResnetCritic, ResnetGenerator
from .recipe import Recipe

__all__ = ["keyword_finish", "keyword_icons"]

AUGMENT = Augment(strength=0.5, cutout=0.35, colour=0.0)  # colours are among the words


@part("recipe")
def keyword_icons() -> Recipe:
    """Icons at 64x64 from keywords: R3GAN's loss, words in generator and critic, and wrong words as fakes.

    The words scale and shift the generator's features and multiply the critic's; the critic also learns to refuse
    pictures under the words of others. The generator is told outright how the picture of its words looks from afar,
    less and less as training goes on. `keyword_finish` goes on from there.

    Run:    ganvas train keyword_icons --data FOLDER
    Costs:  300,000 images at 39 a second on one core of an AMD EPYC that computes in bfloat16, 2 hours.
    Gives:  after 113,696 images, where the model `icons` went on by `keyword_finish`, a kernel distance of .25 to the
            training pictures: shapes and colours that follow the words, with grain (1 seed; its card tells more).
    """
    return Recipe(
        data=Icons(size=64),
        networks={
            "generator": ResnetGenerator(width=24, widest=8, modulated=True),
            "critic": ResnetCritic(width=32, widest=8, projection=True, strided=True, stem=True),
        },
        condition=Keywords(),
        game=Adversarial(
            Relativistic(),
            r1=Cosine(2.0, 0.5),
            r2=Cosine(2.0, 0.5),
            lazy=4,
            mismatch=0.5,
            likeness=Cosine(20.0, 1.0),
            augment=AUGMENT,
        ),
        optimizer=Adam(rate=Cosine(6e-4, 1e-4), beta1=0.0, beta2=0.99),
        average=Average(halflife_images=10_000, rampup=0.1),
        bfloat16=("generator", "critic"),
        batch=32,
        images=300_000,
        sheets=120,
    )


@part("recipe")
def keyword_finish() -> Recipe:
    """What `keyword_icons` has learned, with clean shapes: a critic that looks through EfficientNet-Lite1 takes over.

    It has a generator draw even fills and sharp edges within minutes, but is slow to learn what words mean; so it is
    for a generator that follows them already, which is told how unlike the pictures of its words its own look to that
    network. Needs `pip install 'ganvas[measure]'`.

    Run:    ganvas train keyword_finish --data FOLDER --from runs/words
    Costs:  150,000 images at 25 a second on one core of an AMD EPYC that computes in bfloat16, 100 minutes.
    Gives:  the model `icons`, after 271,136 images, of which 151,136 were without `game.perceptual`: a kernel distance
            of .044 to pictures that were kept out, of which its samples cover .94 (1 seed; its card has all figures,
            and what they do not say).
    """
    begun = keyword_icons()
    return replace(
        begun,
        networks={**begun.networks, "critic": FeatureCritic()},
        game=Adversarial(Hinge(), mismatch=1.0, likeness=Cosine(20.0, 5.0), perceptual=6.0, augment=AUGMENT),
        optimizer=Adam(rate=Cosine(4e-4, 1e-4), beta1=0.0, beta2=0.99),
        images=150_000,
    )
