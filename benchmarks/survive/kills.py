"""Trainings that are killed at the worst moments and continue: the result must equal the uninterrupted one bit for bit.

A kill is SIGKILL: nothing is caught, saved or tidied up. It comes before a chosen one of all the calls that change
something on the disk, as Python's audit events report them, or at a random instant. Then the same command is given
again. Weights, optimizers, averages and random numbers are compared by the hashes of the last checkpoint, the log
without its clock, the sheets byte by byte, best/, and the names of all files.
"""

import os
import random
import re
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

from safetensors import safe_open

from ganvas import Run
from ganvas.core import checkpoint
from ganvas.data.sources.toys import Ring
from ganvas.runs import evaluations

from .cases import Case
from .child import Answer, command, complaint, run
from .made.scenes import RUN, SCENES, set_up, training, warmed

LONG_SECONDS = 60.0
MOST_OF_A_PHASE = 7  # kills per phase and training
INSTANTS = 12  # kills at random instants, per training
CLOCKED = "status.json"
UNLIKE = ("cache/seen/", "cache/.draft-", f"{RUN}/tensorboard/")  # old drafts in the cache are removed after a day
CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "shutil.rmtree"}
PHASES = {
    "cache/": "packing",
    f"{RUN}/checkpoints": "saving",
    f"{RUN}/best": "measuring",
    f"{RUN}/samples": "drawing",
    f"{RUN}/report": "reporting",
    f"{RUN}/evaluations": "evaluating",
    f"{RUN}/log": "logging",
}


@dataclass(frozen=True)
class Scene:
    """What is killed.

    name   for the table
    works  done one after the other; all are repeated after a kill
    """

    name: str
    works: tuple[Callable[[], object], ...]


def cases() -> Iterator[Case]:
    warmed()
    for scene in _scenes():
        acts, _, seconds = _unbroken(scene)
        for phase in ("beginning", *PHASES.values()):
            places = [place for place, act in enumerate(acts) if _phase(act) == phase]
            for place in spread(places, MOST_OF_A_PHASE):
                yield Case(phase, f"{scene.name}, before {acts[place]}", partial(_killed_at, scene, place))
        dice = random.Random(scene.name)
        for _ in range(INSTANTS):
            moments = [dice.random() * seconds for _ in range(dice.choice((1, 1, 3)))]
            after = ", ".join(f"{moment:.3f}" for moment in moments)
            yield Case("any instant", f"{scene.name}, after {after} s", partial(_killed_after, scene, moments))


@cache
def _scenes() -> tuple[Scene, ...]:
    trained = {name: training(recipe) for name, recipe in SCENES.items()}
    evaluate = command("evaluate", RUN, "--count", "20")
    return (*(Scene(name, (work,)) for name, work in trained.items()), Scene("evaluate", (trained["ring"], evaluate)))


def _killed_at(scene: Scene, place: int, folder: Path) -> str:
    """What is wrong after a kill before the disk change with this number."""
    set_up(folder)
    answer = _do(partial(_ending, scene, place), folder)
    if answer.code != -signal.SIGKILL:
        return f"not killed but ended with {answer.code}: {answer.err.strip()[-200:]}"
    return _left(folder) or _after(scene, folder)


def _killed_after(scene: Scene, moments: list[float], folder: Path) -> str:
    """What is wrong after kills at these seconds, one per session; a session that ends earlier is not killed."""
    set_up(folder)
    for moment in moments:
        _do(partial(_all, scene), folder, seconds=moment, patience=1.0)
        if wrong := _left(folder):
            return wrong
    return _after(scene, folder)


def _left(folder: Path) -> str:
    """What is wrong with what a kill leaves, as seen by commands that do not train."""
    path = folder / RUN
    if not (path / "run.json").exists():
        return ""
    found = Run(path)
    if found.rows and (found.recipe.images, found.newest) != (found.rows[-1]["images"], None):
        newest = found.newest_sound()
        lost = found.rows[-1]["images"] - (int(newest.name) if newest else 0)
        if lost > found.recipe.batch:
            return f"{lost} images lost, and a step has {found.recipe.batch}"
    asked = [("report", RUN)] + ([("sample", RUN, "--count", "4", "--out", "drawn.png")] if found.newest else [])
    for words in asked:
        answer = _do(command(*words), folder)
        if wrong := complaint(answer) or (answer.err.strip() if answer.code else ""):
            return f"{words[0]} after the kill: {wrong}"
    (folder / "drawn.png").unlink(missing_ok=True)
    return ""


