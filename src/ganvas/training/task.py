"""What to train: from a few words, from a run to be resumed, or from the note of a training in stages."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..core import catalog, files
from ..core.batch import Kind
from ..core.errors import DoesNotFit, NotFound
from ..core.files import as_text
from ..core.seeds import MOST_SEED
from ..core.sums import summed
from ..data.dataset import hidden, moved, place_of, placed, source
from ..recipes.plan import Choice, choose, name_of_run, plan, sides
from ..recipes.recipe import Recipe
from ..recipes.settings import from_json, to_json
from ..runs.mends import begun
from ..runs.run import Run
from .start_from import adapted, as_begun

__all__ = ["STAGES", "Task", "asked", "going_on", "note", "refuse_numbers"]

STAGES = "stages"  # the subfolder of a run for the runs that it begins with
NOTE = "task.json"  # in there: what was asked for, so that the folder suffices to resume


@dataclass(frozen=True)
class Task:
    """A training, or several one after another.

    run           the folder
    recipe        what to train
    seed          determines all randomness
    start_from    a run or a model whose weights it starts from, or None
    images        the requested length, or None; not both
    minutes       the requested length as time, or None
    data_changed  whether to resume a run although its data have changed
    rescue        whether to go back to sound numbers on divergence
    auto          whether to follow the doctor's advice once
    begins        recipes to train first, with their shares of the length
    stage         its number in a training in stages, such as "2 of 3"
    note          a message for the user
    """

    run: Run
    recipe: Recipe
    seed: int = 0
    start_from: str | None = None
    images: int | None = None
    minutes: float | None = None
    data_changed: bool = False
    rescue: bool = True
    auto: bool = False
    begins: Mapping[str, float] = field(default_factory=dict)
    stage: str = ""
    note: str = ""


def refuse_numbers(images: int | None, minutes: float | None, seed: int, settings: Sequence[str] = ()) -> None:
    """Refuse impossible lengths and seeds.

    Raises:
        DoesNotFit: two lengths are given, one of them is not above 0, or there is no such seed.
    """
    if (images, minutes) != (None, None) and any(each.replace(" ", "").startswith("images=") for each in settings):
        raise DoesNotFit("Give `images=` or `minutes=`, or set images, not both: each says how long to train.")
    if images is not None and minutes is not None:
        raise DoesNotFit("Give `images=` or `minutes=`, not both: each says how long to train.")
    if minutes is not None and not (hasattr(minutes, "__float__") and 0 < minutes < math.inf):
        raise DoesNotFit(f"`minutes=` takes a positive number, not {minutes!r}.")
    if images is not None and images < 1:
        raise DoesNotFit(f"`images=` takes a whole number from 1, not {images}.")
    if not 0 <= seed <= MOST_SEED:
        raise DoesNotFit(f"`seed=` takes a whole number from 0 to {MOST_SEED:,}, not {seed}.")


def asked(
    target: str | Path | Recipe,
    data: str | Path | None,
    size: int | Sequence[int] | None,
    seed: int,
    *,
    settings: Sequence[str],
    start_from: str | Path | None,
    out: str | Path | None,
) -> Task:
    """The training that these words ask for: the run at this path, to be continued, or else a new or already begun one.

    Raises:
        NotFound: there is no such recipe, source or model to start from.
        DoesNotFit: what is asked for would change a run.
    """
    named = None if isinstance(target, Recipe) else as_text(target)
    known = None if named is None else going_on(Path(named))
    if known is not None:
        return _continued(known, target, data, anew=bool(size or settings or out or start_from), seed=seed)
    if isinstance(start_from, Path):
        start_from = str(start_from.absolute())  # as text, ./icons would be the model of that name
    if start_from is not None and not start_from.strip():
        raise NotFound("`start_from=` is empty. Name a run or a model, or leave it out.")
    said = ""
    target = target if isinstance(target, Recipe) else as_text(target)
    data, size = None if data is None else as_text(data), sides(size)
    name = name_of_run(target, data, size, seed, start_from)
    if isinstance(target, str):
        choice = choose(target, data, like=adapted(start_from) if start_from else None)
        if choice.name != target:
            said = f"The recipe for {data or target} is {choice.name}: `ganvas show {choice.name}`."
            own = choice.source is not None and place_of(choice.source) is not None
            if choice.name == "icons" and own and not any(each.startswith("data.channels=") for each in settings):
                said += " Few drawings learn faster from a model that has seen icons: `--from icons-base`, at 64x64."
        recipes, sources = catalog.names("recipe"), catalog.names("data")
        said = "\n".join(filter(None, (said, hidden(target, {*recipes, *sources}), hidden(data or "", sources))))
        recipe = as_begun(choice.recipe, start_from) if start_from else choice.recipe
        target = plan(replace(choice, recipe=recipe), size=size, settings=settings)
    else:
        recipe = as_begun(target, start_from) if start_from else target
        given = None if data is None else source(data, clips=recipe.data.kind is Kind.CLIPS)
        target = plan(Choice(name, recipe, given), size=size, settings=settings)
    target = replace(target, data=placed(target.data))
    run = Run(Path(out or Path("runs") / name))
    task = Task(run, target, seed, start_from, begins=target.begins, note=said)
    noted = _noted(run.path) if task.begins else None
    return replace(task, images=noted.images, minutes=noted.minutes) if noted else task


def _continued(known: Task, target: str | Path | Recipe, data: str | Path | None, *, anew: bool, seed: int) -> Task:
    """A run to be continued, perhaps with its data at a new place; `anew` tells that other things were asked for."""
    if anew or seed not in (0, known.seed):
        raise DoesNotFit(
            f"{target} is a run and continues with its own recipe. Only its length can be changed; if its data were "
            "moved, give their new place with `data=`."
        )
    if data is None:
        return known
    return replace(known, recipe=replace(known.recipe, data=moved(known.recipe.data, as_text(data))))


def going_on(path: Path) -> Task | None:
    """The training that was begun in this folder, with its original arguments; None if there is none.

    Raises:
        DoesNotFit: it is a published model.
    """
    run = Run(path)
    if not run.exists:
        return _noted(path)
    about = run.about
    if about.get("published"):
        raise DoesNotFit(f"{path} was published and does not go on; start from it: `start_from='{path}'`.")
    return Task(run, begun(run.recipe, about), about["seed"], about.get("from"), stage=about.get("stage") or "")


def note(task: Task) -> None:
    """Write down what was asked for, in the folder of a training in stages."""
    asked = {"recipe": to_json(task.recipe), "seed": task.seed, "from": task.start_from}
    asked |= {"images": task.images, "minutes": task.minutes}
    with files.writing(task.run.path):
        files.write(task.run.path / STAGES / NOTE, json.dumps(summed(asked), indent=1))


def _noted(path: Path) -> Task | None:
    if not (path / STAGES / NOTE).exists():
        return None
    asked = Run(path / STAGES).read(NOTE)
    recipe: Recipe = from_json(asked["recipe"], Recipe)
    length = {"images": asked["images"], "minutes": asked["minutes"]}
    return Task(Run(path), recipe, asked["seed"], asked["from"], **length, begins=recipe.begins)
