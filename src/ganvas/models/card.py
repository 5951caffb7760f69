"""The card of a model on Hugging Face: a YAML header for the hub, and a text for people below it.

What is unknown is stated as unknown: the licence, the metrics, how the training went.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..core.batch import Kind
from ..core.catalog import name_of
from ..data.dataset import FEW, in_words
from ..learning.conditions import Keywords, Labels
from ..recipes.recipe import Recipe
from ..runs.doctor import diagnoses
from ..runs.evaluations import latest
from ..runs.run import Run
from .model import Model

__all__ = ["UNKNOWN", "Trained", "card", "headed"]

UNKNOWN = "unknown"  # what the hub calls an unspecified licence
KNOWN = {"mnist": "ylecun/mnist", "cifar10": "uoft-cs/cifar10"}
"""Source that downloads a known data set -> the name of that data set on the hub."""


@dataclass(frozen=True)
class Trained:
    """The run that trained a model; its recipe and run.json as others may see them, without paths of this machine."""

    run: Run
    recipe: Recipe
    facts: Mapping[str, Any]


def card(name: str, model: Model, by: Trained | None, *, about: str, licence: str) -> str:
    """The card, in Markdown.

    Args:
        name: the model's name, used as the title.
        model: the model.
        by: what trained it, if known.
        about: a description of the data and the training, in Markdown; it comes first.
        licence: the hub's short identifier of the licence, if known.
    """
    parts = (
        ("", about.strip()),
        ("Use", _use(name, model, by)),
        ("Data", _data(by)),
        ("Licence", _licence(licence or UNKNOWN)),
        ("Training", _training(by)),
        ("Figures", _figures(by)),
        ("Limits", "\n".join(f"- {each}" for each in _limits(model, by))),
    )
    below = "\n\n".join(f"## {title}\n\n{text}" if title else text for title, text in parts if text)
    header = _header(model, by.recipe if by else None, licence or UNKNOWN)
    return f"{header}\n# {name}\n\n![Samples](preview.png)\n\n{below}\n"


def headed(text: str, model: Model, recipe: Recipe | None, *, licence: str) -> str:
    """Add a header to an existing card; its own header is kept unless a licence is given."""
    fence = "---\n"
    has_own = text.startswith(fence) and f"\n{fence}" in text
    if has_own and not licence:
        return text
    below = text.split(f"\n{fence}", 1)[1] if has_own else f"\n{text}"
    return _header(model, recipe, licence or UNKNOWN) + below


def _header(model: Model, recipe: Recipe | None, licence: str) -> str:
    """The YAML header that the hub reads; JSON is valid YAML, so values are quoted as in JSON."""
    words = isinstance(model.condition, Keywords)
    task = {
        Kind.PICTURES: "text-to-image" if words else "unconditional-image-generation",
        Kind.CLIPS: "text-to-video" if words else None,
    }
    told = {
        "license": licence,
        "library_name": "ganvas",
        "tags": ["gan", "image-generation" if model.kind is Kind.PICTURES else str(model.kind.value), "pytorch"],
        "pipeline_tag": task.get(model.kind),
        "datasets": _datasets(recipe) if recipe else [],
    }
    lines = (f"{key}: {json.dumps(value)}" for key, value in told.items() if value)
    return "\n".join(["---", *lines, "---", ""])


def _datasets(recipe: Recipe) -> list[str]:
    """The hub's name of the data set, if it was downloaded; of data at a local path nothing is known."""
    named = KNOWN.get(name_of(recipe.data))
    return [named] if named and not getattr(recipe.data, "path", "") else []


def _use(name: str, model: Model, by: Trained | None) -> str:
    """The commands that use the model, with an hf: name if `name` is that of a repository, otherwise with a folder."""
    place = f"hf:{name}" if "/" in name else name
    told = model.condition
    asked = f" --label {shlex.quote(told.classes[0])}" if isinstance(told, Labels) and told.classes else ""
    asked = f" --keywords {shlex.quote(told.words[0])}" if isinstance(told, Keywords) and told.words else asked
    what = "samples.gif" if model.moves else "samples.png"
    begin = f"\nganvas train FOLDER --from {place}" if by else ""  # a training goes on by the recipe of its beginning
    return (
        f"It makes {model.kind} of {in_words(model.shape)}. To use it with Ganvas (`pip install 'ganvas[hub]'`):\n"
        f"\n```\nganvas sample {place} --count 16{asked} --out {what}{begin}\n```"
    )


def _data(by: Trained | None) -> str:
    if by is None:
        return "What it was trained on is not known here."
    data, source = by.facts["data"], by.facts["source"]
    classes = f", {len(data['classes']):,} classes" if data["classes"] else ""
    return f"It was trained on `{source}`: {data['count']:,} different samples{classes}."


def _licence(licence: str) -> str:
    if licence == UNKNOWN:
        return "No licence was named. Ask the publisher before you use the model or what it makes."
    return f"`{licence}`, according to its publisher. The licences of its data may also apply to what it makes."


def _training(by: Trained | None) -> str:
    if by is None:
        return ""
    run, facts = by.run, by.facts
    begun = f"- started from the weights of {facts['from']}\n" if facts.get("from") else ""
    return (
        f"- {run.images:,} images seen, seed {facts['seed']}\n{begun}"
        f"- {_duration(run.seconds)} of training on {facts['machine'].get('processor', 'an unnamed machine')}\n"
        f"- ganvas {facts['ganvas']}; weights in half precision\n\n```text\n{by.recipe}\n```"
    )


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours" if seconds > 5400 else f"{seconds / 60:.1f} minutes"


def _figures(by: Trained | None) -> str:
    """The results of `ganvas evaluate`, each with its settings."""
    tables = []
    for each in latest(by.run.path) if by else ():
        rows = "\n".join(
            f"| {name} | {score.value:.4g} | {'' if score.error is None else f'± {score.error:.2g}'} |"
            for name, score in each.scores.items()
        )
        made = ", ".join(f"{name} {_without_folders(value)}" for name, value in each.about.items())
        tables.append(f"Measured on {each.date}, with: {made}\n\n| figure | value | error |\n|---|---|---|\n{rows}")
    return "\n\n".join(tables) or "Nothing was measured. `ganvas evaluate` compares it with pictures that you name."


def _without_folders(value: object) -> str:
    """A value without the folders of a path on this machine: folder:/home/me/cats -> folder:cats."""
    return re.sub(r"^([a-z]\w+:)?(?:[/~\\]|[A-Za-z]:[/\\])(?:.*[/\\])?", r"\1", str(value).rstrip("/\\"))


def _limits(model: Model, by: Trained | None) -> Iterator[str]:
    """Known problems of the model, and what is not known about it."""
    yield f"Its {model.kind} are {in_words(model.shape)}, and only of the kind that it was trained on."
    if by is None:
        yield "How it was trained is not known here."
        return
    if (count := by.facts["data"]["count"]) < FEW:
        yield f"It was trained on only {count} samples. A GAN memorises so few: what it makes may be copies of them."
    else:
        yield "Only `ganvas evaluate --held-out` tells whether it repeats pictures that it was trained on."
    yield from (each.text for each in diagnoses(by.run.rows, recipe=by.recipe, start_from=by.facts.get("from")))
