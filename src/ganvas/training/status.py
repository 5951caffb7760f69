"""status.json: the state of a training for outside observers, always complete, and renewed once a second."""

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ..core import files
from ..core.sums import summed
from ..runs.diagnosis import Diagnosis
from ..runs.run import STATUS, process_began

__all__ = ["Status"]

SECONDS = 1.0  # between two updates of the file


class Status:
    """Maintains the file while a process trains.

    pid, began       the process, and its start in the system's clock ticks; 0 if unknown
    phase            what it does: starting, training, drawing, measuring, saving, reporting
    done, total      of that phase; 0 of 0 if unknown
    images, wanted   of the run
    speed            images per second, 0 at first
    left             seconds, or null while the speed is unknown
    state            training, finished, interrupted or failed
    notice           a message about the training, such as a rollback, else null
    stage            its number in a training in stages, such as "2 of 3", else ""
    diagnoses        problems so far, as from `Diagnosis.as_json`
    error            why it failed, else null

    Args:
        folder: of the run.
        images: seen so far.
        wanted: the planned length in images.
        stage: as above.
        around: the folder of the training that this is a stage of, which gets the same file, except for its end.
    """

    def __init__(self, folder: Path, *, images: int, wanted: int, stage: str = "", around: Path | None = None) -> None:
        self._path, self._next, self._whole = folder / STATUS, 0.0, images >= wanted
        self._around = around / STATUS if around else None
        self._held: dict[str, object] = {
            "pid": os.getpid(),
            "began": process_began(os.getpid()),
            "phase": "starting",
            "done": 0,
            "total": 0,
            "images": images,
            "wanted": wanted,
            "speed": 0.0,
            "left": None,
            "state": "training",
            "notice": None,
            "stage": stage,
            "diagnoses": [],
            "error": None,
        }

    @contextmanager
    def kept(self) -> Iterator["Status"]:
        """Keep the file up to date in this context, and record how the training ended."""
        self._write()
        try:
            yield self
        except BaseException as error:
            self._held |= {"state": "failed", "error": str(error) or type(error).__name__}
            raise
        finally:
            if self._held["state"] == "training":
                self._held["state"] = "finished" if self._whole else "interrupted"
            self._write()

    def during(self, phase: str) -> None:
        """Report that another phase than training begins."""
        self._held |= {"phase": phase, "done": 0, "total": 0}
        self._write()

    def notice(self, text: str) -> None:
        """Report a message about the training."""
        self._held["notice"] = text
        self._write()

    def diagnosed(self, found: Sequence[Diagnosis]) -> None:
        """Report problems, with the next update of the file."""
        self._held["diagnoses"] = [each.as_json() for each in found]

    def update(self, images: int, wanted: int, speed: float) -> None:
        """Report progress; cheap enough for every step."""
        self._whole = images >= wanted
        self._held |= {"phase": "training", "done": images, "total": wanted, "images": images, "wanted": wanted}
        if time.perf_counter() >= self._next:
            left = round((wanted - images) / speed, 1) if speed > 0 else None
            self._held |= {"speed": round(speed, 2), "left": left}
            self._write()

    def _write(self) -> None:
        """Write the file; errors are ignored, as a training must not fail for want of a status."""
        with suppress(OSError):
            files.put(self._path, json.dumps(summed(self._held)))
            if self._around:
                over = self._held["state"] == "finished"  # the next stage begins
                files.put(self._around, json.dumps(summed(self._held | ({"state": "training"} if over else {}))))
        self._next = time.perf_counter() + SECONDS
