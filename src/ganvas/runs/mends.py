"""A setting changed during a training on the doctor's advice, as run.json records it under `mended`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..recipes.recipe import Recipe, change
from ..recipes.settings import from_json, to_json

__all__ = ["Mend", "begun", "mend_of"]


@dataclass(frozen=True)
class Mend:
    """The one setting that was changed during a training.

    at       images seen when it was changed
    kind     of the diagnosis that led to it
    setting  the NAME=VALUE
    text     what was wrong, in a sentence or two
    before   the recipe that the training began with
    """

    at: int
    kind: str
    setting: str
    text: str
    before: Recipe

    def __str__(self) -> str:
        return f"At {self.at:,} images the doctor found: {self.text} From there on {self.setting}."

    def recipe(self, recipe: Recipe, seen: int) -> Recipe:
        """The recipe in effect after `seen` images, with the length and data of `recipe`."""
        before = replace(self.before, images=recipe.images, data=recipe.data)
        return change(before, self.setting) if seen >= self.at else before

    def as_json(self) -> dict[str, Any]:
        """The mend as a JSON value."""
        own = {"at": self.at, "kind": self.kind, "setting": self.setting, "text": self.text}
        return own | {"before": to_json(self.before)}


def mend_of(about: Mapping[str, Any]) -> Mend | None:
    """The mend that a run.json records; None if nothing was changed.

    Raises:
        GanvasError: the earlier recipe is of another version.
    """
    found = about.get("mended")
    kinds = {"at": int, "kind": str, "setting": str, "text": str, "before": dict}
    if not isinstance(found, dict) or any(type(found.get(name)) is not kind for name, kind in kinds.items()):
        return None
    before: Recipe = from_json(found["before"], Recipe)
    return Mend(found["at"], found["kind"], found["setting"], found["text"], before)


def begun(recipe: Recipe, about: Mapping[str, Any]) -> Recipe:
    """The recipe that a training began with; the same command asks for this one again.

    Args:
        recipe: as recipe.json has it now.
        about: the content of run.json.
    """
    mend = mend_of(about)
    return mend.recipe(recipe, 0) if mend else recipe
