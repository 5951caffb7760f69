"""That a training took the doctor's advice, as run.json has it under `mended`: from where on, and what was before."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..recipes.recipe import Recipe, change
from ..recipes.settings import from_json, to_json

__all__ = ["Mend", "begun", "mend_of"]


@dataclass(frozen=True)
class Mend:
    """The one setting that was changed in the midst of a training.

    at       images seen when it was changed
    kind     of the diagnosis for which it was
    setting  the NAME=VALUE
    text     what was wrong, in a sentence or two
    before   the recipe that the training was begun with
    """

    at: int
    kind: str
    setting: str
    text: str
    before: Recipe

    def __str__(self) -> str:
        return f"At {self.at:,} images the doctor found: {self.text} From there on {self.setting}."

    def recipe(self, recipe: Recipe, seen: int) -> Recipe:
        """The recipe that holds after so many images, of this length and from these data."""
        before = replace(self.before, images=recipe.images, data=recipe.data)
        return change(before, self.setting) if seen >= self.at else before

    def as_json(self) -> dict[str, Any]:
        """The same, as what JSON can hold."""
        own = {"at": self.at, "kind": self.kind, "setting": self.setting, "text": self.text}
        return own | {"before": to_json(self.before)}


def mend_of(about: Mapping[str, Any]) -> Mend | None:
    """What a run.json tells of; None if nothing was changed.

    Raises:
        GanvasError: the recipe of before is of another version.
    """
    found = about.get("mended")
    kinds = {"at": int, "kind": str, "setting": str, "text": str, "before": dict}
    if not isinstance(found, dict) or any(type(found.get(name)) is not kind for name, kind in kinds.items()):
        return None
    before: Recipe = from_json(found["before"], Recipe)
    return Mend(found["at"], found["kind"], found["setting"], found["text"], before)


def begun(recipe: Recipe, about: Mapping[str, Any]) -> Recipe:
    """The recipe that a training was begun with, which the same command names again.

    Args:
        recipe: as recipe.json has it now.
        about: what run.json holds.
    """
    mend = mend_of(about)
    return mend.recipe(recipe, 0) if mend else recipe
