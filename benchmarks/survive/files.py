"""Odd pictures, zips and tables, each as data of its own: `ganvas data` beside two sound pictures."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from ganvas.data.dataset import open_source

from .cases import Case
from .child import command, complaint, run
from .made.pictures import EITHER, LEFT_OUT, TEAL, USED, Odd, odd_pictures, saved

GRAY = (90, 90, 90)  # what teal is without colours
NEAR = 16  # levels, for what a format does to a colour
ROUGH = {"1.png", "1.gif", "1.bmp", "1.tif", "group4.tif"}  # black and white; their gray is a share of white


def cases() -> Iterator[Case]:
    for odd in odd_pictures():
        yield Case(odd.kind, odd.name, partial(_among_others, odd))


def _among_others(odd: Odd, folder: Path) -> str:
    """Whether it is used or left out as it has to be, and what stands beside it is used in any case."""
    mine = sound(folder / "mine")
    (mine / odd.name).write_bytes(odd.make())
    answer = run(_looked_at(odd.name), folder)
    if wrong := complaint(answer):
        return wrong
    if answer.code:
        return f"the pictures beside it are lost: {answer.err.strip()}"
    counted = int(answer.out.split(maxsplit=1)[0].replace(",", ""))
    left_out = "1 file was skipped" in answer.err
    if counted + left_out != 3:
        return f"{counted} pictures used and {left_out:d} left out, of 3"
    if odd.expected != EITHER and left_out != (odd.expected == LEFT_OUT):
        return f"{LEFT_OUT if left_out else USED}: {answer.err.strip()}"
    colour = np.array(answer.out.splitlines()[-1].split()[1:], float)
    if (
        odd.expected == USED
        and odd.name not in ROUGH
        and min(abs(colour - TEAL).max(), abs(colour - GRAY).max()) > NEAR
    ):
        return f"comes out in another colour: {colour}"
    written = {str(path.relative_to(folder)) for path in folder.rglob("*") if mine not in path.parents}
    return "" if written == {"mine", "contact.png"} else f"written: {', '.join(sorted(written))}"


def _looked_at(name: str) -> Callable[[], None]:
    """The work of looking at data and of saying the colour of one of the pictures, which is in the cache then."""

    def work() -> None:
        try:
            command("data", "mine", "--size", "8")()
        except SystemExit as end:
            if end.code:
                raise
        data = open_source("mine", size=8)
        means = data.samples[data.names.index(name)].mean((0, 1)) if name in data.names else ()
        print("colour", *means)

    return work


def sound(folder: Path, count: int = 2) -> Path:
    """A folder of so many sound pictures, no two the same."""
    folder.mkdir(parents=True)
    for place in range(count):
        (folder / f"a{place}.png").write_bytes(saved("PNG", "RGB", (20 + place, 20)))
    return folder
