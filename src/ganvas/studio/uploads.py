"""Files being uploaded: written to a draft next to the target, then renamed. Those for jobs are kept for a day."""

import io
import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path

from .refused import Refused
from .workspace import Workspace, check_name

__all__ = ["Upload", "for_jobs", "room", "shown"]

LEAST_FREE = 2**30
MOST_FOR_JOBS, MOST_BYTES = 100, 256 * 2**20


class Upload:
    """One upload. `ended` is called with the number of bytes received, 0 if it failed."""

    def __init__(self, root: Path, parts: tuple[str, ...], limit: int, *, ended: Callable[[int], None]) -> None:
        self.bytes = 0
        self._root, self._limit, self._ended = root, limit, ended
        self._path = root.joinpath(*parts)
        self._draft = self._path.with_name(f".{secrets.token_hex(6)}.part")
        self._file: io.BufferedWriter | None = None

    def __enter__(self) -> "Upload":
        try:
            self._file = self._opened()
        except (FileExistsError, NotADirectoryError):
            self._ended(0)
            raise Refused(409, "A file is where this one's folder is to be.") from None
        except OSError as error:
            self._ended(0)
            raise Refused(507, f"It cannot be written: {error.strerror}.") from None
        except BaseException:
            self._ended(0)
            raise
        return self

    def _opened(self) -> io.BufferedWriter:
        above = self._root
        for part in self._path.relative_to(self._root).parts[:-1]:
            above = above / part
            if above.is_symlink():
                raise Refused(409, "A link is in the way of this file.")
            above.mkdir(exist_ok=True)
        if self._path.is_symlink() or self._path.is_dir():
            raise Refused(409, "A link or a folder is in the way of this file.")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        return os.fdopen(os.open(self._draft, flags, 0o644), "wb")

    def write(self, part: bytes) -> None:
        """Write the next bytes.

        Raises:
            Refused: 413 there are too many; 507 the disk is full.
        """
        self.bytes += len(part)
        if self.bytes > self._limit:
            raise Refused(413, f"This file is larger than {self._limit / 2**20:,.0f} MiB.")
        assert self._file is not None
        try:
            self._file.write(part)
        except OSError as error:
            raise Refused(507, f"It cannot be written: {error.strerror}.") from None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        came = 0
        try:
            if self._file is not None:
                with suppress(OSError) if kind else nullcontext():  # what is left in its buffer has no room either
                    self._file.close()
            if kind is None:
                self._draft.replace(self._path)
                came = self.bytes
        except OSError as error:
            raise Refused(507, f"It cannot be written: {error.strerror}.") from None
        finally:
            self._draft.unlink(missing_ok=True)
            self._ended(came)


def room(folder: Path, length: int) -> None:
    """Check that the disk has room.

    Raises:
        Refused: 507, less than 1 GiB would remain free.
    """
    if shutil.disk_usage(folder).free - length < LEAST_FREE:
        raise Refused(507, "There is too little room on the disk: 1 GiB is left free.")


def for_jobs(workspace: Workspace, name: str, length: int | None) -> Upload:
    """Begin the upload of a file for jobs; beyond 100 files the oldest ones are deleted.

    Raises:
        Refused: 400 the name is invalid; 413 it is too large; 507 the disk is full.
    """
    try:
        check_name(name, what="upload")
    except Refused as refused:
        raise Refused(400, str(refused), field="name") from None
    folder = workspace.studio("uploads")
    held = sorted(folder.glob("[!.]*"), key=lambda path: path.stat().st_mtime_ns)
    for old in held[: max(0, len(held) - MOST_FOR_JOBS + 1)]:
        with suppress(OSError):
            old.unlink()
    if (length or 0) > MOST_BYTES:
        raise Refused(413, f"This file is larger than {MOST_BYTES / 2**20:,.0f} MiB.")
    room(folder, length or 0)
    return Upload(folder, (name,), MOST_BYTES, ended=lambda _came: None)


def shown(workspace: Workspace, name: str) -> bytes:
    """A picture that was uploaded for jobs, decoded and encoded anew as PNG, at most 512 pixels large.

    Raises:
        Refused: 404, there is none, or it is no picture.
    """
    from ..data.look import as_it_is

    path = workspace.inside(workspace.studio("uploads"), check_name(name, what="upload"))
    picture = as_it_is(path.read_bytes()) if path.is_file() else None
    if picture is None:
        raise Refused(404, "This is no picture.")
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return out.getvalue()
