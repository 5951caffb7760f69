"""Downloads of well-known data sets: resumed where they stopped, accepted only if the hash matches."""

import hashlib
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import DoesNotFit, Unreachable, Unwritable
from .files import alone

__all__ = ["download"]

CHUNK = 2**20
ATTEMPTS = 4
TIMEOUT_SECONDS = 30


def download(
    address: str,
    path: Path,
    *,
    checksum: str,
    watch: Callable[[str, int, int], None],
    otherwise: str,
    pause_seconds: float = 2.0,
) -> Path:
    """The file at `path`, downloaded from `address` if it does not exist yet.

    Partial content is kept in `path` + ".part", and the next call resumes from there.

    Args:
        address: its URL, http or https.
        path: where to store it; the folder is created.
        checksum: the expected one, as `sha256:0123...` or `md5:0123...`.
        watch: called before the first byte and as bytes arrive: what and from where, bytes so far, bytes in total.
        otherwise: what to do if the download fails, as a sentence for the error.
        pause_seconds: the wait before the second attempt, doubled before each further one.

    Raises:
        Unreachable or Unwritable: the server cannot be reached, the content is not the expected file, or it cannot be
            written.
    """
    if path.exists():
        return path
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path, part.with_name(f".{part.name}.lock")):
            if path.exists():  # another process was downloading it
                return path
            _fetch_patiently(address, part, watch, otherwise, pause_seconds)
            if _checksum(part, checksum.partition(":")[0]) != checksum:
                part.unlink()
                raise Unreachable(
                    f"What came from {address} is not the expected file: its {checksum} differs. {otherwise}"
                )
            part.replace(path)
    except OSError as error:
        raise Unwritable(f"{part} cannot be written: {error.strerror or error}. {otherwise}") from None
    return path


@contextmanager
def _alone(path: Path, file: Path) -> Iterator[None]:
    """Wait for other processes that download `path`, by a lock on `file`.

    It is removed once `path` is there, and not before: as long as there is something to do, all have to meet at one.
    """
    with alone(file):
        try:
            yield
        finally:
            with suppress(OSError):  # Windows removes no open file
                if path.exists():
                    file.unlink()


def _fetch_patiently(
    address: str, part: Path, watch: Callable[[str, int, int], None], otherwise: str, pause_seconds: float
) -> None:
    """`_fetch`, again after errors of the network or the server.

    Raises:
        Unreachable: none of the attempts succeeded.
    """
    for attempt in range(ATTEMPTS):
        try:
            _fetch(address, part, watch)
            break
        except urllib.error.HTTPError as error:
            if error.code < 500 or attempt + 1 == ATTEMPTS:
                raise Unreachable(f"{address} answered {error.code} {error.reason}. {otherwise}") from None
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            if attempt + 1 == ATTEMPTS:
                why = getattr(error, "reason", None) or error
                raise Unreachable(f"{address} could not be fetched ({why}). {otherwise}") from None
        time.sleep(pause_seconds * 2**attempt)


def _fetch(address: str, part: Path, watch: Callable[[str, int, int], None]) -> None:
    """Append the missing bytes to `part`; a server that cannot resume sends everything again."""
    if not address.startswith(("http://", "https://")):
        raise DoesNotFit(f"{address!r} is no http address.")
    here = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(address, headers={"Range": f"bytes={here}-"} if here else {})  # noqa: S310
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)  # noqa: S310
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # the file is complete, or too long, which the checksum reveals
        raise
    with answer:
        if answer.status != http.HTTPStatus.PARTIAL_CONTENT:
            here = 0
        total = here + int(answer.headers.get("Content-Length") or 0)
        what = f"Downloading {address}"
        watch(what, here, total)
        with part.open("ab" if here else "wb") as file:
            while chunk := _read(answer):
                file.write(chunk)
                here += len(chunk)
                watch(what, here, total)
        if here < total:
            raise ConnectionError(f"it broke off after {here:,} of {total:,} bytes")


def _read(answer: http.client.HTTPResponse) -> bytes:
    """The next bytes; an error here is the network's, not the disk's."""
    try:
        return answer.read(CHUNK)
    except OSError as error:
        raise ConnectionError(str(error)) from None


def _checksum(file: Path, kind: str) -> str:
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, lambda: hashlib.new(kind, usedforsecurity=False))
    return f"{kind}:{digest.hexdigest()}"
