"""Whatever is asked, in the form of the schema or not, is answered as the schema says, and never by a defect.

python -m pytest tests/studio/server/test_schema.py -m "slow or not slow"      # 2,000 cases and more
"""

import os
import re
import subprocess
import sys

import pytest

pytest.importorskip("schemathesis")

# Trainings and jobs would be started by the hundred, and events never end; they have tests of their own.
LEFT_OUT = "/api/(runs|jobs|plane|events)$|/longer$|/go-on$"


def cases(studio, most, folder, *, phases):
    """Let schemathesis ask the studio so often for each operation, and answer what it says."""
    words = [sys.executable, "-m", "schemathesis.cli", "run", f"{studio.url}/openapi.json", "--url", studio.url]
    words += ["-H", f"Authorization: Bearer {studio.token}", "--max-examples", str(most), "--seed", "1"]
    words += ["--phases", phases, "--checks", "not_a_server_error,status_code_conformance"]
    words += ["--exclude-path-regex", LEFT_OUT]
    env = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return subprocess.run(words, capture_output=True, text=True, cwd=folder, env=env, timeout=3000, check=False)


def test_a_few_cases(studio, tmp_path):
    found = cases(studio, 4, tmp_path, phases="fuzzing")
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_two_thousand_cases(studio, tmp_path):
    found = cases(studio, 30, tmp_path, phases="coverage,fuzzing")
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]
    assert int(re.search(r"([\d,]+) generated", found.stdout)[1].replace(",", "")) >= 2000, found.stdout[-2000:]
