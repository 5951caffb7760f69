"""The moving average of a network's weights over training, which is used for sampling, evaluation and export."""

import copy
from dataclasses import dataclass
from typing import TypeVar

import torch

from .schedules import Value, at, within

__all__ = ["Average"]

Module = TypeVar("Module", bound=torch.nn.Module)


@dataclass(frozen=True)
class Average:
    """An exponential moving average with a half-life counted in images (Karras et al. 2018, arXiv:1710.10196).

    `halflife_images` may follow a schedule. Early on, the half-life is at most `rampup` times the images seen so far,
    so that the first weights do not dominate a short run (as in StyleGAN2-ADA).
    """

    halflife_images: Value = 10_000
    rampup: float = 0.05

    def __post_init__(self) -> None:
        """Reject negative settings.

        Raises:
            DoesNotFit: `halflife_images` or `rampup` is below 0.
        """
        within("average.halflife_images", self.halflife_images, 0.0)
        within("average.rampup", self.rampup, 0.0)

    def start(self, network: Module) -> Module:
        """A copy of the network that will hold the average."""
        return copy.deepcopy(network).eval().requires_grad_(False)

    @torch.no_grad()
    def follow(self, average: Module, network: Module, *, images: int, batch: int, progress: float) -> None:
        """Move the average towards the network after a step of `batch` images.

        Args:
            average: the copy that `start` returned.
            network: the network that is trained.
            images: the number seen before the step.
            batch: the number of images in the step.
            progress: the share of the run's images seen before the step, in [0, 1].
        """
        halflife = min(at(self.halflife_images, progress), self.rampup * images)
        keep = 0.5 ** (batch / halflife) if halflife > 0 else 0.0
        held, current = average.state_dict(), network.state_dict()
        moving = [name for name, value in held.items() if value.is_floating_point()]
        torch._foreach_lerp_([held[name] for name in moving], [current[name] for name in moving], 1 - keep)
        for name in held.keys() - set(moving):
            held[name].copy_(current[name])
