"""The one thread that computes with torch, with a queue in order of urgency.

It imports torch when it starts, so the page is served before that. The pictures of a batch are drawn in parallel by as
many threads as torch has, see `Model.make`.
"""

import itertools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

__all__ = ["DRAW", "LATER", "PREVIEW", "Worker"]

PREVIEW, DRAW, LATER = 0, 1, 2
"""Priorities: what the user drags, what the user looks at, and what nobody waits for."""

T = TypeVar("T")
Work = tuple[int, int, Callable[[], None]]


class Worker:
    """Runs functions one after the other in its own thread; each result is a future."""

    def __init__(self, *, threads: int | None = None) -> None:
        self.ready = False
        self._threads, self._count = threads, itertools.count()
        self._queue: queue.PriorityQueue[Work] = queue.PriorityQueue()
        self._thread = threading.Thread(target=self._run, name="torch", daemon=True)

    def start(self) -> None:
        """Begin to import torch in the thread; `ready` says when that is done."""
        self._thread.start()

    def submit(self, priority: int, work: Callable[[], T]) -> "Future[T]":
        """Queue a function."""
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(work())
            except BaseException as error:  # for whoever waits on the future
                future.set_exception(error)

        self._queue.put((priority, next(self._count), run))
        return future

    def _run(self) -> None:
        import torch

        if self._threads is not None:
            torch.set_num_threads(self._threads)
        self.ready = True
        while True:
            _, _, work = self._queue.get()
            with suppress(Exception):  # a callback of a future that was given up
                work()
