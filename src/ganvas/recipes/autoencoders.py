"""Recipes that learn to encode pictures and to decode codes into pictures."""

from dataclasses import replace

from ..core.catalog import part
from ..data.sources.digits import Digits
from ..learning.autoencoding import Autoencoding, Variational
from ..learning.ema import Average
from ..learning.optimizers import Adam
from ..learning.schedules import Cosine
from ..networks.autoencoder import Autoencoder
from .recipe import Recipe

__all__ = ["autoencoder", "vae"]


@part("recipe")
def vae() -> Recipe:
    """A variational autoencoder (Kingma & Welling 2014, arXiv:1312.6114), on handwritten digits.

    The digits have 64 pixels, enlarged to 1,024, which the bound counts as if they were independent. A `deviation` well
    above the reconstruction error makes up for this; the value that is best for the bound gives codes that do not
    follow the prior (LOG.md). A lower `game.deviation` gives sharper reconstructions, but samples resemble them less.

    Run:    ganvas train vae
    Costs:  2.6 minutes of CPU time on one core of a Xeon at 2.5 GHz (measured on a busy machine).
    Gives:  soft-edged digits, three of four readable, and reconstructions that are the digit shown (1 seed, looked at).
    """
    return Recipe(
        data=Digits(),
        networks={"autoencoder": Autoencoder(width=16, latent=16)},
        product="autoencoder",
        game=Variational(deviation=1.5),
        optimizer=Adam(rate=Cosine(1e-3, 1e-5), beta1=0.9, beta2=0.999),
        average=Average(halflife_images=10_000),
        batch=64,
        images=200_000,
    )


@part("recipe")
def autoencoder() -> Recipe:
    """A plain autoencoder: codes of a few numbers, with no constraint on their distribution.

    Run:    ganvas train autoencoder
    Costs:  2.6 minutes of CPU time on one core of a Xeon at 2.5 GHz (measured on a busy machine).
    Gives:  sharp reconstructions; only some samples are digits, as a Gaussian fitted to codes is no prior (1 seed).
    """
    network = Autoencoder(width=16, latent=16, gaussian=True)
    return replace(vae(), networks={"autoencoder": network}, game=Autoencoding())
