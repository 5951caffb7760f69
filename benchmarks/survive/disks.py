"""Disks that are full, closed or broken, folders that disappear or move, and files of other versions.

An audit hook refuses a chosen one of the calls that change the disk and all later ones, with the error that the system
would give; where a small file system can be mounted, it is really full. The command must end with an error message or
do without the write, and once the disk works again, the same command must give what it would have given.
"""

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp

from ganvas import Run

from .cases import Case
from .child import Answer, command, complaint, run
from .kills import act_of, difference, lasting, spread
from .made.scenes import RUN, SCENES, set_up, training, warmed

LONG_SECONDS = 60.0
REFUSALS = {"full": errno.ENOSPC, "read-only": errno.EROFS, "closed": errno.EACCES, "broken": errno.EIO}
POINTS = "points"  # the folder of another run, which is evaluated, because evaluating pictures would take a minute
AFTERWARDS = {
    "report": ("report", RUN),
    "film": ("film", RUN),
    "sample": ("sample", RUN, "--count", "4", "--out", "drawn.png"),
    "publish": ("publish", RUN, "handed"),
    "morph": ("morph", RUN, "--seeds", "1,2", "--out", "m.gif"),
    "data": ("data", "data", "--size", "8"),
    "evaluate": ("evaluate", POINTS, "--count", "20"),
}
SIZES = (20, 60, 150, 400)  # file system sizes in KiB


def cases() -> Iterator[Case]:
    warmed()
    _whole()
    for name, error in REFUSALS.items():
        for place in spread(list(range(len(_acts("train")))), 12):
            yield Case(name, f"train, from {_acts('train')[place]}", partial(_refused_training, error, place))
        for what in AFTERWARDS:
            for place in spread(list(range(len(_acts(what)))), 3):
                yield Case(name, f"{what}, from {_acts(what)[place]}", partial(_refused, error, what, place))
    for size in SIZES if _may_mount() else ():
        yield Case("really full", f"{size} KiB", partial(_small, size))
    for name, change in GONE.items():
        yield Case("gone or moved", name, partial(_gone, change))
    for name, change in OTHER_VERSIONS.items():
        yield Case("another version", name, partial(_other, change))


def _refused_training(error: int, place: int, folder: Path) -> str:
    set_up(folder)
    answer = _do(partial(_refusing, training(SCENES["keywords"]), error, place), folder)
    if wrong := _unsaid(answer):
        return wrong
    answer = _do(training(SCENES["keywords"]), folder)
    if answer.code:
        return f"going on: {answer.err.strip()[-200:]}"
    whole, found = _whole(), lasting(folder)
    return ", ".join(difference(what, whole[what], found[what]) for what in whole if found[what] != whole[what])


def _refused(error: int, what: str, place: int, folder: Path) -> str:
    shutil.copytree(_good(), folder, dirs_exist_ok=True)
    return _unsaid(_do(partial(_refusing, command(*AFTERWARDS[what]), error, place), folder))


def _unsaid(answer: Answer) -> str:
    """What is wrong with an answer when something cannot be written; work called from Python may raise our errors."""
    if answer.code == 1 and not answer.hung and "ganvas.core.errors." in answer.err.strip().splitlines()[-1]:
        return ""
    return complaint(answer, mebibytes=2048)


def _refusing(work: Callable[[], object], error: int, place: int) -> None:
    """Do the work, refusing every change of the disk from this one on, except removals."""
    count = 0

    def heard(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if act_of(event, arguments):
            count += 1
            if place < count and not event.endswith(("remove", "rmdir", "rmtree")):
                raise OSError(error, os.strerror(error), str(arguments[0]))

    sys.addaudithook(heard)
    work()


def _small(kibibytes: int, folder: Path) -> str:
    """Train on a file system of this size, and again after it was enlarged."""
    disk = folder / "disk"
    disk.mkdir()
    _mount(disk, kibibytes)
    try:
        set_up(folder)
        shutil.move(folder / "data", disk / "data") if kibibytes > 100 else None
        work = command("train", "ring", "--images", "2000", "--out", disk / RUN)
        answer = _do(work, folder)
        if wrong := complaint(answer, mebibytes=2048):
            return wrong
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True, capture_output=True)
        answer = _do(work, folder)
        return complaint(answer) or (answer.err if answer.code else "")
    finally:
        subprocess.run(["umount", str(disk)], check=True, capture_output=True)


def _mount(place: Path, kibibytes: int) -> None:
    words = ["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", str(place)]
    subprocess.run(words, check=True, capture_output=True)


