"""Weights that others published: the tensors of a .safetensors or PyTorch file, by name.

A file of `torch.save` holds a pickle, which is a program, and other people's weights come in no other form. This is the
one place that loads it, and only with `weights_only=True`: torch then runs none of it but what makes tensors and plain
containers, and refuses the rest. The hole that this had (CVE-2025-32434) was closed in torch 2.6; ganvas requires 2.8.
"""

import hashlib
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from .errors import GanvasError

__all__ = ["read_weights", "sha256", "sha256_of"]


def read_weights(file: Path) -> dict[str, Tensor]:
    """The tensors of one file by their names, on the CPU.

    Raises:
        GanvasError: there is no such file, it is damaged, or it holds something else than a dictionary of tensors.
    """
    try:
        content = file.read_bytes() if file.suffix == ".safetensors" else None
        found = load(content) if content is not None else torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise GanvasError(f"{file} cannot be read: {error.strerror or error}.") from None
    except (
        SafetensorError,
        pickle.UnpicklingError,
        EOFError,
        LookupError,
        ValueError,
        TypeError,
        RuntimeError,
    ) as error:
        raise GanvasError(
            f"{file} is not a dictionary of tensors as torch.save or safetensors writes it, or is damaged "
            f"({str(error).partition(chr(10))[0].partition('. ')[0]})."
        ) from None
    found = found.get("state_dict", found) if isinstance(found, Mapping) else found
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
        raise GanvasError(f"{file} is not a dictionary of tensors; it may hold more than weights.")
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
