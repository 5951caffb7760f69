"""The commands of recipes and all other parts: list them, show one."""

from typing import Annotated

import typer

from .options import say

__all__ = ["list_", "show"]


def list_(
    kind: Annotated[str | None, typer.Argument(help="networks, losses, data, recipes, ...; all if left out.")] = None,
) -> None:
    """List the parts there are."""
    from ..core.catalog import listing

    say(listing(kind))


def show(name: Annotated[str, typer.Argument(help="A recipe or any other part.")]) -> None:
    """Show a recipe, or what a part is and what its settings are."""
    from ..core.catalog import describe

    say(describe(name))
