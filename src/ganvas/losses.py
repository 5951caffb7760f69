"""What the critic and the generator minimise: pairs of functions of logits, per sample.

With sigma the logistic function, D = sigma(logit) is the probability that a sample is real. Every loss is written on
the logits, where -log sigma(a) = softplus(-a) neither overflows nor loses its gradient to rounding.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from .catalog import part

__all__ = ["Minimax", "Nonsaturating", "Objective", "Relativistic"]

Logits = Float[Tensor, " n"]


class Objective(ABC):
    """The two players' losses on the critic's logits; every part of kind "loss" is one."""

    paired: ClassVar[bool] = False
    """Whether the generator's loss looks at the logits of reals too."""

    @abstractmethod
    def critic(self, real: Logits, fake: Logits) -> Logits:
        """What the critic minimises, for each pair of a real and a fake sample."""

    @abstractmethod
    def generator(self, fake: Logits, real: Logits | None = None) -> Logits:
        """What the generator minimises, for each fake sample; `real` is given if the loss is `paired`."""


@part("loss")
@dataclass(frozen=True)
class Minimax(Objective):
    """The saturating loss of the first GAN: G minimises log(1 - D(G(z))) (Goodfellow et al. 2014, eq. 1)."""

    def critic(self, real: Logits, fake: Logits) -> Logits:
        """-log D(x) - log(1 - D(G(z)))."""
        return softplus(-real) + softplus(fake)

    def generator(self, fake: Logits, real: Logits | None = None) -> Logits:  # noqa: ARG002
        """log(1 - D(G(z))) = -softplus(logit): flat where the critic is sure, which is why it saturates."""
        return -softplus(fake)


@part("loss")
@dataclass(frozen=True)
class Nonsaturating(Objective):
    """The loss that is used in practice: G maximises log D(G(z)) (Goodfellow et al. 2014, section 3)."""

    def critic(self, real: Logits, fake: Logits) -> Logits:
        """-log D(x) - log(1 - D(G(z)))."""
        return softplus(-real) + softplus(fake)

    def generator(self, fake: Logits, real: Logits | None = None) -> Logits:  # noqa: ARG002
        """-log D(G(z)): steepest where the critic is sure that the sample is fake."""
        return softplus(-fake)


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

    def generator(self, fake: Logits, real: Logits | None = None) -> Logits:
        """softplus(-(D(G(z)) - D(x)))."""
        if real is None:
            raise ValueError("the relativistic loss compares with reals")
        return softplus(real - fake)
