"""Recipes for pictures."""

from dataclasses import replace

from ..core.catalog import part
from ..data.sources.cifar10 import Cifar10
from ..data.sources.digits import Digits
from ..data.sources.icons import Icons
from ..data.sources.pebbles import Pebbles
from ..learning.adversarial import Adversarial
from ..learning.augment import Augment
from ..learning.ema import Average
from ..learning.losses import Hinge, LeastSquares, Nonsaturating, Relativistic
from ..learning.optimizers import Adam
from ..learning.schedules import Cosine, Linear
from ..networks.dcgan import DCGANCritic, DCGANGenerator
from ..networks.feature import FeatureCritic
from ..networks.mlp import MLPCritic, MLPGenerator
from ..networks.resnet import ResnetCritic, ResnetGenerator
from ..networks.sngan import SNGANCritic, SNGANGenerator
from .recipe import Recipe

__all__ = [
    "cifar10_dcgan",
    "dcgan",
    "digits",
    "icons",
    "lsgan",
    "mlp_gan",
    "photos",
    "projected_gan",
    "sngan",
    "textures",
]


MOVED = Augment(strength=0.8, cutout=0.0, colour=0.0)
"""Pictures that were seen often enough to be memorised are shown to critics slightly shifted: see `passes`."""


@part("recipe")
def icons() -> Recipe:
    """Small residual networks that make pictures in minutes on a CPU: the default for drawings.

    The loss is R3GAN's (Huang et al. 2024, arXiv:2501.05441), with its penalties in every fourth step only. Small
    batches, a high rate and a critic of few convolutions fit many steps into a short time. Translation (Zhao et al.
    2020, arXiv:2006.10738) that grows with the number of passes keeps the critic from memorising small sets, and norms
    follow z (Chen et al. 2019, arXiv:1810.01365); LOG.md tells what else was tried. On photographs its generator
    outruns its critic, so `photos` is the default there.

    Run:    ganvas train icons:portraits --minutes 3
    Costs:  3 minutes, 30,000 images, on one core of a Xeon at 2.5 GHz; 52,000 to 57,000 on one of an AMD EPYC.
    Gives:  portraits that vary, on clean white (3 seeds, looked at; docs/figures.md has figures).
    """
    return Recipe(
        data=Icons(),
        networks={
            "generator": ResnetGenerator(width=16, modulated=True),
            "critic": ResnetCritic(width=16, strided=True, stem=True),
        },
        game=Adversarial(Relativistic(), r1=0.2, r2=0.2, lazy=4, augment=replace(MOVED, passes=20.0)),
        optimizer=Adam(rate=Cosine(1e-3, 5e-4), beta1=0.0, beta2=0.9),
        average=Average(halflife_images=10_000, rampup=0.1),
        mirror=True,
        bfloat16=("generator",),
        batch=32,
        images=100_000,
    )


@part("recipe")
def photos() -> Recipe:
    """Small DCGANs with a relativistic loss, the default for photographs: minutes on a CPU.

    The networks are DCGAN's (Radford et al. 2016, arXiv:1511.06434), cheap enough for many steps within a few minutes.
    Each fake is compared with a real picture (Jolicoeur-Martineau 2018, arXiv:1807.00734). Batch norm in the critic
    rules out gradient penalties, but critics without it learned little from photographs in short runs. The norms
    of the generator follow z (Chen et al. 2019, arXiv:1810.01365), and two of its convolutions are at the picture's own
    size: both help more than wider networks or more steps. Small sets are augmented as in `icons`, but over more
    passes: sooner it did harm. Minutes worth 500,000 images make the networks 1.5 times as wide. LOG.md has what else
    was tried.

    Run:    ganvas train photos --data FOLDER --minutes 3
    Costs:  3 minutes, 107,000 to 114,000 images of 32x32, on one core of an AMD EPYC that computes in bfloat16.
    Gives:  on CIFAR-10: its colours, skies, grounds and shapes in front of them, few of them recognisable; after 30
            minutes some cars, horses and ships (3 seeds and 1, looked at; docs/leaderboard.md has figures).
    """
    return Recipe(
        data=Cifar10(),
        networks={"generator": DCGANGenerator(width=16, full=2, modulated=True), "critic": DCGANCritic(width=32)},
        game=Adversarial(Relativistic(), augment=replace(MOVED, passes=100.0)),
        optimizer=Adam(rate=5e-4, beta1=0.0, beta2=0.9),
        average=Average(halflife_images=20_000, rampup=0.1),
        mirror=True,
        bfloat16=("generator", "critic"),
        batch=32,
        images=500_000,
        widen=(500_000,),
    )


