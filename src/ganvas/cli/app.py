"""The command line: words in, one call, words out. Everything heavy is imported by the command that needs it."""

import sys

import typer
from rich.console import Console

from ..core.errors import GanvasError
from . import data, evaluation, latent, models, recipes, runs, training

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

for command in (
    training.train,
    models.sample,
    latent.morph,
    models.models,
    models.publish,
    latent.directions,
    latent.edit,
    latent.project,
    evaluation.inspect,
    models.convert,
    models.export,
    runs.film,
    runs.report,
    data.data,
    evaluation.evaluate,
    evaluation.compare,
    recipes.list_,
    recipes.show,
):
    app.command(name=command.__name__.removesuffix("_"))(command)


def main() -> None:
    """Run the command line; an error that is the user's to mend is one line."""
    try:
        app()
    except GanvasError as error:
        Console(stderr=True).print(f"ganvas: {error}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
