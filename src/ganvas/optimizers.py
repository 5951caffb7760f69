"""How weights follow their gradients."""

from dataclasses import dataclass

import torch
from torch import nn

from .catalog import part
from .schedules import Value, at

__all__ = ["Adam"]


@part("optimizer")
@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015, arXiv:1412.6980) with learning rate and betas that may follow schedules."""

    rate: Value = 2e-4
    beta1: Value = 0.5
    beta2: Value = 0.999
    epsilon: float = 1e-8

    def build(self, network: nn.Module) -> torch.optim.Optimizer:
        """The optimizer of one network's weights."""
        return torch.optim.Adam(network.parameters(), lr=0.0, eps=self.epsilon, fused=True)

    def schedule(self, optimizer: torch.optim.Optimizer, progress: float) -> None:
        """Set rate and betas to their values at this progress in [0, 1]."""
        for group in optimizer.param_groups:
            group["lr"] = at(self.rate, progress)
            group["betas"] = (at(self.beta1, progress), at(self.beta2, progress))
