"""Points in the plane: the quickest way to see whether a game is learned at all."""

from ..catalog import part
from ..data.toys import Ring
from ..ema import Average
from ..game import Adversarial
from ..losses import Nonsaturating
from ..networks.mlp import MLPCritic, MLPGenerator
from ..optimizers import Adam
from ..recipe import Recipe

__all__ = ["ring"]


@part("recipe")
def ring() -> Recipe:
    """Eight Gaussians on a circle, learned by a feed-forward GAN.

    Run:    ganvas train ring
    Costs:  -
    Gives:  -
    """
    return Recipe(
        data=Ring(),
        networks={"generator": MLPGenerator(width=128, latent=2), "critic": MLPCritic(width=128)},
        game=Adversarial(Nonsaturating(), r1=0.1, r2=0.1),
        optimizer=Adam(rate=1e-3, beta1=0.0, beta2=0.99),
        average=Average(halflife_images=10_000),
        batch=256,
        images=1_000_000,
    )
