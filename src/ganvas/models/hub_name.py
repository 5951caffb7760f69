"""Names of models on Hugging Face, hf:user/name or hf:user/name@revision; hub.py downloads them."""

import re
from pathlib import Path

from ..core.errors import DoesNotFit

__all__ = ["SCHEME", "is_on_hub", "repository"]

SCHEME = "hf:"
NAME = re.compile(r"hf:(?P<name>[\w.-]{1,96}/[\w.-]{1,96})(@(?P<revision>[\w./-]{1,200}))?", re.ASCII)


def is_on_hub(place: object) -> bool:
    """Whether this is the name of a model on Hugging Face."""
    return str(place).startswith(SCHEME)


def repository(place: str | Path) -> tuple[str, str | None]:
    """The repository and the revision in hf:user/name@revision; the revision is None for the newest.

    Raises:
        DoesNotFit: the name has another form.
    """
    found = NAME.fullmatch(Path(place).as_posix())
    if not found:
        raise DoesNotFit(f"A model on Hugging Face is hf:user/name, or hf:user/name@revision, and not {str(place)!r}.")
    return found["name"], found["revision"]
