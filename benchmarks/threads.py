"""How fast the recipe `icons` trains on one thread and on all, with waiting threads that spin or sleep.

    python -m benchmarks.threads [--rounds 5]

Each variant runs in its own process, and they take turns of 2.5 seconds. Processes are stopped outside their turn,
because spinning threads go on spinning for minutes after their work.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import time

from .record import record

VARIANTS = {
    "all threads, spinning": ({"OMP_WAIT_POLICY": "ACTIVE"}, 0),
    "all threads, as OpenMP likes": ({}, 0),
    "all threads, spinning a moment": ({"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "2000"}, 0),
    "all threads, sleeping": ({"OMP_WAIT_POLICY": "PASSIVE"}, 0),
    "one thread": ({"OMP_WAIT_POLICY": "PASSIVE"}, 1),
}
SECONDS = 2.5


def work(threads: int) -> None:
    """Train for some seconds each time a line arrives; print images/s."""
    import torch

    from ganvas import plan, train
    from ganvas.core import machine

    machine.keep_memory()
    torch.set_num_threads(threads or torch.get_num_threads())
    recipe = plan("icons:portraits", images=2**40)
    ticks = train(recipe)
    for _ in range(5):
        next(ticks).terms()
    print("ready", flush=True)
    for _ in sys.stdin:
        began, steps = time.perf_counter(), 0
        while time.perf_counter() - began < SECONDS:
            next(ticks)
            steps += 1
        print(steps * recipe.batch / (time.perf_counter() - began), flush=True)


def begin(settings: dict[str, str], threads: int) -> subprocess.Popen[str]:
    """Start a process that runs `work` with these OpenMP settings only."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    environment |= settings
    # torch must be imported before ganvas, which sets these variables if they are not set
    code = f"import torch; from benchmarks.threads import work; work({threads})"
    command = [sys.executable, "-c", code]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True)
    assert process.stdout
    process.stdout.readline()
    process.send_signal(signal.SIGSTOP)
    return process


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--rounds", type=int, default=5)
    rounds = options.parse_args().rounds
    processes = {name: begin(*variant) for name, variant in VARIANTS.items()}
    speeds: dict[str, list[float]] = {name: [] for name in VARIANTS}
    for _ in range(rounds):
        for name, process in processes.items():
            assert process.stdin
            assert process.stdout
            process.send_signal(signal.SIGCONT)
            print("go", file=process.stdin, flush=True)
            speeds[name].append(float(process.stdout.readline()))
            process.send_signal(signal.SIGSTOP)
    for name, values in speeds.items():
        print(f"{name:30} {statistics.median(values):6.0f} images/s ({min(values):.0f} to {max(values):.0f})")
    for process in processes.values():
        process.kill()
    print(record("threads", {"images_per_second": speeds}))


if __name__ == "__main__":
    main()
