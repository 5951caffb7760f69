"""The losses of critic and generator: pairs of functions of logits, per sample.

With sigma the logistic function, D = sigma(logit) is the probability that a sample is real. Every loss is computed from
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
    """Whether the generator's loss also uses the logits of reals."""

    contest: ClassVar[bool] = True
    """Whether a critic that is always right teaches less. Not so for Wasserstein, whose critic should be optimal."""

    @abstractmethod
    def critic(self, real: Logits, fake: Logits) -> Logits:
        """The critic's loss for each pair of a real and a fake sample."""

    @abstractmethod
    def generator(self, fake: Logits, real: Logits | None = None) -> Logits:
        """The generator's loss for each fake sample; `real` is given if the loss is `paired`."""

    def sure(self, real: Logits, fake: Logits) -> Logits:  # noqa: ARG002
        """1 where the critic takes a real for real, otherwise -1; the mean is r_t of arXiv:2006.06676."""
        return real.sign()


class _CrossEntropy(Objective):
    """The critic of the first GAN: a binary classifier of reals and fakes."""

    smoothing: float

    def __post_init__(self) -> None:
        """Reject smoothing that would swap the labels.

        Raises:
            DoesNotFit: `smoothing` is not in [0, 0.5).
        """
        within("game.loss.smoothing", self.smoothing, 0.0, 0.5)

    def critic(self, real: Logits, fake: Logits) -> Logits:
        """-log D(x) - log(1 - D(G(z))), with the label of reals 1 - smoothing instead of 1."""
        return softplus(-real) + self.smoothing * real + softplus(fake)


@part("loss")
@dataclass(frozen=True)
class Minimax(_CrossEntropy):
    """The saturating loss of the first GAN: G minimises log(1 - D(G(z))) (Goodfellow et al. 2014, eq. 1).

    `smoothing` changes the label of reals from 1 to 1 - smoothing, so that the critic does not become overconfident;
    fakes keep 0: one-sided label smoothing (Salimans et al. 2016, arXiv:1606.03498, section 3.4).
    """

    smoothing: float = 0.0

    def generator(self, fake: Logits, real: Logits | None = None) -> Logits:  # noqa: ARG002
        """log(1 - D(G(z))) = -softplus(logit): flat where the critic is sure that the sample is fake (it saturates)."""
        return -softplus(fake)


@part("loss")
@dataclass(frozen=True)
class Nonsaturating(_CrossEntropy):
    """The non-saturating loss, used in practice: G maximises log D(G(z)) (Goodfellow et al. 2014, section 3).

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
        """1 where a real scores nearer to 1 than to 0, otherwise -1."""
        return (real - 0.5).sign()

    def generator(self, fake: Logits, real: Logits | None = None) -> Logits:  # noqa: ARG002
        """(D(G(z)) - 1)^2 / 2."""
        return (fake - 1).square() / 2


@part("loss")
@dataclass(frozen=True)
class Hinge(Objective):
    """Hinge: the critic's loss is 0 for reals above 1 and fakes below -1 (Miyato et al. 2018, arXiv:1802.05957)."""

    def critic(self, real: Logits, fake: Logits) -> Logits:
        """max(0, 1 - D(x)) + max(0, 1 + D(G(z))) (eq. 16)."""
        return relu(1 - real) + relu(1 + fake)

    def generator(self, fake: Logits, real: Logits | None = None) -> Logits:  # noqa: ARG002
        """-D(G(z)) (eq. 17)."""
        return -fake


@part("loss")
@dataclass(frozen=True)
class Wasserstein(Objective):
    """The difference of mean scores; for the optimal 1-Lipschitz critic this is the earth mover's distance.

    (Arjovsky, Chintala & Bottou 2017, arXiv:1701.07875, eq. 2.) The critic must be kept 1-Lipschitz: by a gradient
    penalty, by spectral normalisation, or, up to a factor, by weight clipping.
    """

    contest: ClassVar[bool] = False

    def critic(self, real: Logits, fake: Logits) -> Logits:
        """D(G(z)) - D(x): minus the estimate of the distance."""
        return fake - real

    def sure(self, real: Logits, fake: Logits) -> Logits:
        """1 where a real scores above its fake, otherwise -1; only differences of scores have a meaning here."""
        return (real - fake).sign()

    def generator(self, fake: Logits, real: Logits | None = None) -> Logits:  # noqa: ARG002
        """-D(G(z))."""
        return -fake


@part("loss")
@dataclass(frozen=True)
class Relativistic(Objective):
    """The relativistic pairing loss: does this real look more real than this fake? (Jolicoeur-Martineau 2018).

    As in R3GAN (Huang et al. 2024, arXiv:2501.05441, eq. 2), where R1 and R2 make it converge.
    """

    paired: ClassVar[bool] = True

    def critic(self, real: Logits, fake: Logits) -> Logits:
        """softplus(-(D(x) - D(G(z))))."""
        return softplus(fake - real)

    def sure(self, real: Logits, fake: Logits) -> Logits:
        """1 where a real scores above its fake, otherwise -1."""
        return (real - fake).sign()

    def generator(self, fake: Logits, real: Logits | None = None) -> Logits:
        """softplus(-(D(G(z)) - D(x)))."""
        if real is None:
            raise ValueError("the relativistic loss compares with reals")
        return softplus(real - fake)
