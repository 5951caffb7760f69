"""The machine: its device, threads and memory, and its description in reports."""

import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .errors import NotFound

__all__ = [
    "describe",
    "device",
    "free",
    "has_bfloat16",
    "keep_memory",
    "known",
    "memory",
    "plainly",
    "ran_out",
    "sent",
    "threads",
]

RAN_OUT = ("can't allocate memory", "not enough memory", "out of memory")  # on CPU, Windows, MPS
NUMBERS = torch.float32  # the type of new tensors and weights; tests of exactness compute in float64


def device(name: str | torch.device | None) -> torch.device:
    """This device, or the fastest available, made ready to train on.

    Raises:
        NotFound: this machine has no such device.
    """
    if name is None:
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    found = known(name)
    if found.type == "cuda":
        found = torch.device("cuda", found.index or int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(found)
        torch.backends.cudnn.benchmark = True  # shapes stay the same from step to step
        torch.backends.cudnn.allow_tf32 = True  # for convolutions only, so that metrics are not rounded
        torch.zeros(1, device=found)
    return found


def known(name: str | torch.device) -> torch.device:
    """This device, which the machine has.

    Raises:
        NotFound: it has none of that name.
    """
    try:
        found = torch.device(name)
        torch.zeros(1, device=found)
    except (RuntimeError, AssertionError, NotImplementedError, AttributeError, TypeError):  # by the build of torch
        raise NotFound(f"This machine has no device '{name}'; leave it out to take the fastest there is.") from None
    return found


def sent(tensor: Tensor, device: torch.device | str) -> Tensor:
    """A tensor from host memory on the device; the host does not wait for a copy to a GPU."""
    if torch.device(device).type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)  # torch keeps the pinned memory until then


@contextmanager
def plainly() -> Iterator[None]:
    """Compute as in a fresh process, whatever the caller has set: float32, in CPU memory, with gradients.

    What undoes `set_default_dtype`, `set_default_device`, `no_grad` and `inference_mode`, inside alone. Also a
    decorator.
    """
    before, elsewhere = torch.get_default_dtype(), torch.get_default_device().type != "cpu"
    torch.set_default_dtype(NUMBERS)
    try:
        with (
            torch.device("cpu") if elsewhere else nullcontext(),
            torch.inference_mode(False),
            torch.enable_grad(),
        ):
            yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Compute with `count` threads, at most one per core: tiny networks are faster on one."""
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(count, os.cpu_count() or 1)))  # runs may move to fewer cores
    try:
        yield
    finally:
        torch.set_num_threads(before)


def keep_memory() -> None:
    """Let the C library keep freed memory for the next step instead of returning it to the system.

    Every step frees and allocates the same large blocks, and by default glibc has each of them mapped and cleared anew.
    Does nothing with another C library.
    """
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        most_mapped, trim_threshold = -4, -1  # M_MMAP_MAX and M_TRIM_THRESHOLD in malloc.h
        library.mallopt(most_mapped, 0)
        library.mallopt(trim_threshold, 2**30)


def ran_out(error: BaseException) -> bool:
    """Whether this error says that the machine or a device ran out of memory."""
    said = isinstance(error, RuntimeError) and any(words in str(error) for words in RAN_OUT)
    return said or isinstance(error, MemoryError | torch.OutOfMemoryError)


def free() -> None:
    """Release GPU memory cached for the next step, so that blocks of another size fit."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def has_bfloat16(device: torch.device) -> bool:
    """Whether the hardware supports bfloat16, so that it is faster than float32 and not much slower."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def memory(device: torch.device | None = None) -> int:
    """Bytes of memory of a device, or of the machine as far as this process may use it; 0 if unknown."""
    if device is not None and device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    if not hasattr(os, "sysconf"):
        return 0
    whole, limit = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), Path("/sys/fs/cgroup/memory.max")
    try:
        return min(whole, int(limit.read_text()))  # a container's limit
    except (OSError, ValueError):
        return whole


def describe(device: torch.device) -> dict[str, Any]:
    """The hardware and software that a run was measured on."""
    cpu = Path("/proc/cpuinfo")
    models = [line for line in cpu.read_text().splitlines() if line.startswith("model name")] if cpu.exists() else []
    instructions = torch.backends.cpu.get_cpu_capability()
    if has_bfloat16(torch.device("cpu")):
        instructions += " with bfloat16"
    return {
        "processor": models[0].partition(":")[2].strip() if models else platform.processor() or platform.machine(),
        "instructions": instructions,  # AVX2, AVX512, ...: one name may stand for processors of several generations
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gib": round(memory() / 2**30, 1),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
    }
