"""A run folder: everything a training leaves behind, and all that other tools need to know about it.

runs/NAME/
    recipe.json     the whole recipe
    run.json        what is not in the recipe: seed, budget, data, machine; rollbacks and split batches
    log.jsonl       one line per measurement: images, seconds, the mean of every loss term
    samples/        a sheet of the same seeds every so many images: 000046080.png; for clips newest.gif too
                    reconstructions/ for the same images, each below its original, if the product can make them
    checkpoints/    the newest two and the one to go back to on divergence, see core/checkpoint.py
    best/           the model of the lowest score so far, if scores are taken
    report.html     all of it on one page
    status.json     state of the training, written once a second: pid, phase, images, left, state, error
    .copies/        copies of run.json and recipe.json
    .lock           held by the process that trains in it
"""

import difflib
import json
import os
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from torch import Tensor

from ..core import checkpoint, files
from ..core.batch import Kind, kind_of
from ..core.errors import DoesNotFit, GanvasError, NotFound, PassedOver, Unreadable
from ..core.sums import proven
from ..data.dataset import Dataset, Watch, unwatched
from ..recipes.recipe import Recipe
from ..recipes.settings import from_json

__all__ = ["COPIES", "LOG", "STATUS", "Run", "mistyped", "near", "no_run", "process_began", "row_of"]

STATUS, COPIES = "status.json", ".copies"
LOG = "log"  # metadata key in a checkpoint's state: how many rows the log had, and seconds if limited
KINDS = ("terms", "scores", "signs")  # numbers by name that a line of the log may hold

FACTS = {
    "ganvas": str,
    "seed": int,
    "source": str,
    "minutes": int | float | None,
    "data": {"count": int, "shape": list, "classes": list},
    "machine": {"threads": int},
}
"""The fields of run.json, and their types, that all readers rely on."""


def near(path: Path) -> str:
    """The end of a message about a path that is no run: the run of nearly this name, beside it or in `runs`."""
    runs = {each.parent.name: each.parent for home in (path.parent, Path("runs")) for each in home.glob("*/run.json")}
    found = difflib.get_close_matches(path.name, runs, n=1)
    return f"Did you mean '{runs[found[0]]}'?" if found else ""


def no_run(path: Path, lack: str) -> str:
    """Say that this is no run: that nothing is there, or what it lacks; and which run may be meant."""
    what = f"{path} is not a run folder: {lack}." if path.exists() else f"There is no {path}."
    return f"{what} {near(path)}".rstrip()


