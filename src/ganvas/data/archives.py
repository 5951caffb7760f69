"""Uniform access to folders, zip files and single pictures, in a fixed order and without trusting their content.

A zip is never extracted: its entries are read through their handles, so no name can escape it, and an entry that claims
to be larger than allowed is not opened. Only folders and plain files are ever opened, since reading a pipe or a device
may block forever. What the toolkit itself made is left out: run folders with all their content, and its cache.
"""

import errno
import hashlib
import os
import stat
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from ..core.errors import NotFound, Unreadable
from ..core.files import cache_folder
from . import svg
from .decode import MOST_BYTES, Unusable, explain, is_picture

__all__ = ["Files", "is_zip", "listing", "open_files", "stamp"]

RUN = {"run.json", "recipe.json"}
"""A folder with both files is a run, whose sheets of samples are not data."""

RUN_LEFT_OUT = "a run of this toolkit, with sheets of its samples and no pictures to learn from"
LINKED_TO_NOTHING = "a link to nothing"
WRITTEN = "Give the command again when nothing writes to them."

PASSING = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.ESTALE, errno.ETIMEDOUT}
"""Errors of the system that say nothing about the file, so that no file may be left out for them."""

Identity = tuple[int, int]


class Files(ABC):
    """The files of a folder or a zip by their relative names, separated by /; hidden ones are left out.

    names    sorted
    closed   (name, reason) of what was not opened: inaccessible folders, links to nothing, pipes, run folders
    """

    names: tuple[str, ...]
    closed: tuple[tuple[str, str], ...] = ()

    @abstractmethod
    def size(self, name: str) -> int:
        """The size of this file in bytes."""

    @abstractmethod
    def fingerprint(self, name: str) -> str:
        """A text that changes with the file's content; in a folder, this reads the file."""

    @abstractmethod
    def stamp(self) -> str:
        """A text that changes when any content does, found without reading it; it may change without cause."""

    @abstractmethod
    def _read(self, name: str, most: int | None = None) -> bytes: ...

    def beginning(self, name: str, count: int = 32) -> bytes:
        """The first bytes of a file; empty if it cannot be read."""
        try:
            return self._read(name, count)
        except Exception:  # as in `read`
            return b""

    def read(self, name: str, *, most: int = MOST_BYTES) -> bytes:
        """The content of one file.

        Raises:
            Unusable: it is empty, larger than `most` bytes, or cannot be read.
            Unreadable: it changed since the folder was listed.
        """
        if self.size(name) > most:
            raise Unusable(f"larger than {most / 2**20:g} MiB")
        try:
            content = self._read(name)
        except Unreadable:
            raise
        except Exception as error:  # zipfile raises more kinds than it documents
            _refuse_passing(name, error)
            raise Unusable(explain(error)) from None
        if not content:
            raise Unusable("empty")
        return content


class _Folder(Files):
    """A folder with all its sub-folders; links are followed, but no folder is entered twice."""

    def __init__(self, path: Path) -> None:
        self._path = path
        closed: list[tuple[str, str]] = []
        self._stats = dict(sorted(_walk(path, _strangers(), closed)))
        self.names = tuple(self._stats)
        self.closed = tuple(sorted(closed))

    def size(self, name: str) -> int:
        return self._stats[name].st_size

    def fingerprint(self, name: str) -> str:
        if self.size(name) > MOST_BYTES:
            return str(self.size(name))
        try:
            return hashlib.sha256(self._read(name)).hexdigest()
        except OSError as error:
            _refuse_passing(name, error)
            return explain(error)

    def stamp(self) -> str:
        digest = hashlib.sha256(repr(str(self._path.resolve())).encode())
        for name, seen in self._stats.items():
            digest.update(repr((name, *_identity(seen))).encode())
        return digest.hexdigest()

    def _read(self, name: str, most: int | None = None) -> bytes:
        was, now, content = self._stats[name], None, b""
        with suppress(FileNotFoundError), (self._path / name).open("rb") as file:
            content, now = file.read(-1 if most is None else most), os.fstat(file.fileno())
        if now is None or (now.st_size, now.st_mtime_ns) != (was.st_size, was.st_mtime_ns):
            raise Unreadable(f"{name} changed while these files were being read. {WRITTEN}")
        return content


class _Alone(_Folder):
    """A file as if it were alone in its folder."""

    def __init__(self, path: Path) -> None:
        self._path, self._stats = path.parent, {path.name: path.stat()}
        self.names = (path.name,)


