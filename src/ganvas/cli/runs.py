"""The commands for a run folder: its report, the film of its training, and a live view."""

from pathlib import Path
from typing import Annotated

import typer

from .options import RunArgument, say

__all__ = ["film", "report", "watch"]


def film(
    run: RunArgument,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Output .gif, .webp or .mp4; by default film.gif, or film-SEED.gif with --seed, in the run folder."
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Show only the picture of this seed, from 0 to 63; only for runs without classes or keywords."
        ),
    ] = None,
) -> None:
    """Make a film of a training run from its sample sheets."""
    from ..runs.film import film as make

    say(f"the film is {make(run, out, seed=seed)}")


def report(run: RunArgument) -> None:
    """Rewrite a run's report.html."""
    from ..runs.report import write

    say(f"the report is {write(run)}")


def watch(run: RunArgument) -> None:
    """Follow a training run live from another terminal; Ctrl-C stops watching, not the training."""
    from ..runs.run import Run
    from ..runs.watch import watch as follow

    try:
        say(follow(Run(run)))
    except KeyboardInterrupt:
        say(f"{run} goes on.")
