"""The sides of a benchmark in separate processes, in turns, so that a change in the machine's speed affects all."""

import json
import math
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def answer(work: Callable[[], Any]) -> None:
    """In the process of a side: do the work each time that a line arrives, and print the time it took and its result.

    CPU seconds are those of the process and of its children.
    """
    print("ready", flush=True)
    for _ in sys.stdin:
        clock, cpu = time.perf_counter(), _cpu_seconds()
        result = work()
        told = {"clock_seconds": time.perf_counter() - clock, "cpu_seconds": _cpu_seconds() - cpu, "result": result}
        print(json.dumps(told), flush=True)


def take_turns(
    commands: Mapping[str, Sequence[str]], *, rounds: int, variables: Mapping[str, str]
) -> dict[str, list[dict[str, Any]]]:
    """The answers of each side in each round; every command must end in a process that calls `answer`."""
    started = {}
    for side, words in commands.items():
        started[side] = subprocess.Popen(
            words, env=os.environ | variables, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        started[side].stdout.readline()
    answers: dict[str, list[dict[str, Any]]] = {side: [] for side in started}
    for _ in range(rounds):
        for side, process in started.items():
            process.stdin.write("go\n")
            process.stdin.flush()
            answers[side].append(json.loads(process.stdout.readline()))
            last = answers[side][-1]
            print(f"{side}: {last['cpu_seconds']:.1f} CPU s, {last['clock_seconds']:.1f} s", flush=True)
    for process in started.values():
        process.stdin.close()
        process.wait()
    return answers


def times_as_fast(
    ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]], *, by: str = "cpu_seconds"
) -> dict[str, float]:
    """How many times as fast our turns were as the neighbouring ones of the peer: geometric mean, least and most."""
    ratios = [peer[by] / own[by] for own, peer in zip(ours, theirs, strict=True)]
    return {"mean": math.exp(statistics.fmean(map(math.log, ratios))), "least": min(ratios), "most": max(ratios)}


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
