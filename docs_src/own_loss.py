"""A loss of one's own: define it, and it is in `ganvas list`, in `--set`, in recipes and in run folders."""

from dataclasses import dataclass

import torch

import ganvas
from ganvas.losses import Objective


@ganvas.part("loss")
@dataclass(frozen=True)
class LeastSquares(Objective):
    """Least squares: reals to 1, fakes to 0 (Mao et al. 2017, arXiv:1611.04076, eq. 9)."""

    def critic(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        return (real - 1).square() / 2 + fake.square() / 2

    def generator(self, fake: torch.Tensor, real: torch.Tensor | None = None) -> torch.Tensor:
        return (fake - 1).square() / 2


recipe = ganvas.plan("ring", images=2_560, settings=["game.loss=least_squares"])
*_, last = ganvas.train(recipe)
print(last.terms())
