"""Folders of tensors that are written whole or not at all, and are known to be what was written.

    checkpoints/000046080/
        model.safetensors, state.safetensors, ...
        manifest.json       the SHA-256 of each file

safetensors has no checksum, and a flipped bit or a zeroed block is loaded without a word; hence the manifest.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save_file
from torch import Tensor

from .errors import Unwritable

__all__ = ["newest", "read", "sound", "write"]

MANIFEST = "manifest.json"


def write(folder: Path, files: Mapping[str, tuple[Mapping[str, Tensor], dict[str, str]]], *, keep: int = 0) -> None:
    """Write one checkpoint, which takes the place of what has its name.

    Args:
        folder: the checkpoint's own folder, whose name sorts after those of older ones.
        files: file name -> (tensors, metadata of the file).
        keep: how many checkpoints stay beside each other, the newest ones; 0 for all.

    Raises:
        GanvasError: the disk is full or not writable; the checkpoints from before are still whole.
    """
    draft = folder.with_name(f".{folder.name}.{os.getpid()}")
    for left in folder.parent.glob(".*"):  # by a process that was killed
        if re.fullmatch(rf"\.(\d+|{re.escape(folder.name)})\.\d+", left.name):
            shutil.rmtree(left, ignore_errors=True)
    try:
        draft.mkdir(parents=True)
        hashes = {}
        for name, (tensors, metadata) in files.items():
            save_file(
                {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}, draft / name, metadata
            )
            hashes[name] = _hash(draft / name)
        (draft / MANIFEST).write_text(json.dumps(hashes, indent=1), encoding="utf-8")
        for file in draft.iterdir():
            _settle(file)
        if folder.exists():
            shutil.rmtree(folder)
        draft.replace(folder)
        _settle(folder.parent)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(draft, ignore_errors=True)
        bytes_needed = sum(tensor.nbytes for tensors, _ in files.values() for tensor in tensors.values())
        raise Unwritable(f"Cannot write {bytes_needed:,} bytes to {folder}: {error}") from error
    for old in _all(folder.parent)[:-keep] if keep else ():
        shutil.rmtree(old, ignore_errors=True)


def newest(parent: Path) -> Path | None:
    """The newest sound checkpoint in a folder of checkpoints, or None if there is none."""
    return next((folder for folder in reversed(_all(parent)) if sound(folder)), None)


def sound(folder: Path) -> bool:
    """Whether every file of a checkpoint is there and is byte for byte what was written."""
    try:
        hashes = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return all(_hash(folder / name) == known for name, known in hashes.items())
    except (OSError, ValueError):
        return False


def read(file: Path) -> dict[str, Tensor]:
    """The tensors of one safetensors file, read into memory so that the file may be removed."""
    return load(file.read_bytes())


def _all(parent: Path) -> list[Path]:
    """The checkpoints in a folder, oldest first."""
    return sorted(file for file in parent.glob("[0-9]*") if file.is_dir() and file.name.isdecimal())


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _settle(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)  # as Windows wants it
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