class _Zip(Files):
    """A zip file; `zipfile` limits an entry to the size in the zip's directory and checks its CRC."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except OSError:
            raise
        except Exception as error:  # zipfile raises more kinds than it documents
            raise Unreadable(f"{path} cannot be read as a zip file: {error}.") from None
        entries = ((PurePosixPath(entry.filename.replace("\\", "/")), entry) for entry in self._zip.infolist())
        kept = {str(name): entry for name, entry in entries if not entry.is_dir() and not _hidden(name)}
        runs = _runs(kept)
        self.closed = tuple((run, RUN_LEFT_OUT) for run in sorted(runs))
        self._entries = {name: kept[name] for name in sorted(kept) if not any(name.startswith(run) for run in runs)}
        self.names = tuple(self._entries)

    def size(self, name: str) -> int:
        return self._entries[name].file_size

    def fingerprint(self, name: str) -> str:
        return f"{self._entries[name].CRC:08x}-{self.size(name)}"

    def stamp(self) -> str:
        return hashlib.sha256(repr([(name, self.fingerprint(name)) for name in self.names]).encode()).hexdigest()

    def _read(self, name: str, most: int | None = None) -> bytes:
        if self._entries[name].flag_bits & 1:
            raise Unusable("encrypted: unpack the zip, and name the folder")
        with self._zip.open(self._entries[name]) as file:
            return file.read(-1 if most is None else most)


def open_files(path: Path) -> Files:
    """The files in this folder or zip file; of a picture, that one.

    Raises:
        NotFound or Unreadable: `path` does not exist, is no folder, zip or picture, or may not be read.
    """
    try:
        if path.is_dir():
            return _Folder(path)
        if not path.exists():
            gone = ": it is a link to something that is gone" if path.is_symlink() else ""
            raise NotFound(f"There is no folder or file {path}{gone}.")
        if not path.is_file():
            raise Unreadable(f"{path} is a pipe or a device. Name a folder or a zip file.")
        if zipfile.is_zipfile(path):
            return _Zip(path)
        with path.open("rb") as file:
            if is_picture(file.read(svg.HEAD)):
                return _Alone(path)
        tar = f" Tar shards are named as shards:{path}." if ".tar" in path.name or path.suffix == ".tgz" else ""
        raise Unreadable(f"{path} is no folder, no zip file and no picture.{tar}")
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror or error}.") from None


def stamp(path: Path) -> str:
    """A text that changes when the content of this path may have changed, found without reading all of it."""
    if path.is_dir() or is_zip(path):
        return open_files(path).stamp()
    return repr((str(path.resolve()), *_identity(path.stat())))


def is_zip(path: Path) -> bool:
    """Whether this is a plain file with a zip's end record; pipes and devices are not opened."""
    return path.is_file() and zipfile.is_zipfile(path)


def listing(path: Path) -> set[str]:
    """The names, without folders, of what is directly in this folder or anywhere in this zip; none if it is neither."""
    try:
        if path.is_dir():
            return {entry.name for entry in path.iterdir()}
        if not is_zip(path):
            return set()
        with zipfile.ZipFile(path) as opened:
            return {PurePosixPath(name).name for name in opened.namelist()}
    except Exception:  # zipfile raises more kinds than it documents
        return set()


def _refuse_passing(name: str, error: Exception) -> None:
    """Stop for an error that will pass: the cache would remember the file as one that cannot be used.

    Raises:
        Unreadable: it is one.
    """
    if isinstance(error, OSError) and error.errno in PASSING:
        raise Unreadable(f"{name} cannot be read now: {error.strerror}. Try again.") from None


def _identity(seen: os.stat_result) -> tuple[int, ...]:
    """Values that change when a file is written or replaced, even if its modification time is set back."""
    return seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino, seen.st_dev


def _strangers() -> set[Identity]:
    """The folders not to be entered: at first the cache, to which `_walk` adds those it has entered."""
    try:
        cache = cache_folder().stat()
    except OSError:
        return set()
    return {(cache.st_dev, cache.st_ino)}


def _walk(folder: Path, entered: set[Identity], closed: list[tuple[str, str]]) -> Iterator[tuple[str, os.stat_result]]:
    waiting = [("", str(folder))]  # and no recursion, which a thousand folders within one another would end
    while waiting:
        prefix, path = waiting.pop()
        try:
            entries = _entries(prefix, path, entered)
        except OSError as error:
            if not prefix:
                raise
            gone = isinstance(error, FileNotFoundError)
            closed.append((prefix.removesuffix("/"), LINKED_TO_NOTHING if gone else explain(error)))
            continue
        if prefix and {entry.name for entry in entries} >= RUN:
            closed.append((prefix, RUN_LEFT_OUT))
            continue
        folders = []
        for entry in entries:
            try:
                if entry.is_dir():
                    folders.append((f"{prefix}{entry.name}/", entry.path))
                elif stat.S_ISREG((seen := entry.stat()).st_mode):
                    yield prefix + entry.name, seen
                else:
                    closed.append((prefix + entry.name, "a pipe or a device"))
            except FileNotFoundError:
                closed.append((prefix + entry.name, LINKED_TO_NOTHING))
            except OSError as error:
                closed.append((prefix + entry.name, explain(error)))
        waiting += reversed(folders)


def _entries(prefix: str, path: str, entered: set[Identity]) -> list["os.DirEntry[str]"]:
    """What is in a folder, without what is hidden; nothing if it was entered before."""
    found = os.stat(path)  # noqa: PTH116 - a Path of each of many folders takes longer
    if prefix and (found.st_dev, found.st_ino) in entered:
        return []
    entered.add((found.st_dev, found.st_ino))
    with os.scandir(path) as listed:
        return [entry for entry in listed if not entry.name.startswith(".")]


def _runs(names: Iterable[str]) -> set[str]:
    """The run folders within a zip, each ending in /; its outermost folder does not count."""
    inside: dict[str, set[str]] = {}
    for name in names:
        folder, slash, last = name.rpartition("/")
        if slash and last in RUN:
            inside.setdefault(f"{folder}/", set()).add(last)
    return {folder for folder, last in inside.items() if last >= RUN}


def _hidden(name: PurePosixPath) -> bool:
    return any(part.startswith(".") and part != ".." for part in name.parts) or "__MACOSX" in name.parts
