"""A recipe for a data set of a thousand countable modes."""

from ..core.catalog import part
from ..data.sources.stacked import StackedDigits
from ..learning.adversarial import Adversarial
from ..learning.ema import Average
from ..learning.losses import Relativistic
from ..learning.optimizers import Adam
from ..learning.schedules import Cosine
from ..networks.dcgan import DCGANGenerator
from ..networks.resnet import ResnetCritic
from .recipe import Recipe

__all__ = ["stacked"]


@part("recipe")
def stacked() -> Recipe:
    """A small R3GAN on stacked digits, a thousand modes.

    The loss is R3GAN's (Huang et al. 2024, arXiv:2501.05441), with its penalties in every fourth step only. The
    networks are a DCGAN generator and a residual critic a tenth the size of the paper's. `--data stacked_digits:mnist`
    is Stacked MNIST; `python -m benchmarks.stacked` counts the modes.

    Run:    ganvas train stacked --data stacked_digits:mnist
    Costs:  an hour on one free core of a Xeon at 2.5 GHz (287 images a CPU second).
    Gives:  all 1,000 modes, with a reverse KL of .174, and .165 at half a million images (1 seed; docs/modes.md).
    """
    return Recipe(
        data=StackedDigits(size=28),
        networks={"generator": DCGANGenerator(width=32, latent=64), "critic": ResnetCritic(width=16)},
        game=Adversarial(Relativistic(), r1=Cosine(1.0, 0.1), r2=Cosine(1.0, 0.1), lazy=4),
        optimizer=Adam(rate=Cosine(1e-3, 1e-4), beta1=0.0, beta2=Cosine(0.9, 0.99)),
        average=Average(halflife_images=10_000),
        batch=64,
        images=1_000_000,
    )
