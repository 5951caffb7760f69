"""Weights that others published: the tensors of a .safetensors or PyTorch file, by name.

A file of `torch.save` holds a pickle, which is a program, and many weights of others come in no other form. This is the
one place that loads it, and only with `weights_only=True`: torch then runs none of it but what makes tensors and plain
containers, and refuses the rest. Before torch 2.10 a file made for it could corrupt memory (CVE-2026-24747), so an
older torch opens only files of this kind that are known by their hash.
"""

import hashlib
import pickle
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from .errors import Unreadable

__all__ = ["read_weights", "sha256", "sha256_of"]

UNPICKLES = "2.10"  # the first torch whose weights_only=True has no known hole


def read_weights(file: Path, *, known: str = "") -> dict[str, Tensor]:
    """The tensors of one file by their names, on the CPU.

    Args:
        file: .safetensors, or anything else as a file of torch.save.
        known: the sha256 of a file that is trusted; only that one is opened by a torch that opens others unsafely.

    Raises:
        GanvasError: there is no such file, it is damaged, it holds something else than a dictionary of tensors, or this
            torch is too old to open a file of torch.save that a stranger may have made.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise Unreadable(f"{file} cannot be read: {error.strerror or error}.") from None
    pickled = file.suffix != ".safetensors"
    if pickled and torch.__version__ < UNPICKLES and hashlib.sha256(content).hexdigest() != known:
        raise Unreadable(
            f"{file} is a file of torch.save, which torch {torch.__version__} does not open safely (CVE-2026-24747): "
            f"`pip install 'torch>={UNPICKLES}'`, or give the weights as .safetensors."
        )
    try:
        found = torch.load(BytesIO(content), map_location="cpu", weights_only=True) if pickled else load(content)
    except (
        OSError,
        SafetensorError,
        pickle.UnpicklingError,
        EOFError,
        LookupError,
        ValueError,
        TypeError,
        RuntimeError,
    ) as error:
        raise Unreadable(
            f"{file} is not a dictionary of tensors as torch.save or safetensors writes it, or is damaged "
            f"({str(error).partition(chr(10))[0].partition('. ')[0]})."
        ) from None
    found = found.get("state_dict", found) if isinstance(found, Mapping) else found
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
        raise Unreadable(f"{file} is not a dictionary of tensors; it may hold more than weights.")
    return dict(found)


def sha256(file: Path) -> str:
    """Of the file's bytes, 64 hexadecimal digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def sha256_of(tensors: Mapping[str, Tensor]) -> str:
    """Of the tensors' names, types, shapes and values, in the order of the names: the same for every kind of file."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
