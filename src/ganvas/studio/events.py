"""Server-sent events to every tab: each stream starts with the whole state, so no events need to be replayed."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

__all__ = ["Hub"]

MOST_WAITING = 256  # events queued for one tab; a slower tab is disconnected and reconnects
BREATH_SECONDS = 15.0


class Hub:
    """The connected tabs. All methods run in the server's own thread."""

    def __init__(self) -> None:
        self._tabs: dict[asyncio.Queue[tuple[str, Any] | None], str | None] = {}
        self._last = 0
        self.closing = False

    @property
    def heard(self) -> bool:
        """Whether any tab is connected."""
        return bool(self._tabs)

    def heard_by(self, plane: str) -> bool:
        """Whether any tab listens to this playground."""
        return plane in self._tabs.values()

    def tell(self, event: str, data: Any, *, plane: str | None = None) -> None:
        """Send an event to every tab, or to those that listen to a playground."""
        for queue, wanted in list(self._tabs.items()):
            if plane is not None and wanted != plane:
                continue
            if plane is not None and queue.qsize() > MOST_WAITING // 8:
                continue  # frames of an animation: a slow tab gets fewer
            try:
                queue.put_nowait((event, data))
            except asyncio.QueueFull:
                del self._tabs[queue]
                queue.get_nowait()
                queue.put_nowait(None)

    def close(self) -> None:
        """Disconnect all tabs."""
        self.closing = True
        for queue in list(self._tabs):
            del self._tabs[queue]
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)

    async def stream(self, first: Callable[[], Sequence[tuple[str, Any]]], plane: str | None) -> AsyncIterator[bytes]:
        """The events of one tab as bytes, until it leaves; `first` returns those that every stream starts with."""
        queue: asyncio.Queue[tuple[str, Any] | None] = asyncio.Queue(MOST_WAITING)
        self._tabs[queue] = plane
        try:
            for event in first():
                yield self._frame(*event)
            while not self.closing:
                try:
                    item = await asyncio.wait_for(queue.get(), BREATH_SECONDS)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if item is None:
                    return
                yield self._frame(*item)
        finally:
            self._tabs.pop(queue, None)

    def _frame(self, event: str, data: Any) -> bytes:
        self._last += 1
        return f"event: {event}\nid: {self._last}\ndata: {json.dumps(data)}\n\n".encode()
