"""Whether a training is healthy: what its log shows to be wrong, in words, and what usually mends it.

How often a critic is right is judged as follows. At chance from beginning to end it has learned nothing; at chance at
the end alone the samples may be as good as they get. But if its logits of pictures and samples have fallen together, it
has died.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from ..data.dataset import FEW
from .diagnosis import Diagnosis

__all__ = ["FEWEST", "diagnoses", "good_news"]

FEWEST = 20  # rows of a log that can be judged
BLIND, SURE = 0.55, 0.99  # shares of pairs that a critic orders rightly; chance is one half
DEAD = 0.05  # the distance between mean logits of pictures and samples as a share of what it was
ALIKE = 0.5  # the distance between samples as a share of that between pictures
BEHIND = 1.25  # the last score as a multiple of the best


def diagnoses(rows: Sequence[Mapping[str, Any]], *, samples: int | None = None) -> list[Diagnosis]:
    """What is wrong with a training as it is at its end; empty if nothing seems to be.

    Args:
        rows: the log, oldest first, as in log.jsonl: terms, and scores where some were measured.
        samples: how many there are to learn from, if that is known.
    """
    few = []
    if samples is not None and samples < FEW:
        few.append(
            Diagnosis(
                "few",
                "look",
                f"There are {samples} samples to learn from, and so few are learned by heart; a few hundred are the "
                "least to learn something new from.",
                {"samples": samples},
            )
        )
    if len(rows) < FEWEST:
        return few
    return [*few, *_critics(rows), *_variety(rows), *_best(rows)]


def good_news(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """What a training does well, in a sentence or two; None with too few rows to judge by, or if something is wrong."""
    if len(rows) < FEWEST or diagnoses(rows):
        return None
    said = [
        f"The {name.rpartition('.')[0]} tells a picture from a sample in {100 * quarters[-1]:.0f} of 100 pairs, so the "
        "generator still has something to learn from it: it is neither always right nor guessing."
        for name in rows[-1].get("terms", {})
        if name.endswith(".right") and (quarters := _quarters(_values(rows, "terms", name)))
    ]
    if found := _values(rows, "scores", "variety"):
        said.append(f"The samples lie {found[-1]:.0%} as far apart as the pictures do.")
    return " ".join(said) or "No number of its log is out of the ordinary."


def _critics(rows: Sequence[Mapping[str, Any]]) -> Iterable[Diagnosis]:
    for name in (name for name in rows[-1].get("terms", {}) if name.endswith(".right")):
        critic, found = name.rpartition(".")[0], _values(rows, "terms", name)
        if not found:
            continue
        quarters = _quarters(found)
        right = quarters[-1]
        both = (_values(rows, "terms", f"{critic}.{of}") for of in ("real", "fake"))
        apart = [abs(distance) for distance in _quarters([real - fake for real, fake in zip(*both, strict=False)])]
        if right < BLIND and apart and apart[-1] < DEAD * max(apart):
            yield Diagnosis(
                "dead",
                "bad",
                f"The {critic} has died: its logits of pictures and samples were {max(apart):.2g} apart and are "
                f"{apart[-1]:.1g} apart now, so the generator learns nothing from it any more. Train anew with a rate "
                "that is lower and falls, such as --set 'optimizer.rate=linear(4e-4, 0)', or go back to best/.",
                {"apart": apart[-1], "apart_before": max(apart), "right": right},
                "optimizer.rate=linear(4e-4, 0)",
            )
        elif max(quarters) < BLIND:
            yield Diagnosis(
                "blind",
                "bad",
                f"The {critic} has never seen a difference between pictures and samples: of pairs it orders "
                f"{right:.0%} rightly, and chance is 50%, so the generator learns nothing from it. Weaken its "
                "penalties (game.r1, game.r2, game.gradient_penalty), or lower game.noise and dropout.",
                {"right": right},
            )
        elif right > SURE:
            yield Diagnosis(
                "sure",
                "look",
                f"The {critic} is always right: of pairs it orders {right:.1%} rightly. The generator falls behind. "
                "If the samples do not get better, take a narrower critic (critic.width) or a wider generator; if the "
                "pictures are few, and it may know them by heart, train with --set game.augment=adaptive_augment.",
                {"right": right},
                "game.augment=adaptive_augment",
            )


def _variety(rows: Sequence[Mapping[str, Any]]) -> Iterable[Diagnosis]:
    found = _values(rows, "scores", "variety")
    if found and found[-1] < ALIKE:
        yield Diagnosis(
            "alike",
            "bad",
            f"The samples are alike: they lie {found[-1]:.0%} as far apart as the pictures do. That is how mode "
            "collapse looks. Go back to best/, or train anew with a relativistic loss, stronger penalties or a lower "
            "rate.",
            {"variety": found[-1]},
            "game.loss=relativistic",
        )


def _best(rows: Sequence[Mapping[str, Any]]) -> Iterable[Diagnosis]:
    scored = [row for row in rows if row.get("scores")]
    name = next(iter(scored[-1]["scores"]), "") if scored else ""
    found = _values(scored, "scores", name)
    if found and min(found) > 0 and found[-1] > BEHIND * min(found):
        best = next(row["images"] for row in scored if row["scores"].get(name) == min(found))
        yield Diagnosis(
            "behind",
            "look",
            f"The best samples are behind: {name} was {min(found):.3g} after {best:,} images and is {found[-1]:.3g} "
            "now. The model of that time is kept in best/.",
            {"best": min(found), "now": found[-1], "best_images": best},
        )


def _quarters(values: Sequence[float]) -> list[float]:
    """The mean of each quarter of them."""
    size = math.ceil(len(values) / 4)
    return [fmean(values[at : at + size]) for at in range(0, len(values), size)] if size else []


def _values(rows: Iterable[Mapping[str, Any]], kind: str, name: str) -> list[float]:
    """What was logged under this name and is a number."""
    values = [(row.get(kind) or {}).get(name) for row in rows]
    return [value for value in values if isinstance(value, int | float)]
