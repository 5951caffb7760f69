"""A whole run as one frozen, typed value: printed before it starts, saved beside what it made, changed by words."""

import ast
import dataclasses
import inspect
import textwrap
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ..core import catalog
from ..core.errors import GanvasError
from ..data.dataset import Source, source
from ..learning.adversarial import Adversarial
from ..learning.conditions import Condition
from ..learning.ema import Average
from ..learning.optimizers import Adam, Optimizer
from ..learning.turns import Game
from ..networks.layers import NetworkSettings

__all__ = ["Recipe", "change", "differences", "from_json", "to_json"]

SETTINGS = tuple(kind for kind in catalog.KINDS if kind not in ("recipe", "feature", "metric"))
"""The kinds of parts that a recipe is made of; `icons` and `ring` are names of recipes and of data."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides what a run makes, but for its seed.

    data            where the samples come from
    networks        the players by name
    product         the player that is averaged, sampled, measured and exported
    game            who learns when, from what
    condition       what the networks are told of each sample
    optimizer       how the weights of the players follow their gradients
    optimizers      the players for which that is done in another way
    average         how the product's weights are averaged
    mirror          show half of the pictures left to right; right for faces and icons, wrong for digits and letters
    bfloat16        the players that compute in bfloat16, on machines whose hardware has it
    batch           samples per play
    images          length of the run: samples seen, one batch a step
    widen           lengths from which on a run of so many minutes has its networks half as wide again, each time
    sheets          how many sheets of samples are drawn as it goes on, evenly spaced
    measure_images  images from one score to the next; None for as often as it costs little, 0 for never
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

    def __post_init__(self) -> None:
        _check(self, "Recipe")
        players = {turn.player for turn in self.game.turns()} | {self.product, *self.bfloat16, *self.optimizers}
        if missing := players - self.networks.keys():
            raise GanvasError(f"The recipe has no network {sorted(missing)[0]!r}; it has {', '.join(self.networks)}.")
        if self.measure_images is not None and self.measure_images < 0:
            raise GanvasError(f"measure_images is at least 0, or None, not {self.measure_images}.")
        for field in ("batch", "images", "sheets"):
            if getattr(self, field) < 1:
                raise GanvasError(f"{field} must be at least 1, not {getattr(self, field)}.")

    def optimizer_of(self, player: str) -> Optimizer:
        """How the weights of this player follow their gradients."""
        return self.optimizers.get(player, self.optimizer)

    def __str__(self) -> str:
        lines = [f"{field.name:14} {_line(getattr(self, field.name))}" for field in dataclasses.fields(self)]
        return "\n".join(_wrapped(line) for text in lines for line in text.splitlines())


Settings = TypeVar("Settings")


def change(recipe: Recipe, assignment: str) -> Recipe:
    """The recipe with one setting changed: "batch=32", "generator.width=96", "game.loss=minimax", "data=icons:flags".

    The first word is a field of the recipe or the name of a network. A setting that stands alone and is no field of the
    recipe is that of all networks that have it: "width=96". The value is written as in Python; a part is its name with
    or without arguments, as in "optimizer.rate=cosine(1e-3, 1e-4)".

    Raises:
        GanvasError: there is no such setting, or it does not take such a value.
    """
    path, equals, text = assignment.partition("=")
    if not equals:
        raise GanvasError(f"A setting is NAME=VALUE, for instance batch=32; this is {assignment!r}.")
    names = path.strip().split(".")
    alike = [each for each, network in recipe.networks.items() if hasattr(network, names[0])]
    if names[0] in recipe.networks:
        names.insert(0, "networks")
    elif len(names) == 1 and alike and not hasattr(recipe, names[0]):
        for network in alike:
            recipe = _change(recipe, Recipe, ["networks", network, *names], text.strip(), path)
        return recipe
    return _change(recipe, Recipe, names, text.strip(), path)


def _change(value: Settings, kind: Any, names: list[str], text: str, path: str) -> Settings:
    """The value, which was declared as of this kind, with what the names lead to read from the text."""
    name, *rest = names
    if isinstance(value, Mapping):
        kind = typing.get_args(kind)[1]
        held = dict(value)
        if kind is Optimizer and not rest:
            held.setdefault(name, None)  # a player is given an optimizer of its own
    else:
        held = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}  # type: ignore[arg-type]
        kind = typing.get_type_hints(type(value)).get(name)
    if name not in held:
        known = [*held, *(value.networks if isinstance(value, Recipe) else ())]
        raise GanvasError(f"There is no setting {path!r}; here there are: {', '.join(known)}.")
    if rest and not (dataclasses.is_dataclass(held[name]) or isinstance(held[name], Mapping)):
        raise GanvasError(f"There is no setting {path!r}: {name} is the plain value {held[name]!r}.")
    held[name] = _change(held[name], kind, rest, text, path) if rest else _read(text, kind, path)
    if isinstance(value, Mapping):
        return typing.cast("Settings", held)
    return dataclasses.replace(value, **{name: held[name]})  # type: ignore[type-var]


def _read(text: str, kind: Any, path: str) -> Any:
    """What a text means where a value of this kind is wanted."""
    if kind is Source and "(" not in text:
        return source(text)
    try:
        value = _evaluate(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, TypeError):
        value = text
    if kind in (tuple[str, ...],) and isinstance(value, str):
        value = tuple(word for word in value.split(",") if word)
    return _fit(_made(value, kind), kind, path)


def _made(value: Any, kind: Any) -> Any:
    """The part that a bare name stands for where a part is wanted."""
    kinds = typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)
    wanted = isinstance(value, str) and str not in kinds and any(isinstance(each, type) for each in kinds)
    return _make(value) if wanted and any(value in catalog.names(each) for each in SETTINGS) else value


def _make(name: str, *args: Any, **named: Any) -> Any:
    """The part of this name with these settings.

    Raises:
        GanvasError: there is no such part, or it does not take them.
    """
    made = catalog.find(name, *SETTINGS)
    signature, hints = inspect.signature(made), typing.get_type_hints(made)
    try:
        given = signature.bind(*args, **named).arguments
    except TypeError as error:
        raise GanvasError(f"{name}: {error}. Its settings are {', '.join(signature.parameters)}.") from None
    return made(
        **{
            setting: _fit(_made(value, hints[setting]), hints[setting], f"{name}.{setting}")
            for setting, value in given.items()
        }
    )


def _evaluate(node: ast.expr) -> Any:
    """The value of a literal, or of a part's name called with literals."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id="true" | "false" as name):
            return name == "true"
        case ast.Name(id=name):
            return name
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluate(operand)
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return tuple(_evaluate(element) for element in elements)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            named = {keyword.arg: _evaluate(keyword.value) for keyword in keywords if keyword.arg}
            return _make(name, *map(_evaluate, args), **named)
    raise ValueError


