"""What Ganvas survives, as a table: tried, held, failed.

    python -m benchmarks.survive [--only files words] [--every 20] [--jobs 2] [--kind pictures] [--show]

Each part is a file of this folder whose `cases()` yields the things to try. `--every 20` is the short form: it tries
every twentieth case of each kind. The figures go to benchmarks/results/; the exit status is 1 if anything failed.
"""

import argparse
import datetime
import importlib
import os
import tempfile
import time
from pathlib import Path

BESIDE = {"cases", "child"}
PARTS = sorted(file.stem for file in Path(__file__).parent.glob("[a-z]*.py") if file.stem not in BESIDE)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS))
    options.add_argument("--kind", help="only cases of this kind")
    options.add_argument("--name", help="only cases with this in their name")
    options.add_argument("--every", type=int, default=1, help="try each so-many-th case of every kind")
    options.add_argument("--jobs", type=int, default=2, help="so many cases are tried at a time")
    options.add_argument("--show", action="store_true", help="name each case as it is tried")
    asked = options.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}  # a process with threads cannot be forked safely
    began = time.perf_counter()
    from .cases import Ledger, chosen, tried

    ledger = Ledger()
    with tempfile.TemporaryDirectory(prefix="survive-cache-") as cache:
        os.environ["GANVAS_CACHE"] = cache
        for part in asked.only:
            cases = chosen(importlib.import_module(f".{part}", __package__).cases(), every=asked.every)
            cases = [case for case in cases if asked.kind in (None, case.kind) and (asked.name or "") in case.name]
            for case, wrong, seconds in tried(cases, jobs=asked.jobs):
                ledger.add(part, case, wrong, seconds)
                if wrong or asked.show:
                    print(f"{part} {case.kind} {case.name!r}: {wrong or 'held'}", flush=True)
    print(f"\n{ledger.table()}\n{_where(time.perf_counter() - began, asked.jobs)}")
    if asked.every == 1 and not (asked.kind or asked.name):
        from ..record import record

        name = "survive" if asked.only == PARTS else f"survive-{'-'.join(asked.only)}"
        took = {"seconds": round(time.perf_counter() - began), "jobs": asked.jobs, "load": os.getloadavg()}
        print(record(name, took | {"rows": ledger.figures()}))
    raise SystemExit(ledger.failures > 0)


def _where(seconds: float, jobs: int) -> str:
    """The date, machine and duration, as stated above the table in docs/reliability.md."""
    import PIL
    import torch

    from ganvas.core import machine

    about, load = machine.describe(torch.device("cpu")), os.getloadavg()[1]
    return (
        f"On {datetime.datetime.now().astimezone().date()}, {about['cores']} cores ({about['processor']}; load average "
        f"{load:.1f}), CPU only, Pillow {PIL.__version__}, torch {torch.__version__}, `--jobs {jobs}`, "
        f"{seconds / 60:.1f} minutes in all."
    )


if __name__ == "__main__":
    main()
