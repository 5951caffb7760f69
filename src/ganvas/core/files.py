"""Files and folders written atomically, the cache folder, and pictures named by numbers."""

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

from .errors import DoesNotFit, Unreadable, Unwritable

__all__ = [
    "alone",
    "as_text",
    "cache_folder",
    "digest",
    "discard",
    "expanded",
    "key",
    "numbered",
    "plain",
    "put",
    "refuse_own_input",
    "refuse_unwritable",
    "replacing",
    "sweep",
    "write",
    "writing",
]

DAY_SECONDS = 86_400
OFTEN_SWEPT, MOST_WRITTEN = 64, 1000
DRAFT = re.compile(r"\.draft-[0-9a-f]{16}-.+")

_written: dict[str, int] = {}  # folder -> how often this process has written to it


def write(path: Path, content: str | bytes) -> None:
    """Replace the content of `path` atomically, text as UTF-8: readers see the old or the new, never a part.

    What UTF-8 cannot hold, such as names of files in other encodings, becomes question marks.
    """
    with replacing(path) as draft:
        draft.write_bytes(content.encode(errors="replace") if isinstance(content, str) else content)


def put(path: Path, content: str) -> None:
    """Like `write`, but without waiting for the disk, for files rewritten every second; readers still see it whole."""
    draft = path.with_name(f".{path.name}.draft")  # a fixed name, since only one process writes there
    draft.write_text(content, encoding="utf-8")
    draft.replace(path)


@contextmanager
def replacing(path: Path, *, unless: Callable[[], bool] = lambda: False) -> Iterator[Path]:
    """A draft beside `path`, for a file or a folder, which is flushed to disk and replaces `path` at the end.

    If the block fails, the draft is removed and `path` stays unchanged. A killed process leaves a draft, which a later
    call for the same folder removes.

    Args:
        path: the file or folder; its parent folder is created.
        unless: asked at the end whether to keep what is at `path` by then, because another process was faster.

    Raises:
        Unwritable: `path` has no name, as the working folder and the root.
    """
    if not path.name:
        raise Unwritable(f"Cannot write {path}: it is a folder. Name a file.")
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep_seldom(path.parent)
    draft = _beside(path)
    try:
        yield draft
        for part in draft.rglob("*") if draft.is_dir() else (draft,):
            _settle(part)
        if not unless():
            try:
                _swap(draft, path)
            except OSError:
                if not unless():  # asked again, as another process may have come between
                    raise
            _settle(path.parent)
    finally:
        _remove(draft)


def discard(folder: Path) -> None:
    """Remove a folder of files atomically: readers see all of it or nothing, even after a kill meanwhile."""
    draft = _beside(folder)
    folder.rename(draft)
    _settle(folder.parent)
    _remove(draft)


def sweep(folder: Path, names: str = "*", *, seconds: float = DAY_SECONDS) -> None:
    """Remove the drafts of killed processes from a folder: those not written to for `seconds`.

    The folder may be any, even a user's home, so a draft must have a name that only `replacing` gives and, if it is a
    folder, hold nothing but files.

    Args:
        folder: where the drafts are.
        names: a glob pattern of what they would have become.
        seconds: 0 is right where no other process can be writing.
    """
    for draft in folder.glob(f".draft-*-{names}"):
        with suppress(OSError):
            parts = list(draft.iterdir()) if draft.is_dir() else []
            ours = DRAFT.fullmatch(draft.name) and all(stat.S_ISREG(part.lstat().st_mode) for part in parts)
            age = time.time() - max(part.lstat().st_mtime for part in (draft, *parts))
            if ours and (age >= seconds or not seconds):  # the age is below 0 if the clock was set back
                _remove(draft)


def _sweep_seldom(folder: Path) -> None:
    """`sweep`, but ever more rarely while many files are written to a folder, for each time all of it is listed."""
    known = str(folder.absolute())
    calls = _written.pop(known, 0) + 1
    if calls <= OFTEN_SWEPT or calls & (calls - 1) == 0:  # a power of two
        sweep(folder)
    _written[known] = calls
    while len(_written) > MOST_WRITTEN:
        _written.pop(next(iter(_written)), None)  # the one that was not written to for longest


