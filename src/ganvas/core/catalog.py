"""The catalogue of parts: it maps names on the command line and in JSON files to classes and functions.

A *part* is a frozen dataclass of settings (a network, a loss, a data set, ...) or a function (a recipe, a metric). Its
name is the Python name in snake case, so `DCGANGenerator` is `dcgan_generator`. Once defined, a part is listed,
accepted by `--set`, stored in recipes and covered by the contract tests:

    @part("loss")
    @dataclass(frozen=True)
    class Logistic: ...

Parts in your own file are available once it is imported; for the commands, list such files in GANVAS_PARTS, separated
as in PATH. Other packages add parts by an entry point in the group `ganvas.<kind>` that names their module.
"""

import importlib
import inspect
import os
import pkgutil
import re
import sys
from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, TypeVar

from .errors import NotFound, Unreadable
from .guess import guess

__all__ = ["KINDS", "describe", "find", "kind_of", "listing", "name_of", "names", "part"]

KINDS = {
    "recipe": "ganvas.recipes",
    "data": "ganvas.data.sources",
    "network": "ganvas.networks",
    "loss": "ganvas.learning.losses",
    "condition": "ganvas.learning",
    "augment": "ganvas.learning.augment",
    "game": "ganvas.learning",
    "optimizer": "ganvas.learning.optimizers",
    "schedule": "ganvas.learning.schedules",
    "feature": "ganvas.metrics.features",
    "metric": "ganvas.metrics",
    "attribute": "ganvas.latent.attributes",
}
"""Kind of part -> the module or package whose files define the built-in ones."""

Part = TypeVar("Part", bound=Callable[..., Any])
_parts: dict[str, dict[str, Callable[..., Any]]] = {kind: {} for kind in KINDS}


def part(kind: str) -> Callable[[Part], Part]:
    """Add the decorated class or function to the catalogue under its own name.

    Raises:
        TypeError: there is no such kind, another part has the name, or the part has no docstring.
    """
    if kind not in KINDS:
        raise TypeError(f"there is no kind of part called {kind!r}; there are: {', '.join(KINDS)}")

    def enter(obj: Part) -> Part:
        name = name_of(obj)
        known = _parts[kind].get(name)
        if known is not None and (known.__module__, known.__qualname__) != (obj.__module__, obj.__qualname__):
            raise TypeError(f"two parts of kind {kind!r} are named {name!r}: {known.__module__} and {obj.__module__}")
        says = (obj.__doc__ or "").strip()
        if (not says or says.startswith(f"{obj.__name__}(")) and sys.flags.optimize < 2:  # -OO takes all docstrings
            raise TypeError(f"the {kind} {name!r} has no docstring; its first line is what `ganvas list` shows")
        _parts[kind][name] = obj
        return obj

    return enter


def name_of(obj: Any) -> str:
    """The catalogue name of a part or of an instance of one: its Python name in snake case."""
    obj = obj if inspect.isclass(obj) or inspect.isfunction(obj) else type(obj)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", obj.__name__).lower()


def find(name: str, *kinds: str) -> Any:
    """The part called `name` among these kinds, or among all.

    Raises:
        NotFound: no part has this name; the message suggests the closest.
    """
    among = kinds or tuple(KINDS)
    for each in among:
        if name in names(each):
            return _parts[each][name]
    known = [known for each in among for known in names(each)]
    others = f"There are: {', '.join(known)}." if len(known) <= 20 else "`ganvas list` has them all."
    hint = guess(name, known, others)
    own = "If it is one of your own, import its file first, or name it: GANVAS_PARTS=FILE.py."
    raise NotFound(f"There is no {among[0] if len(among) == 1 else 'part'} named {name!r}. {hint} {own}")


def kind_of(obj: Any) -> str | None:
    """The kind of this part, or of the class of this instance; None if it is not in the catalogue."""
    name = name_of(obj)
    obj = obj if inspect.isclass(obj) or inspect.isfunction(obj) else type(obj)
    return next((kind for kind, parts in _parts.items() if parts.get(name) is obj), None)


def names(kind: str) -> list[str]:
    """The sorted names of all parts of one kind."""
    if kind not in KINDS:
        raise NotFound(f"There is no kind of part called {kind!r}. There are: {', '.join(KINDS)}.")
    _load(kind)
    return sorted(_parts[kind])


def listing(kind: str | None = None) -> str:
    """The parts of one kind or of all, one per line: the name and the first line of its docstring.

    Raises:
        NotFound: there is no such kind; plurals such as "losses" are accepted.
    """
    plurals = {"losses": "loss"} | {f"{each}s": each for each in KINDS}
    kinds = [plurals.get(kind, kind)] if kind else list(KINDS)
    width = max(len(name) for each in kinds for name in names(each))
    lines = []
    for each in kinds:
        lines += ["", each] if not kind else []
        lines += [
            f"{name:{width}}  {(inspect.getdoc(find(name, each)) or '').partition(chr(10))[0]}" for name in names(each)
        ]
    return "\n".join(lines).strip()


def describe(name: str) -> str:
    """The docstrings and settings of the parts of this name; for a recipe, the full recipe.

    Raises:
        NotFound: there is none.
    """
    name = name.partition(":")[0]
    kinds = [kind for kind in KINDS if name in names(kind)] or [str(kind_of(find(name)))]
    return "\n\n".join((f"{kind} {name}\n\n" if kinds[1:] else "") + _described(kind, name) for kind in kinds)


def _described(kind: str, name: str) -> str:
    found = find(name, kind)
    settings = [str(found())] if kind == "recipe" else map(str, inspect.signature(found).parameters.values())
    return "\n".join([inspect.getdoc(found) or "", "", *settings])


@cache
def _load(kind: str) -> None:
    """Import every module that defines parts of this kind: built-in, from other packages and from GANVAS_PARTS."""
    module = importlib.import_module(KINDS[kind])
    for found in pkgutil.iter_modules(getattr(module, "__path__", ())):
        importlib.import_module(f"{KINDS[kind]}.{found.name}")
    for entry in entry_points(group=f"ganvas.{kind}"):
        entry.load()
    for path in filter(None, os.environ.get("GANVAS_PARTS", "").split(os.pathsep)):
        _run(Path(path))


@cache
def _run(path: Path) -> None:
    """Import a user's file, which adds its parts to the catalogue."""
    if not path.is_file():
        raise NotFound(f"GANVAS_PARTS names {path}, and there is no such file.")
    name = f"ganvas_parts_{path.stem}"  # a prefix, so that it shadows no other module
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise Unreadable(f"GANVAS_PARTS names {path}, which is no Python file.")
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
