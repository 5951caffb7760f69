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
from ..core.errors import DoesNotFit, NotFound, Unreadable
from ..core.sums import summed
from ..recipes.settings import to_json
from ..runs.run import LOG, Run
from .model import load, metadata

__all__ = ["publish"]


def publish(run: Run, folder: Path, *, about: str = "") -> Path:
    """Write the averaged generator and the critics of a run's newest checkpoint to a new folder.

    What learned nothing itself, such as a teacher, is left out: a training that starts from there does without.

    Args:
        run: a run with a checkpoint.
        folder: where to; what is there of an earlier one is replaced.
        about: text for the card README.md: what the pictures are, whose, under which licence; how it was trained.

    Raises:
        NotFound or Unreadable: the run has no checkpoint, or damaged ones alone.
        DoesNotFit: the folder holds something else.
    """
    newest = run.newest_sound()
    if newest is None and checkpoint.named(run.path / "checkpoints"):
        raise Unreadable(f"Every checkpoint in {run.path} is damaged: their files are not those that were written.")
    if newest is None:
        raise NotFound(f"{run.path} holds no finished checkpoint yet; train it with `ganvas train`.")
    ours = Run(folder).exists and Run(folder).about.get("published")
    if folder.exists() and any(folder.iterdir()) and not ours:
        raise DoesNotFit(f"{folder} holds something else than a published model. Give another folder.")
    recipe, model, facts = run.recipe, load(newest), dict(run.about)
    if hasattr(recipe.data, "path"):  # where it lay on this machine says nothing on another
        recipe = replace(recipe, data=replace(recipe.data, path=Path(recipe.data.path).name))  # type: ignore[type-var]
        facts["source"] = Path(facts["source"]).name
    facts["data"] = facts["data"] | {"skipped": []}  # names of somebody's files
    if facts.get("from"):
        facts["from"] = Path(facts["from"]).name
    state, others = checkpoint.read(newest / checkpoint.STATE), dict[str, Tensor]()
    for name in recipe.networks:
        if name != recipe.product and name not in recipe.frozen:
            others |= checkpoint.named_below(name, checkpoint.below(state, name))
    half = _half(model.network.state_dict())
    rows = [row for row in run.rows if row["images"] <= int(newest.name)]
    weights = {
        checkpoint.MODEL: (half, metadata(recipe.networks[recipe.product], model, half)),
        checkpoint.STATE: (_half(others), {LOG: json.dumps(summed({"rows": len(rows)}))}),
    }
    with files.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        checkpoint.write(folder / "checkpoints" / newest.name, weights)
        for other in (folder / "checkpoints").iterdir():
            if other.name.isdecimal() and other.name != newest.name:
                shutil.rmtree(other)
        files.write(folder / "recipe.json", json.dumps(summed(to_json(recipe)), indent=1))
        files.write(folder / "run.json", json.dumps(summed(facts | {"published": True}), indent=1))
        files.write(folder / "log.jsonl", "".join(json.dumps(summed(row)) + "\n" for row in rows))
        files.write(folder / "README.md", _card(folder.name, Run(folder), about))
    return folder


def _half(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.half() if value.dtype == torch.float32 else value for name, value in tensors.items()}


def _card(name: str, run: Run, about: str) -> str:
    """What a model is, in Markdown; the data's own words come first."""
    facts = run.about
    data: Mapping[str, object] = facts["data"]
    begun = f"- began with the weights of {facts['from']}\n" if facts.get("from") else ""
    return (
        f"# {name}\n\n{about.strip()}\n\n## Training\n\n"
        f"- {run.images:,} images seen of {data['count']:,} different ones, seed {facts['seed']}\n{begun}"
        f"- {run.seconds / 3600:.1f} hours of training on {facts['machine']['processor']}\n"
        f"- ganvas {facts['ganvas']}; weights in half precision\n\n```text\n{run.recipe}\n```\n"
    )