@part("recipe")
def textures() -> Recipe:
    """Seamless tiles of a texture or pattern, from pieces of a few large pictures.

    The generator of `photos` on a torus: its convolutions go on at the opposite edge, which makes tiles seamless. Real
    pieces need not be. Fakes are rolled before the critic sees them: of those that are not it could tell none (LOG.md).
    The critic and its penalties are those of `icons`; without penalties it soon told all fakes, and tiles became gray.
    Nothing is mirrored, as light comes from one side.

    Run:    ganvas train textures --minutes 3
    Costs:  3 minutes, 45,500 to 47,840 images of 32x32, on one core of an AMD EPYC without bfloat16.
    Gives:  tiles of pebbles, shaded and in their colours, without seams; stones stand in rows more than in the data (3
            seeds, looked at). Of one photograph of a wall, after five minutes: brickwork without seams (1 seed). Of
            pictures of one's own: ganvas train textures --data FOLDER --set data.across=6.
    """
    return Recipe(
        data=Pebbles(),
        networks={
            "generator": DCGANGenerator(width=16, full=2, modulated=True, seamless=True),
            "critic": ResnetCritic(width=16, strided=True, stem=True),
        },
        game=Adversarial(Relativistic(), r1=0.2, r2=0.2, lazy=4, augment=replace(MOVED, passes=20.0), rolled=True),
        optimizer=Adam(rate=Cosine(1e-3, 5e-4), beta1=0.0, beta2=0.9),
        average=Average(halflife_images=10_000, rampup=0.1),
        bfloat16=("generator",),
        batch=32,
        images=100_000,
    )


@part("recipe")
def projected_gan() -> Recipe:
    """Projected GAN: a critic on features of EfficientNet-Lite1, for a few hundred photographs (Sauer et al. 2021).

    arXiv:2111.01007, with a small residual generator. The critic need not learn from so few pictures what fur, leaves
    or walls look like. On icons of all kinds it collapsed onto flags, so use `icons` for drawings. Needs `pip install
    'ganvas[measure]'`.

    Run:    ganvas train projected_gan --data FOLDER --size 64 --minutes 3
    Costs:  3 minutes, about 10,500 images of 64x64, on one core of an AMD EPYC that computes in bfloat16.
    Gives:  on 300 photographs of cats: heads with ears, eyes and sharp fur, much alike and with a grid artefact, where
            those of `photos` are blurred but vary; on 300 faces: one face, distorted in many ways. Scores on features
            of the same network family look better than the samples do (1 seed, looked at; docs/performance.md).
    """
    return Recipe(
        data=Cifar10(),
        networks={"generator": ResnetGenerator(width=16), "critic": FeatureCritic()},
        game=Adversarial(Hinge(), augment=Augment(strength=0.5)),
        optimizer=Adam(rate=Cosine(8e-4, 2e-4), beta1=0.0, beta2=0.99),
        average=Average(halflife_images=10_000, rampup=0.1),
        mirror=True,
        bfloat16=("generator", "critic"),
        batch=32,
        images=50_000,
    )


@part("recipe")
def digits() -> Recipe:
    """`icons` on handwritten digits, which come with the toolkit.

    Run:    ganvas train digits --minutes 1
    Costs:  1 minute, 14,000 images, on one core of a Xeon at 2.5 GHz.
    Gives:  digits, many of them readable (1 seed, looked at). FID: not measured yet.
    """
    return replace(icons(), data=Digits(), mirror=False, images=40_000)


@part("recipe")
def dcgan() -> Recipe:
    """DCGAN at 64x64, trained as in the paper (Radford et al. 2016, arXiv:1511.06434), with half its channels.

    The generator has 512-256-128-64-3 channels, as in PyTorch's own example; `--set width=128` gives the
    1024-512-256-128-3 of the paper's figure 1.

    Run:    ganvas train dcgan --data FOLDER
    Costs:  half a million images at about 30 a second on one core of a Xeon at 2.5 GHz, 4 to 5 hours.
    Gives:  not trained to its end here yet; `python -m benchmarks.throughput` measures its speed.
    """
    return Recipe(
        data=Icons(size=64),
        networks={"generator": DCGANGenerator(width=64), "critic": DCGANCritic(width=64)},
        game=Adversarial(Nonsaturating()),
        optimizer=Adam(rate=2e-4, beta1=0.5),
        bfloat16=("generator", "critic"),
        batch=128,
        images=500_000,
    )


