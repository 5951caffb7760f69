"""Folders of tensors that are written whole or not at all, and are known to be what was written.

    checkpoints/000046080/
        model.safetensors   the product's tensors, and in its metadata what it takes to build it
        state.safetensors   all that changes while training, each thing below a name of its own: critic/0.weight, ...
        manifest.json       the SHA-256 of each file

safetensors has no checksum, and a flipped bit or a zeroed block is loaded without a word; hence the manifest. Hashing
takes as long as reading, so the newest checkpoint is found by its name, and hashed where its tensors are going to be
used.
"""

import glob
import hashlib
import json
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save_file
from torch import Tensor

from . import files
from .errors import PassedOver, Unwritable

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

MANIFEST, MODEL, STATE = "manifest.json", "model.safetensors", "state.safetensors"


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
                save_file(
                    {key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}, draft / name, metadata
                )
                hashes[name] = _hash(draft / name)
            (draft / MANIFEST).write_text(json.dumps(hashes, indent=1), encoding="utf-8")
    except (OSError, SafetensorError) as error:
        bytes_needed = sum(tensor.nbytes for tensors, _ in contents.values() for tensor in tensors.values())
        raise Unwritable(f"Cannot write {bytes_needed:,} bytes to {folder}: {error}") from error
    for old in _all(folder.parent)[:-keep] if keep else ():
        if old.name != spare:
            with files.writing(folder.parent):
                files.discard(old)


def named(parent: Path) -> list[str]:
    """The names of all checkpoints in a folder, oldest first, sound or not."""
    return [folder.name for folder in _all(parent)]


def recover(folder: Path) -> None:
    """Bring back a checkpoint that a killed process had moved aside to put another one in its place."""
    if folder.exists():
        return
    for draft in sorted(folder.parent.glob(f".draft-*-{glob.escape(folder.name)}")):
        if sound(draft):
            draft.rename(folder)
            return


def newest(parent: Path) -> Path | None:
    """The newest checkpoint in a folder of checkpoints, known by its name alone, or None if there is none."""
    return next((folder for folder in reversed(_all(parent)) if _manifest(folder)), None)


def newest_sound(parent: Path, *names: str) -> Path | None:
    """The newest checkpoint of which these files, or all, are byte for byte what was written; None if there is none.

    Warns:
        PassedOver: a newer one is damaged; the warning names it.
    """
    for folder in reversed(_all(parent)):
        if sound(folder, *names):
            return folder
        warnings.warn(f"The checkpoint {folder} is damaged and passed over.", PassedOver, stacklevel=2)
    return None


def sound(folder: Path, *names: str) -> bool:
    """Whether these files of a checkpoint, or all, are there and are byte for byte what was written."""
    hashes = _manifest(folder)
    try:
        return bool(hashes) and all(_hash(folder / name) == hashes.get(name) for name in names or hashes)
    except OSError:
        return False


def set_aside(parent: Path, *, after: Path | None) -> None:
    """Give checkpoints that were passed over names that are not taken for checkpoints: those newer than `after`."""
    for folder in _all(parent):
        if after is None or folder.name > after.name:
            aside = folder.with_name(f"{folder.name}.damaged")
            shutil.rmtree(aside, ignore_errors=True)
            folder.rename(aside)


def forget(parent: Path, *, after: Path | None) -> None:
    """Remove the checkpoints newer than `after`, or all; the newest first, so that what stays is always a beginning."""
    for folder in reversed(_all(parent)):
        if after is None or folder.name > after.name:
            files.discard(folder)


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


def _all(parent: Path) -> list[Path]:
    """The checkpoints in a folder, oldest first."""
    return sorted(file for file in parent.glob("[0-9]*") if file.is_dir() and file.name.isdecimal())


def _manifest(folder: Path) -> dict[str, str]:
    """The hash of each file; of none if the manifest is missing or damaged."""
    try:
        hashes = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return hashes if isinstance(hashes, dict) else {}


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
