"""Who learns when, and from what: a game is a table of turns, and the loop plays it without knowing which one it is."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from ..core.batch import Loss, Nets
from ..data.dataset import Dataset

__all__ = ["Game", "Turn"]


@dataclass(frozen=True)
class Turn:
    """One network's turn to learn.

    player   the network that learns in this turn; all others are frozen
    loss     its per-sample terms; their sum is minimised
    times    plays per step, each on a batch of its own (the n_critic of WGAN)
    every    only each k-th step, its loss scaled by k (lazy regularisation, Karras et al. 2020)
    again    play on the batch of the turn before once more, the same reals and the same dice, not on a new one
    after    what is done to the network each time that it has learned
    """

    player: str
    loss: Loss
    times: int = 1
    every: int = 1
    again: bool = False
    after: Callable[[nn.Module], None] | None = None


class Game(ABC):
    """The rules of a training; every part of kind "game" is one."""

    @abstractmethod
    def turns(self) -> tuple[Turn, ...]:
        """The turns of one step, in order."""

    def check(self, nets: Nets) -> None:  # noqa: B027
        """Refuse networks that cannot play by these rules, and wake what learns by these alone.

        Raises:
            DoesNotFit: there is one.
        """

    def begin(self, nets: Nets, data: Dataset) -> None:  # noqa: B027
        """Look at the data before the first step, with networks that have what they start from, and set some of theirs.

        (Data-dependent initialisation, Salimans & Kingma 2016, arXiv:1602.07868, section 3.) What it does follows from
        its arguments alone.

        Raises:
            DoesNotFit: the networks cannot begin like this.
        """

    def memory(self) -> dict[str, Tensor]:
        """What it remembers from step to step, as it is before the first one; losses see it as `batch.memory`."""
        return {}

    def remember(  # noqa: B027
        self, memory: Mapping[str, Tensor], means: Mapping[str, Tensor], *, images: int
    ) -> None:
        """Change the memory, in place, after a step of so many images with these mean terms, named "player.term"."""
