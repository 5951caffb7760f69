"""status.json: where a training is, for whoever looks on from outside; whole at any time, and new once a second."""

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

SECONDS = 1.0  # between two states of the file


class Status:
    """Keeps the file while a process trains.

    pid, began       the process, and when it began by the system's clock ticks; 0 where that is not told
    phase            what it does: starting, training, drawing, measuring, saving, reporting
    done, total      of that phase; 0 of 0 where nobody knows
    images, wanted   of the run
    speed            images per second, 0 at first
    left             seconds, or null where there is no speed yet
    state            training, finished, interrupted or failed
    notice           what is to be known of the training, such as that it went back, else null
    stage            which one it is of a training in stages, such as "2 of 3", else ""
    diagnoses        what is wrong with the training so far, as `Diagnosis.as_json` has it
    error            why it failed, else null

    Args:
        folder: of the run.
        images: that it has seen.
        wanted: that it is to see.
        stage: which one it is.
        around: the folder of the training whose stage it is, where the same is told, but for its end.
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
        """Say at the end how it ended."""
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
        """Say that something else than training begins."""
        self._held |= {"phase": phase, "done": 0, "total": 0}
        self._write()

    def notice(self, text: str) -> None:
        """Say what is to be known of the training."""
        self._held["notice"] = text
        self._write()

    def diagnosed(self, found: Sequence[Diagnosis]) -> None:
        """Say what is wrong, with the next state of the file."""
        self._held["diagnoses"] = [each.as_json() for each in found]

    def update(self, images: int, wanted: int, speed: float) -> None:
        """Say how far the training is; cheap enough for every step."""
        self._whole = images >= wanted
        self._held |= {"phase": "training", "done": images, "total": wanted, "images": images, "wanted": wanted}
        if time.perf_counter() >= self._next:
            left = round((wanted - images) / speed, 1) if speed > 0 else None
            self._held |= {"speed": round(speed, 2), "left": left}
            self._write()

    def _write(self) -> None:
        """A training does not end because nobody can be told of it."""
        with suppress(OSError):
            files.put(self._path, json.dumps(summed(self._held)))
            if self._around:
                over = self._held["state"] == "finished"  # the next stage begins
                files.put(self._around, json.dumps(summed(self._held | ({"state": "training"} if over else {}))))
        self._next = time.perf_counter() + SECONDS
