"""Runs the sections of `benchmarks.gpu` one after another; the package's docstring describes them."""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from ganvas.core import machine

from . import __doc__ as about
from . import devices, longer, speed
from .ledger import Ledger

WEIGHTS = {"devices": 25, "speed": 50, "quality": 360, "go_on": 360}  # seconds, as proportions of the time


def main() -> None:
    options = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sections", nargs="+", choices=list(WEIGHTS), default=["devices", "speed"])
    options.add_argument("--seconds", type=float, default=75.0, help="for all of it, the start included")
    options.add_argument("--out", type=Path, help="the folder for rows.jsonl and runs")
    options.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    options.add_argument("--data", default="digits", help="of quality: a folder of pictures, a zip or a source")
    options.add_argument("--run", type=Path, help="of go_on: the run folder")
    options.add_argument("--images", type=int, help="of go_on: how long the run is to be in all, if time allows")
    chosen = options.parse_args()
    if "go_on" in chosen.sections and chosen.run is None:
        options.error("go_on wants --run FOLDER")
    folder = chosen.out or Path(tempfile.mkdtemp(prefix="gpu-"))
    ledger = Ledger(folder, chosen.seconds)
    device = machine.device(chosen.device)
    machine.keep_memory()
    works: dict[str, Callable[[], None]] = {
        "devices": lambda: devices.measure(ledger, device),
        "speed": lambda: speed.measure(ledger, device),
        "quality": lambda: longer.quality(ledger, device, data=chosen.data),
        "go_on": lambda: longer.go_on(ledger, device, run=chosen.run, images=chosen.images),
    }
    ledger.begin("start", 1.0)
    about_torch = {"cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version()}
    ledger.row("machine", **machine.describe(device), **about_torch, folder=str(folder))
    sections = [name for name in WEIGHTS if name in chosen.sections]
    for place, name in enumerate(sections):
        ledger.begin(name, WEIGHTS[name] / sum(WEIGHTS[each] for each in sections[place:]))
        works[name]()
    ledger.begin("end", 1.0)
    ledger.row("done", folder=str(folder))


if __name__ == "__main__":
    main()
