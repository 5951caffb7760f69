"""What `--auto` does: follows the doctor's advice once, during a training, and continues with what was learned.

It acts on a grave diagnosis that was made at two looks in a row and comes with a setting. The decision depends only on
the log's terms and signs, not on scores, which are timed by the clock. It is recorded in run.json with the images from
which on it holds. So a training that is killed before, between or after takes the same course again.

A network whose own settings change starts afresh, as does its optimizer: a generator cannot be given more inputs
otherwise. Everything else continues.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..core import checkpoint, distributed
from ..core.errors import DoesNotFit, GanvasError
from ..data.dataset import Dataset
from ..recipes.recipe import Recipe, change
from ..runs.diagnosis import Diagnosis
from ..runs.doctor import diagnoses
from ..runs.mends import Mend, mend_of
from .recorder import Recorder
from .state import State, build, start

__all__ = ["Mender", "carried", "refuse_contradictions"]

EARLIEST, LATEST = 0.25, 0.8  # of a run: too early to judge before, too late to learn after

Rows = Sequence[Mapping[str, Any]]


def refuse_contradictions(*, rescue: bool) -> None:
    """Refuse options that contradict `auto=True`.

    Raises:
        DoesNotFit: rescue is off, or there are several processes.
    """
    if not rescue:
        raise DoesNotFit(
            "`auto=True` corrects a training by itself, but `rescue=False` leaves it alone even if it diverges. Give "
            "only one of the two."
        )
    if distributed.world() > 1:
        raise DoesNotFit(
            "`auto=True` is for one process: with several, only the first reads the log. Leave it out, and ask "
            "`ganvas doctor` what to change."
        )


class Mender:
    """Follows advice for one training.

    Args:
        recorder: of the run.
        data: the samples.
        wanted: whether to follow new advice; advice taken earlier holds in any case.
        anew: whether a network may start afresh; not if it started from the weights of another run.

    Attributes:
        wanted: as above.
        taken: the advice taken; None so far.
    """

    def __init__(self, recorder: Recorder, data: Dataset, *, wanted: bool, anew: bool) -> None:
        self._recorder, self._data, self.wanted, self._anew = recorder, data, wanted, anew
        run = recorder.run
        self.taken = mend_of(run.about) if run.exists else None  # the folder may be invisible to other machines

    def recipe(self, recipe: Recipe, seen: int) -> Recipe:
        """The recipe in effect after so many images."""
        return self.taken.recipe(recipe, seen) if self.taken else recipe

    def look(self, recipe: Recipe, seen: int) -> None:
        """Look at the log after new signs were written, and decide whether to change a setting now."""
        if not self.wanted or self.taken or not EARLIEST * recipe.images <= seen <= LATEST * recipe.images:
            return
        rows = [{name: value for name, value in row.items() if name != "scores"} for row in self._recorder.run.rows]
        looks = [at + 1 for at, row in enumerate(rows) if row.get("signs")]
        if len(looks) < 2:
            return
        now, before = (self._grave(rows[:count], recipe) for count in (looks[-1], looks[-2]))
        known = {each.kind for each in before}
        if found := next((each for each in now if each.kind in known), None):
            mend = Mend(seen, found.kind, str(found.setting), found.text, recipe)
            self._recorder.mend(mend)
            self.taken = mend

    def _grave(self, rows: Rows, recipe: Recipe) -> list[Diagnosis]:
        """The grave diagnoses with a setting that can be changed during this training."""
        found = diagnoses(rows, samples=len(self._data), recipe=recipe)
        return [each for each in found if each.severity == "bad" and each.setting and self._goes(recipe, each.setting)]

    def _goes(self, recipe: Recipe, setting: str) -> bool:
        """Whether the changed recipe can be built and has the same length and batch."""
        try:
            after = change(recipe, setting)
            with torch.device("meta"):
                build(after, self._data, after.condition.of(self._data) if after.condition else None)
        except GanvasError:
            return False
        same = self._anew or after.networks == recipe.networks
        return same and (after.images, after.batch) == (recipe.images, recipe.batch)


def carried(
    state: State, before: Recipe, after: Recipe, data: Dataset, *, seed: int, device: torch.device
) -> dict[str, Tensor]:
    """The tensors with which a training continues under another recipe.

    Args:
        state: under the recipe before.
        before: the recipe so far.
        after: the new recipe.
        data: the samples.
        seed: for the weights of networks that start afresh.
        device: where to compute.
    """
    held = state.tensors(copied=False)
    fresh = start(after, data, seed=seed, device=device).tensors(copied=False)
    same = {name for name, network in after.networks.items() if network == before.networks.get(name)}
    owners = same | ({"average"} if after.product in same else set())
    for name in same:
        if type(after.optimizer_of(name)) is type(before.optimizer_of(name)):
            owners.add(f"optimizer.{name}")
    went = {name: value for name, value in held.items() if name.partition("/")[0] in owners}
    memory = checkpoint.named_below("memory", checkpoint.below(held, "memory"))
    merged = fresh | went | {name: value for name, value in memory.items() if name in fresh}
    counters = {name: held[f"counters/{name}"] for name in ("step", "drawn")}
    counters["moments"] = torch.tensor(sum(name.startswith("optimizer.") for name in merged))
    return merged | checkpoint.named_below("counters", counters)