def numbered(folder: Path) -> list[tuple[int, Path]]:
    """The .png files of a folder whose names are numbers, as (number, path) in order; other files are the user's."""
    return sorted((int(path.stem), path) for path in folder.glob("*.png") if path.stem.isdecimal())


def plain(path: Path) -> Path:
    """This path, unless it is a pipe or a device, where reading could block forever.

    Raises:
        Unreadable: it is a pipe or a device.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise Unreadable(f"{path} is a pipe or a device. Name a file.")
    return path


def refuse_own_input(out: Path, *inputs: Path) -> None:
    """Refuse an output that is one of the files or folders it is made from.

    Raises:
        Unwritable: it is; nothing is written.
    """
    for path in inputs:
        if out.exists() and path.exists() and out.samefile(path):
            raise Unwritable(f"{out} is what this is made from, and would be lost. Write to another file.")


def refuse_unwritable(path: Path) -> None:
    """Refuse an output that cannot be written, before its content is made.

    Raises:
        Unwritable: `path` is a folder, or its own cannot be made or written to.
    """
    if path.is_dir():
        raise Unwritable(f"Cannot write {path}: it is a folder. Name a file.")
    with writing(path), replacing(path, unless=lambda: True) as draft:
        draft.touch()


def expanded(path: str | Path) -> Path:
    """The path with ~ replaced by the user's home; as it is if there is no such user, where Path.expanduser raises."""
    return Path(os.path.expanduser(path))  # noqa: PTH111


def as_text(place: str | Path) -> str:
    """A place as the text for it; a `Path` is never a name, so that of a file or folder `icons` becomes ./icons.

    Raises:
        DoesNotFit: it is neither a text nor a path.
    """
    if isinstance(place, str):
        return place
    if not isinstance(place, Path):
        raise DoesNotFit(
            f"Recipes and data are named by a text or a path, and this is a {type(place).__name__}. Samples in memory "
            "are trained on by `ganvas.train(recipe, ganvas.Dataset(samples))`, or are opened by a source of your own, "
            "a part of kind data (docs/extend.md), which has a name."
        )
    path = expanded(place)
    return str(path) if path.is_absolute() else f".{os.sep}{path}"


def cache_folder() -> Path:
    """Where packs and downloads are kept: the environment variable GANVAS_CACHE, or the system's cache folder."""
    return Path(os.environ.get("GANVAS_CACHE") or platformdirs.user_cache_dir("ganvas"))


def key(*settings: object) -> str:
    """16 hexadecimal digits that change when the repr of any setting changes."""
    return digest([settings])[:16]


def digest(parts: Iterable[object]) -> str:
    """The SHA-256 of the reprs of any number of parts, hashed one by one in constant memory."""
    found = hashlib.sha256()
    for part in parts:
        found.update(repr(part).encode(errors="surrogatepass"))
    return found.hexdigest()


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """Wait for other processes that hold this lock file, which stays; without locks, go on at once."""
    from filelock import FileLock

    lock = FileLock(file)
    with suppress(NotImplementedError):
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the system's errors when writing `path` into one sentence.

    Raises:
        Unwritable: the disk is full, or `path` is not writable.
    """
    try:
        yield
    except OSError as error:
        raise Unwritable(f"Cannot write {path}: {error.strerror or error}.") from error


def _beside(path: Path) -> Path:
    return path.with_name(f".draft-{secrets.token_hex(8)}-{path.name}")  # keeps the suffix, which selects the format


def _swap(draft: Path, path: Path) -> None:
    """Replace `path` with a draft; an existing folder has to be moved away first.

    Raises:
        Unwritable: a file would replace a folder, with all that is in it.
    """
    if path.is_dir() and not draft.is_dir():
        raise Unwritable(f"Cannot write {path}: it is a folder. Name a file.")
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
    """Flush a file, or a folder's list of names, to the disk."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)  # Windows flushes only writable ones
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
