"""Training that starts from another one: from its weights, and for other data from its recipe."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..core import checkpoint
from ..core.errors import DoesNotFit, GanvasError, NotFound, NotInstalled, Unreadable
from ..core.weights import Header, read_header
from ..data.dataset import in_words
from ..learning.conditions import Keywords
from ..models.layout import is_folder, read_folder
from ..models.model import described
from ..models.shipped import known, locate
from ..networks.fill import compare
from ..networks.latent import LatentGenerator, has_encoder
from ..networks.layers import Learned, Network
from ..recipes.ideas import idea_finish, judged
from ..recipes.recipe import Recipe
from ..runs.run import Run
from .state import State

__all__ = ["Beginning", "adapted", "adopt", "as_begun", "found", "hand_on"]

ADAPTING = 30_000  # most images for a model on other data, by default
ADAPTING_BATCH = 32  # largest batch then: images are few, and many steps are worth more


@dataclass(frozen=True)
class Beginning:
    """What a training can start from, checked.

    path    where it is
    recipe  that trained it
    shape   of a sample
    model   the file of its product
    others  the file of its other networks, each under its name; None if they were not published
    """

    path: Path
    recipe: Recipe
    shape: tuple[int, ...]
    model: Path
    others: Path | None

    def held(self, name: str) -> Header:
        """The tensors there are of one of its other networks."""
        return read_header(self.others).below(name) if self.others else Header({}, {}, frozenset())

    @property
    def encodes(self) -> bool:
        """Whether its other networks include an encoder of latents."""
        return has_encoder(read_header(self.others).shapes if self.others else ())

    def learned(self) -> Learned:
        """The learned tensors of each network by name, the product first, as others fall back on that.

        A published model may hold parts of networks that its recipe does not have, such as the encoder of its latents.
        """
        tensors, product = checkpoint.read(self.others) if self.others else {}, self.recipe.product
        names = dict.fromkeys(key.partition("/")[0] for key in tensors)
        others = {name: checkpoint.below(tensors, name) for name in names if name != product}
        return {product: checkpoint.read(self.model), **others}


def adopt(state: State, recipe: Recipe, place: str | Path) -> None:
    """Give networks the weights of a run, or of a published model, in place.

    The product and its average start from the averaged model. The other networks decide what they take
    (`Network.adopt`): most take what has their name and form, so that a new critic can be used with an old generator;
    those of latents search everything that was learned.

    Raises:
        NotFound: there is no such run, or its checkpoints are damaged.
        DoesNotFit: its product differs from the recipe's, the data are of another shape, or nothing fits a network that
            learns nothing itself.
    """
    begun = found(place)
    if begun.shape != state.average.shape:
        if begun.shape[1:] == state.average.shape[1:]:
            way = f"say `settings=['data.channels={begun.shape[0]}']`"
        else:
            own = f", or say `size={begun.shape[-1]}x{begun.shape[-2]}`" if len(begun.shape) > 1 else ""
            way = f"leave out `size=`{own}"
        raise DoesNotFit(
            f"{place} makes {in_words(begun.shape)}, and here are {in_words(state.average.shape)}: {way}, or take data "
            "of the same kind."
        )
    hand_on(begun.learned(), state.networks, recipe, place)
    state.average.load_state_dict(state.networks[recipe.product].state_dict())


def hand_on(learned: Learned, networks: Mapping[str, Network], recipe: Recipe, place: str | Path) -> None:
    """Let a recipe's networks start from what others learned; `place` names these in errors."""
    missing = {name: network.adopt(name, learned) for name, network in networks.items()}
    lost, product = missing[recipe.product], recipe.product
    if lost and (product in learned or len(lost) == len(networks[product].state_dict())):
        raise DoesNotFit(
            f"The {product} of {place} is another than the recipe's, or was told other things, so it cannot start from "
            f"there: leave {product} and condition out of `settings=`, or take data of the same kind."
        )
    for name in recipe.frozen:
        if missing[name]:
            raise DoesNotFit(
                f"The {name} of the recipe learns nothing itself, and {place} has none that is like it: leave {name} "
                "out of `settings=`, or start from another run."
            )


