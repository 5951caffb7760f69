"""The processes of Learn: at most two, each for one tab, ended after half a minute without a listener.

A third one replaces another: one without a listener, else one that is still starting, else the oldest. A tab that was
closed, or reloaded while its playground started, cannot be told from an open one, and must not lock others out.
"""

import asyncio
import json
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from .children import python
from .events import Hub
from .refused import Refused

__all__ = ["Playgrounds", "ended"]

MOST, IDLE_SECONDS, START_SECONDS = 2, 30.0, 180.0
MOST_LINE = 2**20


def ended(name: str) -> dict[str, Any]:
    """The event that says that a playground has ended, or never was."""
    return {"id": name, "ended": True}


@dataclass
class _Playground:
    process: asyncio.subprocess.Process
    heard: float
    reading: "asyncio.Task[None] | None" = None


class Playgrounds:
    """The running playgrounds. All methods run in the server's own thread."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._all: dict[str, _Playground] = {}
        self._starting: list[asyncio.subprocess.Process] = []
        self._door = asyncio.Lock()

    async def start(self, ask: dict[str, Any]) -> dict[str, Any]:
        """Start a playground; returns its id, its data and the number of spots.

        Raises:
            Refused: 422 the training refuses the settings; 503 it took too long, or others were started in its place.
        """
        async with self._door:  # otherwise simultaneous requests would all find room
            self.sweep()
            self._make_room()
            process = await asyncio.create_subprocess_exec(
                *python("ganvas.studio.plane"),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
                limit=MOST_LINE, start_new_session=True,
            )  # fmt: skip
            self._starting.append(process)
        try:
            first = await self._first(process, ask)
        finally:
            if process in self._starting:
                self._starting.remove(process)
        name = secrets.token_hex(4)
        self._all[name] = playground = _Playground(process, time.monotonic())
        playground.reading = asyncio.create_task(self._read(name, process))
        return {"id": name, **first}

    async def _first(self, process: asyncio.subprocess.Process, ask: dict[str, Any]) -> dict[str, Any]:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(ask).encode() + b"\n")
            await process.stdin.drain()
            line = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
            first: dict[str, Any] = json.loads(line)
        except (OSError, ValueError, TimeoutError):
            with suppress(ProcessLookupError):
                process.kill()
            gone = "did not start in time" if process in self._starting else "was ended, as two others were begun"
            raise Refused(503, f"The playground {gone}; begin it again.") from None
        if "error" in first:
            raise Refused(422, first["error"])
        return first

    async def do(self, name: str, asked: dict[str, Any]) -> None:
        """Pass a request on to its process.

        Raises:
            Refused: 404, the playground no longer exists.
        """
        stdin = self._known(name).process.stdin
        try:
            assert stdin is not None
            stdin.write(json.dumps(asked).encode() + b"\n")
            await stdin.drain()
        except OSError:
            self.end(name)
            raise Refused(404, "This playground has ended; begin it again.") from None

    def end(self, name: str) -> None:
        """End a playground.

        Raises:
            Refused: 404, there is none.
        """
        playground = self._known(name)
        self._forget(name)
        with suppress(ProcessLookupError):
            playground.process.kill()

    def _forget(self, name: str) -> None:
        """Tell the tab that listens, which would wait for frames for ever."""
        if self._all.pop(name, None):
            self._hub.tell("plane", ended(name), plane=name)

    def _make_room(self) -> None:
        """End playgrounds to make room for one more: first without a listener, then starting ones, then the oldest."""
        while len(self._all) + len(self._starting) >= MOST:
            unheard = [name for name in self._all if not self._hub.heard_by(name)]
            if self._starting and not unheard:
                with suppress(ProcessLookupError):
                    self._starting.pop(0).kill()
            else:
                self.end((unheard or list(self._all))[0])

    def knows(self, name: str) -> bool:
        """Whether there is such a playground."""
        return name in self._all

    def sweep(self) -> None:
        """End playgrounds that nobody has listened to for a while."""
        for name, playground in list(self._all.items()):
            if self._hub.heard_by(name):
                playground.heard = time.monotonic()
            elif time.monotonic() - playground.heard > IDLE_SECONDS:
                self.end(name)

    def close(self) -> None:
        """End all playgrounds."""
        for name in list(self._all):
            self.end(name)

    def _known(self, name: str) -> _Playground:
        if name not in self._all:
            raise Refused(404, "There is no such playground any more; begin it again.")
        return self._all[name]

    async def _read(self, name: str, process: asyncio.subprocess.Process) -> None:
        """Pass its frames on as events, after waiting up to 5 s for a listener so that the first frame is heard."""
        assert process.stdout is not None
        for _ in range(50):
            if self._hub.heard_by(name) or name not in self._all:
                break
            await asyncio.sleep(0.1)
        with suppress(ValueError):
            while line := await process.stdout.readline():
                self._hub.tell("plane", {"id": name, **json.loads(line)}, plane=name)
        await process.wait()
        self._forget(name)
