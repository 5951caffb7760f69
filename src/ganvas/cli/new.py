"""The command that starts a part of your own: a package with the part, its test, and an entry point to find it."""

import keyword
from enum import StrEnum
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from ..core import files
from ..core.errors import DoesNotFit, Unwritable
from .options import say

__all__ = ["new"]

SKELETONS = Path(__file__).parent / "skeletons"


class Kind(StrEnum):
    """The kinds of parts that have a skeleton."""

    recipe = "recipe"
    network = "network"
    loss = "loss"
    data = "data"
    metric = "metric"


def new(
    kind: Annotated[Kind, typer.Argument(help="Kind of part to create.")],
    name: Annotated[
        str,
        typer.Argument(help="Name of the part in the catalogue, such as soft_hinge: lower-case letters, digits and _."),
    ],
    out: Annotated[Path | None, typer.Option(help="Folder to create for the package; by default NAME.")] = None,
) -> None:
    """Start a recipe, network, loss, data source or metric of your own: a package with a passing test.

    Once installed next to Ganvas, it is listed, accepted by --set and used in training like the built-in parts.
    """
    from ..core.catalog import name_of, names

    sound = name.isidentifier() and name.isascii() and name == name.lower() and _class(name)
    if not sound or keyword.iskeyword(name):
        raise DoesNotFit(f"{name!r} is no name of a part: small letters, digits and _ make one, such as soft_hinge.")
    if name in names(kind.value):
        raise DoesNotFit(f"There is a {kind.value} named {name!r} already: `ganvas show {name}`. Take another name.")
    named = name_of(type(_class(name), (), {}))
    if kind not in {Kind.recipe, Kind.metric} and named != name:  # those two are functions
        raise DoesNotFit(f"The class of {name!r} would be {_class(name)}, which is called {named!r}: take that name.")
    folder = out or Path(name)
    if folder.exists():
        raise Unwritable(f"{folder} is there already; name another folder with `out=`.")
    for path, text in skeleton(kind.value, name).items():
        files.write(folder / path, text)
    say(
        f"{folder} holds {name}. Next:\n"
        f"  pip install -e {folder}\n"
        f"  pytest {folder}\n"
        f"  ganvas show {name}\n"
        f"Without installing: GANVAS_PARTS={folder / f'ganvas_{name}.py'} ganvas show {name}"
    )


def skeleton(kind: str, name: str) -> dict[str, str]:
    """The files of a package with a part of this kind: path -> content."""
    words = {
        "kind": kind,
        "name": name,
        "dashed": name.replace("_", "-"),
        "module": f"ganvas_{name}",
        "Class": _class(name),
    }
    sources = {
        "pyproject.toml": "pyproject.toml.txt",
        f"ganvas_{name}.py": f"{kind}.py.txt",
        f"test_{name}.py": f"test_{kind}.py.txt",
    }
    return {
        path: Template((SKELETONS / source).read_text(encoding="utf-8")).substitute(words)
        for path, source in sources.items()
    }


def _class(name: str) -> str:
    """The class of a part: soft_hinge -> SoftHinge."""
    return "".join(word.capitalize() for word in name.split("_"))
