"""Measurements that are printed and saved as soon as they are made, and that cannot stop one another."""

import json
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import BEGAN

LEAST = 0.5  # seconds; with less, no measurement is started
GRACE = 5.0  # seconds after the end until a call that cannot be interrupted is cut off


class Slow(BaseException):
    """A measurement has used up its time; not an Exception, so that no handler on the way catches it."""


class Ledger:
    """The rows of one session, and its clock."""

    def __init__(self, folder: Path, seconds: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._end, self._section = folder, BEGAN + seconds, ""
        self._section_end = self._end
        self._file = (folder / "rows.jsonl").open("a", encoding="utf-8")
        signal.signal(signal.SIGALRM, _interrupt)
        cut_off = threading.Timer(max(0.0, self._end - time.perf_counter()) + GRACE, os._exit, (3,))
        cut_off.daemon = True
        cut_off.start()

    @property
    def left(self) -> float:
        """Seconds until the section must end."""
        return self._section_end - time.perf_counter()

    def begin(self, section: str, share: float) -> None:
        """Begin a section, with this share of all the remaining time."""
        now = time.perf_counter()
        self._section, self._section_end = section, now + (self._end - now) * share

    def row(self, name: str, **figures: Any) -> None:
        """Print and save one measurement."""
        told = {"section": self._section, "name": name, **figures, "at": round(time.perf_counter() - BEGAN, 2)}
        self._file.write(json.dumps(told, default=str) + "\n")
        self._file.flush()
        shown = {key: value for key, value in figures.items() if not key.startswith("terms")}  # too many to print
        words = " ".join(f"{key.replace('_', ' ')} {_brief(value)};" for key, value in shown.items())
        print(f"{told['at']:6.1f} {self._section}: {name}: {words}", flush=True)

    def measure(self, name: str, work: Callable[[], Any], share: float = 1.0) -> None:
        """Do work that writes one or more rows, within this share of the section's time; a failure becomes a row."""
        began, seconds = time.perf_counter(), self.left * share
        if seconds < LEAST:
            self.row(name, failed="no time left")
            return
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            work()
        except (Slow, KeyboardInterrupt):
            self.row(name, failed=f"not done after {time.perf_counter() - began:.1f} s")
        except Exception as error:
            where = [f"{Path(each.filename).name}:{each.lineno}" for each in traceback.extract_tb(error.__traceback__)]
            self.row(name, failed=f"{type(error).__name__}: {str(error)[:300]}", at_line=" ".join(where[-4:]))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _interrupt(*_: object) -> None:
    raise Slow


def _brief(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_brief(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return " ".join(map(_brief, value))
    return str(value)
