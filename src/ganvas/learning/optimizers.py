"""Optimizers with scheduled settings."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import nn

from ..core.catalog import part
from .schedules import Value, at, within

__all__ = ["Adam", "Optimizer", "Rmsprop"]


class Optimizer(ABC):
    """Settings of an optimizer; every part of kind "optimizer" is one."""

    @abstractmethod
    def build(self, network: nn.Module) -> torch.optim.Optimizer:
        """The optimizer of one network's weights."""

    @abstractmethod
    def schedule(self, optimizer: torch.optim.Optimizer, progress: float) -> None:
        """Set the scheduled settings to their values at this progress in [0, 1]."""


@part("optimizer")
@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, arXiv:1412.6980) with learning rate and betas that may follow schedules."""

    rate: Value = 2e-4
    beta1: Value = 0.5
    beta2: Value = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        """Reject settings out of range.

        Raises:
            DoesNotFit: `rate` or `epsilon` is below 0, or `beta1` or `beta2` is not in [0, 1).
        """
        within("optimizer.rate", self.rate, 0.0)
        within("optimizer.beta1", self.beta1, 0.0, 1.0)
        within("optimizer.beta2", self.beta2, 0.0, 1.0)
        within("optimizer.epsilon", self.epsilon, 0.0)

    def build(self, network: nn.Module) -> torch.optim.Optimizer:
        """See `Optimizer.build`."""
        return torch.optim.Adam(network.parameters(), lr=0.0, eps=self.epsilon, fused=True)

    def schedule(self, optimizer: torch.optim.Optimizer, progress: float) -> None:
        """See `Optimizer.schedule`."""
        for group in optimizer.param_groups:
            group["lr"] = at(self.rate, progress)
            group["betas"] = (at(self.beta1, progress), at(self.beta2, progress))


@part("optimizer")
@dataclass(frozen=True)
class Rmsprop(Optimizer):
    """RMSProp (Tieleman & Hinton 2012), without momentum: the optimizer of WGAN with weight clipping."""

    rate: Value = 5e-5
    smoothing: float = 0.99
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        """Reject settings out of range.

        Raises:
            DoesNotFit: `rate` or `epsilon` is below 0, or `smoothing` is not in [0, 1).
        """
        within("optimizer.rate", self.rate, 0.0)
        within("optimizer.smoothing", self.smoothing, 0.0, 1.0)
        within("optimizer.epsilon", self.epsilon, 0.0)

    def build(self, network: nn.Module) -> torch.optim.Optimizer:
        """See `Optimizer.build`."""
        return torch.optim.RMSprop(network.parameters(), lr=0.0, alpha=self.smoothing, eps=self.epsilon, foreach=True)

    def schedule(self, optimizer: torch.optim.Optimizer, progress: float) -> None:
        """See `Optimizer.schedule`."""
        for group in optimizer.param_groups:
            group["lr"] = at(self.rate, progress)
