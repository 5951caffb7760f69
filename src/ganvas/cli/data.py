"""The command that shows data."""

from dataclasses import replace
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import DoesNotFit
from .options import PIXELS, parse_size, refuse_own_picture, say

if TYPE_CHECKING:
    from ..data.dataset import Dataset, Source

__all__ = ["data"]


def data(
    source: Annotated[str, typer.Argument(help="A folder or zip of pictures, or a named source such as icons:flags.")],
    size: Annotated[str | None, typer.Option(help=f"{PIXELS}; by default 32.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Change one setting of the data, such as data.across=6, as ganvas train does; can be repeated.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Output file for the contact sheet; by default contact.png.")] = None,
    to: Annotated[
        Path | None,
        typer.Option(help="Write the pictures to this .zip in StyleGAN's data set format, instead of a contact sheet."),
    ] = None,
    json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print JSON with all skipped files and near-duplicates, instead of making a contact sheet."
        ),
    ] = False,
) -> None:
    """Show what a source contains: count, sizes, classes, keywords, skipped files and a contact sheet; or zip it."""
    from ..core import catalog, console
    from ..data.dataset import hidden, place_of
    from ..data.look import look
    from ..data.zips import save_zip

    if sum(map(bool, (to, json, out))) > 1:
        raise DoesNotFit("Give one of --out, --to and --json.")
    asked = _asked(source, parse_size(size), set_ or [])
    if json:
        with console.watching() as watch:
            found = look(asked, watch=watch)
        say(dumps(found, indent=1))
        return
    out = to or out or Path("contact.png")
    refuse_own_picture(out, place_of(asked))
    console.say(hidden(source, catalog.names("data")))
    with console.watching() as watch:
        dataset = asked.open(watch)
        if to:
            save_zip(dataset, to, watch=watch)
    if not to:
        _save_sheet(dataset, out)
    say(str(dataset.summary()))
    console.skipped(dataset.skipped)
    say(f"its pictures in that size: {to}" if to else f"contact sheet: {out}")


def _asked(text: str, size: int | tuple[int, int] | None, settings: list[str]) -> "Source":
    """The source that the text names, of this size and with these settings, each such as `data.fit=pad`."""
    from ..data.dataset import of_size, source

    asked = of_size(source(text), size)
    if not settings:
        return asked
    from ..core.catalog import find
    from ..recipes.recipe import change

    recipe = replace(find("icons", "recipe")(), data=asked)  # any one: only its data are changed and used
    for setting in settings:
        if not setting.startswith("data."):
            raise DoesNotFit(f"Of data, settings such as data.fit=pad can be changed, and not {setting!r}.")
        recipe = change(recipe, setting)
    return recipe.data


def _save_sheet(dataset: "Dataset", out: Path) -> None:
    """Save a contact sheet of at most 100 pictures, 12 clips or 2,000 points, evenly spread."""
    import numpy as np

    from ..core import pixels
    from ..core.batch import Kind

    most = {Kind.POINTS: 2000, Kind.PICTURES: 100, Kind.CLIPS: 12}[dataset.kind]
    chosen = np.linspace(0, len(dataset) - 1, min(len(dataset), most)).astype(np.int64)
    pixels.save_picture(pixels.sheet(dataset.take(chosen)), out)
