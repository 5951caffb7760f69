"""Recipes for pictures conditioned on keywords."""

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
    """Icons at 64x64 from keywords: R3GAN's loss, conditioned networks, and mismatched keywords as extra fakes.

    The words scale and shift the generator's features and multiply the critic's; the critic also learns to reject
    pictures under the words of others. A direct loss on downscaled pictures tells the generator what pictures of its
    words look like, with a weight that falls during training. `keyword_finish` continues from there.

    Run:    ganvas train keyword_icons --data FOLDER
    Costs:  300,000 images at 39 a second on one core of an AMD EPYC that computes in bfloat16, 2 hours.
    Gives:  after 113,696 images, where `keyword_finish` took over for the model `icons`: a kernel distance of .25 to
            the training pictures; shapes and colours follow the words, with grain (1 seed; see the model's card).
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
    """Continues `keyword_icons` for clean shapes, with a critic on features of EfficientNet-Lite1.

    This critic makes a generator draw even fills and sharp edges within minutes, but teaches slowly what words mean. So
    it is for a generator that already follows them. A perceptual loss also tells the generator how far its samples are
    from the pictures of their words in that network's features. Needs `pip install 'ganvas[measure]'`.

    Run:    ganvas train keyword_finish --data FOLDER --from runs/words
    Costs:  150,000 images at 25 a second on one core of an AMD EPYC that computes in bfloat16, 100 minutes.
    Gives:  the model `icons`, after 271,136 images, of which 151,136 were without `game.perceptual`: a kernel distance
            of .044 to held-out pictures, of which its samples cover .94 (1 seed; its card has all figures and their
            limits).
    """
    begun = keyword_icons()
    return replace(
        begun,
        networks={**begun.networks, "critic": FeatureCritic()},
        game=Adversarial(Hinge(), mismatch=1.0, likeness=Cosine(20.0, 5.0), perceptual=6.0, augment=AUGMENT),
        optimizer=Adam(rate=Cosine(4e-4, 1e-4), beta1=0.0, beta2=0.99),
        images=150_000,
    )
