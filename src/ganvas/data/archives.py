"""Folders and zip files read alike, in a fixed order and without trusting what is in them.

A zip is never extracted: its entries are read by their handles, so no name can lead out of it, and an entry that says
it is larger than allowed is not opened. Nothing but folders and plain files is ever opened: to read a pipe or a device
may take for ever. What the toolkit itself made is left out: run folders with all that is in them, and its cache.
"""

import hashlib
import os
import stat
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from ..core.errors import NotFound, Unreadable
from ..core.files import cache_folder
from .decode import MOST_BYTES, Unusable, explain

__all__ = ["Files", "is_zip", "listing", "open_files", "stamp"]

RUN = {"run.json", "recipe.json"}
"""Where both are, a model was trained: the sheets of its samples are no data."""

RUN_LEFT_OUT = "a run of this toolkit, with sheets of its samples and no pictures to learn from"
LINKED_TO_NOTHING = "a link to nothing"

Identity = tuple[int, int]


class Files(ABC):
    """The files of a folder or a zip by their names relative to it, with / between the parts; hidden ones are left out.

    names    sorted
    closed   (name, reason) of what was not looked into: closed folders, links to nothing, pipes, run folders
    """

    names: tuple[str, ...]
    closed: tuple[tuple[str, str], ...] = ()

    @abstractmethod
    def size(self, name: str) -> int:
        """Bytes of this file."""

    @abstractmethod
    def fingerprint(self, name: str) -> str:
        """Something that differs when the file's content does; in a folder it takes reading the file."""

    @abstractmethod
    def stamp(self) -> str:
        """Something that differs when any content does, told without reading it; it may differ without a change."""

    @abstractmethod
    def _read(self, name: str, most: int | None = None) -> bytes: ...

    def beginning(self, name: str, count: int = 32) -> bytes:
        """The first bytes of a file; none if it cannot be read."""
        try:
            return self._read(name, count)
        except Exception:  # as in `read`
            return b""

    def read(self, name: str, *, most: int = MOST_BYTES) -> bytes:
        """The content of one file.

        Raises:
            Unusable: it is empty, larger than `most` bytes, or cannot be read.
        """
        if self.size(name) > most:
            raise Unusable(f"larger than {most / 2**20:g} MiB")
        try:
            content = self._read(name)
        except Unusable:
            raise
        except Exception as error:  # zipfile raises more kinds than it documents
            raise Unusable(explain(error)) from None
        if not content:
            raise Unusable("empty")
        return content


class _Folder(Files):
    """A folder with all its sub-folders; links are followed, but no folder is entered twice."""

    def __init__(self, path: Path) -> None:
        self._path = path
        closed: list[tuple[str, str]] = []
        self._stats = dict(sorted(_walk(path, "", _strangers(), closed)))
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
            return explain(error)

    def stamp(self) -> str:
        digest = hashlib.sha256(repr(str(self._path.resolve())).encode())
        for name, seen in self._stats.items():
            digest.update(repr((name, *_identity(seen))).encode())
        return digest.hexdigest()

    def _read(self, name: str, most: int | None = None) -> bytes:
        with (self._path / name).open("rb") as file:
            return file.read(-1 if most is None else most)


class _Zip(Files):
    """A zip file. `zipfile` holds an entry to the size that the directory says and checks its sum."""

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
            raise Unusable("encrypted")
        with self._zip.open(self._entries[name]) as file:
            return file.read(-1 if most is None else most)


def open_files(path: Path) -> Files:
    """The files in this folder or zip file.

    Raises:
        NotFound or Unreadable: there is nothing at `path`, it is neither a folder nor a zip, or it may not be read.
    """
    try:
        if path.is_dir():
            return _Folder(path)
        if not path.exists():
            gone = ": it is a link to something that is gone" if path.is_symlink() else ""
            raise NotFound(f"There is no folder or file {path}{gone}.")
        if not path.is_file():
            raise Unreadable(f"{path} is a pipe or a device. Name a folder or a zip file.")
        if not zipfile.is_zipfile(path):
            raise Unreadable(f"{path} is neither a folder nor a zip file.")
        return _Zip(path)
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror or error}.") from None


def stamp(path: Path) -> str:
    """Something that differs when what is at this path may have changed, told without reading all of it."""
    if path.is_dir() or is_zip(path):
        return open_files(path).stamp()
    return repr((str(path.resolve()), *_identity(path.stat())))


def is_zip(path: Path) -> bool:
    """Whether this is a plain file that ends as zip files do; nothing else is opened."""
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


def _identity(seen: os.stat_result) -> tuple[int, ...]:
    """What differs after a file was written or another was put in its place, also by those who set its time back."""
    return seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino, seen.st_dev


def _strangers() -> set[Identity]:
    """The folders that are not entered: for now the cache, and later those that were entered before."""
    try:
        cache = cache_folder().stat()
    except OSError:
        return set()
    return {(cache.st_dev, cache.st_ino)}


def _walk(
    folder: Path, prefix: str, entered: set[Identity], closed: list[tuple[str, str]]
) -> Iterator[tuple[str, os.stat_result]]:
    found = folder.stat()
    if prefix and (found.st_dev, found.st_ino) in entered:
        return
    entered.add((found.st_dev, found.st_ino))
    with os.scandir(folder) as listed:
        entries = [entry for entry in listed if not entry.name.startswith(".")]
    if prefix and {entry.name for entry in entries} >= RUN:
        closed.append((prefix, RUN_LEFT_OUT))
        return
    for entry in entries:
        try:
            if entry.is_dir():
                yield from _walk(Path(entry.path), f"{prefix}{entry.name}/", entered, closed)
            elif stat.S_ISREG((seen := entry.stat()).st_mode):
                yield prefix + entry.name, seen
            else:
                closed.append((prefix + entry.name, "a pipe or a device"))
        except FileNotFoundError:
            closed.append((prefix + entry.name, LINKED_TO_NOTHING))
        except OSError as error:
            closed.append((prefix + entry.name, explain(error)))


def _runs(names: Iterable[str]) -> set[str]:
    """The folders of a zip, but for the outermost, that are run folders, each with a / at its end."""
    inside: dict[str, set[str]] = {}
    for name in names:
        folder, slash, last = name.rpartition("/")
        if slash and last in RUN:
            inside.setdefault(f"{folder}/", set()).add(last)
    return {folder for folder, last in inside.items() if last >= RUN}


def _hidden(name: PurePosixPath) -> bool:
    return any(part.startswith(".") and part != ".." for part in name.parts) or "__MACOSX" in name.parts
