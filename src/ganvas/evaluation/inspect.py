"""Fake or real: pictures scored by the critics of a run and by a small detector of its generator's pictures.

    found = inspect("runs/icons", ["some.png", "a folder"])
    print(found)                                     # the most real first, and how far the scores can be trusted
    found.areas["detector"]                          # the AUC on pictures that the detector has not seen

Real, generated and inspected pictures are treated alike: brought to the model's size by the same resampling, rounded to
8 bits, never compressed in between. Otherwise a detector would learn file formats instead of fakes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..core import pixels
from ..core.batch import Kind
from ..core.errors import DoesNotFit
from ..core.version import __version__
from ..data.dataset import Dataset, Watch, unwatched
from ..data.decode import Frame
from ..data.picture_files import PictureFile, read_pictures
from ..learning.conditions import Keywords
from ..metrics.auc import Area, auc
from ..models.critics import load_critics, logits
from ..models.model import Model, load
from ..models.shipped import locate
from ..networks.layers import Critic
from ..runs.run import Run
from .detector import Detector
from .halves import Half, Pictures, Set, detector_for, digest, halves, reals_named, reals_of

__all__ = ["Inspection", "Judged", "inspect"]

COUNT = 1000  # of real and of generated pictures, unless more are asked for

MEANING = (
    "The detector knows only fakes of this model. Fakes of another generator or edited photographs may look real to "
    "it, and real pictures unlike those it was trained on may look fake.",
    "Its score is the log odds of real against generated, for these two sets in equal numbers. It is not the "
    "probability that a picture is real, which depends on where the picture comes from.",
    "A critic's logit is not a probability either. It has neither a scale nor a zero, since the critic only learned to "
    "play against this generator. At best it puts pictures in order.",
    "Other data, sizes or compression shift all scores, often by more than the difference between real and fake. No "
    "score is evidence of where a picture comes from.",
)
"""What the scores do not mean; part of every answer."""


@dataclass(frozen=True)
class Judged:
    """One picture and its scores.

    name              of its file
    detector          log odds, higher is more real
    critics           the logit of each critic by its name
    above_real        the share of real test pictures that the detector scores lower
    above_generated   the same for generated test pictures
    notes             reasons to trust these scores less
    """

    name: str
    detector: float
    critics: Mapping[str, float]
    above_real: float
    above_generated: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inspection:
    """Pictures with their scores, the most real first.

    pictures   the scores of each
    drawn      the same pictures, uint8 [N, H, W, C]
    areas      the AUC of each score, for real against generated pictures that the detector has not learned from
    warnings   what a reader of these figures has to know
    about      what they depend on
    skipped    (file, reason) for files that are no pictures
    """

    pictures: tuple[Judged, ...]
    drawn: Pictures = field(repr=False)
    areas: Mapping[str, Area]
    warnings: tuple[str, ...]
    about: Mapping[str, Any]
    skipped: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        lines = [
            "How well real and generated pictures are told apart (AUC): 1 means always, 0.5 is chance. The intervals"
        ]
        lines += ["are DeLong's (1988), or exact binomial ones where the scores of the two do not overlap."]
        lines += [f"  {name}  {area}" for name, area in self.areas.items()]
        if self.pictures:
            width = max(len("picture"), *(len(each.name) for each in self.pictures))
            critics = list(self.pictures[0].critics)
            lines += ["", "  ".join([f"{'picture':{width}}", "detector", *critics, "above real", "above generated"])]
            for each in self.pictures:
                cells = [f"{each.name:{width}}", f"{each.detector:8.2f}"]
                cells += [f"{each.critics[name]:{len(name)}.2f}" for name in critics]
                cells += [f"{each.above_real:10.0%}", f"{each.above_generated:15.0%}", *each.notes]
                lines.append("  ".join(cells))
        lines += ["", *(f"warning: {each}" for each in self.warnings), *(f"note: {each}" for each in MEANING)]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """The inspection as a JSON value."""
        return {
            "about": dict(self.about),
            "auc": {name: asdict(area) for name, area in self.areas.items()},
            "pictures": [asdict(each) for each in self.pictures],
            "skipped": [list(each) for each in self.skipped],
            "warnings": list(self.warnings),
            "meaning": list(MEANING),
        }

    def sheet(self) -> Pictures:
        """All pictures on one sheet [H, W, C], row by row from the most real to the most fake.

        Raises:
            DoesNotFit: there are none.
        """
        if not self.pictures:
            raise DoesNotFit("There are no pictures for a sheet: name some to inspect.")
        return pixels.grid(self.drawn)


def inspect(
    model: str | Path | Model,
    pictures: Sequence[str | Path] = (),
    *,
    real: str | Path | Dataset | None = None,
    held_out: str | Path | Dataset | None = None,
    label: str | None = None,
    features: str = "",
    adapt: bool = False,
    count: int = COUNT,
    device: torch.device | str = "cpu",
    watch: Watch = unwatched,
) -> Inspection:
    """Score pictures by how real they look, and say how far that can be trusted.

    Args:
        model: a run; or a model without its critics.
        pictures: files, folders and zips; without any, only the AUC is computed.
        real: real pictures; by default those that the run learned from. The detector is trained on one half of them and
            tested on the other; equal pictures are always in the same half.
        held_out: real pictures that the model has not seen. The detector is then tested on these, and trained on all of
            `real`.
        label: the class or the words under which the critics judge the pictures, if the model is conditional.
        features: of the detector, see `ganvas.metrics.features`; "network" is a small network trained on pixels, which
            is also used if no features are installed.
        adapt: convert pictures of other sizes or colours to the model's shape instead of refusing them.
        count: how many real and how many generated pictures, at most.
        device: where to compute.
        watch: told of slow work.

    Raises:
        GanvasError: the model makes points, pictures or data do not go with it, or there are too few of them.
    """
    run = Run(locate(model)) if not isinstance(model, Model) and Run(locate(model)).exists else None
    made = model if isinstance(model, Model) else load(model, device=device)
    if made.kind is Kind.POINTS:
        raise DoesNotFit("This model makes points, and only pictures and frames of clips can be inspected.")
    frame = _frame(made, run)
    files, skipped = read_pictures(pictures, frame, adapt=adapt)
    drawn = np.stack([each.picture for each in files]) if files else np.empty((0, *frame.shape), np.uint8)
    described = made.described(label)
    asked = Set(drawn, None if described is None else described.expand(len(files), -1))
    reals = reals_of(made, run, real, count, watch)
    learned, test = halves(
        made, reals, None if held_out is None else reals_named(made, run, held_out, count, watch), watch
    )
    detect = detector_for(learned, features, device, watch)
    scorers: dict[str, _Scorer] = {"detector": lambda some: detect(some.pictures), **_critics(run, made, device)}
    tested = {name: (score(test.real), score(test.fake)) for name, score in scorers.items()}
    areas = {name: auc(*pair) for name, pair in tested.items() if min(map(len, pair))}
    judged = _judged(files, {name: score(asked) for name, score in scorers.items()}, tested["detector"], learned.real)
    order = sorted(range(len(judged)), key=lambda row: (-judged[row].detector, judged[row].name))
    about = {
        "model": "model" if isinstance(model, Model) else str(model),
        "real": reals.name,
        "held_out": "held out" if isinstance(held_out, Dataset) else held_out and str(held_out),
        **_about(learned, test, detect),
    }
    seen = run is not None and real is None and held_out is None
    warnings = tuple(_warnings(made, areas, list(scorers), seen=seen, labelled=label is not None))
    return Inspection(tuple(judged[row] for row in order), drawn[order], areas, warnings, about, skipped)


_Scorer = Callable[[Set], Tensor]
"""Pictures -> a score for each, or an empty tensor if it cannot judge them."""


def _frame(made: Model, run: Run | None) -> Frame:
    """The shape of the model's pictures, and how the data of its run were brought to it."""
    (channels, *_, height, width), data = made.shape, run.recipe.data if run else None
    return Frame(width, height, channels, getattr(data, "background", "white"), getattr(data, "fit", "crop"))


