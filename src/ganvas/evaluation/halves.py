"""Real and generated pictures in two halves: one to train a detector, the other to test it."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..core.batch import Kind
from ..core.errors import DoesNotFit, GanvasError
from ..data.dataset import Dataset, Watch, source
from ..learning.conditions import Condition, Keywords
from ..metrics.features.by_name import features, suggested
from ..models.model import Model
from ..runs.run import Run
from .detector import Detector, fit_detector
from .sides import Side, in_form

__all__ = ["Half", "Pictures", "Set", "detector_for", "digest", "halves", "reals_named", "reals_of"]

FEWEST = 10  # real pictures in each half
FIRST_SEED = 1_000_000  # of the generated ones: far from the seeds that users ask for, which must not be learned
NETWORK = "network"  # a detector without features

Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class Set:
    """Pictures uint8 [N, H, W, C], and the critic's conditions for them [N, K] if known."""

    pictures: Pictures
    conditions: Tensor | None = None

    def __len__(self) -> int:
        return len(self.pictures)


@dataclass(frozen=True)
class Half:
    """A training or a test set."""

    real: Set
    fake: Set


def reals_of(made: Model, run: Run | None, given: str | Path | Dataset | None, count: int, watch: Watch) -> Side:
    """The real pictures to train on."""
    if given is not None:
        return reals_named(made, run, given, count, watch)
    if run is None:
        raise DoesNotFit("A model by itself does not know what it learned from: name real pictures by `real=`.")
    data = run.learned_from(watch, instead="Name real pictures by `real=`.")
    return Side(str(run.about["source"]), data, min(len(data), count))


def reals_named(made: Model, run: Run | None, given: str | Path | Dataset, count: int, watch: Watch) -> Side:
    """Real pictures in the shape of the model's, brought to it as its run did.

    Raises:
        NotFound or DoesNotFit: they are missing, or cannot be brought to it.
    """
    if isinstance(given, Dataset):
        name, data = "data", given
    else:
        name, wanted = str(given), in_form(source(str(given), clips=made.moves), run)
        form = {"size": made.shape[:-3:-1], "channels": made.shape[0]} if wanted.kind is not Kind.POINTS else {}
        data = replace(wanted, **form).open(watch)  # type: ignore[type-var]
    if data.shape != made.shape:
        raise DoesNotFit(
            f"The real pictures ({name}) have the shape {data.shape} and this model makes {made.shape}: the difference "
            "in form alone would tell them apart. Name others by `real=` or `held_out=`."
        )
    return Side(name, data, min(len(data), count))


def halves(made: Model, reals: Side, unseen: Side | None, watch: Watch) -> tuple[Half, Half]:
    """The training and the test set, each with as many generated pictures as real ones."""
    if min(each.count for each in (reals, unseen) if each) < FEWEST:
        raise DoesNotFit(f"It takes {FEWEST} real pictures of each source: raise `count=`, or name more by `real=`.")
    real = _all(reals, watch)
    keys = np.array([digest(each) for each in real])
    if unseen is None:
        groups = np.unique(keys, return_inverse=True)[1]
        for_test = np.random.default_rng(0).permutation(groups.max() + 1)[groups] % 2 == 1
        test = _test_set(made, reals, real, for_test)
        learned = Set(real[~for_test])
    else:
        others = _all(unseen, watch)
        new = np.array([digest(each) not in set(keys) for each in others])
        test, learned = _test_set(made, unseen, others, new), Set(real)
    if min(len(learned), len(test)) < FEWEST:
        raise DoesNotFit(
            f"There are {len(learned)} real pictures to learn from and {len(test)} others to test on, and it takes "
            f"{FEWEST} of each. Name more by `real=`, or by `held_out=` others than those."
        )
    fakes = Side("generated", made, len(learned) + len(test), FIRST_SEED)
    fake, first = _all(fakes, watch), np.arange(fakes.count) < len(learned)
    return Half(learned, Set(fake[first])), Half(test, _test_set(made, fakes, fake, ~first))


def _all(side: Side, watch: Watch) -> Pictures:
    """All pictures of a side; one frame of each clip."""
    some: list[Pictures] = []
    for chunk in side.pictures():
        some.append(chunk)
        watch(f"Taking pictures: {side.name}", sum(map(len, some)), side.count)
    return np.concatenate(some)


def _test_set(made: Model, side: Side, pictures: Pictures, chosen: NDArray[np.bool_]) -> Set:
    """The chosen pictures of a side, with the conditions of the model for them if they are known."""
    rows, conditions = side.rows[chosen], None
    if made.condition and isinstance(side.made, Model):
        conditions = made.condition.draw(rows.tolist())
    elif made.condition and isinstance(side.made, Dataset) and _speaks_of(made.condition, side.made):
        conditions = made.condition.take(side.made, rows)
    return Set(pictures[chosen], conditions)


def _speaks_of(condition: Condition, data: Dataset) -> bool:
    """Whether the data have exactly the classes of the condition; for keywords, whether they have any."""
    if isinstance(condition, Keywords):
        return any(data.keywords)
    try:
        found = condition.of(data)
    except GanvasError:
        return False
    return getattr(found, "classes", None) == getattr(condition, "classes", None)


def digest(picture: Pictures) -> str:
    """A hash that identifies equal pictures."""
    return hashlib.sha256(picture.tobytes()).hexdigest()


def detector_for(half: Half, chosen: str, device: torch.device | str, watch: Watch) -> Detector:
    """A detector trained on this half, with the chosen features or else the best available."""
    data = Dataset(half.real.pictures)
    try:
        name = chosen or suggested(data)
    except GanvasError:
        name = NETWORK
    describe = None if name == NETWORK else features(name, data=data, device=device, watch=watch)
    return fit_detector(half.real.pictures, half.fake.pictures, describe, watch=watch)
