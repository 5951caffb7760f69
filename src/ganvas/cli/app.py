"""The command line's entry point; everything heavy is imported by the command that needs it."""

import io
import os
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from ..core import console
from ..core.errors import GanvasError, NotFound, PassedOver
from ..core.files import DRAFT
from ..core.version import __version__
from . import data, evaluation, latent, learn, models, new, recipes, runs, sample, studio, training
from .options import as_options

__all__ = ["app", "main"]

app = typer.Typer(
    name="ganvas",
    help="Train a GAN on pictures, see whether it is healthy, and use it.\n\n"
    "Start with: ganvas train icons:portraits --minutes 3",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _say_version(asked: bool) -> bool:
    if asked:
        console.answer(f"ganvas {__version__}")
        raise typer.Exit
    return asked


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


class _Command(TyperCommand):
    """A command that says of words too many what they mostly are."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except Exception as error:  # click's, or that of the click within typer
            if "unexpected extra argument" in getattr(error, "message", ""):
                error.message += ". Put quotes around a name, or words, with spaces in between."  # type: ignore[attr-defined]
            raise


PANELS = {
    "Train": (data.data, training.train, runs.watch, evaluation.doctor, runs.report, runs.film),
    "Draw": (sample.sample, latent.morph, latent.edit, latent.directions, latent.project, models.models, studio.studio),
    "Measure": (evaluation.evaluate, evaluation.compare, evaluation.inspect, evaluation.quiz, latent.attributes),
    "Share and combine": (models.export, models.publish, models.convert, models.mix),
    "Learn and extend": (learn.learn, recipes.list_, recipes.show, new.new),
}
"""Panel of the help -> its commands."""

for panel, commands in PANELS.items():
    for command in commands:
        app.command(name=command.__name__.removesuffix("_"), cls=_Command, rich_help_panel=panel)(command)


def main() -> None:
    """Run the command line; an error that the user can fix is printed as one line, and so is a warning."""
    warnings.formatwarning = _one_line  # type: ignore[assignment]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # for a table's lines, where the encoding lacks them
    try:
        _refuse_nowhere()
        app()
    except GanvasError as error:
        console.fail(as_options(str(error)))
    except MemoryError as error:
        console.fail(f"This takes more memory than there is ({error}): ask for fewer or smaller pictures.")
    except BrokenPipeError:  # the reader, such as `head`, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # the system's own message says which file and why
        console.fail(f"{_place(error)} cannot be used: {error.strerror or error}. Name another, or open it.")
    else:
        return
    sys.exit(1)


def _refuse_nowhere() -> None:
    """Refuse to work in a folder that was removed, where libraries end the process in words of their own.

    Raises:
        NotFound: it was.
    """
    try:
        Path.cwd()
    except FileNotFoundError:
        raise NotFound("The folder of this terminal is gone. Go to another, such as by `cd ~`.") from None


def _place(error: OSError) -> str | Path:
    """What could not be used, by a name that its user knows: no draft, and no file in a folder that is closed."""
    if not isinstance(error.filename, str | bytes):
        return "a file"
    path = Path(os.fsdecode(error.filename))
    if DRAFT.fullmatch(path.name):
        path = path.with_name(path.name.split("-", 2)[2])
    closed = isinstance(error, PermissionError) and not os.access(path.parent, os.X_OK)
    return path.parent if closed else path


_format = warnings.formatwarning


def _one_line(message: Warning | str, category: type[Warning], file: str, place: int, line: str | None = None) -> str:
    """Format a warning: one of ours without the line of code, others as Python does."""
    return f"ganvas: {message}\n" if category is PassedOver else _format(message, category, file, place, line)