@part("recipe")
def mlp_gan() -> Recipe:
    """The first GAN: feed-forward networks on handwritten digits (Goodfellow et al. 2014, arXiv:1406.2661).

    Run:    ganvas train mlp_gan
    Costs:  5 minutes on one core of a Xeon at 2.5 GHz.
    Gives:  digits with grainy edges, most of them readable, 3 and 5 too often (1 seed, looked at).
    """
    return Recipe(
        data=Digits(size=28),
        networks={"generator": MLPGenerator(width=512), "critic": MLPCritic(width=512)},
        game=Adversarial(Nonsaturating(), fresh=True),
        optimizer=Adam(rate=2e-4, beta1=0.5),
        images=400_000,
    )


@part("recipe")
def cifar10_dcgan() -> Recipe:
    """A DCGAN with more convolutions for CIFAR-10, with dropout and fading instance noise against collapse.

    It draws one sheet of samples every 10 epochs. (Radford et al. 2016, arXiv:1511.06434; Sonderby et al. 2017,
    arXiv:1610.04490.) `--set game.noise=0` and `--set critic.dropout=0` switch noise and dropout off.

    Run:    ganvas train cifar10_dcgan
    Costs:  200 epochs, 10 million images; 17 hours at 167 a second on one core of an AMD EPYC with bfloat16.
    Gives:  after 4 epochs, 20 minutes there, blurred shapes in front of skies and grounds, an fd-efficientnet_lite0 of
            754 (1 seed, looked at); not trained to its end here.
    """
    epochs, pictures = 200, 50_000
    return Recipe(
        data=Cifar10(),
        networks={
            "generator": DCGANGenerator(width=64, extra=1, slope=0.2),
            "critic": DCGANCritic(width=64, dropout=0.3),
        },
        game=Adversarial(Nonsaturating(), noise=Linear(0.1, 0.0)),
        optimizer=Adam(rate=2e-4, beta1=0.5),
        bfloat16=("generator", "critic"),
        mirror=True,
        batch=128,
        images=epochs * pictures,
        sheets=epochs // 10,
    )


@part("recipe")
def lsgan() -> Recipe:
    """Least squares instead of cross-entropy, with small DCGAN networks (Mao et al. 2017, arXiv:1611.04076).

    Run:    ganvas train lsgan
    Costs:  24,000 images, 39 CPU seconds of a Xeon at 2.5 GHz.
    Gives:  strokes of digits, a third of them readable (1 seed, looked at). FID: not measured yet.
    """
    return Recipe(
        data=Digits(),
        networks={"generator": DCGANGenerator(width=16), "critic": DCGANCritic(width=16)},
        game=Adversarial(LeastSquares()),
        optimizer=Adam(rate=5e-4, beta1=0.5),
        bfloat16=("generator", "critic"),
        batch=32,
        images=24_000,
    )


@part("recipe")
def sngan() -> Recipe:
    """Hinge loss and spectral normalisation (Miyato et al. 2018, arXiv:1802.05957), small enough for minutes on a CPU.

    The critic plays once a step (five times in the paper), both players have a rate of 1e-3 to suit short runs (2e-4 in
    the paper), and widths are smaller (256 for the generator and 128 for the critic in the paper).

    Run:    ganvas train sngan --data icons:portraits
    Costs:  100,000 images; the first 8,800 take 80 CPU seconds of a Xeon at 2.5 GHz.
    Gives:  after those 8,800, heads and shoulders with grainy faces on clean white (1 seed, looked at); not trained to
            its end here.
    """
    return Recipe(
        data=Icons(),
        networks={"generator": SNGANGenerator(width=32), "critic": SNGANCritic(width=32)},
        game=Adversarial(Hinge()),
        optimizer=Adam(rate=1e-3, beta1=0.0, beta2=0.9),
        average=Average(halflife_images=10_000, rampup=0.1),
        bfloat16=("generator",),
        mirror=True,
        batch=32,
        images=100_000,
    )
