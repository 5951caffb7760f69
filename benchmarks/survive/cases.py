"""A case that is tried, and the table of all of them."""

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SLOW_SECONDS = 5.0


@dataclass(frozen=True)
class Case:
    """One thing that is tried.

    kind   the row of the table that it counts in, such as `pictures`
    name   what is tried, in a few words; with the kind it names the case
    check  tries it in an empty folder; returns what was wrong with the outcome, or an empty string
    """

    kind: str
    name: str
    check: Callable[[Path], str]


@dataclass
class Row:
    """One row of the table: the number of cases tried, their CPU seconds, and what failed and why."""

    tried: int = 0
    seconds: float = 0.0
    failed: list[tuple[str, str]] = field(default_factory=list)

    @property
    def held(self) -> int:
        """How many cases behaved as they should."""
        return self.tried - len(self.failed)


class Ledger:
    """The results so far, by part and kind."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Row] = {}

    @property
    def failures(self) -> int:
        """How many cases failed, in all."""
        return sum(len(row.failed) for row in self.rows.values())

    def add(self, part: str, case: Case, wrong: str, seconds: float) -> None:
        """Record the outcome of a case."""
        row = self.rows.setdefault((part, case.kind), Row())
        row.tried += 1
        row.seconds += seconds
        if wrong:
            row.failed.append((case.name, wrong))

    def table(self) -> str:
        """The table in Markdown, followed by the failures."""
        lines = ["| part | tried | held | failed | seconds of the processor |", "|---|---|---|---|---|"]
        for (part, kind), row in self.rows.items():
            lines.append(f"| {part}: {kind} | {row.tried} | {row.held} | {len(row.failed)} | {row.seconds:,.0f} |")
        rows = self.rows.values()
        counts = f"{sum(row.tried for row in rows):,} | {sum(row.held for row in rows):,} | {self.failures}"
        lines += [f"| all | {counts} | {sum(row.seconds for row in rows):,.0f} |", ""]
        for (part, kind), row in self.rows.items():
            lines += [f"FAILED {part} {kind}: {name!r}: {why}" for name, why in row.failed]
        return "\n".join(lines)

    def figures(self) -> list[dict[str, Any]]:
        """The same for programs."""
        return [
            {"part": part, "kind": kind, "tried": row.tried, "held": row.held, "failed": row.failed}
            | {"seconds": round(row.seconds, 1)}
            for (part, kind), row in self.rows.items()
        ]


def tried(cases: Sequence[Case], *, jobs: int) -> Iterator[tuple[Case, str, float]]:
    """Try cases, `jobs` at a time: yields each with what was wrong (or nothing) and its CPU seconds, as they finish."""
    if jobs == 1:
        yield from ((case, *_tried(case)) for case in cases)
        return
    _shared[:] = cases  # forked processes inherit them, so they need not be sent
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        for place, wrong, seconds in pool.imap_unordered(_tried_at, range(len(cases))):
            yield cases[place], wrong, seconds


_shared: list[Case] = []


def _tried_at(place: int) -> tuple[int, str, float]:
    return place, *_tried(_shared[place])


def _tried(case: Case) -> tuple[str, float]:
    """What was wrong with a case, tried in a temporary folder, and its CPU seconds."""
    began = _processor()
    with tempfile.TemporaryDirectory(prefix="survive-") as folder:
        try:
            wrong = case.check(Path(folder))
        except Exception as error:  # a case that cannot be tried counts as failed
            wrong = f"could not be tried: {type(error).__name__}: {error}"
    return wrong, _processor() - began


def _processor() -> float:
    """CPU seconds of this process and of the children that it has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + used.ru_utime + used.ru_stime


def chosen(cases: Iterable[Case], *, every: int) -> Sequence[Case]:
    """Every `every`-th case of each kind, starting with the first, in order."""
    counts: dict[str, int] = {}
    kept = []
    for case in cases:
        counts[case.kind] = place = counts.get(case.kind, -1) + 1
        if place % every == 0:
            kept.append(case)
    return kept
