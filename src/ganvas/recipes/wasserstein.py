"""WGANs at 128x128: recipes whose critic estimates a Wasserstein distance."""

from dataclasses import replace

from ..core.catalog import part
from ..data.sources.icons import Icons
from ..learning.adversarial import Adversarial
from ..learning.losses import Wasserstein
from ..learning.optimizers import Adam, Rmsprop
from ..networks.wgan import WGANCritic, WGANGenerator
from .recipe import Recipe

__all__ = ["wgan", "wgan_gp"]


@part("recipe")
def wgan_gp() -> Recipe:
    """WGAN with a gradient penalty at 128x128 (Gulrajani et al. 2017, arXiv:1704.00028).

    The critic plays five times for each play of the generator, which has its own fakes. Adam's betas are the paper's, 0
    and 0.9; courses often leave them at torch's, `--set optimizer.beta1=0.9 --set optimizer.beta2=0.999`. Meant for a
    GPU; on a CPU take `--size 32 --set batch=32`, 16 times as fast per image there.

    Run:    ganvas train wgan_gp --data FOLDER
    Costs:  a million images, 7,813 steps; a whole step takes 32 CPU seconds of a Xeon at 2.5 GHz.
    Gives:  not trained to its end here; portraits in outline after 9,000 images of 32x32 (LOG.md).
    """
    return Recipe(
        data=Icons(size=128),
        networks={"generator": WGANGenerator(), "critic": WGANCritic()},
        game=Adversarial(Wasserstein(), gradient_penalty=10.0, critic_plays=5, fresh=True),
        optimizer=Adam(rate=1e-4, beta1=0.0, beta2=0.9),
        bfloat16=("generator", "critic"),
        batch=128,
        images=1_000_000,
    )


@part("recipe")
def wgan() -> Recipe:
    """WGAN with clipped weights at 128x128, the original without a penalty (Arjovsky 2017, arXiv:1701.07875).

    Run:    ganvas train wgan --data FOLDER
    Costs:  a million images, 7,813 steps; a whole step takes 19 CPU seconds of a Xeon at 2.5 GHz.
    Gives:  not trained to its end here, not even at a small size.
    """
    return replace(
        wgan_gp(),
        game=Adversarial(Wasserstein(), clip=0.01, critic_plays=5, fresh=True),
        optimizer=Rmsprop(rate=5e-5),
    )