@cache
def _may_mount() -> bool:
    folder = Path(mkdtemp(prefix="survive-mount-"))
    try:
        _mount(folder, 64)
        subprocess.run(["umount", str(folder)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _gone(change: Callable[[Path], None], folder: Path) -> str:
    """What is wrong with how each command handles that something is missing."""
    return _taken(change, folder)


def _taken(change: Callable[[Path], None], folder: Path) -> str:
    for number, words in enumerate((("train", RUN), *AFTERWARDS.values(), ("watch", RUN), ("inspect", RUN))):
        inner = folder / str(number)
        shutil.copytree(_good(), inner)
        change(inner)
        answer = _do(command(*words), inner)
        if wrong := complaint(answer, mebibytes=2048):
            return f"{words[0]}: {wrong}"
    return ""


def _other(change: Callable[[Path], None], folder: Path) -> str:
    """What is wrong with how each command handles a folder as another version would have written it."""
    return _taken(change, folder)


def _remove(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for path in folder.glob(name):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return change


def _move(name: str, to: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).rename(folder / to)


def _linked(name: str, to: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        _remove(name)(folder)
        (folder / name).symlink_to(to)

    return change


GONE: dict[str, Callable[[Path], None]] = {
    **{f"no {name}": _remove(name) for name in (
        RUN, "data", "cache", f"{RUN}/run.json", f"{RUN}/recipe.json", f"{RUN}/log.jsonl", f"{RUN}/samples",
        f"{RUN}/checkpoints", f"{RUN}/checkpoints/*", f"{RUN}/checkpoints/*/state.safetensors", f"{RUN}/.copies",
        f"{RUN}/checkpoints/*/model.safetensors", f"{RUN}/checkpoints/*/manifest.json", f"{RUN}/status.json",
        f"{RUN}/samples/*", "data/round", "data/metadata.jsonl",
    )},
    "the data moved": _move("data", "elsewhere"),
    "the run moved": _move(RUN, "elsewhere"),
    "the run is a file": lambda folder: (_remove(RUN)(folder), (folder / RUN).write_text("x"), None)[-1],
    "the checkpoints are a file": lambda folder: (
        _remove(f"{RUN}/checkpoints")(folder), (folder / RUN / "checkpoints").write_text("x"), None)[-1],
    "the samples are a file": lambda folder: (
        _remove(f"{RUN}/samples")(folder), (folder / RUN / "samples").write_text("x"), None)[-1],
    "the run is a link to nothing": _linked(RUN, "nothing"),
    "the run is a link to itself": _linked(RUN, RUN),
    "the log is a folder": lambda folder: (
        _remove(f"{RUN}/log.jsonl")(folder), (folder / RUN / "log.jsonl").mkdir())[-1],
}  # fmt: skip


def _edited(name: str, edit: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    """A change of one of the two JSON files, as another version would have written it, without checksums."""

    def change(folder: Path) -> None:
        value = Run(folder / RUN).read(name)
        edit(value)
        shutil.rmtree(folder / RUN / ".copies", ignore_errors=True)
        (folder / RUN / name).write_text(json.dumps(value))

    return change


def _without(name: str, *keys: str) -> dict[str, Callable[[Path], None]]:
    return {f"{name} without {key}": _edited(name, lambda value, key=key: value.pop(key, None)) for key in keys}


def _plain(folder: Path) -> None:
    """Turn a run into one from before checksums were introduced."""
    for name in ("run.json", "recipe.json"):
        _edited(name, lambda _: None)(folder)
    log = folder / RUN / "log.jsonl"
    log.write_text("".join(json.dumps(row) + "\n" for row in Run(folder / RUN).rows))


OTHER_VERSIONS: dict[str, Callable[[Path], None]] = {
    "before there were sums": _plain,
    "a setting that is new": _edited("recipe.json", lambda value: value.update(momentum=0.9)),
    "a part that is new": _edited("recipe.json", lambda value: value.update(game={"part": "diffusion", "steps": 9})),
    "a setting of a part that is new": _edited("recipe.json", lambda value: value["game"].update(sharpness=1)),
    "a version that is newer": _edited("run.json", lambda value: value.update(ganvas="99.0", theme={"dark": True})),
    "a setting of another type": _edited("recipe.json", lambda value: value.update(batch="large")),
    "facts of other types": _edited("run.json", lambda value: value.update(data=5, machine=[], seed="x", parameters=1)),
    "data of other types": _edited(
        "run.json", lambda value: value.update(data={"shape": "x", "count": [], "classes": 5})
    ),
    "facts of nothing": _edited("run.json", lambda value: value.clear()),
    **_without("recipe.json", "batch", "average", "networks", "product", "data", "condition", "game"),
    **_without("run.json", "ganvas", "seed", "machine", "data", "minutes", "parameters", "from", "source", "started"),
}


@cache
def _acts(what: str) -> list[str]:
    """The changes of the disk that a command makes, in order."""
    folder = Path(mkdtemp(prefix="survive-acts-")) / "acts"
    if what == "train":
        set_up(folder)
        answer = _do(partial(_telling, training(SCENES["keywords"])), folder)
    else:
        shutil.copytree(_good(), folder)
        answer = _do(partial(_telling, command(*AFTERWARDS[what])), folder)
    shutil.rmtree(folder.parent)
    if answer.code:
        raise RuntimeError(f"{what}: {answer.err}")
    return [line.removeprefix("act ") for line in answer.out.splitlines() if line.startswith("act ")]


def _telling(work: Callable[[], object]) -> None:
    acts: list[str] = []
    sys.addaudithook(lambda event, arguments: acts.append(act) if (act := act_of(event, arguments)) else None)
    try:
        work()
    except SystemExit as end:
        if end.code:
            raise
    told, acts = acts, []
    print("\n" + "\n".join(f"act {act}" for act in told))


@cache
def _good() -> Path:
    """A run with its data and its cache, and another run, of points."""
    folder = Path(mkdtemp(prefix="survive-disks-")) / "good"
    set_up(folder)
    for work in (training(SCENES["keywords"]), command("train", "ring", "--images", "256", "--out", POINTS)):
        if (answer := _do(work, folder)).code:
            raise RuntimeError(answer.err)
    return folder


@cache
def _whole() -> dict[str, object]:
    found = lasting(_good())
    names = found["names"]
    assert isinstance(names, set)
    return found | {"names": {name for name in names if not name.startswith(POINTS)}}


def _do(work: Callable[[], object], folder: Path) -> Answer:
    return run(work, folder, seconds=LONG_SECONDS, variables={"GANVAS_CACHE": str(folder / "cache")})
