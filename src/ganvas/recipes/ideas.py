"""Recipes for drawings from words, made in the latents of an autoencoder.

Four are trained one after another: `idea_autoencoder`, `idea_sketch`, `idea_flow`, `idea_icons`. What they have learned
is taken to other pictures by three: `idea_sketch`, `idea_drawing`, `idea_finish`.
"""

from dataclasses import fields, replace

from ..core.catalog import part
from ..data.sources.icons import Icons
from ..learning.adversarial import Adversarial
from ..learning.augment import Augment
from ..learning.ema import Average
from ..learning.latents import Distillation, FlowMatching, Reconstruction
from ..learning.losses import Hinge
from ..learning.optimizers import Adam
from ..learning.phrases import Phrases
from ..learning.schedules import Cosine
from ..learning.sketches import Drawing, Finishing, Sketching
from ..networks.feature import FeatureCritic
from ..networks.latent import LatentAutoencoder, LatentCritic, LatentGenerator
from .recipe import Recipe

__all__ = [
    "idea_autoencoder",
    "idea_drawing",
    "idea_finish",
    "idea_flow",
    "idea_icons",
    "idea_sketch",
    "judged",
]

FLOW = LatentGenerator(steps=10, guidance=2.5, sketch=64)  # what leads sketches and noise to latents
ONE_STEP = replace(FLOW, steps=1)  # what draws the same at once


@part("recipe")
def idea_autoencoder() -> Recipe:
    """An autoencoder of drawings at 64x64, in whose latents `idea_flow` and `idea_icons` draw.

    Run:    ganvas train idea_autoencoder --data FOLDER
    Costs:  330,000 images in 45 s on an NVIDIA H200; on one core of a Xeon 30 images a second.
    Gives:  drawings of icons with a mean absolute difference of .052 (of 2) to what they were made of.
    """
    return Recipe(
        data=Icons(size=64),
        networks={"autoencoder": LatentAutoencoder()},
        product="autoencoder",
        game=Reconstruction(),
        optimizer=Adam(rate=Cosine(1.5e-3, 3e-5), beta1=0.9, beta2=0.99),
        average=Average(halflife_images=2_000, rampup=0.05),
        bfloat16=("autoencoder",),
        mirror=True,
        batch=16,
        images=12_800,
        measure_images=0,  # what noise is drawn as is no drawing
    )


@part("recipe")
def idea_flow() -> Recipe:
    """Drawings from words, step by step: a flow in latents of `idea_autoencoder` that begins with sketches.

    Run:    ganvas train idea_flow --data FOLDER, which trains both before; or --from runs/sketch
    Costs:  7,520,256 images in 335 s on an NVIDIA H200; on one core of a Xeon 28 images a second.
    Gives:  what the model `icons` was taught by; LOG.md has its sheets (1 seed).
    """
    return Recipe(
        data=Icons(size=64),
        networks={
            "generator": FLOW,
            "autoencoder": LatentAutoencoder(),
        },
        condition=Phrases(),
        game=FlowMatching(),
        optimizer=Adam(rate=Cosine(1.5e-3, 3e-5), beta1=0.9, beta2=0.98),
        average=Average(halflife_images=100_000, rampup=0.1),
        bfloat16=("generator", "autoencoder"),
        mirror=True,
        batch=64,
        images=38_400,
        begins={"idea_autoencoder": 0.25, "idea_sketch": 0.1},
    )


@part("recipe")
def idea_sketch() -> Recipe:
    """What is where in drawings: the sketches of a generator of latents learn which there are, alone.

    Run:    ganvas train idea_sketch --data FOLDER --from runs/autoencoder; the others begin with it
    Costs:  122 images a second, each under 32 noises, on one core of a busy AMD EPYC.
    Gives:  words that are heard in the first minutes of a training from nothing; LOG.md has the sheets.
    """
    flow = idea_flow()
    return replace(
        flow,
        game=Sketching(),
        optimizer=Adam(rate=Cosine(1e-3, 1e-5), beta1=0.9, beta2=0.99),
        average=Average(halflife_images=20_000, rampup=0.05),
        batch=16,
        images=38_400,
        begins={},
    )


