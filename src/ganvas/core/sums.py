"""Checksums in stored files, so that a bit flipped on disk is not read as another number.

JSON and safetensors have none: a flipped bit in a digit or a weight is read without an error.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import load
from torch import Tensor

from .tensors import write_safetensors
from .weights import sha256_of

__all__ = ["load_tensors", "proven", "save_tensors", "sealed", "summed", "unsealed"]

SUM = "sum"
A_SUM = re.compile(r"[0-9a-f]{16}")
ABOUT, SEAL = "ganvas", "tensors"


def summed(value: Mapping[str, Any]) -> dict[str, Any]:
    """An object to be written as JSON, with a checksum of all of it added as the last entry."""
    return dict(value) | {SUM: _sum(json.dumps(value).encode())}


def proven(value: Mapping[str, Any]) -> dict[str, Any] | None:
    """An object read from JSON, without its checksum; None if that does not match.

    Objects without a checksum pass, since older versions wrote none. A matching checksum under another name counts:
    only its name was damaged.
    """
    for name, told in value.items():
        if isinstance(told, str) and A_SUM.fullmatch(told):
            rest = {key: each for key, each in value.items() if key != name}
            if told == _sum(json.dumps(rest).encode()):
                return rest
    return None if SUM in value else dict(value)


def save_tensors(file: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write tensors and their description `about` into one safetensors file, with checksums of both."""
    told = summed({"about": about, "tensors": _sum_of_tensors(tensors)})
    write_safetensors(tensors, file, {ABOUT: json.dumps(told)})


def load_tensors(file: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the description in a file of `save_tensors`.

    Raises:
        ValueError, KeyError, OSError or SafetensorError: the file is missing, or is not what was written.
    """
    with safe_open(file, "pt") as opened:
        told = json.loads((opened.metadata() or {})[ABOUT])
    tensors = load(file.read_bytes())
    found = proven(told) if isinstance(told, dict) else None
    if found is None or found.get("tensors") != _sum_of_tensors(tensors):
        raise ValueError(f"{file} is damaged")
    return tensors, found["about"]


def sealed(about: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Metadata of a safetensors file to be shared: its description, the SHA-256 of its tensors and a checksum."""
    return {ABOUT: json.dumps(summed(dict(about) | {SEAL: sha256_of(tensors)}))}


def unsealed(metadata: Mapping[str, str], tensors: Mapping[str, Tensor] | None = None) -> dict[str, Any]:
    """The description in metadata of `sealed`, after checking it and, if given, the tensors.

    Metadata without checksums passes, since older versions wrote none.

    Raises:
        ValueError: a bit was flipped, or `ABOUT` holds no object.
        KeyError: there is no `ABOUT` in the metadata.
    """
    told = json.loads(metadata[ABOUT])
    about = proven(told) if isinstance(told, dict) else None
    if about is None:
        raise ValueError("its description is not what was written")
    if tensors is not None and SEAL in about and about[SEAL] != sha256_of(tensors):
        raise ValueError("its tensors are not what was written")
    return about


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _sum_of_tensors(tensors: Mapping[str, Tensor]) -> str:
    found = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        held = tensor.detach().cpu().contiguous()
        found.update(repr((name, str(held.dtype), tuple(held.shape))).encode())
        found.update(held.numpy().tobytes())
    return found.hexdigest()[:16]