def _check(value: Any, path: str) -> None:
    """Every field of a dataclass holds what it says it holds."""
    hints = typing.get_type_hints(type(value))
    for field in dataclasses.fields(value):
        _fit(getattr(value, field.name), hints[field.name], f"{path}.{field.name}")


def _fit(value: Any, kind: Any, path: str) -> Any:
    """The value as this kind, an int being good for a float.

    Raises:
        GanvasError: it is of another kind.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        for each in sorted(arguments, key=lambda each: not (isinstance(each, type) and isinstance(value, each))):
            try:
                return _fit(value, each, path)
            except GanvasError:
                continue
    elif origin is tuple and isinstance(value, tuple | list):
        kinds = [arguments[0]] * len(value) if arguments[1:] == (...,) else arguments
        if len(kinds) == len(value):
            return tuple(_fit(each, kind, path) for each, kind in zip(value, kinds, strict=True))
    elif origin is not None and isinstance(origin, type) and issubclass(origin, Mapping) and isinstance(value, Mapping):
        return {name: _fit(each, arguments[1], f"{path}.{name}") for name, each in value.items()}
    elif kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    elif isinstance(kind, type) and isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise GanvasError(f"{path} takes {_kind(kind)}, not {value!r}.")


def _kind(kind: Any) -> str:
    plain = {int: "a whole number", float: "a number", bool: "True or False", str: "a word", type(None): "None"}
    if kind in plain:
        return plain[kind]
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return " or ".join(_kind(each) for each in typing.get_args(kind))
    if typing.get_origin(kind) is tuple:
        return f"({', '.join('...' if each is ... else _kind(each) for each in typing.get_args(kind))})"
    if isinstance(kind, type) and not typing.get_origin(kind):
        return f"a part such as {catalog_names(kind)}"
    return str(kind).replace("typing.", "")


def catalog_names(kind: type) -> str:
    """The names of the parts that are of this class, for an error message."""
    fitting = [
        name
        for each in SETTINGS
        for name in catalog.names(each)
        if isinstance(catalog.find(name, each), type) and issubclass(catalog.find(name, each), kind)
    ]
    return ", ".join(fitting) or kind.__name__


def _line(value: Any) -> str:
    """One setting as a person would write it."""
    if isinstance(value, Mapping):
        return ("\n" + 15 * " ").join(f"{name} = {_line(each)}" for name, each in value.items()) or "{}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = ", ".join(f"{field.name}={_line(getattr(value, field.name))}" for field in dataclasses.fields(value))
        return f"{catalog.name_of(value)}({fields})"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else repr(value)


def _wrapped(line: str) -> str:
    return textwrap.fill(line, 118, subsequent_indent=17 * " ", break_long_words=False, break_on_hyphens=False)


def to_json(value: Any) -> Any:
    """A recipe, or any part of one, as what JSON can hold; `from_json` is the way back."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"part": catalog.name_of(value), **fields} if catalog.kind_of(value) else fields
    if isinstance(value, Mapping):
        return {name: to_json(each) for name, each in value.items()}
    return [to_json(each) for each in value] if isinstance(value, tuple) else value


def from_json(value: Any, kind: Any = Recipe) -> Any:
    """The recipe, or the part of one, that `to_json` wrote.

    Raises:
        GanvasError: it names a part or a setting that this version does not have.
    """
    if isinstance(value, Mapping):
        if typing.get_origin(kind) is not None and not value.get("part"):
            inner = typing.get_args(kind)[-1]
            return {name: from_json(each, inner) for name, each in value.items()}
        made = catalog.find(value["part"], *SETTINGS) if "part" in value else kind
        hints = typing.get_type_hints(made)
        unknown = value.keys() - hints.keys() - {"part"}
        if unknown:
            raise GanvasError(
                f"{catalog.name_of(made)} has no setting {sorted(unknown)[0]!r} in this version of ganvas."
            )
        return made(**{name: from_json(each, hints[name]) for name, each in value.items() if name != "part"})
    return tuple(from_json(each, None) for each in value) if isinstance(value, list) else value


def differences(a: Any, b: Any, path: str = "") -> list[str]:
    """In words, what differs between two JSON values, for instance "optimizer.rate: 0.001, not 0.0002"."""
    if isinstance(a, Mapping) and isinstance(b, Mapping) and a.get("part") == b.get("part"):
        return [
            line
            for name in a.keys() | b.keys()
            for line in differences(a.get(name), b.get(name), f"{path}.{name}".lstrip("."))
        ]
    return [] if a == b else [f"{path}: {a!r}, not {b!r}"]
