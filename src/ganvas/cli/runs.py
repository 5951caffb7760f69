"""The commands of a run folder: its report, the film of its training, and a look at one that goes on."""

from pathlib import Path
from typing import Annotated

import typer

from .options import RunArgument, say

__all__ = ["film", "report", "watch"]


def film(
    run: RunArgument,
    out: Annotated[
        Path | None, typer.Option(help="A .gif, .webp or .mp4; by default film.gif in the run folder.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Show the picture of this seed alone, from 0 to 63.")] = None,
) -> None:
    """Make a film of a training from its sheets of samples."""
    from ..runs.film import film as make

    say(f"the film is {make(run, out, seed=seed)}")


def report(run: RunArgument) -> None:
    """Write a run's report.html anew."""
    from ..runs.report import write

    say(f"the report is {write(run)}")


def watch(run: RunArgument) -> None:
    """Follow a training live from another shell; Ctrl-C ends the watching and not the training."""
    from ..runs.run import Run
    from ..runs.watch import watch as follow

    try:
        say(follow(Run(run)))
    except KeyboardInterrupt:
        say(f"{run} goes on.")
