"""The command of the course's exercises: it writes a file with a hole, and checks the file once it exists."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from ..core import files
from .exercises.exercise import EXERCISES, Exercise, exercise
from .options import say

__all__ = ["learn"]

SECONDS = 60  # of the processor; a check takes two or three
PATIENCE = 600.0  # seconds by the clock, for programs that sleep, and machines that are busy


def learn(
    number: Annotated[
        str | None, typer.Argument(help="Number or name of an exercise; if omitted, all are listed.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for your exercise files.")] = Path("learn"),
) -> None:
    """Learn how GANs work: fill in the holes in small programs, and find out what is wrong with your answers.

    The first call writes a file with a hole; later calls check what you filled in. An existing file is never
    overwritten. The course with these exercises is in docs/course.
    """
    if number is None:
        _list(out)
        return
    asked = exercise(number)
    file = out / asked.file
    if not file.exists():
        with files.writing(file):
            files.write(file, asked.begun)
        say(f"{file} is exercise {asked.number}: {asked.title}. Fill in what is missing, then `{_again(asked, out)}`.")
        return
    wrong = _looked_at(asked, file)
    if wrong:
        say(f"{file}: not yet. {wrong}")
        raise typer.Exit(1)
    _note(out, asked, file)
    say(f"{file}: right. {asked.learned}\n{_next(out)}")


def _again(asked: Exercise, out: Path) -> str:
    return f"ganvas learn {asked.number}" + ("" if out == Path("learn") else f" --out {out}")


def _list(out: Path) -> None:
    """Print every exercise and its state."""
    for each in EXERCISES:
        say(f"{each.number:3}  {_state(each, out):8} {each.title}  (docs/course/{each.chapter}.md)")
    say(_next(out))


def _state(asked: Exercise, out: Path) -> str:
    file = out / asked.file
    if not file.exists():
        return "-"
    passed = _passed(out).get(asked.name)
    return "done" if passed == _sum(file) else "changed" if passed else "begun"


def _next(out: Path) -> str:
    left = [each for each in EXERCISES if _state(each, out) != "done"]
    return f"Next: `{_again(left[0], out)}`." if left else "All of them are done."


def _looked_at(asked: Exercise, file: Path) -> str | None:
    """What is wrong with a file, checked in a separate process with a time limit."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "verdict.json"
        words = (asked.name, str(file.resolve()), str(told), str(SECONDS))
        command = [sys.executable, "-m", f"{__package__}.exercises.judge", *words]
        endless = f"It did not come to an end within {SECONDS} seconds of computing: is there a loop that never stops?"
        environment = {"OMP_NUM_THREADS": "1"} | dict(os.environ)
        try:
            ended = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False)  # noqa: S603
        except subprocess.TimeoutExpired:
            return endless
        if not told.exists():
            if -ended.returncode == getattr(signal, "SIGXCPU", None):
                return endless
            return "Your program ended before it could be looked at: it may not call `exit`."
        found: str | None = json.loads(told.read_text(encoding="utf-8"))["wrong"]
        return found


def _sum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _passed(out: Path) -> dict[str, str]:
    """The exercises that were right, by name, with the hash of the file at that time."""
    try:
        found = json.loads((out / "done.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # it is only a note, and the next right answer rewrites it
        return {}
    return found if isinstance(found, dict) else {}


def _note(out: Path, asked: Exercise, file: Path) -> None:
    files.write(out / "done.json", json.dumps(_passed(out) | {asked.name: _sum(file)}, indent=1))
