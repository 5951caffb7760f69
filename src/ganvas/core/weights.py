"""Weights published by others: the tensors of a .safetensors or PyTorch file, by name.

Shapes in a header or a pickle are not trusted: they are compared with the length of the file before memory is taken,
since a few hundred bytes can ask for any amount of it.

A file of `torch.save` holds a pickle, which is a program, but many weights come in no other form. Only this module
loads one, and only with `weights_only=True`: torch then builds tensors and plain containers and refuses everything
else. Before torch 2.10 a crafted file could corrupt memory (CVE-2026-24747), so an older torch opens only files of
this kind with a known hash.
"""

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load
from torch import Tensor

from . import files
from .errors import Unreadable

__all__ = ["Header", "read_header", "read_weights", "sha256_of"]

UNPICKLES = "2.10"  # the first torch whose weights_only=True has no known vulnerability
WHOLE, REAL = ("I64",), ("F16", "BF16", "F32", "F64")  # safetensors' names of the types of weights


@dataclass(frozen=True)
class Header:
    """The header of a .safetensors file.

    metadata   texts by name
    shapes     the shape of each tensor by its name
    real       the names of the floating-point tensors; the others hold integers
    """

    metadata: Mapping[str, str]
    shapes: Mapping[str, tuple[int, ...]]
    real: frozenset[str]

    def below(self, name: str) -> "Header":
        """The header of the tensors called NAME/..., with that prefix removed."""
        cut = f"{name}/"
        inner = {key.removeprefix(cut): shape for key, shape in self.shapes.items() if key.startswith(cut)}
        return Header(
            self.metadata, inner, frozenset(key.removeprefix(cut) for key in self.real if key.startswith(cut))
        )


def read_header(file: Path) -> Header:
    """The header of a .safetensors file, read without taking memory for its tensors.

    Raises:
        Unreadable: it is no such file, is truncated, or holds numbers of a type that weights do not have.
    """
    try:
        with safe_open(file, "pt") as opened:
            slices = {name: opened.get_slice(name) for name in opened.keys()}  # noqa: SIM118
            types = {name: part.get_dtype() for name, part in slices.items()}
            shapes = {name: tuple(part.get_shape()) for name, part in slices.items()}
            metadata = opened.metadata() or {}
    except (OSError, SafetensorError, ValueError, TypeError, RuntimeError) as error:
        raise Unreadable(f"{file} is not a whole .safetensors file ({_first(error)}).") from None
    if odd := sorted(set(types.values()) - {*WHOLE, *REAL}):
        raise Unreadable(f"{file} holds numbers of type {odd[0]}, which no weights here are.")
    return Header(metadata, shapes, frozenset(name for name, kind in types.items() if kind in REAL))


def read_weights(file: Path, *, known: str = "") -> dict[str, Tensor]:
    """The tensors of one file by their names, on the CPU.

    Args:
        file: .safetensors, or anything else as a file of torch.save.
        known: the sha256 of a trusted file; a torch too old to open others safely opens only this one.

    Raises:
        Unreadable: the file is missing or damaged, holds something other than a dictionary of tensors, or this torch
            is too old to open an untrusted file of torch.save.
    """
    try:
        content = files.plain(file).read_bytes()
    except OSError as error:
        raise Unreadable(f"{file} cannot be read: {error.strerror or error}.") from None
    pickled = file.suffix != ".safetensors"
    if pickled and torch.__version__ < UNPICKLES and hashlib.sha256(content).hexdigest() != known:
        raise Unreadable(
            f"{file} is a file of torch.save, which torch {torch.__version__} does not open safely (CVE-2026-24747): "
            f"`pip install 'torch>={UNPICKLES}'`, or give the weights as .safetensors."
        )
    try:
        found = _unpickled(content) if pickled else load(content)
    except Exception as error:  # a damaged pickle can make torch and zipfile raise anything
        raise Unreadable(
            f"{file} is not a dictionary of tensors as torch.save or safetensors writes it, or is damaged "
            f"({_first(error)})."
        ) from None
    found = found.get("state_dict", found) if isinstance(found, Mapping) else found
    if not isinstance(found, Mapping) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in found.items()
    ):
        raise Unreadable(f"{file} is not a dictionary of tensors by name; it may hold more than weights.")
    if any(value.layout != torch.strided or value.is_quantized or value.is_meta for value in found.values()):
        raise Unreadable(f"{file} holds tensors that are sparse, quantized or empty, and only plain ones are read.")
    if sum(value.numel() * value.element_size() for value in found.values()) > len(content):
        raise Unreadable(f"{file} describes more numbers than it holds.")
    return dict(found)


def _unpickled(content: bytes) -> object:
    """The content of a file of torch.save.

    Raises:
        ValueError: it is compressed, so that it could expand to any size; torch compresses nothing.
    """
    if zipfile.is_zipfile(BytesIO(content)):
        with zipfile.ZipFile(BytesIO(content)) as packed:
            if any(each.compress_type or each.file_size > len(content) for each in packed.infolist()):
                raise ValueError("it is packed")
    return torch.load(BytesIO(content), map_location="cpu", weights_only=True)


def _first(error: BaseException) -> str:
    """The first sentence of another library's error message."""
    return (str(error) or type(error).__name__).partition("\n")[0].partition(". ")[0].rstrip(".")


def sha256_of(tensors: Mapping[str, Tensor]) -> str:
    """The SHA-256 of the tensors' names, types, shapes and values, in name order: the same for every file format."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
