"""Turns what was learned into a published model: a run folder that can draw, judge and be continued."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ganvas import load as load_model
from ganvas.core import checkpoint
from ganvas.core.version import __version__
from ganvas.data.sources.folder import Folder
from ganvas.learning.latents import Distillation
from ganvas.learning.phrases import Phrases
from ganvas.models.model import Model, metadata
from ganvas.models.shipped import locate
from ganvas.networks.latent import LatentCritic, LatentGenerator
from ganvas.recipes.ideas import idea_icons, judged
from ganvas.recipes.settings import from_json, to_json
from ganvas.runs.run import Run

from .output import Weights, load, rows
from .stages import CONDITION, SHAPE


def assemble(out: Path, folder: Path) -> None:
    """Write the model in OUT as a published folder, without its card."""
    log, refined = rows(out, "one_step"), load(out, "refined")
    if not log or not load(out, "critic"):
        raise SystemExit(f"{out} holds no generator of one step yet: run with --one-step SECONDS.")
    about = json.loads((out / "about.json").read_text(encoding="utf-8"))
    condition = _asked(out)
    log = _after(log, rows(out, "refined"))
    settings, images = LatentGenerator(large=True, refinements=1 if refined else 0), log[-1]["images"]
    autoencoder = load(out, "autoencoder")
    generator, critic = settings.build(SHAPE, CONDITION), LatentCritic().build(SHAPE, CONDITION)
    generator.load_state_dict((refined or load(out, "one_step")) | _only(autoencoder, "decoder."))
    critic.load_state_dict(load(out, "critic") | _only(autoencoder, "encoder."))
    recipe = idea_icons()
    recipe = replace(
        recipe,
        data=Folder("icon_corpus", size=SHAPE[-1]),
        networks={**recipe.networks, "generator": settings},
        game=Distillation(refined=1.0 if refined else 0.0),
        batch=about["plan"]["batch"],
        images=images,
    )
    half = _half(generator.state_dict())
    weights = {
        checkpoint.MODEL: (half, metadata(settings, Model(generator.eval(), condition), half)),
        checkpoint.STATE: (_half(checkpoint.named_below("critic", critic.state_dict())), {}),
    }
    facts = {
        "ganvas": __version__,
        "source": "idea_icons",
        "parameters": {"generator": _count(generator), "critic": _count(critic)},
        "seed": 0,
        "minutes": None,
        "from": "idea_flow",
        "started": about["started"],
        "machine": about["machine"],
        "data": {"count": about["icons"], "shape": SHAPE, "classes": [], "skipped": []},
        "published": True,
    }
    _write(folder, weights, to_json(recipe), facts, log)


def assemble_finished(out: Path, folder: Path, *, mean: Path | None = None) -> None:
    """Write the published model that `finish` continued, with what it has learned since, as a folder.

    With `mean`, the folder of another run that began with the same weights, the generator is the mean of both (Wortsman
    et al. 2022, arXiv:2203.05482); everything else, including the sketcher, is from the first.
    It is asked with the words in OUT/condition.json. Its recipe is now that of a critic alone (`judged`), its
    critic the last one of `finish`, stored together with the encoder of its latents. Card and directions are not
    written: they stay those of the previous model.
    """
    about = json.loads((out / "about.json").read_text(encoding="utf-8"))
    before, model = Run(locate(about["model"])), finished(out, mean)
    log = _after(_after(before.rows, rows(out, "shapes")), rows(out, "finished"))
    begins = {"sketch": model.network.sketch, "guidance": model.network.guidance}
    settings = replace(before.recipe.networks["generator"], **begins)
    critic, half = load(out, "finished_critic"), _half(model.network.state_dict())
    others = checkpoint.named_below("critic", critic) | checkpoint.named_below("autoencoder", encoder(before))
    weights = {
        checkpoint.MODEL: (half, metadata(settings, model, half)),
        checkpoint.STATE: (_half(others), {}),
    }
    facts = before.read("run.json")
    facts["source"] = "idea_finish"
    facts["data"]["count"] = about["icons"]
    facts["parameters"]["generator"] = _count(model.network)
    facts["parameters"]["critic"] = sum(weight.numel() for weight in critic.values())
    recipe = judged()
    recipe = replace(
        recipe,
        data=before.recipe.data,
        networks={**recipe.networks, "generator": settings},
        condition=before.recipe.condition,
        images=log[-1]["images"],
    )
    folder.mkdir(parents=True)
    _write(folder, weights, to_json(recipe), facts, log)


def finished(out: Path, mean: Path | None = None) -> Model:
    """The generator that `finish` left in OUT, with the words that it is asked in; with `mean`, the mean of two."""
    about = json.loads((out / "about.json").read_text(encoding="utf-8"))
    before, learned = load_model(about["model"]).network, load(out, "finished")
    settings = Run(locate(about["model"])).recipe.networks["generator"]
    begins = {"sketch": len(learned["sketcher.deviation"]), "guidance": about["plan"]["guidance"]}
    network = replace(settings, **begins).build(SHAPE, before.condition).eval()
    network.load_state_dict(before.state_dict(), strict=False)
    other = load(mean, "finished") if mean else learned
    halfway = {
        name: value if name.startswith("sketcher.") else (value + other[name]) / 2 for name, value in learned.items()
    }
    network.load_state_dict(halfway, strict=False)
    return Model(network, _asked(out))


def encoder(run: Run) -> Weights:
    """The encoder of the latents that a published model draws in: part of its critic, or stored beside it."""
    found = run.newest_sound()
    assert found is not None
    tensors = checkpoint.read(found / checkpoint.STATE)
    return _only(checkpoint.below(tensors, "critic") | checkpoint.below(tensors, "autoencoder"), "encoder.")


def _after(log: list[dict[str, Any]], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of two stages, one after the other."""
    return log + [row | {"images": log[-1]["images"] + row["images"]} for row in rows]


def _asked(out: Path) -> Phrases:
    return from_json(json.loads((out / "condition.json").read_text(encoding="utf-8")), Phrases)


def _write(
    folder: Path,
    weights: dict[str, tuple[Weights, dict[str, str]]],
    recipe: Any,
    facts: dict[str, Any],
    log: list[dict[str, Any]],
) -> None:
    checkpoint.write(folder / "checkpoints" / f"{recipe['images']:09}", weights, keep=1)
    (folder / "recipe.json").write_text(json.dumps(recipe, indent=1), encoding="utf-8")
    (folder / "run.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log), encoding="utf-8")


def _only(tensors: Weights, start: str) -> Weights:
    return {name: value for name, value in tensors.items() if name.startswith(start)}


def _half(tensors: Weights) -> Weights:
    return {name: value.half() if value.dtype == torch.float32 else value for name, value in tensors.items()}


def _count(network: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())
