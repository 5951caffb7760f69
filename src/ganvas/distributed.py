"""Several processes that train one model: every function does nothing when there is only one process.

Start them with `torchrun --nproc-per-node=2 -m ganvas train ...`.
"""

import os
from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn

__all__ = ["average_buffers", "either", "is_first", "mean", "rank", "start", "sum_gradients", "world"]


def start(device: torch.device) -> None:
    """Join the processes that torchrun started, if it did."""
    if "RANK" in os.environ and not dist.is_initialized():
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")


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
    """The mean of a tensor over all processes; every process must call this."""
    if world() > 1:
        value = value.clone()
        dist.all_reduce(value)
        value /= world()
    return value


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


def average_buffers(networks: Iterable[nn.Module]) -> None:
    """Make the running statistics of batch norm, which each process gathers by itself, the same in all of them."""
    for network in networks:
        for buffer in network.buffers():
            if buffer.is_floating_point():
                buffer.copy_(mean(buffer))
