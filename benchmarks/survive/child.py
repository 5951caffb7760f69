"""Runs work in a separate process, forked so that nothing is imported again, with limits on time and memory.

The parent has everything imported and a single thread, so a child starts within milliseconds. Both output streams are
kept. `command` is the `ganvas` command line; `complaint` lists what is wrong in any answer.
"""

import gc
import importlib
import math
import os
import re
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import ganvas.cli.app
import ganvas.evaluation.compare
import ganvas.training.fit
from ganvas.core import catalog

from .cases import SLOW_SECONDS

catalog.listing()  # import everything once, before anything is forked
with suppress(ImportError):
    importlib.import_module("torch.utils.tensorboard")  # takes a second, where it is installed

PATIENCE = 6.0
MEBIBYTE = 2**20


@dataclass(frozen=True)
class Answer:
    """The outcome of a piece of work.

    code       its exit status, or minus the number of the signal that ended it
    seconds    that it took
    mebibytes  that it needed beyond what the process had before it was forked
    hung       whether it was ended because its time was over
    """

    code: int
    out: str
    err: str
    seconds: float
    mebibytes: float
    hung: bool


def run(
    work: Callable[[], object],
    folder: Path,
    *,
    seconds: float = SLOW_SECONDS,
    patience: float = PATIENCE,
    mebibytes: int = 2048,
    encoding: str = "utf-8",
    variables: Mapping[str, str] | None = None,
) -> Answer:
    """Do the work in a child whose working directory is `folder`.

    Args:
        work: what to do; SystemExit is its exit status, and any other exception is printed with its traceback.
        folder: an existing folder.
        seconds: of CPU time, after which it is killed.
        patience: how many times as long it may take by the clock, because other work may share the machine.
        mebibytes: of address space that it may request beyond what it started with.
        encoding: of its two streams.
        variables: of its environment, added to the existing ones.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        held, began = _resident(), time.perf_counter()
        gc.collect()
        child = os.fork()
        if child == 0:
            limits = {resource.RLIMIT_AS: mebibytes * MEBIBYTE, resource.RLIMIT_CPU: math.ceil(seconds)}
            _be(work, folder, (out.fileno(), err.fileno()), limits, encoding, variables or {})
        hung, usage = _awaited(child, began + patience * seconds)
        took = time.perf_counter() - began
        said = []
        for stream in (out, err):
            stream.seek(0)
            said.append(stream.read().decode(encoding, errors="backslashreplace"))
    status, used = usage
    code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    hung |= code == -signal.SIGXCPU
    return Answer(code, said[0], said[1], took, max(0.0, used.ru_maxrss / 1024 - held), hung)


def command(*words: object) -> Callable[[], None]:
    """The work of `ganvas WORDS`."""

    def work() -> None:
        sys.argv = ["ganvas", *map(str, words)]
        ganvas.cli.app.main()

    return work


def complaint(answer: Answer, *, mebibytes: float = 1024) -> str:
    """What is wrong with any answer: a hang, crash, traceback, control characters, silent failure, too much memory."""
    if answer.hung:
        return f"still at work after {answer.seconds:.1f} s"
    if answer.code < 0:
        return f"ended by {signal.Signals(-answer.code).name}"
    if "Traceback (most recent call last)" in answer.err:
        return f"a traceback: {answer.err.strip().splitlines()[-1][:200]}"
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", answer.out + answer.err):
        return "control characters reached the terminal"
    if answer.code == 1 and not re.search(r"^ganvas: ", answer.err, re.MULTILINE):
        return "it failed without a sentence"
    if answer.mebibytes > mebibytes:
        return f"needed {answer.mebibytes:,.0f} MiB"
    return ""


def _be(
    work: Callable[[], object],
    folder: Path,
    streams: tuple[int, int],
    limits: Mapping[int, int],
    encoding: str,
    variables: Mapping[str, str],
) -> None:
    """Run as the child; never returns."""
    code = 70
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, stream in enumerate(streams, 1):
            os.dup2(stream, number)
        sys.stdout = open(1, "w", encoding=encoding, closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding=encoding, errors="backslashreplace", closefd=False)  # noqa: SIM115
        sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr
        os.chdir(folder)
        os.environ.update(variables)
        memory = _mapped() + limits[resource.RLIMIT_AS]
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (limits[resource.RLIMIT_CPU], resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        code = _done(work)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _done(work: Callable[[], object]) -> int:
    import traceback

    try:
        work()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _awaited(child: int, until: float) -> tuple[bool, tuple[int, resource.struct_rusage]]:
    """Wait for a child, and kill it when its time is over."""
    pause = 0.002
    while time.perf_counter() < until:
        done, status, used = os.wait4(child, os.WNOHANG)
        if done:
            return False, (status, used)
        time.sleep(pause)
        pause = min(0.05, pause * 1.5)
    os.kill(child, signal.SIGKILL)
    _, status, used = os.wait4(child, 0)
    return True, (status, used)


def _resident() -> float:
    """Mebibytes of memory that this process occupies."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / MEBIBYTE


def _mapped() -> int:
    """Bytes of this process's address space."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
