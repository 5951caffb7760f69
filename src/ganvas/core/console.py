"""Progress of slow work and other messages: a live bar in a terminal, or occasional plain lines without one.

    with console.watching() as watch:
        data = source.open(watch)
    with console.training(recipe.images, "portraits") as display:
        display.update(tick.images, images_per_second, tick.terms())

All but `answer` goes to standard error, so that a command's result can be piped. NO_COLOR is honoured. For programs,
GANVAS_PROGRESS=json makes each line of progress {"what": "Packing pictures", "done": 3, "total": 40}.
"""

import json
import os
import sys
import time
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import ClassVar, TextIO

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

__all__ = ["Display", "answer", "fail", "notes", "printable", "say", "skipped", "training", "watching"]

PLAIN_SECONDS = 10.0  # between two plain lines
JSON_SECONDS = 0.2  # between two lines for a program
LIVE_SECONDS = 2.0  # between two redraws of the bar: each takes 1 to 2 ms, at most 0.1 % of the time
SHOWN_TERMS = 4
SHOWN_SKIPPED = 10
JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"


class Display(ABC):
    """Shows the progress of a training; all methods are cheap enough to call at every step."""

    @abstractmethod
    def update(self, images: int, images_per_second: float, terms: Mapping[str, float]) -> None:
        """Report the state of the training, which is shown at intervals."""

    @abstractmethod
    def expect(self, total_images: int) -> None:
        """Change the expected length of the training."""

    @abstractmethod
    def look_out(self, words: Sequence[str]) -> None:
        """Report the current problems, one word each; none once they are gone."""

    @abstractmethod
    def say(self, text: str) -> None:
        """Print a line that stays, above the bar if there is one."""


@contextmanager
def training(total_images: int, title: str, *, quiet: bool = False) -> Iterator[Display]:
    """The display of one training; on exit it shows the last state."""
    if quiet or sys.stderr is None:
        yield _Quiet()
        return
    kind = _Json if _for_programs() else _Bar if _is_live(sys.stderr) else _Lines
    display = kind(total_images, title)
    try:
        yield display
    finally:
        display.close()


@contextmanager
def watching(*, quiet: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """A progress callback for slow preparations: (what is done, how many, of how many; 0 if unknown)."""
    if quiet or sys.stderr is None:
        yield lambda _what, _done, _total: None
    elif _for_programs():
        yield _watch_lines(sys.stderr, _as_json, JSON_SECONDS)
    elif _is_live(sys.stderr):
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(None, complete_style="blue", finished_style="blue", pulse_style="blue"),
            TextColumn("{task.fields[count]}", markup=False),
        )
        console, mixed = _console(sys.stderr), _at_terminal(sys.stdout)
        with Progress(*columns, console=console, auto_refresh=False, expand=True, redirect_stdout=mixed) as progress:
            yield _watch_bars(progress)
    else:
        yield _watch_lines(sys.stderr, _as_words, PLAIN_SECONDS)


def say(text: str, *, quiet: bool = False) -> None:
    """Print one line, unless it is empty."""
    if text and not quiet:
        _print(text, sys.stderr)


def answer(text: str) -> None:
    """Print the result of a command, one or more lines, to standard output."""
    for line in text.split("\n"):
        _print(line, sys.stdout)


def fail(text: str) -> None:
    """Print why a command failed, in one line."""
    _print(f"ganvas: {text}", sys.stderr)


def notes(notes: Sequence[str], *, quiet: bool = False) -> None:
    """Print what a person should know about data, one note per line."""
    for note in () if quiet else notes:
        _print(f"note: {note}", sys.stderr)


def printable(text: str) -> str:
    """The text without characters that control a terminal, which names of files and classes may hold.

    Zero-width joiners stay, since some scripts and many emoji need them; every kind of space becomes a plain one.
    """
    return "".join(map(_shown, text))


def _shown(letter: str) -> str:
    if letter.isprintable() or letter in JOINERS:
        return letter
    return " " if unicodedata.category(letter) == "Zs" else "\N{REPLACEMENT CHARACTER}"


