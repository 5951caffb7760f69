"""What the stages share: an optimizer, steps for so many seconds, an average of the weights."""

import time
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from .output import Weights

__all__ = ["Learner", "autocast", "follow", "learning", "own", "steps"]


class Learner:
    """AdamW with a warm-up and clipped gradients."""

    def __init__(
        self,
        weights: Iterable[nn.Parameter],
        rate: float,
        betas: tuple[float, float],
        *,
        decay: float,
        warm: int,
        most: float = 1.0,
    ) -> None:
        self.weights, self.rate, self.warm, self.most = list(weights), rate, warm, most
        self.optimizer = torch.optim.AdamW(self.weights, lr=rate, betas=betas, weight_decay=decay, fused=True)

    def step(self, loss: Tensor, share: float, step: int) -> None:
        """Do one optimizer step at this share of the rate."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * share * min(1.0, (step + 1) / self.warm)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.weights, self.most)
        self.optimizer.step()


def steps(seconds: float) -> Iterable[tuple[int, float]]:
    """Steps for so many seconds, each with the share of the time that has passed."""
    began, step = time.monotonic(), 0
    while (done := (time.monotonic() - began) / seconds) < 1:
        yield step, done
        step += 1


def learning(network: Any) -> list[nn.Parameter]:
    return [each for each in network.parameters() if each.requires_grad]


def own(network: Any) -> Weights:
    return {key: value for key, value in network.state_dict().items() if not key.startswith("decoder.")}


def autocast(device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, keep: float) -> None:
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - keep)
