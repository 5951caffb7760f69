"""Recipes for pictures."""

from ..catalog import part
from ..data.icons import Icons
from ..ema import Average
from ..game import Adversarial
from ..losses import Nonsaturating, Relativistic
from ..networks.dcgan import DCGANCritic, DCGANGenerator
from ..networks.resnet import ResnetCritic, ResnetGenerator
from ..optimizers import Adam
from ..recipe import Recipe
from ..schedules import Cosine

__all__ = ["dcgan", "icons"]


@part("recipe")
def icons() -> Recipe:
    """Small residual networks that make pictures in minutes on a CPU: the default for pictures.

    Run:    ganvas train icons:portraits --minutes 3
    Costs:  -
    Gives:  -
    """
    return Recipe(
        data=Icons(),
        networks={"generator": ResnetGenerator(), "critic": ResnetCritic()},
        game=Adversarial(Relativistic(), r1=0.1, r2=0.1),
        optimizer=Adam(rate=Cosine(1e-3, 2e-4), beta1=0.0, beta2=0.9),
        average=Average(halflife_images=2_000, rampup=0.2),
        mirror=True,
        bfloat16=("generator",),
        images=100_000,
    )


@part("recipe")
def dcgan() -> Recipe:
    """DCGAN at 64x64 as its authors trained it (Radford et al. 2016, arXiv:1511.06434).

    Run:    ganvas train dcgan --data FOLDER
    Costs:  -
    Gives:  -
    """
    return Recipe(
        data=Icons(size=64),
        networks={"generator": DCGANGenerator(), "critic": DCGANCritic()},
        game=Adversarial(Nonsaturating()),
        optimizer=Adam(rate=2e-4, beta1=0.5),
        bfloat16=("generator", "critic"),
        batch=128,
        images=500_000,
    )
