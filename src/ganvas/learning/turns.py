"""Who learns when, and from what: a game is a table of turns, which the training loop plays in order."""

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
    every    play only every k-th step, with the loss scaled by k (lazy regularisation, Karras et al. 2020)
    again    reuse the previous turn's batch, with the same reals and the same random numbers
    after    called with the network after each of its updates
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
        """Reject networks that this game cannot train, and unfreeze what only this game trains.

        Raises:
            DoesNotFit: there is such a network.
        """

    def begin(self, nets: Nets, data: Dataset) -> None:  # noqa: B027
        """Initialise networks from the data before the first step, after any weights they start from are loaded.

        (Data-dependent initialisation, Salimans & Kingma 2016, arXiv:1602.07868, section 3.) The result depends only on
        the arguments.

        Raises:
            DoesNotFit: the networks cannot be initialised like this.
        """

    def memory(self) -> dict[str, Tensor]:
        """The initial state that the game keeps from step to step; losses see it as `batch.memory`."""
        return {}

    def remember(  # noqa: B027
        self, memory: Mapping[str, Tensor], means: Mapping[str, Tensor], *, images: int
    ) -> None:
        """Update the memory in place after a step of so many images; `means` are its mean terms, by "player.term"."""
