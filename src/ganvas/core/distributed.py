"""Work shared by several processes; with a single process, nothing here communicates.

Start them with `torchrun --nproc-per-node=2 -m ganvas train ...`; `sample` and `evaluate` share their work likewise.
"""

import atexit
import os
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from . import console
from .errors import Unreachable

__all__ = ["either", "gathered", "is_first", "mean", "rank", "share", "start", "sum_gradients", "together", "world"]


PATIENCE_SECONDS = 10.0

_gone = threading.Event()  # set once another process is found to be gone


def start(device: torch.device | str = "cpu") -> None:
    """Join the processes that torchrun started, if any, to exchange tensors on this type of device."""
    if "RANK" in os.environ and not dist.is_initialized():
        with _answered(), _awaited():
            dist.init_process_group("nccl" if torch.device(device).type == "cuda" else "gloo")
        atexit.register(_leave)


@contextmanager
def _awaited() -> Iterator[None]:
    """Say what this process is waiting for if it takes long, since torch waits for half an hour."""
    count, place, port = (os.environ.get(name, "?") for name in ("WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"))
    said = f"Waiting at {place}:{port} until all {count} processes are there; torchrun starts them."
    waiting = threading.Timer(PATIENCE_SECONDS, console.say, [said])
    waiting.daemon = True
    waiting.start()
    try:
        yield
    finally:
        waiting.cancel()


def _leave() -> None:
    """Stop gloo's threads before Python exits, since one still running would abort the process.

    If another process is gone, stopping them may abort it, too, so this one, which has failed, ends without. NCCL has
    no such problem, and would wait for the other processes if this one ends with an error.
    """
    if _gone.is_set():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)
    if dist.is_initialized() and dist.get_backend() == "gloo":
        dist.destroy_process_group()


@contextmanager
def _answered() -> Iterator[None]:
    """Report in one sentence that another process is gone, which gloo notices as soon as it ends.

    Raises:
        Unreachable: that process was killed, has failed, or its machine is gone.
    """
    try:
        yield
    except (RuntimeError, ValueError) as error:  # ValueError: RANK was set by hand without the rest
        count = os.environ.get("WORLD_SIZE", "several")
        _gone.set()
        raise Unreachable(
            f"Another one of the {count} processes that work together here is gone ({str(error).splitlines()[0]}). "
            "What was saved before is sound, and the same command goes on from there, with as many processes or others."
        ) from None


def rank() -> int:
    """The number of this process, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    """The number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def is_first() -> bool:
    """Whether this is the process that writes files and speaks to the user."""
    return rank() == 0


def mean(value: Tensor) -> Tensor:
    """The mean of a tensor over all processes; every process must call this.

    It can be differentiated, even twice. Gradients are those of the sum of what all processes compute from the mean, so
    every process must run the backward pass too.
    """
    return value if world() == 1 else _Mean.apply(value)  # type: ignore[no-untyped-call]


class _Mean(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:  # noqa: ARG004
        value = value.clone()
        with _answered():
            dist.all_reduce(value)
        return value / world()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ARG004
        return mean(gradient)


def either(flag: bool, device: torch.device) -> bool:
    """Whether the flag is set in any process; every process must call this."""
    return flag if world() == 1 else bool(mean(torch.tensor(float(flag), device=device)) > 0)


def sum_gradients(parameters: Iterable[Tensor]) -> None:
    """Sum every gradient over all processes, in one message."""
    if world() == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    with _answered():
        dist.all_reduce(flat)
    for gradient, summed in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(summed.view_as(gradient))


def share(count: int, *, chunk: int = 1) -> range:
    """This process's share of `count` items: contiguous, in whole chunks except for the last.

    Results computed chunk by chunk are then bit for bit those of a single process.
    """
    chunks, ranks = -(-count // chunk), world()
    first, after = (chunks * each // ranks * chunk for each in (rank(), rank() + 1))
    return range(min(first, count), min(after, count))


def gathered(rows: Tensor) -> Tensor:
    """The rows [n, D] of all processes, concatenated in the order of the processes; every process must call this.

    The number of rows may differ between processes, and may be 0.
    """
    if world() == 1:
        return rows
    device = torch.device("cuda") if dist.get_backend() == "nccl" else rows.device  # NCCL takes nothing else
    counts = torch.zeros(world(), dtype=torch.int64, device=device)
    counts[rank()] = len(rows)
    with _answered():
        dist.all_reduce(counts)
        parts = [rows.new_empty(int(count), *rows.shape[1:], device=device) for count in counts]
        for owner, part in enumerate(parts):
            if owner == rank():
                part.copy_(rows)
            if len(part):
                dist.broadcast(part, owner)
    return torch.cat(parts).to(rows.device)


def together() -> None:
    """Wait until all processes have reached this call."""
    if world() > 1:
        with _answered():
            dist.barrier()
