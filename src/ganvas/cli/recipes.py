"""The commands for recipes and all other parts: list them, show one."""

from typing import Annotated

import typer

from .options import say

__all__ = ["list_", "show"]


def list_(
    kind: Annotated[
        str | None,
        typer.Argument(
            help="Kind of part: recipe, data, network, loss, condition, augment, game, optimizer, schedule, feature, "
            "metric or attribute; all if omitted."
        ),
    ] = None,
) -> None:
    """List the available recipes, data sources, networks, losses and all other parts."""
    from ..core.catalog import listing

    say(listing(kind))


def show(
    name: Annotated[str, typer.Argument(help="Name of a recipe or of any other part (see `ganvas list`).")],
) -> None:
    """Show a recipe, or what any other part is and which settings it has."""
    from ..core.catalog import describe

    say(describe(name))
