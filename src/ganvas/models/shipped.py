"""Trained models by name: those that come with the toolkit, and hf:user/name for one on Hugging Face."""

import json
from pathlib import Path

from .hub_name import is_on_hub

__all__ = ["called", "known", "listing", "locate", "named", "shipped"]

HOME = Path(__file__).parent / "pretrained"


def shipped() -> dict[str, Path]:
    """Name -> folder of each built-in model, a published run folder (publish.py)."""
    return {folder.name: folder for folder in sorted(HOME.glob("*")) if (folder / "recipe.json").exists()}


def known() -> str:
    """The names of the built-in models, for messages."""
    return ", ".join(shipped()) or "none in this version"


def locate(place: str | Path) -> Path:
    """The folder of the model with this name, or else the path itself; ./NAME and every `Path` are never names.

    A model on Hugging Face is downloaded into the hub's cache if it is not there yet.

    Raises:
        GanvasError: it cannot be downloaded, see hub.py.
    """
    if isinstance(place, Path):
        return place
    if is_on_hub(place):
        from .hub import fetched  # it imports recipes, and so torch

        return fetched(place)
    return shipped().get(place, Path(place))


def called(path: Path) -> str:
    """By which word a command knows the model in this folder: a built-in one by its name, others by their path."""
    return path.name if path.parent == HOME else str(path)


def named(place: str) -> bool:
    """Whether this is a name and not a path."""
    return is_on_hub(place) or place in shipped()


def listing() -> str:
    """The built-in models, one line each, and how to get others."""
    lines = []
    for name, folder in shipped().items():
        shape = "x".join(map(str, json.loads((folder / "run.json").read_text(encoding="utf-8"))["data"]["shape"]))
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
        lines.append(f"{name:12} {shape}, {size:.1f} MB: {_first_line(folder)}")
    more = "Generators that others published, StyleGAN2-ADA and R3GAN, are made into models by `ganvas convert`."
    more += "\nModels that `ganvas publish` put on Hugging Face are hf:user/name, wherever a model is named."
    return "\n".join([*(lines or [f"Models that come with the toolkit: {known()}."]), "", more])


def _first_line(folder: Path) -> str:
    """The first line of text in a card."""
    lines = (folder / "README.md").read_text(encoding="utf-8").splitlines()
    return next((line for line in lines if line and not line.startswith("#")), "")