def skipped(files: Sequence[tuple[str, str]], *, quiet: bool = False) -> None:
    """Print some of the skipped files, (file, reason) each, grouped by reason, the most frequent first."""
    if quiet or not files:
        return
    groups: dict[str, list[str]] = {}
    for file, reason in files:
        groups.setdefault(reason, []).append(file)
    frequent = sorted(groups.items(), key=lambda group: -len(group[1]))[:SHOWN_SKIPPED]
    lines, room = list[str](), SHOWN_SKIPPED
    for left, (reason, names) in zip(range(len(frequent), 0, -1), reversed(frequent), strict=True):
        some = names[: room // left]  # rarer reasons leave unused lines to more frequent ones
        lines = [f"  {reason} ({len(names):,})", *(f"    {name}" for name in some), *lines]
        room -= len(some)
    lines.insert(0, f"{len(files):,} {'file was' if len(files) == 1 else 'files were'} skipped:")
    if more := len(files) - SHOWN_SKIPPED + room:
        lines.append(f"… and {more:,} more (see report.html)")
    for line in lines:
        _print(line, sys.stderr)


class _Quiet(Display):
    def update(self, images: int, images_per_second: float, terms: Mapping[str, float]) -> None:
        pass

    def expect(self, total_images: int) -> None:
        pass

    def look_out(self, words: Sequence[str]) -> None:
        pass

    def say(self, text: str) -> None:
        pass


class _Shown(Display):
    """A display that shows the state at intervals, and always the last one."""

    _pause_seconds: ClassVar[float]

    def __init__(self, total_images: int, title: str) -> None:
        self._total, self._title, self._file = max(total_images, 1), printable(title), sys.stderr
        self._images, self._speed, self._terms = 0, 0.0, dict[str, float]()
        self._shown, self._wrong = 0, ""
        self._next = 0.0  # when to show something again, by time.perf_counter

    def update(self, images: int, images_per_second: float, terms: Mapping[str, float]) -> None:
        self._images, self._speed, self._terms = images, images_per_second, dict(terms)
        if time.perf_counter() >= self._next:
            self._refresh()

    def expect(self, total_images: int) -> None:
        self._total = max(total_images, 1)

    def look_out(self, words: Sequence[str]) -> None:
        self._wrong = printable(f"look out: {', '.join(words)}") if words else ""

    def close(self) -> None:
        """Show the last state if it has not been shown."""
        if self._images != self._shown:
            self._refresh()

    def _refresh(self) -> None:
        self._shown = self._images
        self._show()
        self._next = time.perf_counter() + self._pause_seconds

    @abstractmethod
    def _show(self) -> None: ...

    def _seen(self) -> str:
        return f"{self._images:,} of {self._total:,} images"

    def _left(self) -> str:
        images = self._total - self._images
        return f"{_duration(images / self._speed)} left" if images > 0 and self._speed > 0 else ""

    def _pace(self) -> list[str]:
        """The speed and the losses, or the first few terms if none is called a loss."""
        losses = {name.removesuffix(".loss"): value for name, value in self._terms.items() if name.endswith(".loss")}
        some = list((losses or self._terms).items())[:SHOWN_TERMS]
        speed = f"{self._speed:,.0f}" if self._speed >= 10 else f"{self._speed:.2g}"
        return [f"{speed} images/s", *(f"{printable(name)} {value:.3g}" for name, value in some)]


class _Lines(_Shown):
    """Plain lines for files and pipes."""

    _pause_seconds = PLAIN_SECONDS

    def say(self, text: str) -> None:
        _print(text, self._file)

    def _show(self) -> None:
        words = [f"{self._seen()} ({min(self._images / self._total, 1):.0%})", self._left(), *self._pace(), self._wrong]
        _print(f"{self._title}: {', '.join(filter(None, words))}", self._file)


class _Json(_Lines):
    """JSON lines for programs."""

    _pause_seconds = JSON_SECONDS

    def _show(self) -> None:
        _print(_as_json("Training", self._images, self._total), self._file)


class _Bar(_Shown):
    """A bar for terminals, redrawn in place; it has no thread, which would compete with the training."""

    _pause_seconds = LIVE_SECONDS

    def __init__(self, total_images: int, title: str) -> None:
        super().__init__(total_images, title)
        self._live = Live(console=_console(self._file), auto_refresh=False, redirect_stdout=_at_terminal(sys.stdout))
        with suppress(OSError):  # the terminal is gone; the training goes on
            self._live.start()

    def say(self, text: str) -> None:
        with suppress(OSError):
            self._live.console.print(Text(printable(text)), soft_wrap=True)

    def close(self) -> None:
        """Show the last state and release the terminal."""
        super().close()
        with suppress(OSError):
            self._live.stop()

    def _show(self) -> None:
        table = Table.grid(padding=(0, 2, 0, 0), expand=True)
        table.add_column(max_width=24, no_wrap=True)
        table.add_column(ratio=1, no_wrap=True)
        table.add_column(no_wrap=True)
        bar = ProgressBar(self._total, min(self._images, self._total), complete_style="blue", finished_style="blue")
        table.add_row(Text(self._title, "bold"), bar, Text("  ".join(filter(None, (self._seen(), self._left())))))
        lines = Table.grid(expand=True)
        lines.add_row(table)
        lines.add_row(Text("  ".join(filter(None, (self._wrong, *self._pace()))), no_wrap=True, overflow="ellipsis"))
        with suppress(OSError):
            self._live.update(lines, refresh=True)


def _watch_bars(progress: Progress) -> Callable[[str, int, int], None]:
    tasks = {}
    pause_until = 0.0

    def watch(what: str, done: int, total: int) -> None:
        nonlocal pause_until
        if what not in tasks:
            tasks[what] = progress.add_task(printable(what), total=total or None, count="")
        elif time.perf_counter() < pause_until and done != total:
            return
        progress.update(tasks[what], completed=done, total=total or None, count=_counted(done, total), refresh=True)
        pause_until = time.perf_counter() + 0.1

    return watch


def _watch_lines(
    file: TextIO, spell: Callable[[str, int, int], str], pause_seconds: float
) -> Callable[[str, int, int], None]:
    pause_until: dict[str, float] = {}

    def watch(what: str, done: int, total: int) -> None:
        if time.perf_counter() >= pause_until.get(what, 0.0) or done == total:
            _print(spell(what, done, total), file)
            pause_until[what] = time.perf_counter() + pause_seconds

    return watch


def _as_words(what: str, done: int, total: int) -> str:
    return f"{what}: {_counted(done, total)}"


def _as_json(what: str, done: int, total: int) -> str:
    return json.dumps({"what": what, "done": done, "total": total})


def _for_programs() -> bool:
    return os.environ.get("GANVAS_PROGRESS") == "json"


def _counted(done: int, total: int) -> str:
    return f"{done:,} of {total:,}" if total else f"{done:,}"


def _duration(seconds: float) -> str:
    """Whole seconds below a minute and a half, then minutes and seconds, hours and minutes, days and hours."""
    seconds = round(seconds)
    if seconds < 90:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    if seconds < 86400:
        return f"{seconds // 3600} h {seconds % 3600 // 60} min"
    return f"{seconds // 86400} d {seconds % 86400 // 3600} h"


def _is_live(file: TextIO | None) -> bool:
    return file is not None and _at_terminal(file) and os.environ.get("TERM") != "dumb"


def _at_terminal(file: TextIO | None) -> bool:
    asked = getattr(file, "isatty", None)  # a stand-in for a stream, as in GUI programs, may have none
    return asked is not None and bool(asked())


def _console(file: TextIO) -> Console:
    return Console(file=file, force_terminal=True, force_jupyter=False, highlight=False)


def _print(text: str, file: TextIO | None) -> None:
    """Write a line; characters that the stream's encoding lacks are escaped, and without a stream nothing happens."""
    if file is None:
        return
    coding = getattr(file, "encoding", None) or "utf-8"
    # A reader that is gone ends the command whose answer it was to have, but no training for its progress.
    with nullcontext() if file is sys.stdout else suppress(OSError):
        file.write(printable(text).encode(coding, "backslashreplace").decode(coding) + "\n")
        flush = getattr(file, "flush", None)
        if flush:
            flush()
