"""Commands of the toolkit as separate processes, which continue when the server stops.

studio/jobs/ID/job.json describes each one, with its process ID and start time: the ID alone may belong to another
process by now.
"""

import json
import os
import secrets
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..core import files
from .workspace import Workspace, read_json

__all__ = ["Child", "begun", "command_of", "environment", "python"]

POLITE = getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM)  # on Windows SIGTERM ends a process as SIGKILL does
KILL_SECONDS = 10.0  # after a polite stop
LINES = 4096  # bytes read from the end of a console log
LISTS, PLACES = ("PYTHONPATH", "GANVAS_PARTS"), ("GANVAS_CACHE", "GANVAS_INCEPTION")  # variables that name files

_ours: dict[int, subprocess.Popen[bytes]] = {}


@dataclass
class Child:
    """One command: the request, its process, and its state."""

    id: str
    kind: str
    argv: list[str]
    folder: Path
    state: str = "queued"
    pid: int = 0
    started: str = ""
    asked: dict[str, Any] = field(default_factory=dict)
    created: float = 0.0
    stopping: float = 0.0
    code: int | None = None

    @classmethod
    def new(cls, workspace: Workspace, kind: str, argv: Sequence[str], asked: dict[str, Any]) -> "Child":
        """A command that has not started."""
        name = secrets.token_hex(8)
        folder = workspace.studio("jobs", name)
        folder.mkdir()
        child = cls(name, kind, [*argv], folder, asked=asked, created=time.time())
        child.save()
        return child

    @classmethod
    def known(cls, workspace: Workspace) -> list["Child"]:
        """All commands recorded in the workspace, oldest first."""
        found = []
        for path in workspace.studio("jobs").glob("*/job.json"):
            with suppress(TypeError):
                found.append(cls(**{**read_json(path, {}), "folder": path.parent}))
        return sorted(found, key=lambda child: child.created)

    @property
    def command(self) -> str:
        """The equivalent command in a terminal in the workspace."""
        return command_of(self.argv)

    @property
    def console(self) -> Path:
        """The log of the command's messages."""
        return self.folder / "console.log"

    def save(self) -> None:
        """Write job.json."""
        about = {name: value for name, value in asdict(self).items() if name != "folder"}
        files.write(self.folder / "job.json", json.dumps(about, indent=1))

    def begin(self, workspace: Workspace, *, nice: int = 0, progress: bool = False) -> None:
        """Start the process in the workspace, in its own session and without a shell."""
        argv = python("ganvas", *self.argv)
        if nice and os.name == "posix":
            argv = ["nice", "-n", str(nice), *argv]
        with self.console.open("ab") as errors, (self.folder / "answer.txt").open("wb") as answer:
            process = subprocess.Popen(  # noqa: S603 - an argument list of ours
                argv,
                cwd=workspace.root,
                stdin=subprocess.DEVNULL,
                stdout=answer if progress else errors,
                stderr=errors,
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # Ctrl-Break reaches it alone
                env=environment(progress=progress),
            )
        _ours[process.pid] = process
        self.pid, self.started, self.state, self.code = process.pid, begun(process.pid), "running", None
        self.stopping = 0.0
        self.save()

    @property
    def alive(self) -> bool:
        """Whether its process is running."""
        if not self.pid:
            return False
        if (process := _ours.get(self.pid)) is not None:
            self.code = process.poll()
            return self.code is None
        return bool(self.started) and begun(self.pid) == self.started

    def stop(self) -> None:
        """Ask it to end; a call more than 10 seconds later kills it."""
        if not self.alive:
            return
        if not self.stopping:
            self.stopping = time.time()
            _signal(self.pid, POLITE, group=False)
        elif time.time() - self.stopping > KILL_SECONDS:
            _signal(self.pid, getattr(signal, "SIGKILL", signal.SIGTERM), group=True)

    def lines(self) -> list[str]:
        """The last lines of its output."""
        with suppress(OSError), self.console.open("rb") as file:
            file.seek(max(0, self.console.stat().st_size - LINES))
            return file.read().decode(errors="replace").splitlines()
        return []

    def progress(self) -> dict[str, Any] | None:
        """The latest progress line: what, done and total."""
        for line in reversed(self.lines()):
            if line.startswith('{"what"'):
                with suppress(ValueError):
                    found: dict[str, Any] = json.loads(line)
                    return found
        return None

    def error(self) -> str | None:
        """The last error message, or a sentence about a defect if a failure left none; None without a failure."""
        if self.code == 0:
            return None  # what it said were warnings, such as of a damaged checkpoint
        lines = [line.strip() for line in self.lines() if line.strip() and not line.startswith('{"what"')]
        said = next((line.removeprefix("ganvas: ") for line in reversed(lines) if line.startswith("ganvas: ")), None)
        if said:
            return said
        killed = self.code == -getattr(signal, "SIGKILL", 0) != 0
        if self.stopping and (killed or self.code in {-signal.SIGTERM, 128 + signal.SIGTERM}):
            return None  # stopped before it had begun to train, so there was nothing to save; or it was asked twice
        if killed:
            return "The system ended it, most likely because memory ran out: take smaller pictures or fewer at once."
        if self.code or any(line.startswith("Traceback") for line in lines):
            return (
                f"It ended with an error that is a defect of the toolkit: {lines[-1] if lines else 'it said nothing'}"
            )
        return None


def python(module: str, *words: str) -> list[str]:
    """A module as a command that imports nothing from the folder that it runs in, which may hold any files."""
    return [sys.executable, "-P", "-m", module, *words]


def environment(*, progress: bool) -> dict[str, str]:
    """The environment of a command in the workspace: files that were named from here are found from there."""
    env = {**os.environ, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1", "GANVAS_PROGRESS": "json" if progress else ""}
    for name in PLACES:
        if env.get(name):
            env[name] = os.path.abspath(env[name])  # noqa: PTH100 - links stay as they are
    for name in LISTS:
        if name in env:
            env[name] = os.pathsep.join(map(os.path.abspath, filter(None, env[name].split(os.pathsep))))
    return env


def command_of(argv: Sequence[str]) -> str:
    """The command as a shell line."""
    return shlex.join(["ganvas", *argv])


def begun(pid: int) -> str:
    """The start time of the process with this ID, as the system reports it; empty if there is none."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.parent.parent.joinpath("self").exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] == "Z" else fields[19]
    try:
        told = subprocess.run(  # noqa: S603
            ["ps", "-o", "lstart=", "-p", str(pid)],  # noqa: S607
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    except OSError:
        return ""
    return told.stdout.strip()


def _signal(pid: int, number: int, *, group: bool) -> None:
    with suppress(OSError):
        if group and hasattr(os, "killpg"):
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
