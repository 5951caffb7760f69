"""R3GAN, scaled by one setting: `--set width=...`."""

from ..core.catalog import part
from ..data.sources.cifar10 import Cifar10
from ..data.sources.digits import Digits
from ..learning.adversarial import Adversarial
from ..learning.augment import Augment
from ..learning.conditions import Labels
from ..learning.ema import Average
from ..learning.losses import Relativistic
from ..learning.optimizers import Adam
from ..learning.schedules import Cosine
from ..networks.r3gan import R3Critic, R3Generator
from .recipe import Recipe

__all__ = ["r3gan", "r3gan_cifar10"]


@part("recipe")
def r3gan() -> Recipe:
    """R3GAN for minutes on a CPU (Huang et al. 2024, arXiv:2501.05441): digits of 16x16, one block per stage.

    `--set width=64` scales both networks, and the groups of their convolutions with them. For other pictures use
    `--data FOLDER --size 32`, with `--set blocks=2` for the blocks of the paper, and tune `game.r1` and `game.r2`: try
    ten times as much and ten times as little. In the paper each player has its own fakes (`--set game.fresh=True`);
    `r3gan_cifar10` is the paper's preset.

    Run:    ganvas train r3gan
    Costs:  16,000 images, 140 CPU seconds of one core of a Xeon at 2.5 GHz.
    Gives:  digits of all kinds, about half of them readable (1 seed, looked at). FID: not measured yet.
    """
    return Recipe(
        data=Digits(size=16),
        networks={"generator": R3Generator(width=32, blocks=1), "critic": R3Critic(width=32, blocks=1)},
        game=Adversarial(Relativistic(), r1=Cosine(1.0, 0.1), r2=Cosine(1.0, 0.1)),
        optimizer=Adam(rate=Cosine(2e-3, 5e-4), beta1=0.0, beta2=Cosine(0.9, 0.99)),
        average=Average(halflife_images=10_000, rampup=0.1),
        bfloat16=("generator", "critic"),
        batch=32,
        images=16_000,
    )


@part("recipe")
def r3gan_cifar10() -> Recipe:
    """Class-conditional R3GAN on CIFAR-10, the paper's preset (Huang et al. 2024, arXiv:2501.05441, configuration E).

    Differences from the paper: its augmentation, ADA's (Karras et al. 2020, arXiv:2006.06676), also scales, rotates and
    stretches pictures and changes their hue; ours translates, cuts out and recolours. Where there is bfloat16, the
    smallest stage and the head use it, too; the paper keeps them in float32.

    Run:    ganvas train r3gan_cifar10
    Costs:  250 million images; 4 days on 8 L40 GPUs in the paper.
    Gives:  not trained here.
    """
    over = 20 / 250  # schedules end after 20 million images
    return Recipe(
        data=Cifar10(),
        networks={"generator": R3Generator(width=768), "critic": R3Critic(width=768)},
        game=Adversarial(
            Relativistic(),
            r1=Cosine(0.05, 0.005, over=over),
            r2=Cosine(0.05, 0.005, over=over),
            fresh=True,
            augment=Augment(strength=Cosine(0.0, 0.55, over=over), colour=0.5),
        ),
        condition=Labels(),
        optimizer=Adam(rate=Cosine(2e-4, 5e-5, over=over), beta1=0.0, beta2=Cosine(0.9, 0.99, over=over)),
        average=Average(halflife_images=Cosine(0.0, 5e6, over=over), rampup=1.0),
        mirror=True,
        bfloat16=("generator", "critic"),
        batch=512,
        images=250_000_000,
    )
