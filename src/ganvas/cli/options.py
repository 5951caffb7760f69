"""What commands share: options, their interpretation, and output."""

import os
import re
from collections.abc import Collection, Mapping
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from ..core import console
from ..core.errors import DoesNotFit
from ..core.seeds import is_whole

if TYPE_CHECKING:
    from ..metrics.score import Score
    from ..models.model import Model

__all__ = [
    "ANY_MODEL",
    "PIXELS",
    "Device",
    "ModelArgument",
    "Places",
    "RunArgument",
    "Scale",
    "Truncation",
    "Variety",
    "as_options",
    "parse_size",
    "refuse_own_picture",
    "say",
    "share_work",
    "tell_scores",
    "varied",
]

RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, such as runs/icons.")]
ANY_MODEL = "A run folder, a model file, a built-in model such as icons, or hf:user/name on Hugging Face."
ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help=ANY_MODEL)]
Device = Annotated[str, typer.Option(help="Device to compute on: cpu, cuda, cuda:1 or mps.")]
Places = Annotated[
    list[str] | None,
    typer.Option(
        "--place",
        help="""A picture spelled out as JSON, such as '{"seed": 9, "words": "3d fruit"}'; can be repeated.""",
    ),
]
Scale = Annotated[
    int | None,
    typer.Option(
        help="Enlarge by a whole number; by default small pictures are enlarged. The model icons draws twice as finely "
        "for it, with others each pixel becomes a square."
    ),
]
Truncation = Annotated[
    float,
    typer.Option(
        help="Scale of each input's distance from the mean: below 1, pictures are more typical and more alike."
    ),
]
Variety = Annotated[
    float | None,
    typer.Option(help="How far samples may stray from their keywords, from 0 (not at all); by default as in training."),
]
PIXELS = "Size of the pictures in pixels: 64 for squares, or WIDTHxHEIGHT, such as 64x96"


OPTIONS = {
    "across": "--pictures",
    "folder": "--out",
    "settings": "--set",
    "share": "--truncation",
    "start_from": "--from",
}
"""Argument of a function -> its option, where the names differ."""


def as_options(text: str) -> str:
    """Rewrite arguments in a message as options: `held_out=` as --held-out, `size=(64, 96)` as --size 64x96."""

    def option(found: re.Match[str]) -> str:
        name, value = found[1], re.sub(r"^\['(.*)'\]$|^'(.*)'$", r"\1\2", found[2])
        value = re.sub(r"^\((\d+), (\d+)\)$", r"\1x\2", value)
        value = f"'{value}'" if name == "settings" and "(" in value else value  # a shell would interpret parentheses
        if value == "False":
            return f"--no-{name.replace('_', '-')}"
        return " ".join([OPTIONS.get(name, f"--{name.replace('_', '-')}"), *({value} - {"", "True"})])

    return re.sub(r"`(\w+)=([^`]*)`", option, text)


def parse_size(text: str | None) -> int | tuple[int, int] | None:
    """Parse a size: 64 -> 64, and 64x96 -> (64, 96)."""
    if text is None:
        return None
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(is_whole(side) and int(side) for side in sides):
        raise DoesNotFit(f"--size is a number of pixels such as 64, or WIDTHxHEIGHT such as 64x96, not {text!r}.")
    return int(sides[0]) if len(sides) == 1 else (int(sides[0]), int(sides[1]))


def varied(model: "Model", variety: float | None, asked: Collection[str] | None) -> "Model":
    """The model with the variety of --variety.

    Raises:
        DoesNotFit: it is given without keywords, or the model refuses it.
    """
    made = model.varied(variety)
    if variety is not None and not asked:
        raise DoesNotFit("--variety is about samples of the same keywords: add them, such as --keywords 'red heart'.")
    return made


def say(text: str) -> None:
    """Print a result, without characters that control a terminal."""
    console.answer(text)


def refuse_own_picture(out: Path, place: Path | None) -> None:
    """Refuse an output that is the data, or one of their pictures; a sheet of before may be replaced."""
    from ..core import files, pixels

    if place:
        files.refuse_own_input(out, place)
    if place and out.is_file() and out.resolve().is_relative_to(place.resolve()) and not pixels.is_sheet(out):
        raise DoesNotFit(f"{out} is one of the pictures, and would be lost. Write to another file.")


def share_work() -> bool:
    """Join the processes of torchrun, if any; returns whether this process prints and writes."""
    if "RANK" not in os.environ:
        return True
    from ..core import distributed

    distributed.start()
    return distributed.is_first()


def tell_scores(about: "dict[str, Any]", scores: "dict[str, Score]", *, json: bool) -> None:
    """Print the results of a comparison, as a table or as JSON."""
    from ..runs.evaluations import as_json

    if json:
        say(dumps(as_json(about, scores), indent=1))
    else:
        _table(scores, about)


def _table(found: "Mapping[str, Score]", about: "Mapping[str, Any]") -> None:
    """Print scores as a table, followed by notes and settings."""
    from rich.table import Table

    from ..metrics.score import better, gathered_notes

    table = Table(box=None, pad_edge=False)
    for name, align in (("figure", "left"), ("value", "right"), ("error", "right"), ("better", "left")):
        table.add_column(name, justify=align)  # type: ignore[arg-type]
    for name, score in found.items():
        error = "" if score.error is None else f"± {score.error:.2g}"
        table.add_row(name, f"{score.value:.4g}", error, better(name))
    terminal = Console(highlight=False)
    terminal.print(table)
    for note, names in gathered_notes(found).items():
        say(f"note on {', '.join(names)}: {note}")
    behind = ", ".join(f"{name} {value}" for name, value in about.items())
    say(f"made by: {behind}")
