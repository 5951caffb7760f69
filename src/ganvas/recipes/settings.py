"""Typed settings: text and JSON become parts and back, and every field is checked against its type."""

import ast
import dataclasses
import inspect
import textwrap
import types
import typing
from collections.abc import Mapping
from typing import Any

from ..core import catalog
from ..core.errors import DoesNotFit, GanvasError, Unreadable
from ..data.dataset import Source, source

__all__ = ["check", "differences", "from_json", "in_lines", "read", "to_json"]

SETTINGS = tuple(kind for kind in catalog.KINDS if kind not in ("recipe", "feature", "metric"))
"""The kinds of parts that a recipe is made of; without recipes, as `icons` and `ring` also name data."""


def read(text: str, kind: Any, path: str) -> Any:
    """Parse text as a value of this type."""
    if kind is Source and ("(" not in text or text.partition("(")[0] not in catalog.names("data")):
        return source(text)
    try:
        value = _evaluate(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, TypeError):
        value = text
    if kind in (tuple[str, ...],) and isinstance(value, str):
        value = tuple(word for word in value.split(",") if word)
    return _fit(_made(value, kind), kind, path)


def _made(value: Any, kind: Any) -> Any:
    """The part that a bare name stands for, if the type asks for a part; else the value itself."""
    kinds = typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)
    wanted = isinstance(value, str) and str not in kinds and any(isinstance(each, type) for each in kinds)
    return _make(value) if wanted and any(value in catalog.names(each) for each in SETTINGS) else value


def _make(name: str, *args: Any, **named: Any) -> Any:
    """The part of this name with these settings.

    Raises:
        NotFound or DoesNotFit: there is no such part, or it does not take them.
    """
    made = catalog.find(name, *SETTINGS)
    signature, hints = inspect.signature(made), typing.get_type_hints(made)
    try:
        given = signature.bind(*args, **named).arguments
    except TypeError as error:
        raise DoesNotFit(f"{name}: {error}. Its settings are {', '.join(signature.parameters)}.") from None
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


def check(value: Any, path: str) -> None:
    """Raise `DoesNotFit` unless every field of a dataclass holds a value of its declared type."""
    hints = typing.get_type_hints(type(value))
    for field in dataclasses.fields(value):
        _fit(getattr(value, field.name), hints[field.name], f"{path}.{field.name}")


def _fit(value: Any, kind: Any, path: str) -> Any:
    """The value as this type; an int is accepted for a float.

    Raises:
        DoesNotFit: the value is of another type.
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
    raise DoesNotFit(f"{path} takes {_kind(kind)}, not {_short(value)}.")


def _kind(kind: Any) -> str:
    plain = {int: "a whole number", float: "a number", bool: "True or False", str: "a word", type(None): "None"}
    if kind in plain:
        return plain[kind]
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return " or ".join(_kind(each) for each in typing.get_args(kind))
    if typing.get_origin(kind) is tuple:
        return f"({', '.join('...' if each is ... else _kind(each) for each in typing.get_args(kind))})"
    if isinstance(kind, type) and not typing.get_origin(kind):
        return f"a part such as {_names_of(kind)}"
    return str(kind).replace("typing.", "")


def _names_of(kind: type) -> str:
    """The names of the parts that are of this class, for an error message."""
    fitting = [
        name
        for each in SETTINGS
        for name in catalog.names(each)
        if isinstance(catalog.find(name, each), type) and issubclass(catalog.find(name, each), kind)
    ]
    return ", ".join(fitting) or kind.__name__


def in_lines(value: Any) -> str:
    """The fields of a dataclass in readable form, one per line, wrapped."""
    lines = [f"{field.name:14} {_line(getattr(value, field.name))}" for field in dataclasses.fields(value)]
    return "\n".join(_wrapped(line) for text in lines for line in text.splitlines())


def _line(value: Any) -> str:
    """One setting in readable form."""
    if isinstance(value, Mapping):
        return ("\n" + 15 * " ").join(f"{name} = {_line(each)}" for name, each in value.items()) or "{}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = ", ".join(f"{field.name}={_line(getattr(value, field.name))}" for field in dataclasses.fields(value))
        return f"{catalog.name_of(value)}({fields})"
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer() and abs(value) >= 1000)
    return f"{int(value):,}" if whole and not isinstance(value, bool) else repr(value)


def _wrapped(line: str) -> str:
    return textwrap.fill(line, 118, subsequent_indent=17 * " ", break_long_words=False, break_on_hyphens=False)


def to_json(value: Any) -> Any:
    """A recipe, or any part of one, as a JSON value; `from_json` is the inverse."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"part": catalog.name_of(value), **fields} if catalog.kind_of(value) else fields
    if isinstance(value, Mapping):
        return {name: to_json(each) for name, each in value.items()}
    return [to_json(each) for each in value] if isinstance(value, tuple) else value


def from_json(value: Any, kind: Any) -> Any:
    """The recipe, or the part of one, that `to_json` wrote.

    Args:
        value: what `to_json` wrote.
        kind: the expected type, such as `Recipe`; a part also records its own name.

    Raises:
        NotFound: it names a part that this version does not have.
        Unreadable: it has an unknown setting, lacks a required one, or does not say which part it is.
        DoesNotFit: a value is not of its setting's type.
    """
    if isinstance(value, list):
        return tuple(from_json(each, None) for each in value)
    if not isinstance(value, Mapping):
        return value
    if typing.get_origin(kind) is not None and "part" not in value:
        inner = typing.get_args(kind)[-1]
        return {name: from_json(each, inner) for name, each in value.items()}
    if not isinstance(name := value.get("part", ""), str):
        raise Unreadable(f"A part is named by a word, not {_short(name)}.")
    made: Any = catalog.find(name, *SETTINGS) if name else kind
    if not (isinstance(made, type) and dataclasses.is_dataclass(made)):
        raise Unreadable(f"{_short(dict(value))} does not say which part it is.")
    hints = typing.get_type_hints(made)
    settings = {field.name: hints[field.name] for field in dataclasses.fields(made) if field.init}
    if unknown := value.keys() - settings.keys() - {"part"}:
        raise Unreadable(f"{catalog.name_of(made)} has no setting {sorted(unknown)[0]!r} in this version of ganvas.")
    held = {each: from_json(value[each], settings[each]) for each in settings if each in value}
    try:
        return made(**{each: _fit(held[each], settings[each], f"{catalog.name_of(made)}.{each}") for each in held})
    except TypeError as error:  # a required setting is missing
        raise Unreadable(f"{catalog.name_of(made)} cannot be made of what is there ({error}).") from None


def _short(value: Any) -> str:
    return textwrap.shorten(repr(value), 80)


def differences(a: Any, b: Any, path: str = "") -> list[str]:
    """The differences between two JSON values as text, for instance "optimizer.rate: 0.001, not 0.0002"."""
    if isinstance(a, Mapping) and isinstance(b, Mapping) and a.get("part") == b.get("part"):
        return [
            line for name in {**a, **b} for line in differences(a.get(name), b.get(name), f"{path}.{name}".lstrip("."))
        ]
    named = [str(one["part"]) if isinstance(one, Mapping) and "part" in one else repr(one) for one in (a, b)]
    return [] if a == b else [f"{path}: {', not '.join(named)}".removeprefix(": ")]
