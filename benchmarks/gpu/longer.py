"""What takes minutes on a card: trainings with scores, and continuing a run."""

import os
import shutil
import signal
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch

from ganvas import fit
from ganvas.evaluation.compare import compare
from ganvas.runs.run import Run

from .ledger import Ledger

RECIPES = ("projected_gan", "r3gan", "keyword_icons")
MINUTES = 2.0
SCORING = 0.25  # share of a recipe's time
PART = 16 * 2**20 - 4096  # bytes of one part of the archive
PACKING = 20.0  # seconds


def quality(ledger: Ledger, device: torch.device, *, data: str) -> None:
    for place, name in enumerate(RECIPES):
        work = partial(_trained, ledger, device, name, data=data, seconds=ledger.left / (len(RECIPES) - place))
        ledger.measure(name, work, 1 / (len(RECIPES) - place))


def _trained(ledger: Ledger, device: torch.device, name: str, *, data: str, seconds: float) -> None:
    """Train, keep the last sheet, and score the result against its data."""
    minutes = min(MINUTES, (1 - SCORING) * seconds / 60)
    out = Path(tempfile.mkdtemp()) / name
    with _stopped_after((1 - SCORING) * seconds):
        run = fit(name, data=data, size=64, minutes=minutes, out=out, device=device.type, quiet=True)
    last = run.rows[-1]
    ledger.row(f"{name} trained", minutes=minutes, images=last["images"], speed=last.get("images_per_second"))
    if run.newest_sheet:
        shutil.copy(run.newest_sheet, ledger.folder / f"{name}.png")
    compared = compare(run.path, device=device)
    for score, value in compared.scores():
        ledger.row(f"{name}: {score}", value=value.value, error=value.error)


@contextmanager
def _stopped_after(seconds: float) -> Iterator[None]:
    """Send Ctrl-C when the time is up: the training finishes its step and saves."""
    stop = threading.Timer(max(0.0, seconds), os.kill, (os.getpid(), signal.SIGINT))
    stop.daemon = True
    stop.start()
    try:
        yield
    finally:
        stop.cancel()


def go_on(ledger: Ledger, device: torch.device, *, run: Path, images: int | None) -> None:
    """Train until shortly before the end, then pack the result; the given run folder stays unchanged."""
    held = Path(tempfile.mkdtemp()) / run.name
    shutil.copytree(run, held)
    ledger.measure("trained", partial(_further, ledger, device, held, images))
    ledger.measure("packed", partial(_packed, ledger, held))


def _further(ledger: Ledger, device: torch.device, held: Path, images: int | None) -> None:
    before = Run(held).images
    with _stopped_after(ledger.left - PACKING):
        run = fit(str(held), images=images, device=device.type, quiet=True)
    ledger.row("went on", images_before=before, images=run.images, last=run.rows[-1]["terms"])


def _packed(ledger: Ledger, held: Path) -> None:
    """Pack the run, without older checkpoints and hidden files, as one tar in parts."""
    newest = Run(held).newest
    whole = held.with_suffix(".tar")
    with tarfile.open(whole, "w") as tar:
        for file in sorted(held.rglob("*")):
            older = "checkpoints" in file.parts and newest is not None and newest.name not in file.parts
            if file.is_file() and not older and not file.name.startswith("."):
                tar.add(file, file.relative_to(held.parent))
    with whole.open("rb") as stream:
        parts = 0
        while part := stream.read(PART):
            (ledger.folder / f"{held.name}.tar.{parts:02}").write_bytes(part)
            parts += 1
    ledger.row("packed", parts=parts, bytes=whole.stat().st_size)
