"""A training in stages: the recipes that another one begins with, each in its own run folder inside the other's.

runs/NAME/stages/
    task.json               what was asked for
    1-idea_autoencoder/     a run
    2-idea_flow/            a run that starts from the weights of the one before
"""

from dataclasses import replace

import torch

from ..core import catalog, distributed
from ..data.dataset import Dataset
from ..networks.layers import Learned
from ..recipes.recipe import Recipe
from ..runs.run import Run
from .start_from import found, hand_on
from .state import build
from .task import STAGES, Task, note

__all__ = ["in_stages"]


def in_stages(task: Task, data: Dataset) -> list[Task]:
    """The trainings that a task consists of and that are not over, in order; the task itself is the last.

    Each starts from what the one before has learned, and is over when the next has begun.

    Args:
        task: what was asked for; what it starts from may replace some of its stages.
        data: of all stages.

    Raises:
        DoesNotFit: the stages do not suit each other or the data.
    """
    names = _left(task)
    if not names:
        return [task]
    whole = 1 - sum(share for name, share in task.begins.items() if name not in names)
    stages, count, start_from = [], len(names) + 1, task.start_from
    for number, name in enumerate(names, 1):
        run = Run(task.run.path / STAGES / f"{number}-{name}")
        stage = replace(task, run=run, recipe=_stage(name, task.recipe), start_from=start_from)
        stages.append(_share(stage, task.begins[name] / whole, f"{number} of {count}"))
        start_from = str(run.path)
    left = 1 - sum(task.begins.values())
    stages.append(_share(replace(task, start_from=start_from), left / whole, f"{count} of {count}"))
    _check(stages, data)
    if distributed.is_first():
        note(task)
    begun = [number for number, stage in enumerate(stages) if stage.run.exists]
    return stages[begun[-1] if begun else 0 :]


def _left(task: Task) -> list[str]:
    """The recipes to train first; if the task starts from a run on the same data, those after that run's game."""
    names = list(task.begins)
    if task.start_from is None:
        return names
    before = found(task.start_from).recipe
    if before.data != task.recipe.data:
        return names
    played = type(before.game)
    games = [type(_named(name).game) for name in names] + [type(task.recipe.game)]
    return names[games.index(played) + 1 :] if played in games else names


def _named(name: str) -> Recipe:
    recipe: Recipe = catalog.find(name, "recipe")()
    return recipe


def _stage(name: str, last: Recipe) -> Recipe:
    """A recipe as a stage before another one: on that one's data, and with its network settings where they fit.

    A network that is frozen in the last stage is learned in an earlier one, so it is built as in the last stage; other
    networks are built like the last stage's of the same name.
    """
    recipe, networks = _named(name), {}
    for player, network in recipe.networks.items():
        there = [*last.frozen.values(), last.networks.get(player)]
        networks[player] = next((each for each in there if type(each) is type(network)), network)
    return replace(
        recipe,
        data=last.data,
        mirror=last.mirror,
        condition=last.condition if recipe.condition else None,
        networks=networks,
        begins={},
    )


def _share(task: Task, share: float, stage: str) -> Task:
    """The task with this share of its length."""
    return replace(
        task,
        images=task.images and max(1, round(share * task.images)),
        minutes=task.minutes and share * task.minutes,
        begins={},
        stage=stage,
    )


def _check(stages: list[Task], data: Dataset) -> None:
    """Build and connect all stages without memory, to refuse now what would fail hours later."""
    learned: Learned = {}
    condition = stages[-1].recipe.condition
    told = condition.of(data) if condition else None
    with torch.device("meta"):
        for task in stages:
            networks = build(task.recipe, data, told if task.recipe.condition else None)
            if learned:
                hand_on(learned, networks, task.recipe, "the stage before")
            learned = {name: network.state_dict() for name, network in networks.items()}
