"""Small files that are written whole or not at all, and pictures that are named by numbers."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import Unwritable

__all__ = ["numbered", "told", "write"]


def write(path: Path, content: str | bytes) -> None:
    """Put this in the place of whatever `path` held, text as UTF-8; a reader sees the old or the new, never a part."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content.encode() if isinstance(content, str) else content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def numbered(folder: Path) -> list[tuple[int, Path]]:
    """The .png files of a folder whose names are numbers, as (number, path) in order; others are somebody's own."""
    return sorted((int(path.stem), path) for path in folder.glob("*.png") if path.stem.isdecimal())


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Say in one sentence why something at `path` cannot be written, instead of raising the system's errors.

    Raises:
        GanvasError: the disk is full, or `path` is not writable.
    """
    try:
        yield
    except OSError as error:
        raise Unwritable(f"Cannot write {path}: {error.strerror or error}.") from error