def _after(scene: Scene, folder: Path) -> str:
    """What is wrong with the result after the same work was repeated."""
    answer = _do(partial(_all, scene), folder)
    if wrong := complaint(answer, mebibytes=2048):
        return f"going on: {wrong}"
    if answer.code or answer.err:
        return f"going on: {answer.err.strip()[-200:]}"
    _, whole, _ = _unbroken(scene)
    found = lasting(folder)
    return ", ".join(difference(what, whole[what], found[what]) for what in whole if found[what] != whole[what])


def difference(what: str, wanted: object, found: object) -> str:
    some = f": {sorted(map(str, wanted ^ found))[:3]}" if isinstance(wanted, set) and isinstance(found, set) else ""
    return f"{what} differ{some}"


def lasting(folder: Path) -> dict[str, object]:
    """Everything that must not depend on interruptions."""
    found = Run(folder / RUN)
    newest = found.newest_sound()
    assert newest
    names = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    return {
        "weights": (newest / "manifest.json").read_text(),
        "rows of the log": [(row["images"], row["terms"], row.get("scores"), row.get("signs")) for row in found.rows],
        "sheets": {
            str(path.relative_to(folder)): path.read_bytes()
            for path in (folder / RUN / "samples").rglob("*")
            if path.is_file()
        },
        "best": _best(folder / RUN / "best"),
        "recipes": replace(found.recipe, data=Ring()),  # the path of its data differs
        "evaluations": [each.scores for each in evaluations.latest(folder / RUN)],
        "names": {name for name in names if not name.startswith(UNLIKE)},
    }


def _best(folder: Path) -> object:
    """The contents of best/; its bytes may differ, because safetensors writes metadata in any order."""
    if not folder.exists():
        return None
    assert checkpoint.sound(folder)
    file = folder / checkpoint.MODEL
    with safe_open(file, "pt") as opened:
        return opened.metadata(), {name: tensor.tolist() for name, tensor in checkpoint.read(file).items()}


@cache
def _unbroken(scene: Scene) -> tuple[list[str], dict[str, object], float]:
    """The disk changes of the uninterrupted work in order, what it leaves, and the seconds that it takes."""
    with TemporaryDirectory(prefix="survive-whole-") as name:
        folder = Path(name)
        set_up(folder)
        answer = _do(partial(_ending, scene, -1), folder)
        if answer.code or complaint(answer, mebibytes=2048):
            raise RuntimeError(f"{scene.name} unbroken: {complaint(answer) or answer.err}")
        acts = [line.removeprefix("act ") for line in answer.out.splitlines() if line.startswith("act ")]
        return acts, lasting(folder), answer.seconds


def _do(work: Callable[[], object], folder: Path, *, seconds: float = LONG_SECONDS, patience: float = 6.0) -> Answer:
    return run(work, folder, seconds=seconds, patience=patience, variables={"GANVAS_CACHE": str(folder / "cache")})


def _all(scene: Scene) -> None:
    for work in scene.works:
        try:
            work()
        except SystemExit as end:
            if end.code:
                raise


def _ending(scene: Scene, place: int) -> None:
    """Do the work, killed before the disk change with this number; with -1 print all changes instead."""
    acts: list[str] = []

    def heard(event: str, arguments: tuple[object, ...]) -> None:
        if act := act_of(event, arguments):
            acts.append(act)
            if len(acts) == place + 1:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(heard)
    _all(scene)
    place = -1
    print("\n".join(f"act {act}" for act in acts))


def act_of(event: str, arguments: tuple[object, ...]) -> str:
    """A disk change as text, or ""; status.json is written by the clock and is left to the kills at random instants."""
    if event not in CHANGES and not (event == "open" and _writes(arguments[2])):
        return ""
    if not isinstance(arguments[0], str | os.PathLike):
        return ""
    path = re.sub(r"\.draft-[0-9a-f]{16}-", "draft of ", os.path.relpath(os.fspath(arguments[0])))
    return "" if path.startswith("..") or CLOCKED in path else f"{event.removeprefix('os.')} {path}"


def _writes(flags: object) -> bool:
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _phase(act: str) -> str:
    path = act.partition(" ")[2].replace("draft of ", "")
    return next((phase for start, phase in PHASES.items() if path.startswith(start)), "beginning")


def spread(places: list[int], most: int) -> list[int]:
    """At most so many of them, evenly spread, including the first and the last."""
    if len(places) <= most:
        return places
    return [places[round(at * (len(places) - 1) / (most - 1))] for at in range(most)]