@dataclass(frozen=True)
class Run:
    """A run folder, whether its training is finished, running or interrupted. Read-only."""

    path: Path

    def __post_init__(self) -> None:
        """Take a text for the path it names."""
        object.__setattr__(self, "path", Path(self.path))

    @property
    def exists(self) -> bool:
        """Whether a training was ever started here."""
        return (self.path / "run.json").exists()

    @property
    def recipe(self) -> Recipe:
        """What is trained."""
        recipe: Recipe = from_json(self.read("recipe.json"), Recipe)
        return recipe

    @property
    def about(self) -> dict[str, Any]:
        """The content of run.json: seed, minutes, data, machine.

        Raises:
            NotFound: this is no run folder.
            Unreadable: it is damaged, or does not hold what it has to.
        """
        about = {"minutes": None} | self.read("run.json")
        if wrong := mistyped(about, FACTS):
            raise Unreadable(
                f"{self.path / 'run.json'} does not say {wrong[0]} as this version of ganvas does. It was changed, or "
                f"written by another version ({about.get('ganvas', 'which it does not name')}): bring it back from a "
                "copy, or use that version."
            )
        return about

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The log so far by images, oldest first; where a resumed run repeats some images, the later row counts.

        Each row holds `images`, and may hold `terms`, `scores` and `signs`, each a mapping by name. Lines that are no
        such rows are left out: a power cut may leave the last one incomplete, and disks have lost whole blocks.

        Warns:
            PassedOver: lines other than an incomplete last one are damaged, or rows are missing that the newest
                checkpoint counts; reported once for each run and process.
        """
        rows, told = self._rows()
        if told:
            _say(told)
        return rows

    @property
    def damage(self) -> str:
        """What is wrong with the log, in a sentence; empty if it is intact."""
        return self._rows()[1]

    @property
    def faults(self) -> list[str]:
        """Errors, a sentence each, for run.json and recipe.json, if they are invalid and have no sound copy."""
        found = []
        for name in ("run.json", "recipe.json"):
            try:
                _ = self.about if name == "run.json" else self.read(name)
            except NotFound:
                continue
            except Unreadable as error:
                found.append(str(error))
        return found

    @property
    def logged(self) -> int:
        """How many rows were ever written: those counted by the newest checkpoint, and those newer than it."""
        rows, (counted, images) = self._rows()[0], self._counted()
        newer = sum(row["images"] > images for row in rows)
        return newer + (len(rows) - newer if counted is None else counted)

    def _rows(self) -> tuple[list[dict[str, Any]], str]:
        """The rows, and what is wrong with the log; consistent even while another process writes."""
        while True:
            counted, images = self._counted()
            rows, damaged = _without_repeats(self._log())
            missing = (counted or 0) - sum(row["images"] <= images for row in rows)
            if missing <= 0 or (counted, images) == self._counted():
                break
        log = self.path / "log.jsonl"
        if missing > damaged:
            return rows, f"{log} is damaged: {missing:,} of its rows are missing."
        return rows, f"Of {log} {damaged} lines are damaged and left out." if damaged else ""

    def _counted(self) -> tuple[int | None, int]:
        """The rows in the log when the newest checkpoint was written (None if not recorded), and its images."""
        newest = self.newest
        rows = self._kept(newest).get("rows")
        return (rows if type(rows) is int else None), int(newest.name) if newest else 0

    @staticmethod
    def _kept(saved: Path | None) -> dict[str, Any]:
        """What this checkpoint says of the training; empty if it says nothing."""
        with suppress(ValueError, RecursionError):
            told = json.loads(checkpoint.about(saved / checkpoint.STATE).get(LOG, "")) if saved else None
            return (proven(told) if isinstance(told, dict) else None) or {}
        return {}

    @property
    def seconds(self) -> float:
        """How long it has trained, according to its log and to its newest checkpoint, which may be newer."""
        rows = self.rows
        told = (rows[-1].get("seconds") if rows else None, self._kept(self.newest).get("seconds"))
        return float(max((each for each in told if isinstance(each, int | float)), default=0.0))

    @property
    def finished(self) -> bool:
        """Whether the training has reached the length of its recipe."""
        return self.images >= self.recipe.images

    @property
    def moves(self) -> bool:
        """Whether its samples are clips."""
        return kind_of(self.about["data"]["shape"]) is Kind.CLIPS

    @property
    def newest(self) -> Path | None:
        """The newest checkpoint by name; it is not checked here, see `newest_sound`."""
        return checkpoint.newest(self.path / "checkpoints")

    def newest_sound(self, *names: str) -> Path | None:
        """The newest checkpoint in which these files, or all, are intact; each call hashes them.

        Warns:
            PassedOver: a newer one is damaged.
        """
        return checkpoint.newest_sound(self.path / "checkpoints", *names)

    @property
    def images(self) -> int:
        """How many images the newest checkpoint has seen."""
        newest = self.newest
        return int(newest.name) if newest else 0

    @property
    def newest_sheet(self) -> Path | None:
        """The newest sheet of samples."""
        return next((path for _, path in reversed(files.numbered(self.path / "samples"))), None)

    @property
    def status(self) -> dict[str, Any]:
        """The content of status.json, see training/status.py; empty if there is none."""
        with suppress(OSError, ValueError, RecursionError):
            found = json.loads((self.path / STATUS).read_text(encoding="utf-8"))
            return (proven(found) if isinstance(found, dict) else None) or {}
        return {}

    @property
    def training(self) -> int | None:
        """The id of the process that trains in this folder now, found without its lock; None if there is none.

        Processes of other machines or containers are not recognised.
        """
        status = self.status
        pid = status.get("pid")
        if status.get("state") != "training" or type(pid) is not int or pid < 1:
            return None
        return pid if _alive(pid) and process_began(pid) == status.get("began") else None

    def learned_from(self, watch: Watch = unwatched, *, instead: str) -> Dataset:
        """The data of the recipe.

        Raises:
            NotFound: they are not here; `instead` is the message's advice.
            DoesNotFit: they have changed since.
        """
        try:
            data: Dataset = self.recipe.data.open(watch)
        except GanvasError as error:
            reason = str(error).rstrip(".")
            raise NotFound(f"What {self.path.name} learned from is not here ({reason}). {instead}") from None
        if change := self.changed(data):
            raise DoesNotFit(f"What {self.path.name} learned from has changed: {change}. {instead}")
        return data

    def changed(self, data: Dataset) -> str:
        """How these data differ from what the run learned from, in words; empty if they do not.

        Runs of versions that stored no digest are compared by count and classes only.
        """
        known = self.about.get("data")
        if not isinstance(known, dict):
            return ""
        if (before := list(known.get("classes") or ())) != list(data.classes):
            return f"its classes were {_named(before)}, and now they are {_named(data.classes)}"
        if known.get("count", len(data)) != len(data):
            return f"there were {known['count']:,} samples, and now there are {len(data):,}"
        if known.get("digest") and known["digest"] != data.digest():
            return f"there are {len(data):,} samples as before, but some are others"
        return ""

    def restore(self) -> dict[str, Tensor] | None:
        """The state from which `train` continues, of the newest sound checkpoint; None if there is none."""
        found = self.newest_sound(checkpoint.STATE)
        return checkpoint.read(found / checkpoint.STATE) if found else None

    def read(self, name: str) -> dict[str, Any]:
        """The content of one of its JSON files, unchecked.

        Raises:
            NotFound: it is missing, so this is no run folder.
            Unreadable: it is damaged, and so is its copy.

        Warns:
            PassedOver: it is damaged, and its copy is used.
        """
        try:
            value = _value(self.path / name)
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound(no_run(self.path, f"it has no {name}")) from None
        if value is not None:
            return value
        with suppress(OSError):
            copy = self.path / COPIES / name
            if (value := _value(copy)) is not None:
                warnings.warn(f"{self.path / name} is damaged, and its copy {copy} is used.", PassedOver, stacklevel=2)
                return value
        raise Unreadable(
            f"{self.path / name} is damaged: it is not what a training writes there. Bring it back from a copy."
        )

    def _log(self) -> str:
        try:
            return (self.path / "log.jsonl").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            return ""
        except OSError as error:
            raise Unreadable(f"Cannot read {self.path / 'log.jsonl'}: {error.strerror or error}.") from None


def _named(classes: Sequence[str]) -> str:
    return ", ".join(map(str, classes[:10])) + (", ..." if len(classes) > 10 else "") or "none"


def mistyped(value: object, wanted: object, name: str = "") -> list[str]:
    """The dotted names of values that are missing or not of the wanted type, at any depth."""
    if not isinstance(wanted, dict):
        right = isinstance(value, wanted) and (wanted is not int or not isinstance(value, bool))  # type: ignore[arg-type]
        return [] if right else [name]
    if not isinstance(value, dict):
        return [name]
    return [each for key in wanted for each in mistyped(value.get(key), wanted[key], f"{name}.{key}".lstrip("."))]


def _value(file: Path) -> dict[str, Any] | None:
    """The object in a file, or None if it is damaged or cannot be read.

    Raises:
        FileNotFoundError or NotADirectoryError: there is no such file.
    """
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise
    except (OSError, ValueError, RecursionError):
        return None
    return proven(value) if isinstance(value, dict) else None


def row_of(line: str) -> dict[str, Any] | None:
    """The row in a line of the log, or None if there is none or it was altered since it was written."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    row = proven(value) if isinstance(value, dict) else None
    if row is None or type(row.get("images")) is not int:
        return None
    return {name: value for name, value in row.items() if name not in KINDS or isinstance(value, dict)}


@cache
def _say(damage: str) -> None:
    """Warn once per process; a training reads its rows again and again, and Python forgets what it has warned of."""
    warnings.warn(damage, PassedOver, stacklevel=3)


def _without_repeats(log: str) -> tuple[list[dict[str, Any]], int]:
    """The rows of a log by images, and how many lines, other than an incomplete last one, are damaged."""
    rows: list[dict[str, Any]] = []
    *lines, last = log.split("\n")
    found = [row_of(line) for line in lines]
    for row in filter(None, [*found, row_of(last)]):
        while rows and rows[-1]["images"] >= row["images"]:
            rows.pop()
        rows.append(row)
    return rows, sum(row is None and bool(line.strip()) for row, line in zip(found, lines, strict=True))


def process_began(pid: int) -> int:
    """When a process began, in clock ticks since boot; 0 where the system does not tell.

    Process ids are reused; together with this, an id identifies one process.
    """
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    return 0


def _alive(pid: int) -> bool:
    if os.name == "nt":  # os.kill would terminate the process
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
