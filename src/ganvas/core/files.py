"""Files and folders that are written whole or not at all, the cache they may lie in, and pictures named by numbers."""

import hashlib
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs

from .errors import Unreadable, Unwritable

__all__ = [
    "cache_folder",
    "digest",
    "discard",
    "key",
    "numbered",
    "plain",
    "put",
    "replacing",
    "sweep",
    "write",
    "writing",
]

DAY_SECONDS = 86_400
DRAFT = re.compile(r"\.draft-[0-9a-f]{16}-.+")


def write(path: Path, content: str | bytes) -> None:
    """Put this in the place of whatever `path` held, text as UTF-8; a reader sees the old or the new, never a part."""
    with replacing(path) as draft:
        draft.write_bytes(content.encode() if isinstance(content, str) else content)


def put(path: Path, content: str) -> None:
    """The same for what is written anew every second: a reader sees it whole, and nobody waits for the disk."""
    draft = path.with_name(f".{path.name}.draft")  # of the one process that writes there
    draft.write_text(content, encoding="utf-8")
    draft.replace(path)


@contextmanager
def replacing(path: Path, *, unless: Callable[[], bool] = lambda: False) -> Iterator[Path]:
    """A place beside `path` for a file or a folder, which is on the disk and then in the place of `path` at the end.

    If the block fails, the draft vanishes and `path` stays what it was. A process that is killed leaves a draft, which
    one of the later calls for the same folder removes.

    Args:
        path: the file or folder; the folder that it lies in is made.
        unless: asked at the end whether what is at `path` by then is to stay, because another process was faster.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent)
    draft = _beside(path)
    try:
        yield draft
        for part in draft.rglob("*") if draft.is_dir() else (draft,):
            _settle(part)
        if not unless():
            _swap(draft, path)
            _settle(path.parent)
    finally:
        _remove(draft)


def discard(folder: Path) -> None:
    """Remove a folder of files so that whoever looks sees all of it or nothing, also after a kill meanwhile."""
    draft = _beside(folder)
    folder.rename(draft)
    _settle(folder.parent)
    _remove(draft)


def sweep(folder: Path, names: str = "*", *, seconds: float = DAY_SECONDS) -> None:
    """Remove the drafts of killed processes from a folder: those of such names that nothing was written to for so long.

    The folder may be anybody's, their home if need be. A draft is known by a name that `replacing` alone gives, and one
    that is a folder by files alone being in it.

    Args:
        folder: where they lie.
        names: a pattern of the names of what they would have become.
        seconds: 0 is right where no other process can be writing.
    """
    for draft in folder.glob(f".draft-*-{names}"):
        with suppress(OSError):
            parts = list(draft.iterdir()) if draft.is_dir() else []
            ours = DRAFT.fullmatch(draft.name) and all(stat.S_ISREG(part.lstat().st_mode) for part in parts)
            if ours and time.time() - max(part.lstat().st_mtime for part in (draft, *parts)) >= seconds:
                _remove(draft)


def numbered(folder: Path) -> list[tuple[int, Path]]:
    """The .png files of a folder whose names are numbers, as (number, path) in order; others are somebody's own."""
    return sorted((int(path.stem), path) for path in folder.glob("*.png") if path.stem.isdecimal())


def plain(path: Path) -> Path:
    """This path, which is no pipe and no device: whoever reads those waits until somebody writes.

    Raises:
        Unreadable: it is one.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise Unreadable(f"{path} is a pipe or a device. Name a file.")
    return path


def cache_folder() -> Path:
    """Where packs and downloads are kept: the environment variable GANVAS_CACHE, or the system's place for caches."""
    return Path(os.environ.get("GANVAS_CACHE") or platformdirs.user_cache_dir("ganvas"))


def key(*settings: object) -> str:
    """16 hexadecimal digits that change when any of the settings, told by their repr, changes."""
    return digest([settings])[:16]


def digest(parts: Iterable[object]) -> str:
    """The SHA-256 of the reprs of any number of parts, one after the other, so that memory stays flat."""
    found = hashlib.sha256()
    for part in parts:
        found.update(repr(part).encode(errors="surrogatepass"))
    return found.hexdigest()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in one sentence why something at `path` cannot be written, instead of raising the system's errors.

    Raises:
        Unwritable: the disk is full, or `path` is not writable.
    """
    try:
        yield
    except OSError as error:
        raise Unwritable(f"Cannot write {path}: {error.strerror or error}.") from error


def _beside(path: Path) -> Path:
    return path.with_name(f".draft-{secrets.token_hex(8)}-{path.name}")  # with its ending, which says what to write


def _swap(draft: Path, path: Path) -> None:
    """Put a draft in the place of what `path` holds; a folder that is not empty has to go out of the way first."""
    if not path.is_dir():
        draft.replace(path)
        return
    old = _beside(path)
    path.rename(old)
    draft.rename(path)
    _remove(old)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _settle(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)  # as Windows wants it
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
