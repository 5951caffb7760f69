"""Several processes that train one model: every function does nothing when there is only one process.

Start them with `torchrun --nproc-per-node=2 -m ganvas train ...`.
"""

import atexit
import os
from collections.abc import Iterable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

__all__ = ["either", "is_first", "mean", "rank", "start", "sum_gradients", "world"]


def start(device: torch.device) -> None:
    """Join the processes that torchrun started, if it did."""
    if "RANK" in os.environ and not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
        atexit.register(_leave)


def _leave() -> None:
    """Stop the threads of gloo before Python goes: one that still runs then aborts the process, whose work is done.

    NCCL has none of this, and would wait for the others where this process ends by an error.
    """
    if dist.is_initialized() and dist.get_backend() == "gloo":
        dist.destroy_process_group()


def rank() -> int:
    """The number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def is_first() -> bool:
    """Whether this is the process that writes files and speaks to the user."""
    return rank() == 0


def mean(value: Tensor) -> Tensor:
    """The mean of a tensor over all processes; every process must call this.

    It can be differentiated, also twice: gradients are those of the sum of what all processes make of the mean, so
    every process must ask for them too.
    """
    return value if world() == 1 else _Mean.apply(value)  # type: ignore[no-untyped-call]


class _Mean(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:  # noqa: ARG004
        value = value.clone()
        dist.all_reduce(value)
        return value / world()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ARG004
        return mean(gradient)


def either(flag: bool, device: torch.device) -> bool:
    """Whether the flag is set in any process; every process must call this."""
    return flag if world() == 1 else bool(mean(torch.tensor(float(flag), device=device)) > 0)


def sum_gradients(parameters: Iterable[Tensor]) -> None:
    """Add every gradient up over all processes, in one message."""
    if world() == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    dist.all_reduce(flat)
    for gradient, summed in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(summed.view_as(gradient))
