"""Folders of tensors that are written whole or not at all, and are known to be what was written.

    checkpoints/000046080/
        model.safetensors   the product's tensors, and in its metadata what it takes to build it
        state.safetensors   all that changes while training, each thing below a name of its own: critic/0.weight, ...
        manifest.json       the SHA-256 of each file

safetensors has no checksum, and a flipped bit or a zeroed block is loaded without a word; hence the manifest. What
manifest.py tells of checkpoints is found here too.
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
    """Write one checkpoint, which takes the place of what has its name.

    Args:
        folder: the checkpoint's own folder, whose name sorts after those of older ones. One process at a time writes
            into the folder around it, so that drafts there are of killed ones.
        contents: file name -> (tensors, metadata of the file).
        keep: how many checkpoints stay beside each other, the newest ones; 0 for all.
        spare: the name of one that stays, however many newer ones there are.

    Raises:
        Unwritable: the disk is full or not writable; the checkpoints from before are still whole.
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
    """What one safetensors file says of itself, which takes no tensors into memory; nothing if it cannot be read."""
    try:
        with safe_open(file, "pt") as opened:
            return opened.metadata() or {}
    except (OSError, SafetensorError):
        return {}


def below(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Those that a state holds below this name, by the names that they have there: critic/0.weight is 0.weight."""
    return {key.removeprefix(f"{name}/"): value for key, value in tensors.items() if key.startswith(f"{name}/")}


def named_below(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors by the names that a state gives them below this one: 0.weight is critic/0.weight."""
    return {f"{name}/{key}": value for key, value in tensors.items()}
