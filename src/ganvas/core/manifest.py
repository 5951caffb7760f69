"""Which checkpoints a folder holds, and whether they are intact; without torch or loading any tensor.

manifest.json holds the SHA-256 of each file of a checkpoint, see checkpoint.py. Hashing takes as long as reading, so
the newest checkpoint is found by its name, and hashed only where its tensors will be used.
"""

import glob
import hashlib
import json
import shutil
import warnings
from pathlib import Path

from . import files
from .errors import PassedOver

__all__ = [
    "MANIFEST",
    "MODEL",
    "STATE",
    "all_of",
    "forget",
    "hash_of",
    "hashes_of",
    "named",
    "newest",
    "newest_sound",
    "recover",
    "set_aside",
    "sound",
]

MANIFEST, MODEL, STATE = "manifest.json", "model.safetensors", "state.safetensors"


def named(parent: Path) -> list[str]:
    """The names of all checkpoints in a folder, oldest first, intact or not."""
    return [folder.name for folder in all_of(parent)]


def recover(folder: Path) -> None:
    """Restore a checkpoint that a process moved aside to replace it, but was killed before it could."""
    if folder.exists():
        return
    for draft in sorted(folder.parent.glob(f".draft-*-{glob.escape(folder.name)}")):
        if sound(draft):
            draft.rename(folder)
            return


def newest(parent: Path) -> Path | None:
    """The newest checkpoint with a readable manifest, chosen by name and not hashed, or None if there is none."""
    return next((folder for folder in reversed(all_of(parent)) if hashes_of(folder)), None)


def newest_sound(parent: Path, *names: str) -> Path | None:
    """The newest checkpoint in which these files, or all, are byte for byte as written; None if there is none.

    Warns:
        PassedOver: a newer one is damaged; the warning names it.
    """
    for folder in reversed(all_of(parent)):
        if sound(folder, *names):
            return folder
        warnings.warn(f"The checkpoint {folder} is damaged and passed over.", PassedOver, stacklevel=2)
    return None


def sound(folder: Path, *names: str) -> bool:
    """Whether these files of a checkpoint, or all, exist and are byte for byte as written."""
    hashes = hashes_of(folder)
    try:
        return bool(hashes) and all(hash_of(folder / name) == hashes.get(name) for name in names or hashes)
    except OSError:
        return False


def set_aside(parent: Path, *, after: Path | None) -> None:
    """Rename the checkpoints newer than `after`, or all, so that they no longer count as checkpoints."""
    for folder in all_of(parent):
        if after is None or int(folder.name) > int(after.name):
            aside = folder.with_name(f"{folder.name}.damaged")
            shutil.rmtree(aside, ignore_errors=True)
            folder.rename(aside)


def forget(parent: Path, *, after: Path | None) -> None:
    """Remove the checkpoints newer than `after`, or all; the newest first, so that no gap can remain."""
    for folder in reversed(all_of(parent)):
        if after is None or int(folder.name) > int(after.name):
            files.discard(folder)


def all_of(parent: Path) -> list[Path]:
    """The checkpoints in a folder, oldest first."""
    found = (file for file in parent.glob("[0-9]*") if file.is_dir() and file.name.isdecimal())
    return sorted(found, key=lambda file: int(file.name))  # names may exceed nine digits


def hashes_of(folder: Path) -> dict[str, str]:
    """The hash of each file; empty if the manifest is missing or damaged."""
    try:
        hashes = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return hashes if isinstance(hashes, dict) else {}


def hash_of(file: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
