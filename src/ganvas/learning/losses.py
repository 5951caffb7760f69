"""What the critic and the generator minimise: pairs of functions of logits, per sample.

With sigma the logistic function, D = sigma(logit) is the probability that a sample is real. Every loss is written on
the logits, where -log sigma(a) = softplus(-a) neither overflows nor loses its gradient to rounding.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import relu, softplus

from ..core.catalog import part
from .schedules import within

__all__ = ["Hinge", "LeastSquares", "Minimax", "Nonsaturating", "Objective", "Relativistic", "Wasserstein"]

Logits = Float[Tensor, " n"]


class Objective(ABC):
    """The two players' losses on the critic's logits; every part of kind "loss" is one."""

    paired: ClassVar[bool] = False
    """Whether the generator's loss looks at the logits of reals too."""

    contest: ClassVar[bool] = True
    """Whether a critic that is always right teaches less; Wasserstein's teaches most when it is as right as can be."""

    @abstractmethod
    def critic(self, real: Logits, fake: Logits) -> Logits:
        """What the critic minimises, for each pair of a real and a fake sample."""

    @abstractmethod
    def generator(self, fake: Logits, real: Logits | None = None) -> Logits:
        """What the generator minimises, for each fake sample; `real` is given if the loss is `paired`."""

    def sure(self, real: Logits, fake: Logits) -> Logits:  # noqa: ARG002
        """1 where the critic takes a real for real and -1 where it does not: its mean is r_t of arXiv:2006.06676."""
        return real.sign()


class _CrossEntropy(Objective):
    """The critic of the first GAN: a classifier of real against fake."""

    smoothing: float

    def __post_init__(self) -> None:
        """Refuse to swap the labels.

        Raises:
            DoesNotFit: `smoothing` is not in [0, 0.5).
        """
        within("game.loss.smoothing", self.smoothing, 0.0, 0.5)

    def critic(self, real: Logits, fake: Logits) -> Logits:
        """-log D(x) - log(1 - D(G(z))), with 1 - smoothing in the place of the reals' label 1."""
        return softplus(-real) + self.smoothing * real + softplus(fake)


@part("loss")
@dataclass(frozen=True)
class Minimax(_CrossEntropy):
    """The saturating loss of the first GAN: G minimises log(1 - D(G(z))) (Goodfellow et al. 2014, eq. 1).

    `smoothing` takes the label of reals from 1 to 1 - smoothing, so that the critic never gets too sure; fakes keep 0:
    one-sided label smoothing (Salimans et al. 2016, arXiv:1606.03498, section 3.4).
    """

    smoothing: float = 0.0

    def generator(self, fake: Logits, real: Logits | None = None) -> Logits:  # noqa: ARG002
        """log(1 - D(G(z))) = -softplus(logit): flat where the critic is sure, which is why it saturates."""
        return -softplus(fake)


@part("loss")
@dataclass(frozen=True)
class Nonsaturating(_CrossEntropy):
    """The loss that is used in practice: G maximises log D(G(z)) (Goodfellow et al. 2014, section 3).

    `smoothing` as in `Minimax`.
    """

    smoothing: float = 0.0

    def generator(self, fake: Logits, real: Logits | None = None) -> Logits:  # noqa: ARG002
        """-log D(G(z)): steepest where the critic is sure that the sample is fake."""
        return softplus(-fake)


@part("loss")
@dataclass(frozen=True)
class LeastSquares(Objective):
    """Least squares: the critic regresses reals to 1 and fakes to 0, G wants 1 (Mao et al. 2017, arXiv:1611.04076)."""

    def critic(self, real: Logits, fake: Logits) -> Logits:
        """(D(x) - 1)^2 / 2 + D(G(z))^2 / 2 (eq. 9)."""
        return (real - 1).square() / 2 + fake.square() / 2

    def sure(self, real: Logits, fake: Logits) -> Logits:  # noqa: ARG002
        """1 where a real scores nearer to 1 than to 0."""
        return (real - 0.5).sign()

    def generator(self, fake: Logits, real: Logits | None = None) -> Logits:  # noqa: ARG002
        """(D(G(z)) - 1)^2 / 2."""
        return (fake - 1).square() / 2


@part("loss")
@dataclass(frozen=True)
class Hinge(Objective):
    """Hinge: the critic stops caring once reals are above 1 and fakes below -1 (Miyato 2018, arXiv:1802.05957)."""

    def critic(self, real: Logits, fake: Logits) -> Logits:
        """max(0, 1 - D(x)) + max(0, 1 + D(G(z))) (eq. 16)."""
        return relu(1 - real) + relu(1 + fake)

    def generator(self, fake: Logits, real: Logits | None = None) -> Logits:  # noqa: ARG002
        """-D(G(z)) (eq. 17)."""
        return -fake


@part("loss")
@dataclass(frozen=True)
class Wasserstein(Objective):
    """The difference of mean scores, which is the earth mover's distance if the critic is the best 1-Lipschitz one.

    (Arjovsky, Chintala & Bottou 2017, arXiv:1701.07875, eq. 2.) It must be kept 1-Lipschitz by the game: by a gradient
    penalty, spectral normalisation, or by weight clipping up to a factor.
    """

    contest: ClassVar[bool] = False

    def critic(self, real: Logits, fake: Logits) -> Logits:
        """D(G(z)) - D(x): minus the estimate of the distance."""
        return fake - real

    def sure(self, real: Logits, fake: Logits) -> Logits:
        """1 where a real scores above the fake beside it; scores by themselves mean nothing here."""
        return (real - fake).sign()

    def generator(self, fake: Logits, real: Logits | None = None) -> Logits:  # noqa: ARG002
        """-D(G(z))."""
        return -fake


@part("loss")
@dataclass(frozen=True)
class Relativistic(Objective):
    """The relativistic pairing loss: is this real more real than this fake? (Jolicoeur-Martineau 2018).

    As in R3GAN (Huang et al. 2024, arXiv:2501.05441, eq. 2), where R1 and R2 make it converge.
    """

    paired: ClassVar[bool] = True

    def critic(self, real: Logits, fake: Logits) -> Logits:
        """softplus(-(D(x) - D(G(z))))."""
        return softplus(fake - real)

    def sure(self, real: Logits, fake: Logits) -> Logits:
        """1 where a real is taken for more real than the fake beside it."""
        return (real - fake).sign()

    def generator(self, fake: Logits, real: Logits | None = None) -> Logits:
        """softplus(-(D(G(z)) - D(x)))."""
        if real is None:
            raise ValueError("the relativistic loss compares with reals")
        return softplus(real - fake)
