"""From a few words to a recipe: resolves a target, a source, a size and settings."""

import operator
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..core import catalog
from ..core.batch import Kind
from ..core.errors import DoesNotFit, GanvasError
from ..core.files import as_text
from ..core.guess import guess
from ..data.dataset import Source, of_size, source
from .recipe import Recipe, change

__all__ = ["Choice", "choose", "default_recipe", "name_of_run", "plan", "sides"]


@dataclass(frozen=True)
class Choice:
    """What a target and a source resolve to together.

    name     the recipe that was named, or the default one for such data; with `like`, the target
    recipe   the recipe of that name, or `like`
    source   what replaces the recipe's own data, or None
    """

    name: str
    recipe: Recipe
    source: Source | None


def plan(
    target: str | Path | Choice,
    *,
    data: str | Path | None = None,
    size: int | Sequence[int] | None = None,
    images: int | None = None,
    settings: Sequence[str] = (),
    like: Recipe | None = None,
) -> Recipe:
    """The recipe that a few words ask for.

    Args:
        target: a recipe's name; or a source of data, which is trained by the default recipe for its kind; or the result
            of `choose`.
        data: a source that replaces the recipe's own.
        size: of the pictures in pixels, one number for squares or (width, height).
        images: length of the run.
        settings: changes such as "generator.width=96", see `recipe.change`.
        like: the recipe for the user's own data, instead of the default one for their kind.

    Raises:
        NotFound: there is no such recipe, source or setting.
        DoesNotFit: a setting is out of range, or does not go with the others.
    """
    choice = target if isinstance(target, Choice) else choose(target, data, like=like)
    size = sides(size)
    recipe = choice.recipe
    if choice.source is not None:
        if choice.source.kind is not Kind.POINTS:
            size = size or _said(choice.source) or getattr(recipe.data, "size", None)
        recipe = replace(recipe, data=choice.source)
    recipe = replace(recipe, data=of_size(recipe.data, size))
    if images is not None:
        recipe = replace(recipe, images=images)
    changed = recipe
    if isinstance(settings, str):
        raise DoesNotFit(f"`settings=` takes a list, such as [{settings!r}], and not one text.")
    for setting in settings:
        changed = change(changed, setting)
    asked_for = changed.networks != recipe.networks and changed.widen == recipe.widen
    return replace(changed, widen=()) if asked_for else changed  # keep networks that the settings asked for


def _said(chosen: Source) -> int | tuple[int, int] | None:
    """The size that a source was named with, as in `digits:64`; None if it has its own default."""
    size: int | tuple[int, int] | None = getattr(chosen, "size", None)
    return None if size == getattr(type(chosen), "size", None) else size


def sides(size: int | Sequence[int] | None) -> int | tuple[int, int] | None:
    """A size in pixels as one whole number, or as (width, height).

    Raises:
        DoesNotFit: it is something else.
    """
    try:
        if not isinstance(size, Sequence):
            return None if size is None else operator.index(size)
        width, height = map(operator.index, size)
    except (TypeError, ValueError):
        raise DoesNotFit(f"`size=` takes a whole number of pixels, or a width and a height, not {size!r}.") from None
    return width, height


def choose(target: str | Path, data: str | Path | None = None, *, like: Recipe | None = None) -> Choice:
    """Resolve the recipe and the source; the source is opened, and its pictures looked at, only once.

    Args:
        target: a recipe's name, or a source of data.
        data: a source that replaces the recipe's own, or the target.
        like: the recipe for the user's own data, instead of the default one for their kind.

    Raises:
        NotFound: the target is neither a recipe nor a source of data, or there is no such `data`.
    """
    target = as_text(target)
    if target in catalog.names("recipe"):
        name, recipe = target, _named(target)
        chosen = None if data is None else source(data, clips=recipe.data.kind is Kind.CLIPS)
    else:
        clips = like is not None and like.data.kind is Kind.CLIPS
        named = _known(target, clips=clips)
        chosen = named if data is None else source(data, clips=clips)
        name = target if like else default_recipe(chosen)
        recipe = like or _named(name)
    if chosen and like and hasattr(chosen, "channels") and hasattr(like.data, "channels"):
        chosen = replace(chosen, channels=like.data.channels)  # type: ignore[type-var]
    return Choice(name, recipe, chosen)


def default_recipe(chosen: Source) -> str:
    """The name of the default recipe for this kind of data: clips, points, drawings or photographs."""
    if chosen.kind is Kind.CLIPS:
        return "moving_digits"
    if chosen.kind is Kind.POINTS:
        return "ring"
    return "icons" if chosen.drawn() else "photos"


def _named(name: str) -> Recipe:
    recipe: Recipe = catalog.find(name, "recipe")()
    return recipe


def _known(target: str, *, clips: bool) -> Source:
    """The source that a target names; the error for an unknown one also suggests recipes."""
    try:
        return source(target, clips=clips)
    except GanvasError as error:
        recipes = catalog.names("recipe")
        said, near = "Did you mean", guess(target, recipes)
        other = "" if said in str(error) else f"Recipes: {', '.join(recipes)}."
        hint = near.replace(said, "Or the recipe" if said in str(error) else f"{said} the recipe") or other
        raise type(error)(f"{error} {hint}".rstrip()) from None


def name_of_run(
    target: str | Recipe,
    data: str | None,
    size: int | tuple[int, int] | None,
    seed: int,
    start_from: str | Path | None = None,
) -> str:
    """A folder name that differs between runs that were asked for differently."""
    named = [target if isinstance(target, str) else "run", data]
    words = [Path(word).stem if os.sep in word or "." in word else word for word in named if word]
    if size is not None:
        words.append("x".join(map(str, size)) if isinstance(size, tuple) else str(size))
    if seed:
        words.append(f"seed{seed}")
    if start_from:
        words.append(f"from-{Path(start_from).name}")
    return re.sub(r"[^\w.-]+", "-", "-".join(words)).strip("-.") or "run"
