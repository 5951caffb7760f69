"""What evaluations of a run found, kept in its folder: evaluations.jsonl, a line for each, the newest last.

A line holds the date, the scores, and everything that made them.
"""

import datetime
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core import files
from ..core.errors import PassedOver
from ..core.sums import proven, summed
from ..metrics.score import Score

__all__ = ["Evaluation", "as_json", "keep", "latest"]

FILE = "evaluations.jsonl"


@dataclass(frozen=True)
class Evaluation:
    """What one evaluation found.

    date     when, such as 2026-11-22T12:34:56+00:00
    about    everything that made the scores: features, the hash of their weights, counts, images trained, ...
    scores   by name
    """

    date: str
    about: Mapping[str, Any]
    scores: Mapping[str, Score]


def as_json(about: Mapping[str, Any], scores: Mapping[str, Score]) -> dict[str, Any]:
    """What a comparison found, as what JSON can hold."""
    found = {
        name: {"value": each.value, "error": each.error, "counts": dict(each.counts), "notes": list(each.notes)}
        for name, each in scores.items()
    }
    return {"about": dict(about), "scores": found}


def keep(folder: Path, about: Mapping[str, Any], scores: Mapping[str, Score]) -> None:
    """Add what an evaluation of the run in this folder found, whole or not at all.

    Raises:
        Unwritable: the folder cannot be written.
    """
    now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    path = folder / FILE
    with files.writing(path):
        line = json.dumps(summed({"date": now} | as_json(about, scores)))
        files.write(path, "\n".join([*_lines(path), line, ""]))


def latest(folder: Path) -> list[Evaluation]:
    """The newest evaluation by each kind of features against each source, in the order in which they were made.

    Warns:
        PassedOver: lines that are not as `keep` writes them, which are left out.
    """
    found, lost = dict[tuple[str, str], Evaluation](), 0
    for line in _lines(folder / FILE):
        try:
            evaluation = _read(proven(json.loads(line)) or {})
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            lost += 1
            continue
        which = str(evaluation.about.get("features")), str(evaluation.about.get("real"))
        found.pop(which, None)
        found[which] = evaluation
    if lost:
        told = f"Of {folder / FILE} {lost} lines are damaged and left out."
        warnings.warn(told, PassedOver, stacklevel=2)
    return list(found.values())


def _lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    return [line for line in lines if line.strip()]


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
