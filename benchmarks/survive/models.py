"""Hostile model files, state dicts and runs, given to everything that takes a model.

None of them may run code, end in a traceback, or take 200 MiB more than a good one.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from ganvas import Run, fit
from ganvas.learning.conditions import Labels
from ganvas.networks.resnet import ResnetCritic, ResnetGenerator
from ganvas.recipes.plan import plan

from .cases import Case
from .child import command, complaint, run
from .made import models as made

MOST_MEBIBYTES, MOST_SECONDS = 200.0, 30.0
SAMPLE = ("sample", "FILE", "--count", "4")
TAKE_MODELS = (
    SAMPLE,
    ("convert", "FILE", "--from", "stylegan2", "--out", "converted.safetensors"),
)
TAKE_STATES = (("convert", "FILE", "--from", "r3gan", "--out", "converted.safetensors"),)
TAKE_RUNS = (
    SAMPLE,
    ("inspect", "given.png", "--by", "FILE"),
    ("train", "digits", "--size", "8", "--images", "16", "--from", "FILE", "--out", "begun"),
)


def cases() -> Iterator[Case]:
    good = _good().newest
    assert good
    model = good / "model.safetensors"
    for kind, of in (("descriptions", made.described), ("headers", made.headers), ("weights", made.weights)):
        for name, content in of(model).items():
            yield Case(kind, name, partial(_file, "hostile.safetensors", content, TAKE_MODELS))
    for name, content in made.pickles().items():
        yield Case("state dicts", name, partial(_file, "hostile.pt", content, TAKE_STATES))
    for name, spoil in made.runs().items():
        yield Case("runs", name, partial(_run, spoil))


def _file(name: str, content: bytes, commands: tuple[tuple[str, ...], ...], folder: Path) -> str:
    """What is wrong with how these commands handle a file with this content."""
    (folder / name).write_bytes(content)
    return _taken(name, commands, folder)


def _run(spoil: Callable[[Path], None], folder: Path) -> str:
    """What is wrong with how commands handle a run that was spoiled in this way."""
    good = _good()
    shutil.copytree(good.path, folder / "spoiled")
    spoil(folder / "spoiled")
    assert good.newest_sheet
    shutil.copy(good.newest_sheet, folder / "given.png")
    return _taken("spoiled", TAKE_RUNS, folder)


def _taken(name: str, commands: tuple[tuple[str, ...], ...], folder: Path) -> str:
    for words in commands:
        answer = run(command(*[name if word == "FILE" else word for word in words]), folder, seconds=MOST_SECONDS)
        if "executed" in answer.out:
            return f"{words[0]}: it ran code"
        if wrong := complaint(answer, mebibytes=_usual() + MOST_MEBIBYTES):
            return f"{words[0]}: {wrong}"
    return ""


@cache
def _good() -> Run:
    """A small, sound run of digits."""
    recipe = replace(
        plan("digits", size=8, images=32),
        networks={"generator": ResnetGenerator(width=2, latent=4), "critic": ResnetCritic(width=2)},
        condition=Labels(),
        batch=8,
        images=16,
        sheets=1,
        measure_images=0,
        widen=(),
    )
    return fit(recipe, out=Path(tempfile.mkdtemp(prefix="survive-good-")) / "run", quiet=True, device="cpu")


@cache
def _usual() -> float:
    """Mebibytes that drawing with a good model needs."""
    with tempfile.TemporaryDirectory() as folder:
        return run(command("sample", _good().path, "--count", 4), Path(folder), seconds=MOST_SECONDS).mebibytes
