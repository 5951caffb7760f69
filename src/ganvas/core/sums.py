"""Sums in what is kept, so that a bit that a disk has lost is not read as another number.

JSON and safetensors have none of their own: a flipped bit in a digit, or in a weight, is read without a word.
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
    """What is about to be written as JSON, with a sum of all of it as its last entry."""
    return dict(value) | {SUM: _sum(json.dumps(value).encode())}


def proven(value: Mapping[str, Any]) -> dict[str, Any] | None:
    """What was read from JSON, without its sum; None if it is not what was summed.

    What has no sum passes: older versions wrote none. A sum under another name is one whose name was damaged.
    """
    for name, told in value.items():
        if isinstance(told, str) and A_SUM.fullmatch(told):
            rest = {key: each for key, each in value.items() if key != name}
            if told == _sum(json.dumps(rest).encode()):
                return rest
    return None if SUM in value else dict(value)


def save_tensors(file: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write tensors and what they are into one safetensors file, with sums of both."""
    told = summed({"about": about, "tensors": _sum_of_tensors(tensors)})
    write_safetensors(tensors, file, {ABOUT: json.dumps(told)})


def load_tensors(file: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of such a file, and what they are.

    Raises:
        ValueError, KeyError, OSError or SafetensorError: it is not there, or is not what was written.
    """
    with safe_open(file, "pt") as opened:
        told = json.loads((opened.metadata() or {})[ABOUT])
    tensors = load(file.read_bytes())
    found = proven(told) if isinstance(told, dict) else None
    if found is None or found.get("tensors") != _sum_of_tensors(tensors):
        raise ValueError(f"{file} is damaged")
    return tensors, found["about"]


def sealed(about: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """The metadata of a safetensors file that is handed on: what it is, with the SHA-256 of its tensors and a sum."""
    return {ABOUT: json.dumps(summed(dict(about) | {SEAL: sha256_of(tensors)}))}


def unsealed(metadata: Mapping[str, str], tensors: Mapping[str, Tensor] | None = None) -> dict[str, Any]:
    """What such a file is, by its metadata; and that its tensors, if they are given, are those that were written.

    What has no sums passes: older versions wrote none.

    Raises:
        ValueError: a bit was lost, or `ABOUT` holds no object.
        KeyError: the file is none of these.
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
