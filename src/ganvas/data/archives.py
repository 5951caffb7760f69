"""Folders and zip files read alike, in a fixed order and without trusting what is in them.

A zip is never extracted: its entries are read by their handles, so no name can lead out of it, and an entry that says
it is larger than allowed is not opened.
"""

import hashlib
import os
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ..core.errors import NotFound, Unreadable
from .decode import MOST_BYTES, Unusable, explain

__all__ = ["Files", "listing", "open_files", "stamp"]


class Files(ABC):
    """The files of a folder or a zip by their names relative to it, with / between the parts; hidden ones are left out.

    names    sorted
    closed   (folder, reason) of sub-folders that could not be looked into
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
    def _read(self, name: str) -> bytes: ...

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
        self._stats = dict(sorted(_walk(path, "", set(), closed)))  # name -> size in bytes, time in nanoseconds
        self.names = tuple(self._stats)
        self.closed = tuple(closed)

    def size(self, name: str) -> int:
        return self._stats[name][0]

    def fingerprint(self, name: str) -> str:
        if self.size(name) > MOST_BYTES:
            return str(self.size(name))
        try:
            return hashlib.sha256(self._read(name)).hexdigest()
        except OSError as error:
            return explain(error)

    def stamp(self) -> str:
        digest = hashlib.sha256(repr(str(self._path.resolve())).encode())
        for name, (size, time) in self._stats.items():
            digest.update(repr((name, size, time)).encode())
        return digest.hexdigest()

    def _read(self, name: str) -> bytes:
        return (self._path / name).read_bytes()


class _Zip(Files):
    """A zip file. `zipfile` holds an entry to the size that the directory says and checks its sum."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, ValueError) as error:
            raise Unreadable(f"{path} cannot be read as a zip file: {error}.") from None
        entries = ((PurePosixPath(entry.filename.replace("\\", "/")), entry) for entry in self._zip.infolist())
        kept = ((str(name), entry) for name, entry in entries if not entry.is_dir() and not _hidden(name))
        self._entries = dict(sorted(kept, key=lambda pair: pair[0]))
        self.names = tuple(self._entries)

    def size(self, name: str) -> int:
        return self._entries[name].file_size

    def fingerprint(self, name: str) -> str:
        return f"{self._entries[name].CRC:08x}-{self.size(name)}"

    def stamp(self) -> str:
        return hashlib.sha256(repr([(name, self.fingerprint(name)) for name in self.names]).encode()).hexdigest()

    def _read(self, name: str) -> bytes:
        if self._entries[name].flag_bits & 1:
            raise Unusable("encrypted")
        return self._zip.read(self._entries[name])


def open_files(path: Path) -> Files:
    """The files in this folder or zip file.

    Raises:
        GanvasError: there is nothing at `path`, it is neither a folder nor a zip, or it may not be read.
    """
    try:
        if path.is_dir():
            return _Folder(path)
        if not path.exists():
            raise NotFound(f"There is no folder or file {path}.")
        if not zipfile.is_zipfile(path):
            raise Unreadable(f"{path} is neither a folder nor a zip file.")
        return _Zip(path)
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror or error}.") from None


def stamp(path: Path) -> str:
    """Something that differs when what is at this path may have changed, told without reading all of it."""
    if path.is_dir() or zipfile.is_zipfile(path):
        return open_files(path).stamp()
    stat = path.stat()
    return repr((str(path.resolve()), stat.st_size, stat.st_mtime_ns))


def listing(path: Path) -> set[str]:
    """The names, without folders, of what is directly in this folder or anywhere in this zip; none if it is neither."""
    try:
        if path.is_dir():
            return {entry.name for entry in path.iterdir()}
        with zipfile.ZipFile(path) as opened:
            return {PurePosixPath(name).name for name in opened.namelist()}
    except (OSError, ValueError, zipfile.BadZipFile):
        return set()


def _walk(
    folder: Path, prefix: str, entered: set[tuple[int, int]], closed: list[tuple[str, str]]
) -> Iterator[tuple[str, tuple[int, int]]]:
    identity = folder.stat()
    if (identity.st_dev, identity.st_ino) in entered:
        return
    entered.add((identity.st_dev, identity.st_ino))
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            try:
                if entry.is_dir():
                    yield from _walk(Path(entry.path), f"{prefix}{entry.name}/", entered, closed)
                elif entry.is_file():
                    stat = entry.stat()
                    yield prefix + entry.name, (stat.st_size, stat.st_mtime_ns)
            except OSError as error:
                closed.append((prefix + entry.name, explain(error)))


def _hidden(name: PurePosixPath) -> bool:
    return any(part.startswith(".") and part != ".." for part in name.parts) or "__MACOSX" in name.parts