@part("recipe")
def idea_drawing() -> Recipe:
    """What pictures look like, of their sketches: shapes and colours of the data, before a critic sees any.

    Run:    ganvas train idea_drawing --data FOLDER --from runs/sketch; `idea_finish` begins with it, after that
    Costs:  31 images a second on one core of a busy AMD EPYC.
    Gives:  of 785 portraits, in a minute from `icons`, people in the set's own outlines, a little soft.
    """
    return replace(
        idea_sketch(),
        game=Drawing(),
        optimizer=Adam(rate=Cosine(2e-4, 2e-5), beta1=0.0, beta2=0.99),
        average=Average(halflife_images=2_000, rampup=0.05),
        images=4_800,
    )


@part("recipe")
def idea_icons() -> Recipe:
    """Drawings from words in one step: the generator of a GAN that `idea_flow` teaches, which it begins from.

    Run:    ganvas train idea_icons --data FOLDER --from runs/flow
    Costs:  1,119,744 images in 150 s on an NVIDIA H200; on one core of a Xeon 6 images a second.
    Gives:  what the model `icons` began as, with generator.refinements=1 and game.refined=1; see its card (1 seed).
    """
    return Recipe(
        data=Icons(size=64),
        networks={
            "generator": ONE_STEP,
            "critic": LatentCritic(),
            "teacher": FLOW,
            "autoencoder": LatentAutoencoder(),
        },
        condition=Phrases(),
        game=Distillation(),
        optimizer=Adam(rate=Cosine(2e-4, 5e-6), beta1=0.5, beta2=0.99),
        optimizers={"critic": Adam(rate=Cosine(3e-4, 8e-6), beta1=0.0, beta2=0.99)},
        average=Average(halflife_images=100_000, rampup=0.1),
        bfloat16=("generator", "critic", "teacher", "autoencoder"),
        mirror=True,
        batch=32,
        images=4_800,
        begins={"idea_autoencoder": 0.2, "idea_sketch": 0.1, "idea_flow": 0.45},
    )


@part("recipe")
def idea_finish() -> Recipe:
    """What `idea_icons` has learned, for other pictures: a critic that looks through EfficientNet-Lite1 takes over.

    Before, it learns which sketches these have, and to draw of them. Steps are few where each takes long, and that
    critic (Sauer et al. 2021, arXiv:2111.01007) has something to say from the first on. A model that draws from
    sketches goes on like this, with words or without. Needs `pip install 'ganvas[measure]'`.

    Run:    ganvas train FOLDER --from icons, or ganvas train idea_finish --data FOLDER --from icons
    Costs:  3 minutes, 672 to 752 images of 64x64 in the last stage, on one core of a busy AMD EPYC.
    Gives:  of 785 portraits, people of many kinds in the set's own lines (docs/own.md, docs/performance.md; 3 seeds).
    """
    begun = idea_icons()
    return replace(
        begun,
        networks={"generator": ONE_STEP, "critic": FeatureCritic(), "autoencoder": LatentAutoencoder()},
        condition=Phrases(required=False),
        game=Finishing(Hinge(), mismatch=0.5, augment=Augment(strength=0.5, cutout=0.35, colour=0.0)),
        optimizer=Adam(rate=Cosine(5e-5, 1.25e-5), beta1=0.0, beta2=0.99),
        optimizers={"critic": Adam(rate=Cosine(4e-4, 1e-4), beta1=0.0, beta2=0.99)},
        bfloat16=("generator", "autoencoder"),
        batch=8,
        images=10_000,
        begins={"idea_sketch": 0.2, "idea_drawing": 0.3},
    )


def judged() -> Recipe:
    """`idea_finish` for a generator that has no sketches, or where nothing encodes pictures: a critic alone."""
    finish = idea_finish()
    rules = {rule.name: getattr(finish.game, rule.name) for rule in fields(Adversarial)}
    networks = {name: finish.networks[name] for name in ("generator", "critic")}
    return replace(finish, game=Adversarial(**rules), networks=networks, bfloat16=("generator",), begins={})
