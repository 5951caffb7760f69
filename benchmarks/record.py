"""Record measurements with their date and machine."""

import datetime
import json
import subprocess
from pathlib import Path
from typing import Any

import torch

from ganvas.core import machine

RESULTS = Path(__file__).parent / "results"


def record(name: str, figures: dict[str, Any]) -> Path:
    """Save the figures with the machine, the date and the commit; returns the file."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    date = datetime.datetime.now().astimezone().date().isoformat()
    about = {
        "benchmark": name,
        "date": date,
        "commit": commit.stdout.strip() or None,
        "machine": machine.describe(torch.device("cpu")),
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{date}.json"
    path.write_text(json.dumps(about | figures, indent=1) + "\n")
    return path
