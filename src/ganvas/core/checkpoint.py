"""Checkpoints: folders of tensors, written atomically and verified by hash.

    checkpoints/000046080/
        model.safetensors   the product's tensors, with all that is needed to build it in the metadata
        state.safetensors   all that changes while training, each object under its own prefix: critic/0.weight, ...
        manifest.json       the SHA-256 of each file

safetensors has no checksum: a flipped bit or a zeroed block loads without an error, hence the manifest. The functions
of manifest.py are re-exported here.
"""

import glob
import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load
from torch import Tensor

from . import files
from .errors import Unwritable
from .manifest import (
    MANIFEST,
    MODEL,
    STATE,
    all_of,
    forget,
    hash_of,
    named,
    newest,
    newest_sound,
    recover,
    set_aside,
    sound,
)
from .tensors import write_safetensors

__all__ = [
    "MANIFEST",
    "MODEL",
    "STATE",
    "about",
    "below",
    "forget",
    "named",
    "named_below",
    "newest",
    "newest_sound",
    "read",
    "recover",
    "set_aside",
    "sound",
    "write",
]


def write(
    folder: Path,
    contents: Mapping[str, tuple[Mapping[str, Tensor], dict[str, str]]],
    *,
    keep: int = 0,
    spare: str = "",
) -> None:
    """Write one checkpoint, replacing any of the same name.

    Args:
        folder: the checkpoint's own folder, whose name sorts after those of older ones. Only one process at a time may
            write to the parent folder, since drafts found there are taken as left by killed processes and removed.
        contents: file name -> (tensors, metadata of the file).
        keep: how many of the newest checkpoints to keep; 0 for all.
        spare: the name of one to keep, however many newer ones there are.

    Raises:
        Unwritable: the disk is full or not writable; earlier checkpoints are still intact.
    """
    for names in ("[0-9]*", glob.escape(folder.name)):
        files.sweep(folder.parent, names, seconds=0)
    try:
        with files.replacing(folder) as draft:
            draft.mkdir()
            hashes = {}
            for name, (tensors, metadata) in contents.items():
                write_safetensors(tensors, draft / name, metadata)
                hashes[name] = hash_of(draft / name)
            (draft / MANIFEST).write_text(json.dumps(hashes, indent=1), encoding="utf-8")
    except (OSError, SafetensorError) as error:
        bytes_needed = sum(tensor.nbytes for tensors, _ in contents.values() for tensor in tensors.values())
        raise Unwritable(f"Cannot write {bytes_needed:,} bytes to {folder}: {error}") from error
    for old in all_of(folder.parent)[:-keep] if keep else ():
        if old.name != spare:
            with files.writing(folder.parent):
                files.discard(old)


def read(file: Path) -> dict[str, Tensor]:
    """The tensors of one safetensors file, read into memory so that the file may be removed."""
    return load(file.read_bytes())


def about(file: Path) -> dict[str, str]:
    """The metadata of one safetensors file, read without loading tensors; empty if it cannot be read."""
    try:
        with safe_open(file, "pt") as opened:
            return opened.metadata() or {}
    except (OSError, SafetensorError):
        return {}


def below(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """The tensors of a state under this prefix, which is removed: critic/0.weight becomes 0.weight."""
    return {key.removeprefix(f"{name}/"): value for key, value in tensors.items() if key.startswith(f"{name}/")}


def named_below(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors with this prefix added, as in a state: 0.weight becomes critic/0.weight."""
    return {f"{name}/{key}": value for key, value in tensors.items()}
