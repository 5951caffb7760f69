"""The response to divergence: go back to a state with sound numbers, and continue from there with smaller steps.

A training goes back to the last of certain steps at which a checkpoint is always written. Which these are depends on
the step number alone, so the same training goes back to the same place whatever the time, the planned length and the
interruptions so far. From there on, the player that diverged learns at half the rate, on the same data in the same
order; if that does not help, the other suspect does. This is recorded in run.json with the images from which on it
holds, so a run that continues from any checkpoint, older or newer, takes the same course.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from ..core import checkpoint, distributed
from ..core.errors import Diverged
from ..recipes.recipe import Recipe
from ..runs.diagnosis import divergence
from ..runs.rescues import Rescue, rescues
from .alarm import BlewUp
from .recorder import Recorder, return_step

__all__ = ["MOST", "Rescuer"]

MOST = 3  # rollbacks of one run


class Rescuer:
    """Rolls back one training.

    Args:
        recorder: of the run.
        beginning: makes the tensors of the state before the first step.
        wanted: whether to roll back at all.
        device: where the training computes; several processes agree there on where to go back to.
    """

    def __init__(
        self, recorder: Recorder, beginning: Callable[[], dict[str, Tensor]], *, wanted: bool, device: torch.device
    ) -> None:
        self._recorder, self._beginning, self._wanted, self._device = recorder, beginning, wanted, device

    @property
    def made(self) -> list[Rescue]:
        """The rollbacks so far, including those of earlier sessions."""
        run = self._recorder.run
        return rescues(run.about) if run.exists else []  # the folder may be invisible to other machines

    def halved(self) -> Mapping[str, Sequence[int]]:
        """Player -> the images at which its rate is halved."""
        made = self.made
        return {player: [each.back for each in made if each.player == player] for player in {e.player for e in made}}

    def bring_back(self, blown: BlewUp, recipe: Recipe) -> tuple[Rescue, dict[str, Tensor]]:
        """Go back, and return a record of it and the state to continue from.

        Several processes do this together; the first of them changes the folder after all have looked at it.

        Raises:
            Diverged: going back is not wanted, has been done too often, or the processes do not see the same folder.
        """
        made = self.made
        if not self._wanted or len(made) >= MOST:
            raise self._given_up(blown, made, recipe)
        found = self._found(blown, recipe)
        back = int(found.name) if found else 0
        if distributed.either(float(distributed.mean(self._number(back))) != back, self._device):
            raise Diverged(f"{blown} The processes do not see the same {self._recorder.run.path}, and cannot go back.")
        tried = [each.player for each in made if each.back == back]  # it came back, so the other's rate may be to blame
        rescue = Rescue(min(blown.suspects, key=tried.count), back, blown.images, blown.why)
        if distributed.is_first():
            self._recorder.go_back(found, rescue)
        distributed.either(False, self._device)  # the others read what the first has written
        return rescue, checkpoint.read(found / checkpoint.STATE) if found else self._beginning()

    def _number(self, value: int) -> Tensor:
        return torch.tensor(float(value), dtype=torch.float64, device=self._device)

    def _found(self, blown: BlewUp, recipe: Recipe) -> Path | None:
        """The checkpoint to go back to, or None for the start.

        If the right one is damaged or was never written (by an earlier version), the latest sound one before it, or
        else the oldest one from before the divergence.
        """
        back = return_step(blown.images // recipe.batch - 1) * recipe.batch
        folder = self._recorder.run.path / "checkpoints"
        sound = [each for each in (folder / name for name in checkpoint.named(folder)) if checkpoint.sound(each)]
        before = [each for each in sound if int(each.name) <= back]
        if before or back == 0:
            return before[-1] if before else None
        return next((each for each in sound if int(each.name) < blown.images), None)

    def _given_up(self, blown: BlewUp, made: Sequence[Rescue], recipe: Recipe) -> Diverged:
        found = divergence(blown.images, blown.why, recipe)
        why = found.text
        if made:
            players = " and ".join(sorted({each.player for each in made}))
            times = {1: "once", 2: "twice", 3: "three times"}.get(len(made), f"{len(made)} times")
            why += f" It went back {times}, and smaller steps of the {players} did not help."
        if distributed.is_first():
            self._recorder.give_up(why)
        run = self._recorder.run
        before = f" Checkpoints from before are in {run.path}." if run.newest else ""
        return Diverged(f"{why} Try `{found.argument}`, with another `out=`.{before}")
