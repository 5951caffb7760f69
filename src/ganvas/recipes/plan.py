"""From a few words to a recipe: what a target, a source, a size and some settings mean."""

import difflib
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..core import catalog
from ..core.errors import GanvasError
from ..data.dataset import Source, of_size, source
from .recipe import Recipe, change

__all__ = ["default_recipe", "name_of_run", "plan"]


def plan(
    target: str,
    *,
    data: str | None = None,
    size: int | tuple[int, int] | None = None,
    images: int | None = None,
    settings: Sequence[str] = (),
    like: Recipe | None = None,
) -> Recipe:
    """The recipe that a few words ask for.

    Args:
        target: a recipe's name; or a source of data, which is then trained by the default recipe for its kind.
        data: a source that takes the place of the recipe's own.
        size: of the pictures in pixels, one number for squares or (width, height).
        images: length of the run.
        settings: changes such as "generator.width=96", see `recipe.change`.
        like: what data of one's own are trained by, in place of the default recipe for their kind.

    Raises:
        GanvasError: one of them does not exist or does not fit.
    """
    if target in catalog.names("recipe"):
        recipe: Recipe = catalog.find(target, "recipe")()
    else:
        known = _known(target)
        data = data or known
        recipe = like or catalog.find(default_recipe(target, data), "recipe")()
    if data is not None:
        chosen = source(data, clips=_moves(recipe.data))
        if hasattr(chosen, "size"):
            size = size or getattr(recipe.data, "size", None)
        if like and hasattr(like.data, "channels") and hasattr(chosen, "channels"):
            chosen = replace(chosen, channels=like.data.channels)  # type: ignore[type-var]
        recipe = replace(recipe, data=chosen)
    recipe = replace(recipe, data=of_size(recipe.data, size))
    if images is not None:
        recipe = replace(recipe, images=images)
    changed = recipe
    for setting in settings:
        changed = change(changed, setting)
    asked_for = changed.networks != recipe.networks and changed.widen == recipe.widen
    return replace(changed, widen=()) if asked_for else changed  # networks that were asked for stay


def default_recipe(target: str, data: str | None = None) -> str:
    """The target, if it is a recipe, or else the recipe for data of its kind: clips, points, drawings or photographs.

    Raises:
        GanvasError: it is neither a recipe nor a source of data.
    """
    if target in catalog.names("recipe"):
        return target
    chosen = source(data or _known(target))
    if _moves(chosen):
        return "moving_digits"
    if not hasattr(chosen, "size"):
        return "ring"
    return "icons" if chosen.drawn() else "photos"


def _moves(chosen: Source) -> bool:
    """Whether its samples are clips."""
    return hasattr(chosen, "frames")


def _known(target: str) -> str:
    """The target, if it is a source; else the error says what recipes there are too."""
    try:
        source(target)
    except GanvasError as error:
        near = difflib.get_close_matches(target, catalog.names("recipe"), n=1)
        hint = f"Did you mean the recipe {near[0]!r}?" if near else f"Recipes: {', '.join(catalog.names('recipe'))}."
        raise type(error)(f"{error} {hint}") from None
    return target


def name_of_run(
    target: str | Recipe,
    data: str | None,
    size: int | tuple[int, int] | None,
    seed: int,
    start_from: str | Path | None = None,
) -> str:
    """A folder name that tells runs of different words apart."""
    named = [target if isinstance(target, str) else "run", data]
    words = [Path(word).stem if os.sep in word or "." in word else word for word in named if word]
    if size is not None:
        words.append("x".join(map(str, size)) if isinstance(size, tuple) else str(size))
    if seed:
        words.append(f"seed{seed}")
    if start_from:
        words.append(f"from-{Path(start_from).name}")
    return re.sub(r"[^\w.-]+", "-", "-".join(words)).strip("-.") or "run"