def as_begun(recipe: Recipe, place: str | Path) -> Recipe:
    """The recipe for networks that start from the weights of a run or a published model.

    Their width stays. A network that learns nothing itself gets the settings of its namesake there; or those of the
    product, if that is of the same type and there is no such namesake. So a flow becomes the teacher of what follows,
    and a model that was published without its teacher is its own.

    Raises:
        NotFound: there is no such run.
    """
    begun = found(place)
    there = begun.recipe
    networks = dict(recipe.networks)
    for name, network in recipe.frozen.items():
        kept = name in there.networks and bool(begun.held(name).shapes)
        before = there.networks[name if kept else there.product]
        if type(before) is type(network):
            networks[name] = before
    return replace(recipe, widen=(), networks=networks)


def adapted(place: str | Path) -> Recipe:
    """The recipe of a run or a published model, for other data; keywords become optional.

    A one-step generator of latents is trained by a critic: without a separate teacher it would be its own, and learn
    little. If it draws from sketches and there is an encoder, the recipe is `idea_finish`, which first teaches it those
    of the new data; else it is `judged`.

    Raises:
        NotFound: there is no such run.
    """
    begun = found(place)
    recipe = begun.recipe
    if isinstance(recipe.condition, Keywords):
        recipe = replace(recipe, condition=replace(recipe.condition, required=False))
    product = recipe.networks[recipe.product]
    if isinstance(product, LatentGenerator) and product.steps == 1:
        other = idea_finish() if product.sketch and begun.encodes else judged()
        networks = {**other.networks, recipe.product: product}
        recipe = replace(other, data=recipe.data, condition=recipe.condition, networks=networks)
    return replace(recipe, images=min(recipe.images, ADAPTING), batch=min(recipe.batch, ADAPTING_BATCH))


def found(place: str | Path) -> Beginning:
    """The run at this path, or the published model of this name, path or hf:user/name, to start from.

    Raises:
        NotFound: there is none, it has no sound checkpoint, or its recipe is unknown.
        Unreadable: its weights do not match its recipe, or were changed since publication.
    """
    at = locate(place)
    begun = _of_folder(place, at) if is_folder(at) else _of_run(place, Run(at))
    _refuse_hollow(begun)
    return begun


def _of_run(place: str | Path, run: Run) -> Beginning:
    if not run.exists or run.newest is None:
        raise NotFound(f"{place} is no run with a checkpoint and no model that comes with the toolkit ({known()}).")
    newest = run.newest_sound()
    if newest is None:
        raise NotFound(f"Every checkpoint of {place} is damaged, so nothing can start from it.")
    shape = tuple(run.about["data"]["shape"])
    return Beginning(run.path, run.recipe, shape, newest / checkpoint.MODEL, newest / checkpoint.STATE)


def _of_folder(place: str | Path, at: Path) -> Beginning:
    folder = read_folder(at)
    recipe, model = folder.recipe, folder.sound(checkpoint.MODEL)
    if recipe is None:
        raise NotFound(f"{place} does not say which recipe trained it, so nothing can start from it; it can draw.")
    _, shape, _ = described(model, read_header(model).metadata)
    return Beginning(at, recipe, shape, model, folder.critics)


def _refuse_hollow(begun: Beginning) -> None:
    """Refuse weights that do not match the recipe's networks, so that a small file cannot ask for any memory.

    Networks that learn nothing themselves may be missing from what is published.

    Raises:
        Unreadable or NotInstalled: they do not match, or a package that a network needs is missing.
    """
    recipe, product = begun.recipe, read_header(begun.model)
    settings, shape, condition = described(begun.model, product.metadata)
    try:
        for name, wanted in recipe.networks.items():
            mine, held = name == recipe.product, begun.held(name)
            if not mine and not held.shapes and (name in recipe.frozen or begun.others is None):
                continue
            compare(
                settings if mine else wanted,
                shape,
                condition.length if condition else 0,
                product if mine else held,
            )
    except NotInstalled:
        raise
    except GanvasError as error:
        raise Unreadable(f"{begun.path} is damaged: its weights are not those of its recipe ({error}).") from None
