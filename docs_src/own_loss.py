"""Your own loss: define it, and it appears in `ganvas list`, `--set`, recipes and run folders."""

from dataclasses import dataclass

import torch

import ganvas
from ganvas.learning.losses import Objective


@ganvas.part("loss")
@dataclass(frozen=True)
class Pearson(Objective):
    """Least squares that minimises a Pearson chi-squared divergence (Mao et al. 2017, arXiv:1611.04076, eq. 8)."""

    def critic(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        return (real - 1).square() / 2 + (fake + 1).square() / 2

    def generator(self, fake: torch.Tensor, real: torch.Tensor | None = None) -> torch.Tensor:
        return fake.square() / 2


recipe = ganvas.plan("ring", images=2_560, settings=["game.loss=pearson"])
*_, last = ganvas.train(recipe)
print(last.terms())
