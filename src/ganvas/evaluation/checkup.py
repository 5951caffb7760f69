"""The doctor: what is wrong with a run, from its log, a few hundred samples, its critics and its data.

    found = doctor("runs/icons")
    print(found)                            # what is wrong and most likely to fix it; or that nothing is
    [each.kind for each in found.diagnoses]

runs/doctor.py diagnoses what a log shows, also during training; diagnoses that need samples and data are made here.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import metrics
from ..core import checkpoint, machine, pixels
from ..core.batch import Kind
from ..core.errors import DoesNotFit, NotFound
from ..data.dataset import Dataset, Watch, unwatched
from ..learning.conditions import Condition
from ..metrics.auc import auc
from ..models.critics import load_critics, logits
from ..models.model import Model, load
from ..recipes.recipe import Recipe
from ..runs.advice import advice
from ..runs.diagnosis import Diagnosis
from ..runs.doctor import diagnoses, good_news, with_advice
from ..runs.mends import mend_of
from ..runs.rescues import rescues
from ..runs.run import Run, no_run
from ..training.pulse import small
from ..training.task import STAGES
from .sides import opened

__all__ = ["Checkup", "doctor"]

SAMPLES, PICTURES = 300, 5_000  # to examine, at most
FIRST_SEED = 2_000_000  # of the samples: seeds that nobody asks for
TWIN = 3.0  # pictures at 16 x 16 whose root-mean-square difference is below this (of 255) count as the same
TWINS = 0.05  # the share of pictures with a twin above which it is reported
COPY, COPIES = 0.7, 0.3  # distance to a picture, relative to that between pictures, of a copy; reportable share
HEART = 0.7  # the reportable share of pairs in which a critic finds the training picture more real than an unseen one


@dataclass(frozen=True)
class Checkup:
    """The doctor's result for a run.

    diagnoses   what is wrong, the gravest first
    good_news   what goes well, in a sentence or two; None if something is wrong or there is too little to judge by
    numbers     measured on samples, data and critics
    notes       what could not be examined, and why; and advice taken during the training
    images      how many the run has seen
    """

    diagnoses: tuple[Diagnosis, ...]
    good_news: str | None
    numbers: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    images: int = 0

    def __str__(self) -> str:
        lines = [f"{each.severity:4}  {each.advice}" for each in self.diagnoses]
        lines += [f"good  {self.good_news}"] if self.good_news else []
        if not lines:
            lines = [f"      After {self.images:,} images its log is still too short to judge the training."]
        return "\n".join([*lines, *(f"note  {note}" for note in self.notes)])

    def as_json(self) -> dict[str, Any]:
        """The result as a JSON value."""
        return {
            "images": self.images,
            "diagnoses": [each.as_json() for each in self.diagnoses],
            "good_news": self.good_news,
            "numbers": {name: value if math.isfinite(value) else None for name, value in self.numbers.items()},
            "notes": list(self.notes),
        }


@machine.plainly()
def doctor(
    run: str | Path | Run,
    *,
    held_out: str | Path | Dataset | None = None,
    device: torch.device | str = "cpu",
    watch: Watch = unwatched,
) -> Checkup:
    """What is wrong with a run, finished or not, and what is most likely to fix it.

    Args:
        run: the folder of a run.
        held_out: pictures of the same kind that it has not learned from; with these the doctor also tests whether its
            critics have memorised the training pictures.
        device: where to compute.
        watch: told of slow work.

    Raises:
        NotFound: this is no run, or `held_out` is not there.
        DoesNotFit: `held_out` is of another shape than its data.
    """
    run = run if isinstance(run, Run) else Run(Path(run))
    if not run.exists:
        stages = sorted((run.path / STAGES).glob("*/run.json"))
        more = f" Its stage so far is {stages[-1].parent}: ask about that." if stages else ""
        raise NotFound(no_run(run.path, "it has no run.json") + more)
    rows, recipe, about = run.rows, run.recipe, run.about
    samples, start_from = about["data"]["count"], about.get("from")
    of_log = diagnoses(rows, samples=samples, recipe=recipe, start_from=start_from)
    found = [*_of_the_end(about, recipe), *of_log]
    found = [each for at, each in enumerate(found) if each.kind not in {before.kind for before in found[:at]}]
    mend = mend_of(about)
    numbers, notes = dict[str, float](), [str(mend)] if mend else []
    if run.newest_sound(checkpoint.MODEL) is None:
        notes.append("It has no intact checkpoint yet, so its samples were not examined.")
    else:
        try:
            data = run.learned_from(watch, instead="Its samples were not compared with them.")
        except (NotFound, DoesNotFit) as error:
            notes.append(str(error))
        else:
            numbers, unseen = _look(run, load(run.path, device=device), data, held_out, device, watch)
            notes += unseen
            found += [with_advice(each, recipe) for each in _of_looks(numbers)]
    good = good_news(rows, recipe=recipe) if not found else None
    return Checkup(tuple(found), good, numbers, tuple(notes), run.images)


def _of_the_end(about: Mapping[str, Any], recipe: Recipe) -> Iterator[Diagnosis]:
    """For a training that diverged: the last words if it was given up, or that its rate is too high."""
    times = len(rescues(about))
    if isinstance(said := about.get("diverged"), str):
        yield Diagnosis("diverged", "bad", said, {"times": times}, advice("diverged", recipe))
    elif times:
        yield Diagnosis(
            "fast",
            "look",
            "The learning rate is too high: the training diverged, went back and continued with smaller steps "
            f"(rollbacks: {times}).",
            {"times": times},
            advice("fast", recipe),
        )


def _look(
    run: Run,
    model: Model,
    data: Dataset,
    held_out: str | Path | Dataset | None,
    device: torch.device | str,
    watch: Watch,
) -> tuple[dict[str, float], list[str]]:
    """Measurements of samples, data and critics by name, and why some of those that were asked for are missing."""
    if model.kind is Kind.POINTS:
        return {}, [] if held_out is None else ["`held_out=` was not used: copies are searched for among pictures."]
    rows = np.linspace(0, len(data) - 1, min(len(data), PICTURES)).round().astype(np.int64)
    reals = small(data.take(rows))
    apart = metrics.nearest(reals, reals, 2).distances[:, 1]
    per_pixel = TWIN / 127.5 * math.sqrt(reals.shape[1])  # pixels range over [-1, 1]
    numbers = {"twins": float((apart < per_pixel).double().mean())}
    usual = float(apart[apart >= per_pixel].median()) if (apart >= per_pixel).any() else 0.0
    made, mirror = model.generate(range(FIRST_SEED, FIRST_SEED + SAMPLES)), run.recipe.mirror
    numbers["copies"] = _near(made, reals, COPY * usual, mirror=mirror)
    if held_out is None:
        return numbers, []
    unseen = opened(held_out, size=None, device=device, watch=watch, like=model, run=run)
    if not isinstance(unseen, Dataset) or unseen.shape != data.shape:
        raise DoesNotFit(f"`held_out=` must hold pictures of the same shape as the run's data, {data.shape}.")
    numbers["copies_expected"] = _near(_some(unseen)[1], reals, COPY * usual, mirror=mirror)
    if model.kind is Kind.CLIPS:
        return numbers, ["Whether its critics know the clips by heart was not examined: that is done for pictures."]
    if model.condition is not None and list(data.classes) != list(unseen.classes):
        return numbers, [
            "Whether its critics know the pictures by heart was not examined: `held_out=` has other classes."
        ]
    return numbers | _by_heart(run, model.condition, data, unseen, device), []


def _near(samples: Tensor, reals: Tensor, reach: float, *, mirror: bool = False) -> float:
    """The share of samples [N, *sample] that have a real [M, D], reduced as by `small`, within `reach`.

    It also has to be much nearer than other reals, because a blurred sample is near to many pictures. It is compared
    with the third nearest real, so that pictures that are in the data twice do not hide a copy. With `mirror`, a copy
    of the mirror image of a real counts as well, which a model that learned from flipped pictures knows by heart, too.
    """
    copied = torch.zeros(len(samples), dtype=torch.bool)
    for seen in (samples, samples.flip(-1)) if mirror else (samples,):
        found = metrics.nearest(small(seen), reals, min(3, len(reals))).distances
        alone = found[:, 0] < COPY * found[:, -1] if len(reals) > 1 else True
        copied |= (found[:, 0] < reach) & alone
    return float(copied.double().mean())


def _some(data: Dataset) -> tuple[np.ndarray[Any, np.dtype[np.int64]], Tensor]:
    """A few hundred of the samples, and their rows."""
    rows = np.linspace(0, len(data) - 1, min(len(data), SAMPLES)).round().astype(np.int64)
    return rows, data.take(rows)


def _by_heart(
    run: Run, condition: Condition | None, known: Dataset, unseen: Dataset, device: torch.device | str
) -> dict[str, float]:
    """How often each critic finds a training picture more real than an unseen one."""
    numbers = {}
    for name, critic in load_critics(run, condition.length if condition else 0, device=device).items():
        judged = []
        for data in (known, unseen):
            rows, samples = _some(data)
            told = condition.take(data, rows) if condition else None
            judged.append(logits(critic, pixels.to_uint8(samples), told))
        numbers[f"{name}.by_heart"] = auc(*judged).value
    return numbers


def _of_looks(numbers: Mapping[str, float]) -> Iterable[Diagnosis]:
    """The problems that these measurements show."""
    copies = numbers.get("copies", 0.0)
    if copies > COPIES + numbers.get("copies_expected", 0.0):
        yield Diagnosis(
            "copies",
            "bad",
            f"The samples are copies: {copies:.0%} of them are much closer to a picture of the data than its pictures "
            "usually are to each other. More pictures help most.",
            {"copies": copies},
        )
    for name, value in numbers.items():
        if name.endswith(".by_heart") and value > HEART:
            yield Diagnosis(
                "by heart",
                "look",
                f"The {name.removesuffix('.by_heart')} has memorised the pictures: in {value:.0%} of pairs it finds a "
                "training picture more real than one that it has not seen.",
                {"by_heart": value},
            )
    if numbers.get("twins", 0.0) > TWINS:
        yield Diagnosis(
            "twins",
            "look",
            f"Of the pictures, {numbers['twins']:.0%} are in the data more than once, so they are memorised sooner. "
            "If the pictures are yours, `ganvas data DATA --json` lists them, to keep one of each.",
            {"twins": numbers["twins"]},
        )
