"""Recipes for drawings from words, generated in the latent space of an autoencoder.

Four are trained one after another: `idea_autoencoder`, `idea_sketch`, `idea_flow`, `idea_icons`. Three adapt the result
to other pictures: `idea_sketch`, `idea_drawing`, `idea_finish`.
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

FLOW = LatentGenerator(steps=10, guidance=2.5, sketch=64)  # turns noise into sketches, and both into latents
ONE_STEP = replace(FLOW, steps=1)  # does the same in a single step


@part("recipe")
def idea_autoencoder() -> Recipe:
    """An autoencoder of drawings at 64x64; `idea_flow` and `idea_icons` generate its latents.

    Run:    ganvas train idea_autoencoder --data FOLDER
    Costs:  330,000 images in 45 s on an NVIDIA H200; on one core of a Xeon 30 images a second.
    Gives:  reconstructions of icons with a mean absolute error of .052 (pixels range over 2).
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
        measure_images=0,  # decoded noise is not a drawing, so there is nothing to score
    )


@part("recipe")
def idea_flow() -> Recipe:
    """Drawings from words in several steps: a flow in the latents of `idea_autoencoder` that starts from sketches.

    Run:    ganvas train idea_flow --data FOLDER, which trains autoencoder and sketches first; or --from runs/sketch
    Costs:  7,520,256 images in 335 s on an NVIDIA H200; on one core of a Xeon 28 images a second.
    Gives:  the teacher of the model `icons`; LOG.md has its sheets (1 seed).
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
    """The layout of drawings: trains only the sketches that a generator of latents starts from.

    Run:    ganvas train idea_sketch --data FOLDER --from runs/autoencoder; the later recipes begin with it
    Costs:  122 images a second, each under 32 noises, on one core of a busy AMD EPYC.
    Gives:  a training from scratch that follows words within its first minutes; LOG.md has the sheets.
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
    """Pictures from their sketches: learns the shapes and colours of the data before a critic is used.

    Run:    ganvas train idea_drawing --data FOLDER --from runs/sketch; `idea_finish` runs it after `idea_sketch`
    Costs:  31 images a second on one core of a busy AMD EPYC.
    Gives:  after a minute on 785 portraits, starting from `icons`: people in the set's own outlines, slightly soft.
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
    """Drawings from words in one step: a GAN generator that starts from `idea_flow` and is distilled from it.

    Run:    ganvas train idea_icons --data FOLDER --from runs/flow
    Costs:  1,119,744 images in 150 s on an NVIDIA H200; on one core of a Xeon 6 images a second.
    Gives:  the first stage of the model `icons`: generator.refinements=1 and game.refined=1; see its card (1 seed).
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
    """Adapts `idea_icons` to other pictures, with a critic on features of EfficientNet-Lite1.

    Before that, it learns the sketches of the new pictures and how to draw from them. Steps are slow and therefore few,
    and this critic (Sauer et al. 2021, arXiv:2111.01007) is informative from the first one. For models that draw from
    sketches, with or without words. Needs `pip install 'ganvas[measure]'`.

    Run:    ganvas train FOLDER --from icons, or ganvas train idea_finish --data FOLDER --from icons
    Costs:  3 minutes, 672 to 752 images of 64x64 in the last stage, on one core of a busy AMD EPYC.
    Gives:  on 785 portraits: people of many kinds in the set's own lines (docs/own.md, docs/performance.md; 3 seeds).
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
    """`idea_finish` for a generator without sketches, or without an autoencoder: adversarial training only."""
    finish = idea_finish()
    rules = {rule.name: getattr(finish.game, rule.name) for rule in fields(Adversarial)}
    networks = {name: finish.networks[name] for name in ("generator", "critic")}
    return replace(finish, game=Adversarial(**rules), networks=networks, bfloat16=("generator",), begins={})
