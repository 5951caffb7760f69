"""The trained models that come with the toolkit, by name."""

from pathlib import Path

__all__ = ["known", "locate", "shipped"]

HOME = Path(__file__).parent / "pretrained"


def shipped() -> dict[str, Path]:
    """Name -> folder: a run folder that was published, see publish.py."""
    return {folder.name: folder for folder in sorted(HOME.glob("*")) if (folder / "recipe.json").exists()}


def known() -> str:
    """The names in words."""
    return ", ".join(shipped()) or "none in this version"


def locate(place: str | Path) -> Path:
    """The folder of the model called so, or else the path that it is; a folder called like a model is ./NAME."""
    return shipped().get(str(place), Path(place))
