"""The Hugging Face layout of a model: one folder of a few files, on a disk or in a repository of the hub.

    config.json           the recipe, the training data, the SHA-256 of the weights below, and a checksum of it all
    model.safetensors     the generator: a model file like any other
    critics.safetensors   the critics, each tensor named below its network, for trainings that start from here
    preview.png           samples, to look at
    README.md             the card, see card.py

A stranger's folder is trusted no more than any other model file: it contains safetensors and JSON but no programs, and
`model.load` compares the described network with its weights before it allocates memory.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core import checkpoint, files
from ..core.errors import Unreadable
from ..core.manifest import hash_of
from ..core.sums import proven
from ..recipes.recipe import Recipe
from ..recipes.settings import from_json

__all__ = ["CARD", "CONFIG", "CRITICS", "FILES", "LIBRARY", "PREVIEW", "Folder", "is_folder", "read_folder"]

CONFIG, CRITICS, PREVIEW, CARD = "config.json", "critics.safetensors", "preview.png", "README.md"
FILES = (CONFIG, checkpoint.MODEL, CRITICS, PREVIEW, CARD)
"""All files that such a folder may hold; no others are read, downloaded or uploaded."""

LIBRARY = "ganvas"
MOST_CONFIG = 2**24  # bytes


@dataclass(frozen=True)
class Folder:
    """A model in this layout: its path, and its config.json."""

    path: Path
    config: Mapping[str, Any]

    @property
    def recipe(self) -> Recipe | None:
        """The recipe that trained it; None if the model was converted or mixed.

        Raises:
            GanvasError: the recipe cannot be read by this version.
        """
        held = self.config.get("recipe")
        if held is None:
            return None
        try:
            recipe = from_json(held, Recipe)
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
            recipe = None
        if not isinstance(recipe, Recipe):
            raise Unreadable(f"{self.path / CONFIG} holds something else than a recipe where one belongs.")
        return recipe

    def sound(self, name: str) -> Path:
        """The path of one of its files of weights, after checking it against its hash in config.json.

        Raises:
            Unreadable: it is missing or does not match.
        """
        file, sums = self.path / name, self.config.get("files")
        try:
            right = isinstance(sums, dict) and hash_of(files.plain(file)) == sums.get(name)
        except OSError:
            right = False
        if not right:
            raise Unreadable(
                f"{file} is not what {CONFIG} beside it was written with: it is damaged, missing or another one's. "
                "Fetch or publish the folder again."
            )
        return file

    @property
    def critics(self) -> Path | None:
        """The checked file of the critics, or None if it has none; raises as `sound` does."""
        sums = self.config.get("files")
        return self.sound(CRITICS) if isinstance(sums, dict) and CRITICS in sums else None


def is_folder(path: Path) -> bool:
    """Whether this folder holds a config.json and a model.safetensors, and is no run folder."""
    both = (path / CONFIG).is_file() and (path / checkpoint.MODEL).is_file()
    return both and not (path / "run.json").exists()


def read_folder(path: Path) -> Folder:
    """Read the config.json of such a folder.

    Raises:
        Unreadable: it is damaged, or belongs to another library's model.
    """
    file = path / CONFIG
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_CONFIG + 1)
        held = json.loads(content) if len(content) <= MOST_CONFIG else None
    except (OSError, ValueError, RecursionError):
        held = None
    config = proven(held) if isinstance(held, dict) else None
    if config is None:
        raise Unreadable(f"{file} is damaged: it is not what `ganvas publish` writes there.")
    if config.get("library_name") != LIBRARY:
        raise Unreadable(f"{path} holds a model of another library, and ganvas reads those that `ganvas publish` made.")
    return Folder(path, config)