def _about(learned: Half, test: Half, detect: Detector) -> dict[str, Any]:
    """What the figures depend on besides the inspected pictures and the names of the sets."""
    return {
        "learned": [len(learned.real), len(learned.fake)],
        "tested": [len(test.real), len(test.fake)],
        "interval": "DeLong 1988, on the scale of the logit; Clopper & Pearson 1934 where nothing overlaps",
        **detect.about,
        "ganvas": __version__,
    }


def _critics(run: Run | None, made: Model, device: torch.device | str) -> dict[str, _Scorer]:
    """The critics of a run as scorers; those of clips are left out, as they would also judge the motion."""
    if run is None or made.moves:
        return {}
    found = load_critics(run, made.network.condition, device=device)
    return {name: partial(_by_critic, critic) for name, critic in found.items()}


def _by_critic(critic: Critic, some: Set) -> Tensor:
    """The critic's logits [N]; empty if it needs conditions that are unknown."""
    if critic.condition and some.conditions is None:
        return torch.empty(0)
    return logits(critic, torch.from_numpy(some.pictures), some.conditions)


def _judged(
    files: Sequence[PictureFile], scores: Mapping[str, Tensor], tested: tuple[Tensor, Tensor], learned: Set
) -> list[Judged]:
    """The result for each file, from all scores, and the detector's scores on the test set."""
    known, found = {digest(each) for each in learned.pictures}, []
    for row, file in enumerate(files):
        score = scores["detector"][row]
        critics = {name: float(values[row]) for name, values in scores.items() if name != "detector" and len(values)}
        above_real, above_generated = (float((each < score).double().mean()) for each in tested)
        notes = (*file.notes, *(("the detector learned from it",) if digest(file.picture) in known else ()))
        found.append(Judged(file.name, float(score), critics, above_real, above_generated, notes))
    return found


def _warnings(
    made: Model, areas: Mapping[str, Area], scorers: Sequence[str], *, seen: bool, labelled: bool
) -> Iterator[str]:
    """What a reader of the figures has to know."""
    if seen:
        yield (
            "the GAN was trained on these real pictures: its critic has seen them, and nothing tells them from copies "
            "that its generator makes. Give pictures that it has not seen with `held_out=`."
        )
    if areas["detector"].low <= 0.5:
        yield "the detector does no better than chance here, so its scores say nothing."
    if made.moves:
        yield "each clip is judged by one of its frames, without the critics, as these judge the motion, too."
    elif len(scorers) == 1:
        yield "there is no critic, as a model alone has none. Give the folder of its run, whose checkpoints have it."
    elif missing := [name for name in scorers if name not in areas]:
        yield f"{missing[0]} needs a class or words for each picture. The real ones have none, so it has no AUC."
    if made.condition and len(scorers) > 1 and not labelled:
        ask = "words; give them by `label=`" if isinstance(made.condition, Keywords) else "class; name it by `label=`"
        yield f"the critics judge whether a picture fits its {ask} to see their logits, too."
