"""Training that starts from what another one has learned: its weights, and its recipe for other data."""

from dataclasses import replace
from pathlib import Path

from ..core import checkpoint
from ..core.errors import DoesNotFit, GanvasError, NotFound, Unreadable
from ..core.weights import read_header
from ..data.dataset import in_words
from ..learning.conditions import Keywords
from ..models.model import described
from ..models.shipped import known, locate
from ..networks.fill import compare
from ..recipes.recipe import Recipe
from ..runs.run import Run
from .loop import State

__all__ = ["adapted", "adopt"]

ADAPTING = 30_000  # images that a model is trained for on other data, if nothing is said


def adopt(state: State, recipe: Recipe, place: str | Path) -> None:
    """Give networks the weights of a run, or of a published model, in place.

    The product gets those of the averaged model, and so does its average; the others their own, or none where the
    recipe gives them other settings than they had there, so that a new critic can go on with an old generator.

    Raises:
        NotFound or DoesNotFit: there is no such run, its product is another than the recipe's, or the data are of
            another shape.
    """
    run = _run(place)
    found, there = run.newest_sound(), run.recipe.networks
    if found is None:
        raise NotFound(f"Every checkpoint of {place} is damaged, so nothing can start from it.")
    if (known := tuple(run.about["data"]["shape"])) != state.average.shape:
        raise DoesNotFit(
            f"{place} makes {in_words(known)}, and here are {in_words(state.average.shape)}: leave out `size=`, or "
            "take data of the same kind."
        )
    tensors = checkpoint.read(found / checkpoint.STATE)
    product = checkpoint.read(found / checkpoint.MODEL)
    try:
        for name, network in {**state.networks, "average": state.average}.items():
            if name in (recipe.product, "average"):
                network.load_state_dict(product)
            elif recipe.networks[name] == there.get(name):
                network.load_state_dict(checkpoint.below(tensors, name))
    except RuntimeError:
        raise DoesNotFit(
            f"The {recipe.product} of {place} is another than the recipe's, or was told other things, so it cannot "
            f"start from there: leave {recipe.product} and condition out of `settings=`, or take data of the same kind."
        ) from None


def adapted(place: str | Path) -> Recipe:
    """The recipe of a run or a published model, for other data: words are taken where they are, and not asked for.

    Raises:
        NotFound: there is no such run.
    """
    recipe = _run(place).recipe
    if isinstance(recipe.condition, Keywords):
        recipe = replace(recipe, condition=replace(recipe.condition, required=False))
    return replace(recipe, images=min(recipe.images, ADAPTING))


def _run(place: str | Path) -> Run:
    run = Run(locate(place))
    if not run.exists or run.newest is None:
        raise NotFound(f"{place} is no run with a checkpoint and no model that comes with the toolkit ({known()}).")
    if sound := run.newest_sound():
        _refuse_hollow(run, sound)
    return run


def _refuse_hollow(run: Run, newest: Path) -> None:
    """What the recipe says of networks is what their weights are, so that a few words cannot ask for any memory.

    Raises:
        Unreadable: it is not so.
    """
    recipe, file = run.recipe, newest / checkpoint.MODEL
    product, state = read_header(file), read_header(newest / checkpoint.STATE)
    settings, shape, condition = described(file, product.metadata)
    try:
        for name, wanted in recipe.networks.items():
            mine = name == recipe.product
            compare(
                settings if mine else wanted,
                shape,
                condition.length if condition else 0,
                product if mine else state.below(name),
            )
    except GanvasError as error:
        raise Unreadable(f"{run.path} is damaged: its weights are not those of its recipe ({error}).") from None
