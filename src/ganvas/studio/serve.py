"""Open the studio: find a free port, print the address with its token, and run uvicorn."""

import asyncio
import contextlib
import html
import ipaddress
import json
import logging
import platform
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path

import uvicorn
from filelock import FileLock, Timeout

from ..core import files
from ..core.errors import Busy, DoesNotFit, NotFound
from .app import application
from .guard import Door
from .workspace import Workspace, read_json

__all__ = ["LOCAL", "serve"]

LOCAL = ("127.0.0.1", "localhost", "[::1]")
ANY = {"0.0.0.0", "::"}  # noqa: S104 - asked for by --host
ADDRESS = "open.json"  # where the studio of a workspace is, for whoever tries to open it again
PAGE = "open.html"  # leads the browser there
TRIED = 10


def serve(
    folder: Path,
    *,
    port: int = 8765,
    host: str = "127.0.0.1",
    roots: Sequence[Path] = (),
    opened: bool = True,
    threads: int | None = None,
    trainings: int = 1,
    say: Callable[[str], None] = print,
) -> None:
    """Serve the studio of a folder until it is stopped; trainings continue.

    Args:
        folder: the workspace; created if it does not exist.
        port: the first of ten ports to try.
        host: the address to listen on; a warning is printed if others can reach it.
        roots: folders of pictures that may be read where they are.
        opened: open the browser.
        threads: number of threads for drawing; by default torch's own choice.
        trainings: how many run at once; others are queued.
        say: called with messages for the terminal.

    Raises:
        GanvasError: a root is not a folder, no port is free, or a number is out of range.
    """
    if (threads is not None and threads < 1) or trainings < 1 or not 1 <= port <= 65535:
        raise DoesNotFit("--threads and --trainings are at least 1, and --port is from 1 to 65535.")
    for root in roots:
        if not files.expanded(root).is_dir():
            raise NotFound(f"There is no folder {root} for --data.")
    workspace = Workspace(files.expanded(folder).resolve(), tuple(files.expanded(root).resolve() for root in roots))
    workspace.prepare()
    lock = _alone(workspace)
    listening = _listen(host, port)
    found = listening.getsockname()[1]
    if found != port:
        say(f"port {port} is in use; taking {found}")
    token, cookie = workspace.secrets()
    shown = "127.0.0.1" if host in ANY else _in_url(host)
    mine = {*LOCAL, shown, *(() if _local(host) else _names())}
    guard = application(workspace, Door(frozenset(mine), found, token, cookie), threads=threads, trainings=trainings)
    url = f"http://{shown}:{found}/?token={token}"
    files.write(workspace.studio(ADDRESS), json.dumps(f"http://{shown}:{found}"))
    if not _local(host):
        say(f"listening on {host}: whoever has the address below can draw, train and read pictures here; without https")
    say(f"the studio of {workspace.root}: {url}")
    if opened:
        threading.Timer(0.5, webbrowser.open, [_unseen(workspace, url)]).start()
    config = uvicorn.Config(
        guard, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=2
    )
    server = _Server(config, guard.app.state.parts.hub.close)  # type: ignore[attr-defined]
    logging.getLogger("uvicorn.error").addFilter(_meant)
    with contextlib.suppress(KeyboardInterrupt):
        server.run([listening])
    listening.close()
    _goodbye(guard, say)
    lock.release()


def _unseen(workspace: Workspace, url: str) -> str:
    """The address of a file that leads to a URL: every user of a machine sees what a browser was started with."""
    if "microsoft" in platform.release().lower():  # Windows shows the pages of its Linux, and cannot open its files
        return url
    to = html.escape(url)
    page = f'<!doctype html><meta http-equiv="refresh" content="0;url={to}"><a href="{to}">Ganvas Studio</a>'
    return workspace.private(PAGE, page).as_uri()


class _Server(uvicorn.Server):
    """A server that disconnects its tabs before it waits for them."""

    def __init__(self, config: uvicorn.Config, leave: Callable[[], None]) -> None:
        super().__init__(config)
        self._leave = leave

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        self._leave()
        await super().shutdown(sockets)


def _meant(record: logging.LogRecord) -> bool:
    """Whether to log a record: requests cancelled by stopping the server are expected."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def _goodbye(guard: object, say: Callable[[str], None]) -> None:
    """Say which trainings continue; a second Ctrl-C pauses them."""
    runs = guard.app.state.parts.runs  # type: ignore[attr-defined]
    going = [run["name"] for run in runs.all() if run["state"] in {"training", "starting"}]
    if not going:
        return
    some = "1 training goes" if len(going) == 1 else f"{len(going)} trainings go"
    say(f"{some} on. Start the studio again to watch it, or press Ctrl-C once more within 5 s to pause it.")
    pressed = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: pressed.set())
    if pressed.wait(5):
        for name in going:
            runs.pause(name, ended=False)
        say("paused")
    signal.signal(signal.SIGINT, before)


def _alone(workspace: Workspace) -> FileLock:
    """The lock of a workspace; two studios would overwrite what the other keeps, and start the same trainings.

    Raises:
        Busy: a studio of this folder is open.
    """
    lock = FileLock(workspace.studio("open.lock"), timeout=0)
    try:
        with contextlib.suppress(NotImplementedError):  # if files cannot be locked, go without
            lock.acquire()
    except Timeout:
        where = read_json(workspace.studio(ADDRESS), "an address that it has printed")
        raise Busy(
            f"The studio of {workspace.root} is open already, at {where}. Stop it, or give another folder."
        ) from None
    return lock


def _in_url(host: str) -> str:
    """An address as URLs have it."""
    return f"[{host}]" if ":" in host else host.lower()


def _names() -> set[str]:
    """How others may call this machine: its name, and its addresses as far as they are found."""
    name = socket.gethostname().lower()
    found = {name, f"{name}.local", *_outward()}
    with contextlib.suppress(OSError):
        found |= {_in_url(str(each[4][0])) for each in socket.getaddrinfo(name, None)}
    return found


def _outward() -> list[str]:
    """The address that this machine sends from, if it is in a network; nothing is sent."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return [str(probe.getsockname()[0])]
    return []


def _local(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _listen(host: str, port: int) -> socket.socket:
    """A socket on this port, or on the first free one of the ten from it on.

    Raises:
        GanvasError: none is free, or there is no such host.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        raise NotFound(f"There is no address {host!r} of this machine to listen on.") from None
    for tried in range(port, min(port + TRIED, 65536)):
        # Named TCP, or asyncio leaves Nagle's algorithm on, and each response waits 40 ms for an acknowledgement.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((address[0], tried))
            listening.listen(128)
        except OSError:
            listening.close()
            continue
        return listening
    raise Busy(f"The ports from {port} to {port + TRIED - 1} are in use, or {host} is no address of this machine.")
