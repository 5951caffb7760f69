"""Recipes that learn a code for pictures, and pictures from codes."""

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

    These digits have 64 pixels, enlarged to 1,024 that all count in the bound as if they were independent. A deviation
    well above the error makes up for it; the one that is best for the bound makes codes that no prior has (LOG.md).
    Lower `game.deviation` for sharper reconstructions; samples are then less like them.

    Run:    ganvas train vae
    Costs:  2.6 minutes on one core of a Xeon at 2.5 GHz, by its own CPU time on a busy machine.
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
    """A plain autoencoder: codes of a few numbers, made without any idea of how they are spread.

    Run:    ganvas train autoencoder
    Costs:  2.6 minutes on one core of a Xeon at 2.5 GHz, by its own CPU time on a busy machine.
    Gives:  sharp reconstructions; of its samples only some are digits, as a Gaussian of codes is no prior (1 seed).
    """
    network = Autoencoder(width=16, latent=16, gaussian=True)
    return replace(vae(), networks={"autoencoder": network}, game=Autoencoding())
