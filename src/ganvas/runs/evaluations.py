"""Results of a run's evaluations, kept in its folder: evaluations.jsonl, one line each, the newest last.

A line holds the date, the scores, and everything that determined them. The first line counts the others.
"""

import datetime
import json
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core import files
from ..core.errors import PassedOver
from ..core.sums import proven, summed
from ..metrics.score import Score

__all__ = ["Evaluation", "as_json", "keep", "latest"]

FILE, LOCK, COUNT = "evaluations.jsonl", ".evaluations.lock", "evaluations"


@dataclass(frozen=True)
class Evaluation:
    """The result of one evaluation.

    date     when, such as 2026-11-22T12:34:56+00:00
    about    everything that determined the scores: features, the hash of their weights, counts, images trained, ...
    scores   by name
    """

    date: str
    about: Mapping[str, Any]
    scores: Mapping[str, Score]


def as_json(about: Mapping[str, Any], scores: Mapping[str, Score]) -> dict[str, Any]:
    """The result of a comparison as a JSON value."""
    found = {
        name: {"value": each.value, "error": each.error, "counts": dict(each.counts), "notes": list(each.notes)}
        for name, each in scores.items()
    }
    return {"about": dict(about), "scores": found}


def keep(folder: Path, about: Mapping[str, Any], scores: Mapping[str, Score]) -> None:
    """Add the result of an evaluation of the run in this folder, atomically, and after those that end meanwhile.

    Raises:
        Unwritable: the folder cannot be written.
    """
    now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    path = folder / FILE
    with files.writing(path), files.alone(folder / LOCK):
        counted, lines = _lines(path)
        first = json.dumps(summed({COUNT: max(counted, len(lines)) + 1}))
        line = json.dumps(summed({"date": now} | as_json(about, scores)))
        files.write(path, "\n".join([first, *lines, line, ""]))


def latest(folder: Path) -> list[Evaluation]:
    """The newest evaluation for each pair of features and source, in the order in which they were made.

    Warns:
        PassedOver: lines are missing, or are not as `keep` writes them and are left out.
    """
    found, lost = dict[tuple[str, str], Evaluation](), 0
    counted, lines = _lines(folder / FILE)
    for line in lines:
        try:
            evaluation = _read(proven(json.loads(line)) or {})
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            lost += 1
            continue
        which = str(evaluation.about.get("features")), str(evaluation.about.get("real"))
        found.pop(which, None)
        found[which] = evaluation
    if (missing := counted - len(lines)) > 0:
        told = f"{folder / FILE} is damaged: of {counted} evaluations {missing + lost} are missing."
        warnings.warn(told, PassedOver, stacklevel=2)
    elif lost:
        told = f"Of {folder / FILE} {lost} lines are damaged and left out."
        warnings.warn(told, PassedOver, stacklevel=2)
    return list(found.values())


def _lines(path: Path) -> tuple[int, list[str]]:
    """How many evaluations there are by the first line (a lower bound if it is damaged), and their lines."""
    if not path.exists():
        return 0, []
    lines = [line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    if not lines:
        return 1, []  # an empty file is never written, so at least one was lost
    with suppress(ValueError, RecursionError):
        first = json.loads(lines[0])
        counted = (proven(first) or {}).get(COUNT) if isinstance(first, dict) else None
        if type(counted) is int:
            return counted, lines[1:]
    return 0, lines


def _read(kept: Mapping[str, Any]) -> Evaluation:
    scores = {
        name: Score(
            float(each["value"]),
            None if each["error"] is None else float(each["error"]),
            each["counts"],
            tuple(map(str, each["notes"])),
        )
        for name, each in kept["scores"].items()
    }
    return Evaluation(str(kept["date"]), dict(kept["about"]), scores)
