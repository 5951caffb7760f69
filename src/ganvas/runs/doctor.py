"""Whether a training is healthy: the problems that its log shows, in words, and what is most likely to fix them.

A critic is judged by how often it is right. At chance from beginning to end, it has learned nothing; at chance only at
the end, the samples may be as good as they get. If at the same time the distance between its logits of pictures and
samples has collapsed, it has died. Always being right is a problem only if the samples do not improve. Samples are
judged once they have stopped changing, as at first all are alike. docs/doctor.md tells how often each diagnosis is
right; benchmarks/doctor.py measured it.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from statistics import fmean, median
from typing import Any

from ..core.errors import GanvasError
from ..data.dataset import FEW
from ..recipes.recipe import Recipe
from ..recipes.settings import from_json
from .advice import advice
from .diagnosis import Diagnosis

__all__ = ["FEWEST", "diagnoses", "good_news", "recipe_of", "with_advice"]

FEWEST = 20  # rows of a log that can be judged
SHORT = 100  # in fewer steps no GAN trained from scratch has learned anything
BLIND, SURE = 0.55, 0.99  # shares of pairs that a critic orders correctly; chance is one half
SAW = 0.75  # the same for a critic that saw a difference at some time
DEAD = 0.08  # distance between the mean logits of pictures and samples, relative to its largest so far
ALIKE = 0.5  # distance between samples relative to that between pictures, in features
SPREAD, NEAR, FEW_PLACES, TWINS = 0.6, 0.35, 0.2, 0.03  # SPREAD: the same in pixels; others: to the nearest sample
STILL = 1.25  # growth of these distances, over the last third of the log, below which samples no longer improve
SEEN = 6  # measurements of the signs before they are judged
DEAF = 0.3  # change of a sample with its description, relative to the distance between samples
WANDER = 0.35  # distance of the mean sample from the averaged model's, relative to that between pictures
HUGE, GROWN, ENDLESS = 50.0, 3.0, 1e4  # logits, their growth since the first eighth, and too large in any case
STRIDE, BEND = 0.03, 1.2  # a step relative to the weights; the reaction of samples to z, see pulse.py
LONG = 0.045  # median step in the second half of the log that is too long whatever the samples do
BEHIND = 1.25  # the last score relative to the best

Rows = Sequence[Mapping[str, Any]]


def diagnoses(
    rows: Rows, *, samples: int | None = None, recipe: Recipe | None = None, start_from: str | None = None
) -> list[Diagnosis]:
    """The problems of a training in its present state, the gravest first; empty if there seem to be none.

    Args:
        rows: the log, oldest first, as in log.jsonl: terms, and scores and signs where measured. After a change of
            settings, only the later rows are judged; but the best score may be an earlier one.
        samples: how many there are to learn from, if known.
        recipe: of the training, to suit the advice to it.
        start_from: the model that it started from, which may draw well after few steps.
    """
    found, since = [*_few(samples), *_short(rows, recipe, start_from)], _since_change(rows)
    if len(since) >= FEWEST and not any(each.kind == "short" for each in found):
        looks = (_exploding, _fast, _critics, _variety, _missing, _deaf, _swings)
        judged = [each for look in looks for each in look(since)]
        found = [*judged, *found, *_best(rows)]
    return [each if each.kind == "short" and start_from else with_advice(each, recipe) for each in found]


def good_news(rows: Rows, *, recipe: Recipe | None = None) -> str | None:
    """What goes well in a training, in a sentence or two; None if there are too few rows or there is a problem."""
    if len(_since_change(rows)) < FEWEST or diagnoses(rows, recipe=recipe):
        return None
    rows = _since_change(rows)
    said = [
        f"The {name.rpartition('.')[0]} tells a picture from a sample in {100 * quarters[-1]:.0f} of 100 pairs. It is "
        "neither always right nor guessing, so the generator can still learn from it."
        for name in rows[-1].get("terms", {})
        if name.endswith(".right") and (quarters := _quarters(_values(rows, "terms", name))) and _plays(quarters[-1])
    ]
    spread = _values(rows, "scores", "variety") or _values(rows, "signs", "spread")
    if spread:
        said.append(f"The samples are {spread[-1]:.0%} as far apart as the pictures.")
    return " ".join(said) or "No number in its log is unusual."


def _since_change(rows: Rows) -> Rows:
    """The rows from the last change of a setting on, or all."""
    return rows[next((at for at in range(len(rows) - 1, -1, -1) if rows[at].get("changed")), 0) :]


def _plays(right: float) -> bool:
    return BLIND <= right <= SURE


def recipe_of(held: Mapping[str, Any]) -> Recipe | None:
    """The recipe in a recipe.json, to suit advice to it; None if it is of another version, or damaged."""
    return _parsed(json.dumps(held))


@lru_cache(maxsize=64)
def _parsed(held: str) -> Recipe | None:
    try:
        recipe: Recipe = from_json(json.loads(held), Recipe)
    except (GanvasError, LookupError, TypeError, ValueError):
        return None
    return recipe


def with_advice(found: Diagnosis, recipe: Recipe | None) -> Diagnosis:
    """A diagnosis with the setting that would mend it in this recipe, if there is one."""
    return Diagnosis(found.kind, found.severity, found.text, found.numbers, advice(found.kind, recipe))


def _few(samples: int | None) -> Iterable[Diagnosis]:
    if samples is not None and samples < FEW:
        yield Diagnosis(
            "few",
            "look",
            f"There are only {samples} samples to learn from. A GAN memorises so few; collect at least a few hundred.",
            {"samples": samples},
        )


def _short(rows: Rows, recipe: Recipe | None, start_from: str | None) -> Iterable[Diagnosis]:
    """A training that was planned too short; one that has only just begun is no problem."""
    steps = recipe.images // recipe.batch if recipe else SHORT
    scratch = f"In fewer than {SHORT} steps no GAN trained from scratch learns anything."
    if rows and steps < SHORT:
        yield Diagnosis(
            "short",
            "look",
            f"This training is planned for {steps} steps, too few to judge it. "
            + ("It started from a model: look at its pictures." if start_from else scratch),
            {"steps": steps},
        )


def _exploding(rows: Rows) -> Iterable[Diagnosis]:
    for critic in _critics_of(rows):
        pairs = (_values(rows, "terms", f"{critic}.{of}") for of in ("real", "fake"))
        sizes = [max(map(abs, pair)) for pair in zip(*pairs, strict=False)]
        most, before = max(_quarters(sizes), default=0.0), fmean(sizes[: len(sizes) // 8] or [0.0])
        if most > max(HUGE, GROWN * before) or most > ENDLESS:
            yield Diagnosis(
                "exploding",
                "bad",
                f"The logits of the {critic} explode: their size was {before:.2g} at first and reached {most:.2g}. "
                "Nothing limits them, so the generator gets no useful feedback.",
                {"size": most, "size_before": before},
            )


def _fast(rows: Rows) -> Iterable[Diagnosis]:
    bends = _values(rows, "signs", "bend")
    for player in _players(rows):
        strides = _values(rows, "signs", f"{player}.stride")
        longest = max((median(strides[at : at + SEEN]) for at in range(0, len(strides), SEEN)), default=0.0)
        leaps, late = longest > STRIDE and median(bends or [0.0]) > BEND, median(strides[len(strides) // 2 :] or [0.0])
        if len(bends) >= SEEN and (leaps or late > LONG):
            yield Diagnosis(
                "fast",
                "bad",
                f"The learning rate is too high: a step of the {player} changes its weights by {longest:.0%}, where 1% "
                f"is usual{', and a small change of z makes the samples jump' if leaps else ''}.",
                {"stride": longest, "bend": median(bends)},
            )
            return


def _critics(rows: Rows) -> Iterable[Diagnosis]:
    for critic in _critics_of(rows):
        found = _values(rows, "terms", f"{critic}.right")
        if not found:
            continue
        quarters = _quarters(found)
        right = quarters[-1]
        both = (_values(rows, "terms", f"{critic}.{of}") for of in ("real", "fake"))
        apart = [abs(distance) for distance in _quarters([real - fake for real, fake in zip(*both, strict=False)])]
        spread = _values(rows, "signs", "spread")
        saw = max(quarters) >= SAW and apart and apart[-1] < DEAD * max(apart)
        if right < BLIND and saw and not (spread and spread[-1] > SPREAD):
            yield Diagnosis(
                "dead",
                "bad",
                f"The {critic} has died: its logits of pictures and samples were once {max(apart):.2g} apart and are "
                f"now only {apart[-1]:.1g} apart, so the generator no longer learns anything from it.",
                {"apart": apart[-1], "apart_before": max(apart), "right": right},
            )
        elif (
            max(quarters) < BLIND
            or (max(quarters[-2:]) < BLIND and spread and spread[-1] < SPREAD)
            or (right < BLIND and max(quarters) < SAW and _stopped(rows, below=SPREAD))
        ):
            yield Diagnosis(
                "blind",
                "bad",
                f"The {critic} sees no difference between pictures and samples: it orders {right:.0%} of pairs "
                "correctly, where chance is 50%. So the generator learns nothing from it.",
                {"right": right},
            )
        elif right > SURE and (not _values(rows, "signs", "spread") or _stopped(rows, below=SPREAD)):
            yield Diagnosis(
                "sure",
                "look",
                f"The {critic} is always right: it orders {right:.1%} of pairs correctly. The generator is starved of "
                "feedback: it learns that its samples are bad, but not how to improve them.",
                {"right": right},
            )


def _variety(rows: Rows) -> Iterable[Diagnosis]:
    found, spread, near = (
        _values(rows, kind, name) for kind, name in (("scores", "variety"), ("signs", "spread"), ("signs", "near"))
    )
    numbers = {"variety": found[-1]} if found else {}
    if spread and near:
        numbers |= {"spread": spread[-1], "near": near[-1]}
    twins = len(near) >= SEEN and max(near[-3:]) < TWINS
    if (found and found[-1] < ALIKE) or twins or (_stopped(rows, below=SPREAD) and near and near[-1] < NEAR):
        share = found[-1] if found and found[-1] < ALIKE else near[-1] if twins else spread[-1]
        how = "the distance to the nearest one" if twins and share == near[-1] else "the distance between them"
        yield Diagnosis(
            "alike",
            "bad",
            f"The samples are alike: {how} is only {share:.0%} of what it is among the pictures. This looks like mode "
            "collapse. If earlier samples were better, the best model is in best/.",
            numbers,
        )


def _missing(rows: Rows) -> Iterable[Diagnosis]:
    spread, near = (_values(rows, "signs", name) for name in ("spread", "near"))
    if len(near) >= 2 * SEEN and max(spread[-1:], default=0) >= SPREAD and TWINS <= median(near[-SEEN:]) < FEW_PLACES:
        yield Diagnosis(
            "missing",
            "bad",
            f"The samples are of a few kinds only: the distance between them is {spread[-1]:.0%} of what it is among "
            f"the pictures, but the distance to the nearest one only {near[-1]:.0%}. This looks like missing modes.",
            {"spread": spread[-1], "near": near[-1]},
        )


def _deaf(rows: Rows) -> Iterable[Diagnosis]:
    found, spread = (_values(rows, "signs", name) for name in ("heed", "spread"))
    if len(found) >= SEEN and found[-1] < DEAF and (max(spread[-1:], default=0) > SPREAD or not _grows(found)):
        yield Diagnosis(
            "deaf",
            "bad",
            f"The generator ignores its description: another one changes a sample only {found[-1]:.0%} as much as "
            "another seed does. Either the descriptions do not fit the pictures, or the critic does not use them.",
            {"heed": found[-1]},
        )


def _swings(rows: Rows) -> Iterable[Diagnosis]:
    found = _values(rows, "signs", "wander")
    late = found[len(found) // 2 :]
    if len(found) >= 2 * SEEN and median(late) > WANDER:
        yield Diagnosis(
            "swings",
            "look",
            f"The training swings: its samples all move together and back again, by {median(late):.0%} of the distance "
            "between pictures. The players chase each other and do not settle.",
            {"wander": median(late)},
        )


def _best(rows: Rows) -> Iterable[Diagnosis]:
    scored = [row for row in rows if row.get("scores")]
    name = next(iter(scored[-1]["scores"]), "") if scored else ""
    found = _values(scored, "scores", name)
    if found and min(found) > 0 and found[-1] > BEHIND * min(found):
        best = next(row["images"] for row in scored if row["scores"].get(name) == min(found))
        yield Diagnosis(
            "behind",
            "look",
            f"The samples were better before: {name} was {min(found):.3g} after {best:,} images and is {found[-1]:.3g} "
            "now. The model from then is kept in best/.",
            {"best": min(found), "now": found[-1], "best_images": best},
        )


def _stopped(rows: Rows, *, below: float) -> bool:
    """Whether the samples are closer together than they should be, and no longer move apart."""
    spread, near = (_values(rows, "signs", name) for name in ("spread", "near"))
    return len(spread) >= SEEN and spread[-1] < below and not _grows(spread) and not _grows(near)


def _grows(values: Sequence[float]) -> bool:
    """Whether the values have grown over the last third; without values, False."""
    if not values:
        return False
    third = max(2, len(values) // 3)
    late, before = fmean(values[-third // 2 :]), fmean(values[-2 * third : -third] or values[:1])
    return late > STILL * before


def _critics_of(rows: Rows) -> list[str]:
    """The players that judge, recognised by their terms."""
    return [name.removesuffix(".fake") for name in rows[-1].get("terms", {}) if name.endswith(".fake")]


def _players(rows: Rows) -> list[str]:
    signs: Mapping[str, Any] = next((row["signs"] for row in reversed(rows) if row.get("signs")), {})
    return [name.removesuffix(".stride") for name in signs if name.endswith(".stride")]


def _quarters(values: Sequence[float]) -> list[float]:
    """The mean of each quarter of the values."""
    size = math.ceil(len(values) / 4)
    return [fmean(values[at : at + size]) for at in range(0, len(values), size)] if size else []


def _values(rows: Iterable[Mapping[str, Any]], kind: str, name: str) -> list[float]:
    """The logged values of this name that are numbers."""
    values = [(row.get(kind) or {}).get(name) for row in rows]
    return [value for value in values if isinstance(value, int | float)]
