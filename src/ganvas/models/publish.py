"""A trained model as a small folder to hand on: half precision, its critics beside it, and a card that says what it is.

The folder is a run folder without what only its own continuation needs, so whatever takes a run takes it: sampling,
morphing, inspecting, and training that starts from it instead of from nothing.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from ..core import checkpoint, files
from ..core.errors import GanvasError
from ..data.dataset import in_words
from ..learning.conditions import Keywords
from ..recipes.recipe import Recipe, to_json
from ..runs.run import Run
from ..training.loop import State
from .model import load, metadata
from .shipped import known, locate, shipped

__all__ = ["adapted", "adopt", "listing", "publish"]

ADAPTING = 30_000  # images that a model is trained for on other data, if nothing is said


def publish(run: Run, folder: Path, *, about: str = "") -> Path:
    """Write the averaged generator and the critics of a run's newest checkpoint to a new folder.

    Args:
        run: a run with a checkpoint.
        folder: where to; what is there of an earlier one is replaced.
        about: text for the card README.md: what the pictures are, whose, under which licence; how it was trained.

    Raises:
        GanvasError: the run has no checkpoint, or the folder holds something else.
    """
    newest = run.newest
    if newest is None:
        raise GanvasError(f"{run.path} holds no finished checkpoint yet; train it with `ganvas train`.")
    ours = Run(folder).exists and Run(folder).about.get("published")
    if folder.exists() and any(folder.iterdir()) and not ours:
        raise GanvasError(f"{folder} holds something else than a published model. Give another folder.")
    recipe, model, facts = run.recipe, load(run.path), dict(run.about)
    if hasattr(recipe.data, "path"):  # where it lay on this machine says nothing on another
        recipe = replace(recipe, data=replace(recipe.data, path=Path(recipe.data.path).name))  # type: ignore[type-var]
        facts["source"] = Path(facts["source"]).name
    facts["data"] = facts["data"] | {"skipped": []}  # names of somebody's files
    if facts.get("from"):
        facts["from"] = Path(facts["from"]).name
    own = tuple(f"{name}/" for name in recipe.networks if name != recipe.product)
    state = checkpoint.read(newest / "state.safetensors")
    others = {name: value for name, value in state.items() if name.startswith(own)}
    told = metadata(recipe.networks[recipe.product], model)
    weights = {
        "model.safetensors": (_half(model.network.state_dict()), told),
        "state.safetensors": (_half(others), {}),
    }
    with files.told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        checkpoint.write(folder / "checkpoints" / newest.name, weights)
        for other in (folder / "checkpoints").iterdir():
            if other.name.isdecimal() and other.name != newest.name:
                shutil.rmtree(other)
        files.write(folder / "recipe.json", json.dumps(to_json(recipe), indent=1))
        files.write(folder / "run.json", json.dumps(facts | {"published": True}, indent=1))
        files.write(folder / "log.jsonl", (run.path / "log.jsonl").read_text(encoding="utf-8"))
        files.write(folder / "README.md", _card(folder.name, Run(folder), about))
    return folder


def adopt(state: State, recipe: Recipe, place: str | Path) -> None:
    """Give networks the weights of a run, or of a published model, in place.

    The product gets those of the averaged model, and so does its average; the others their own, or none where the
    recipe gives them other settings than they had there, so that a new critic can go on with an old generator.

    Raises:
        GanvasError: there is no such run, its product is another than the recipe's, or the data are of another shape.
    """
    run = _run(place)
    newest, there = run.newest, run.recipe.networks
    assert newest
    if (known := tuple(run.about["data"]["shape"])) != state.average.shape:
        raise GanvasError(
            f"{place} makes {in_words(known)}, and here are {in_words(state.average.shape)}: leave out --size, or take "
            "data of the same kind."
        )
    tensors = checkpoint.read(newest / "state.safetensors")
    product = checkpoint.read(newest / "model.safetensors")
    try:
        for name, network in {**state.networks, "average": state.average}.items():
            own = {key.partition("/")[2]: value for key, value in tensors.items() if key.startswith(f"{name}/")}
            if name in (recipe.product, "average"):
                network.load_state_dict(product)
            elif recipe.networks[name] == there.get(name):
                network.load_state_dict(own)
    except RuntimeError:
        raise GanvasError(
            f"The {recipe.product} of {place} is another than the recipe's, or was told other things, so it cannot "
            f"start from there: leave out --set {recipe.product} and --set condition, or take data of the same kind."
        ) from None


def adapted(place: str | Path) -> Recipe:
    """The recipe of a run or a published model, for other data: words are taken where they are, and not asked for.

    Raises:
        GanvasError: there is no such run.
    """
    recipe = _run(place).recipe
    if isinstance(recipe.condition, Keywords):
        recipe = replace(recipe, condition=replace(recipe.condition, required=False))
    return replace(recipe, images=min(recipe.images, ADAPTING))


def listing() -> str:
    """The models that come with the toolkit, a line each, and how to get others."""
    lines = []
    for name, folder in shipped().items():
        run = Run(folder)
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
        shape = "x".join(map(str, run.about["data"]["shape"]))
        lines.append(f"{name:12} {shape}, {run.images:,} images, {size:.1f} MB: {_first_line(folder)}")
    more = "Generators that others published, StyleGAN2-ADA and R3GAN, are made into models by `ganvas convert`."
    return "\n".join([*(lines or [f"Models that come with the toolkit: {known()}."]), "", more])


def _run(place: str | Path) -> Run:
    run = Run(locate(place))
    if not run.exists or run.newest is None:
        raise GanvasError(f"{place} is no run with a checkpoint and no model that comes with the toolkit ({known()}).")
    return run


def _first_line(folder: Path) -> str:
    """The first sentence of a card."""
    lines = (folder / "README.md").read_text(encoding="utf-8").splitlines()
    return next((line for line in lines if line and not line.startswith("#")), "")


def _half(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.half() if value.dtype == torch.float32 else value for name, value in tensors.items()}


def _card(name: str, run: Run, about: str) -> str:
    """What a model is, in Markdown; the data's own words come first."""
    facts = run.about
    data: Mapping[str, object] = facts["data"]
    seconds = run.rows[-1]["seconds"] if run.rows else 0.0
    begun = f"- began with the weights of {facts['from']}\n" if facts.get("from") else ""
    return (
        f"# {name}\n\n{about.strip()}\n\n## Training\n\n"
        f"- {run.images:,} images seen of {data['count']:,} different ones, seed {facts['seed']}\n{begun}"
        f"- {seconds / 3600:.1f} hours of training on {facts['machine']['processor']}\n"
        f"- ganvas {facts['ganvas']}; weights in half precision\n\n```text\n{run.recipe}\n```\n"
    )
