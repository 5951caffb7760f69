"""Publish a trained model as a small folder: weights in half precision, its critics, and a card that describes it.

There are two forms. `publish` makes a run folder without what is only needed to resume it, so it works wherever a run
does: sampling, morphing, inspecting, and as a starting point of new trainings. `hand_over` makes the Hugging Face
layout (layout.py), which works wherever a model does, and as such a starting point, too.
"""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..core import checkpoint, files, pixels
from ..core.errors import DoesNotFit, NotFound, Unreadable
from ..core.manifest import hash_of
from ..core.sums import summed
from ..core.tensors import write_safetensors
from ..core.version import __version__
from ..core.weights import read_header
from ..networks.latent import has_encoder
from ..recipes.recipe import Recipe
from ..recipes.settings import to_json
from ..runs.mends import mend_of
from ..runs.run import LOG, Run
from .card import UNKNOWN, Trained, card, headed
from .hub_name import is_on_hub
from .layout import CARD, CONFIG, CRITICS, FILES, LIBRARY, PREVIEW, is_folder, read_folder
from .model import Model, described, load, metadata, model_file
from .shipped import locate

__all__ = ["hand_over", "publish"]

SHOWN, COLUMNS = 16, 8  # number of samples in the preview, and in each row of it
LICENCE = re.compile(r"[a-z0-9][a-z0-9.-]{0,39}")


def publish(run: Run, folder: Path, *, about: str = "", licence: str = "", attribution: str = "") -> Path:
    """Write the averaged generator and the critics of a run's newest checkpoint to a new folder.

    Networks that were not trained, such as a teacher, are left out: a training that starts from here does without. The
    autoencoder of latents is kept if no critic contains its encoder.

    Args:
        run: a run with a checkpoint.
        folder: the output; an earlier published model there is replaced.
        about: text for the card README.md: what the pictures are, whose, under which licence; how it was trained.
        licence: of the pictures that it learned from, such as "CC BY-SA 4.0".
        attribution: whose pictures they are. Both are also stored in run.json, where programs find them.

    Raises:
        NotFound or Unreadable: the run has no checkpoint, or only damaged ones.
        DoesNotFit: the folder holds something else.
    """
    kept = _kept(run)
    ours = Run(folder).exists and Run(folder).about.get("published")
    if folder.exists() and any(folder.iterdir()) and not ours:
        raise DoesNotFit(f"{folder} holds something else than a published model. Give another folder.")
    whose = {name: text for name, text in (("licence", licence), ("attribution", attribution)) if text}
    weights = {
        checkpoint.MODEL: kept.model,
        checkpoint.STATE: (kept.others, {LOG: json.dumps(summed({"rows": len(kept.rows)}))}),
    }
    with files.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        # First, so that a folder of which the disk had room for a part only is known as ours the next time.
        files.write(folder / "run.json", json.dumps(summed({**kept.facts, **whose, "published": True}), indent=1))
        checkpoint.write(folder / "checkpoints" / kept.name, weights)
        for other in (folder / "checkpoints").iterdir():
            if other.name.isdecimal() and other.name != kept.name:
                shutil.rmtree(other)
        files.write(folder / "recipe.json", json.dumps(summed(to_json(kept.recipe)), indent=1))
        files.write(folder / "log.jsonl", "".join(json.dumps(summed(row)) + "\n" for row in kept.rows))
        files.write(folder / "README.md", _card(folder.name, Run(folder), about))
    return folder


def hand_over(place: str | Path, folder: Path, *, about: str = "", licence: str = "", name: str = "") -> Path:
    """Write a model in the Hugging Face layout: config.json, weights in half precision, samples and a card.

    Args:
        place: a run, or any other model; without a run there are no critics, and no training can start from it.
        folder: the output; files of the layout there are replaced, others stay.
        about: text for the card: what the pictures are, whose they are, how the model was trained.
        licence: the hub's short identifier, such as cc-by-sa-4.0; by default "unknown".
        name: the title of the card; by default the name of the folder.

    Raises:
        NotFound or DoesNotFit: there is no model, the folder holds a run or other files of these names, or the licence
            is not such an identifier.
    """
    if not LICENCE.fullmatch(licence or UNKNOWN):
        raise DoesNotFit(f"`licence=` is for short what the hub lists, such as mit or cc-by-sa-4.0, not {licence!r}.")
    if Run(folder).exists:
        raise DoesNotFit(f"{folder} holds a run. Give another folder.")
    if any((folder / file).exists() for file in FILES) and not _is_ours(folder):
        raise DoesNotFit(f"{folder} holds something else, and {' or '.join(FILES)} there would be lost: take another.")
    at = locate(place)
    model, weights, told = _of_run(Run(at)) if Run(at).exists else _of_model(at)
    config = {"library_name": LIBRARY, "version": __version__, "shape": model.shape, **told}
    with files.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        files.write(folder / CONFIG, json.dumps(summed(config), indent=1))  # its sums follow the files; see `publish`
        pixels.save_picture(pixels.sheet(model.generate(range(SHOWN)), columns=COLUMNS), folder / PREVIEW)
        for file, (tensors, told) in weights.items():
            with files.replacing(folder / file) as draft:
                write_safetensors(tensors, draft, told)
        if CRITICS not in weights:  # left from the model that was here before
            (folder / CRITICS).unlink(missing_ok=True)
        sums = {file: hash_of(folder / file) for file in weights}
        files.write(folder / CONFIG, json.dumps(summed(config | {"files": sums}), indent=1))
        files.write(folder / CARD, _text(at, model, name or folder.name, about, licence))
    return folder


