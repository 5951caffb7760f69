"""The short form of `python -m benchmarks.survive`: one in many of what it tries."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.survive.cases import Case, Ledger, chosen, tried

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.timeout(960)  # 96 seconds of an idle machine, and several times that of a busy one
def test_the_short_form_holds():
    """One of each kind, in the order of the parts."""
    words = [sys.executable, "-m", "benchmarks.survive", "--every", "1000"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    told = {line.strip("| ").partition(":")[0] for line in done.stdout.splitlines()}
    assert told >= {"damage", "disks", "files", "kills", "models", "words"}, done.stdout


def test_the_table_counts_what_failed_and_what_cannot_be_tried(tmp_path):
    def broken(folder):
        raise OSError("no room")

    ledger = Ledger()
    for case in (Case("a", "1", lambda _: ""), Case("a", "2", lambda _: "wrong"), Case("b", "3", broken)):
        (done,) = tried([case], jobs=1)
        ledger.add("part", *done)
    assert [(row["tried"], row["held"]) for row in ledger.figures()] == [(2, 1), (1, 0)]
    assert ledger.failures == 2
    assert "FAILED part b: '3': could not be tried: OSError: no room" in ledger.table()


def test_each_kind_is_in_the_short_form():
    cases = [Case(kind, str(place), str) for kind in "ab" for place in range(5)]
    assert [(case.kind, case.name) for case in chosen(cases, every=3)] == [
        ("a", "0"),
        ("a", "3"),
        ("b", "0"),
        ("b", "3"),
    ]


SEEN = {
    "import time; time.sleep(60)": "still at work after 1",
    "raise ValueError('x')": "a traceback: ValueError: x",
    "import os, signal; os.kill(os.getpid(), signal.SIGFPE)": "ended by SIGFPE",
    "raise SystemExit(1)": "it failed without a sentence",
    "print(chr(27) + '[31m')": "control characters reached the terminal",
    "bytearray(3 * 2**30)": "a traceback: MemoryError",
    "bytearray(1500 * 2**20)": "needed 1,",  # less what a child does not share again, some 200 MiB of libraries
    "command('show', 'ring')()": "",
}


def test_the_harness_sees_what_went_wrong(tmp_path):
    """In a process of its own, which has no threads and may be forked."""
    program = f"from pathlib import Path\nfrom benchmarks.survive.child import *\nFOLDER = {str(tmp_path)!r}\n"
    for code in SEEN:
        seconds = 5.0 if "sleep" in code else 60.0  # of a busy machine
        program += f"def work():\n    {code}\n"
        program += f"print(complaint(run(work, Path(FOLDER), seconds={seconds}, patience=3.0)))\n"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    told = done.stdout.splitlines()
    assert len(told) == len(SEEN)
    for (code, wanted), found in zip(SEEN.items(), told, strict=True):
        assert found.startswith(wanted) if wanted else not found, (code, found)
