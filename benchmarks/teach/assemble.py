"""What was taught as a published model: a run folder that draws, is judged, and is gone on with."""

import datetime
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ganvas.core import checkpoint
from ganvas.core.machine import describe
from ganvas.core.version import __version__
from ganvas.data.sources.folder import Folder
from ganvas.data.words import packed, vectors
from ganvas.learning.phrases import Phrases
from ganvas.models.model import Model, metadata
from ganvas.networks.latent import LatentCritic, LatentGenerator
from ganvas.recipes.ideas import idea_icons
from ganvas.recipes.settings import to_json

from .corpus import SLOTS
from .prepare import STYLES, Icon, chosen, read, weights
from .stages import CONDITION, SHAPE, load

KNOWN = 8  # icons that a word is on, at least, for the model to bring along its vector
PHRASES = 6000  # icons whose words it remembers, to draw from


def assemble(corpus: Path, out: Path, folder: Path, *, images: int) -> None:
    """Write the model that lies in OUT as a published folder, without its card."""
    decoder = load(out, "autoencoder")
    generator = LatentGenerator(large=True).build(SHAPE, CONDITION)
    critic = LatentCritic().build(SHAPE, CONDITION)
    generator.load_state_dict(load(out, "one_step") | _only(decoder, "decoder."))
    critic.load_state_dict(load(out, "critic") | _only(decoder, "encoder."))
    icons = chosen(read(corpus))
    model = Model(generator.eval().requires_grad_(False), condition(icons))
    recipe = idea_icons()
    settings = LatentGenerator(large=True)
    recipe = replace(
        recipe,
        data=Folder("icon_corpus", size=SHAPE[-1]),
        networks={**recipe.networks, "generator": settings},
        images=images,
    )
    critics = {f"critic/{name}": value for name, value in critic.state_dict().items()}
    checkpoint.write(
        folder / "checkpoints" / f"{images:09}",
        {
            "model.safetensors": (_half(generator.state_dict()), metadata(settings, model)),
            "state.safetensors": (_half(critics), {}),
        },
    )
    about = {
        "ganvas": __version__,
        "source": "idea_icons",
        "parameters": {"generator": _count(generator), "critic": _count(critic)},
        "seed": 0,
        "minutes": None,
        "from": "idea_flow",
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": describe(torch.device("cuda" if torch.cuda.is_available() else "cpu")),
        "data": {"count": len(icons), "shape": SHAPE, "classes": [], "skipped": []},
        "published": True,
    }
    (folder / "recipe.json").write_text(json.dumps(to_json(recipe), indent=1))
    (folder / "run.json").write_text(json.dumps(about, indent=1))


def condition(icons: list[Icon]) -> Phrases:
    """How the model is asked: the words that it knows, and phrases to draw from where nothing is asked for."""
    asked = Phrases(places=SLOTS)
    count = Counter(word for icon in icons for word in {*icon["words"], icon["noun"], icon["style"]})
    known = {word for word, icons_ in count.items() if icons_ >= KNOWN} | {*asked.colours, *STYLES}
    share, dice = weights(icons), np.random.default_rng(0)
    phrases = []
    for row in dice.choice(len(icons), min(PHRASES, len(icons)), replace=False, p=share / share.sum()):
        icon = icons[row]
        if icon["palette"] == "mono":
            colour = [str(dice.choice(asked.colours))] if dice.random() < 0.6 else []
        else:
            colour = [] if icon.get("scheme") else icon.get("colours", [])[:1]
        words = [icon["noun"], icon["style"], *colour, *icon["words"][: icon["named"]]]
        if icon["noun"] in known:
            phrases.append(" ".join([word for word in dict.fromkeys(words) if word in known][:SLOTS]))
    words = tuple(sorted(known))
    return replace(asked, words=words, phrases=tuple(phrases), table=packed(vectors(words)))


def _only(tensors: dict[str, Tensor], start: str) -> dict[str, Tensor]:
    return {name: value for name, value in tensors.items() if name.startswith(start)}


def _half(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.half() if value.dtype == torch.float32 else value for name, value in tensors.items()}


def _count(network: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())