def _is_ours(folder: Path) -> bool:
    """Whether this is a folder in the layout, perhaps one that a full disk or a kill has left incomplete."""
    with suppress(Unreadable):
        return bool(read_folder(folder))
    return is_folder(folder)


def _text(at: Path, model: Model, name: str, about: str, licence: str) -> str:
    """The card; an existing card of the model is kept if `about` is empty."""
    run = Run(at) if Run(at).exists else None
    if not about and (at / CARD).is_file():
        return headed((at / CARD).read_text(encoding="utf-8"), model, run.recipe if run else None, licence=licence)
    by = Trained(run, *_for_others(run)) if run else None
    return card(name, model, by, about=about, licence=licence)


Weights = dict[str, tuple[dict[str, Tensor], dict[str, str]]]
"""File -> its tensors, and its metadata."""


def _of_run(run: Run) -> tuple[Model, Weights, dict[str, Any]]:
    """The model of a run, its files of weights, and what config.json records about it."""
    kept = _kept(run)
    critics: Weights = {CRITICS: (kept.others, {})} if kept.others else {}
    told = {"recipe": to_json(kept.recipe), "images": int(kept.name), "facts": kept.facts}
    return load(kept.path), {checkpoint.MODEL: kept.model, **critics}, told


def _of_model(at: Path) -> tuple[Model, Weights, dict[str, Any]]:
    """The same for a model without a run; the content of a folder in the Hugging Face layout is passed on."""
    model, file = load(at), model_file(at)
    settings, _, _ = described(file, read_header(file).metadata)
    half = _half(model.network.state_dict())
    weights: Weights = {checkpoint.MODEL: (half, metadata(settings, model, half))}
    if not is_folder(at):
        return model, weights, {"recipe": None, "images": None, "facts": None}
    folder = read_folder(at)
    if folder.critics:
        weights[CRITICS] = checkpoint.read(folder.critics), {}
    return model, weights, {name: folder.config.get(name) for name in ("recipe", "images", "facts")}


@dataclass(frozen=True)
class _Kept:
    """What of a run is published.

    path    its newest checkpoint; name is the number of images that it had seen
    recipe  without the path of the data on this machine; facts are those of run.json, without names of private files
    model   the tensors and the metadata of the model file
    others  the tensors of the critics, named below their networks
    rows    the log so far
    """

    path: Path
    recipe: Recipe
    facts: Mapping[str, Any]
    model: tuple[dict[str, Tensor], dict[str, str]]
    others: dict[str, Tensor]
    rows: Sequence[Mapping[str, Any]]

    @property
    def name(self) -> str:
        return self.path.name


def _kept(run: Run) -> _Kept:
    newest = run.newest_sound()
    if newest is None and checkpoint.named(run.path / "checkpoints"):
        raise Unreadable(f"Every checkpoint in {run.path} is damaged: their files are not those that were written.")
    if newest is None and not run.exists:
        raise NotFound(f"{run.path} is not a run folder. `ganvas publish MODEL --to FOLDER` hands any other model on.")
    if newest is None:
        raise NotFound(f"{run.path} holds no finished checkpoint yet; train it with `ganvas train`.")
    model, (recipe, facts) = load(newest), _for_others(run)
    state, others = checkpoint.read(newest / checkpoint.STATE), dict[str, Tensor]()
    for name in sorted(recipe.networks, key=recipe.frozen.__contains__):
        held = checkpoint.named_below(name, checkpoint.below(state, name))
        if name != recipe.product and (name not in recipe.frozen or (has_encoder(held) and not has_encoder(others))):
            others |= held
    half = _half(model.network.state_dict())
    written = half, metadata(recipe.networks[recipe.product], model, half)
    rows = [row for row in run.rows if row["images"] <= int(newest.name)]
    return _Kept(newest, recipe, facts, written, _half(others), rows)


def _for_others(run: Run) -> tuple[Recipe, dict[str, Any]]:
    """The recipe and run.json of a run without paths, private names and the system's version: nobody's business."""
    recipe, facts = run.recipe, dict(run.about)
    if hasattr(recipe.data, "path"):
        recipe = replace(recipe, data=replace(recipe.data, path=Path(recipe.data.path).name))  # type: ignore[type-var]
        facts["source"] = Path(facts["source"]).name
    facts["data"] = facts["data"] | {"skipped": []}
    facts["machine"] = {**facts["machine"], "system": facts["machine"].get("system", "").partition("-")[0]}
    if mend := mend_of(facts):
        facts["mended"] = replace(mend, before=replace(mend.before, data=recipe.data)).as_json()
    if facts.get("from") and not is_on_hub(facts["from"]):
        facts["from"] = Path(facts["from"]).name
    return recipe, facts


def _half(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.half() if value.dtype == torch.float32 else value for name, value in tensors.items()}


def _card(name: str, run: Run, about: str) -> str:
    """The card, in Markdown; `about` comes first."""
    facts = run.about
    data: Mapping[str, object] = facts["data"]
    begun = f"- began with the weights of {facts['from']}\n" if facts.get("from") else ""
    whose = [facts[each] for each in ("attribution", "licence") if facts.get(each)]
    pictures = f"## Pictures it learned from\n\n{', '.join(whose)}.\n\n" if whose else ""
    return (
        f"# {name}\n\n{about.strip()}\n\n{pictures}## Training\n\n"
        f"- {run.images:,} images seen of {data['count']:,} different ones, seed {facts['seed']}\n{begun}"
        f"- {run.seconds / 3600:.1f} hours of training on {facts['machine'].get('processor', 'an unnamed machine')}\n"
        f"- ganvas {facts['ganvas']}; weights in half precision\n\n```text\n{run.recipe}\n```\n"
    )
