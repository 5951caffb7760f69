"""Following a training live from another shell, through the files in its folder."""

import shlex
import time
from collections.abc import Mapping
from typing import Any

from ..core import console
from ..core.errors import NotFound
from .run import Run, no_run

__all__ = ["watch"]

SECONDS = 0.5  # between two updates


def watch(run: Run, *, quiet: bool = False, seconds: float = SECONDS) -> str:
    """Show the progress of a training until its process ends, and return a sentence on how it ended.

    Args:
        run: the run; returns at once if no process trains it.
        quiet: show nothing meanwhile.
        seconds: between two updates.

    Raises:
        NotFound: there is no such run.
    """
    status = run.status
    if not run.exists and not status:  # a training in stages has no run.json before its last one
        raise NotFound(no_run(run.path, "it has no run.json"))
    if run.training:
        with console.training(status.get("wanted") or run.recipe.images, str(run.path), quiet=quiet) as display:
            while run.training:
                status = run.status
                rows = run.rows
                display.expect(status.get("wanted") or 1)
                display.look_out([str(each["kind"]) for each in status.get("diagnoses") or []])
                display.update(status.get("images") or 0, status.get("speed") or 0.0, _terms(rows[-1:]))
                time.sleep(seconds)
    again = f"`ganvas train {shlex.quote(str(run.path))}`"
    if not run.exists:
        return f"{run.path}: nobody trains here; go on by {again}."
    return " ".join(filter(None, [_ending(run, run.status, again), run.damage]))


def _terms(rows: list[dict[str, Any]]) -> Mapping[str, float]:
    terms = rows[0].get("terms", {}) if rows else {}
    return {name: value for name, value in terms.items() if isinstance(value, int | float)}


def _ending(run: Run, status: Mapping[str, Any], again: str) -> str:
    """How the last training in this folder ended; `again` is the command that goes on."""
    images, wanted = run.images, status.get("wanted")
    wanted = wanted if isinstance(wanted, int) else run.recipe.images
    so_far = f"{images:,} of {wanted:,} images"
    if status.get("state") == "failed":
        return f"{run.path}: failed, {so_far} are kept: {status.get('error')}"
    if status.get("state") == "finished" or run.finished:
        return f"{run.path}: finished, {so_far}."
    return f"{run.path}: nobody trains here; {so_far} are kept. Go on by {again}."
