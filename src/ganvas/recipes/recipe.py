"""A whole run as one frozen, typed value: printed before the run, saved with its results, changed by text."""

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ..core.errors import DoesNotFit, NotFound
from ..core.guess import guess
from ..data.dataset import Source
from ..learning.adversarial import Adversarial
from ..learning.conditions import Condition
from ..learning.ema import Average
from ..learning.optimizers import Adam, Optimizer
from ..learning.turns import Game
from ..networks.layers import NetworkSettings
from .settings import check, in_lines, read

__all__ = ["Recipe", "change"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that determines the result of a run, except its seed.

    data            where the samples come from
    networks        the players by name
    product         the player that is averaged, sampled, measured and exported
    game            which player learns when, and from what
    condition       what the networks are told of each sample
    optimizer       the optimizer of all players
    optimizers      other optimizers for single players, by name
    average         how the product's weights are averaged
    mirror          flip half of the pictures horizontally; right for faces and icons, wrong for digits and letters
    bfloat16        the players that compute in bfloat16, on machines whose hardware supports it
    batch           samples per play
    images          length of the run: samples seen, one batch a step
    widen           lengths in images: networks get 1.5 times as wide for each that a run of given minutes reaches
    sheets          sheets of samples drawn during training, evenly spaced; fewer where a sheet takes long
    measure_images  images between scores; None for as often as is cheap, 0 for never
    begins          recipes that are trained first, in this order, each starting from the one before, with the share of
                    the budget for each; the recipe itself gets the rest
    """

    data: Source
    networks: Mapping[str, NetworkSettings]
    product: str = "generator"
    game: Game = dataclasses.field(default_factory=Adversarial)
    condition: Condition | None = None
    optimizer: Optimizer = dataclasses.field(default_factory=Adam)
    optimizers: Mapping[str, Optimizer] = dataclasses.field(default_factory=dict)
    average: Average = dataclasses.field(default_factory=Average)
    mirror: bool = False
    bfloat16: tuple[str, ...] = ()
    batch: int = 64
    images: int = 100_000
    widen: tuple[int, ...] = ()
    sheets: int = 60
    measure_images: int | None = None
    begins: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        check(self, "Recipe")
        players = {turn.player for turn in self.game.turns()} | {self.product, *self.bfloat16, *self.optimizers}
        if missing := players - self.networks.keys():
            raise NotFound(f"The recipe has no network {sorted(missing)[0]!r}; it has {', '.join(self.networks)}.")
        if self.measure_images is not None and self.measure_images < 0:
            raise DoesNotFit(f"measure_images is at least 0, or None, not {self.measure_images}.")
        if not (sum(self.begins.values()) < 1 and all(share > 0 for share in self.begins.values())):
            raise DoesNotFit(f"The shares of what a recipe begins with are above 0 and leave it some; {self.begins}.")
        for field in ("batch", "images", "sheets"):
            if getattr(self, field) < 1:
                raise DoesNotFit(f"{field} must be at least 1, not {getattr(self, field)}.")

    @property
    def frozen(self) -> dict[str, NetworkSettings]:
        """The networks that no turn of the game trains; they have to come from other runs."""
        taught = {turn.player for turn in self.game.turns()}
        return {name: network for name, network in self.networks.items() if name not in taught}

    def optimizer_of(self, player: str) -> Optimizer:
        """The optimizer of this player."""
        return self.optimizers.get(player, self.optimizer)

    def __str__(self) -> str:
        return in_lines(self)


Settings = TypeVar("Settings")


def change(recipe: Recipe, assignment: str) -> Recipe:
    """The recipe with one setting changed: "batch=32", "generator.width=96", "game.loss=minimax", "data=icons:flags".

    The first word is a field of the recipe or the name of a network. A single name that is not a field of the recipe
    applies to all networks that have such a setting: "width=96". The value is written as in Python; a part is its name
    with or without arguments, as in "optimizer.rate=cosine(1e-3, 1e-4)".

    Raises:
        NotFound: there is no such setting, or no part of the name in the value.
        DoesNotFit: the text is not NAME=VALUE, or the setting does not take such a value.
    """
    path, equals, text = assignment.partition("=")
    if not equals:
        raise DoesNotFit(f"A setting is NAME=VALUE, for instance batch=32; this is {assignment!r}.")
    names = path.strip().split(".")
    alike = [each for each, network in recipe.networks.items() if hasattr(network, names[0])]
    if names[0] in recipe.networks:
        names.insert(0, "networks")
    elif names[0] == "optimizers" and len(names) > 2 and names[1] in recipe.networks.keys() - recipe.optimizers.keys():
        recipe = dataclasses.replace(recipe, optimizers={**recipe.optimizers, names[1]: recipe.optimizer})
    elif len(names) == 1 and alike and not hasattr(recipe, names[0]):
        for network in alike:
            recipe = _change(recipe, Recipe, ["networks", network, *names], text.strip(), path)
        return recipe
    return _change(recipe, Recipe, names, text.strip(), path)


def _change(value: Settings, kind: Any, names: list[str], text: str, path: str) -> Settings:
    """`value`, declared as of type `kind`, with the field at the path `names` replaced by what `text` means."""
    name, *rest = names
    if isinstance(value, Mapping):
        kind = typing.get_args(kind)[1]
        held = dict(value)
        if kind is Optimizer and not rest:
            held.setdefault(name, None)  # allows a new entry in `optimizers`
    else:
        held = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}  # type: ignore[arg-type]
        kind = typing.get_type_hints(type(value)).get(name)
    if name not in held:
        known = [*held, *(value.networks if isinstance(value, Recipe) else ())]
        near = guess(name, known)
        raise NotFound(f"There is no setting {path!r}; here there are: {', '.join(known)}. {near}".rstrip())
    if rest and not (dataclasses.is_dataclass(held[name]) or isinstance(held[name], Mapping)):
        raise NotFound(f"There is no setting {path!r}: {name} is the plain value {held[name]!r}.")
    held[name] = _change(held[name], kind, rest, text, path) if rest else read(text, kind, path)
    if isinstance(value, Mapping):
        return typing.cast("Settings", held)
    return dataclasses.replace(value, **{name: held[name]})  # type: ignore[type-var]
