"""Odd pictures, zips and tables, each as data of its own: `ganvas data` beside sound pictures."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from ganvas.data.dataset import open_source

from .cases import Case
from .child import command, complaint, run
from .made.pictures import EITHER, LEFT_OUT, TEAL, USED, Odd, odd_pictures, saved
from .made.tables import READ, TOLD, odd_tables
from .made.zips import AWAY, odd_zips

GRAY = (90, 90, 90)  # teal without colours
NEAR = 16  # levels by which a format may change a colour
ROUGH = {
    "1.png",
    "1.gif",
    "1.bmp",
    "1.tif",
    "group4.tif",
    "63 megapixels.png",
}  # black and white; their gray is a share of white


PLACES = [f"a{place}.png" for place in range(6)]  # sound pictures beside a table


def cases() -> Iterator[Case]:
    for odd in odd_pictures():
        yield Case(odd.kind, odd.name, partial(_among_others, odd))
    for name, content, pictures in odd_zips():
        yield Case("zips", name, partial(_zip, content, pictures))
    for name, file, content, expected in odd_tables(PLACES):
        yield Case("tables", name, partial(_table, file, content, expected))


def _zip(content: bytes | Callable[[], bytes], pictures: int | None, folder: Path) -> str:
    """Whether sound contents are found, others are refused, and only the contact sheet is written."""
    inner = folder / "far" / "in"
    inner.mkdir(parents=True)
    (inner / "mine.zip").write_bytes(content if isinstance(content, bytes) else content())
    answer = run(command("data", "mine.zip", "--size", "8"), inner)
    if wrong := complaint(answer):
        return wrong
    found = 0 if answer.code else int(answer.out.split(maxsplit=1)[0].replace(",", ""))
    if pictures is not None and found != pictures:
        return f"{found} pictures found of {pictures}: {answer.err.strip()[-200:]}"
    written = {path.name for path in folder.rglob("*")} | ({AWAY.name} if AWAY.exists() else set())
    return _beyond(written, {"far", "in", "mine.zip", "contact.png"})


def _table(file: str, content: bytes, expected: str, folder: Path) -> str:
    """Whether the pictures are used whatever the table says, and a table without information is named."""
    mine = sound(folder / "mine", len(PLACES))
    (mine / file).write_bytes(content)
    answer = run(command("data", "mine", "--size", "8"), folder)
    if wrong := complaint(answer):
        return wrong
    if answer.code or not answer.out.startswith(f"{len(PLACES)} pictures"):
        return f"the pictures beside it are lost: {answer.err.strip()[-200:]}"
    read, told = "keyword" in answer.out or "classes" in answer.out, file in answer.err
    if (expected == READ and not read) or (expected == TOLD and not told):
        return f"has to be {expected}: {answer.out.splitlines()[3:]} {answer.err.strip()[-200:]}"
    return _beyond({path.name for path in folder.rglob("*")}, {"mine", "contact.png", file, *PLACES})


def _beyond(written: set[str], known: set[str]) -> str:
    return f"written: {', '.join(sorted(written - known))}" if written - known else ""


def _among_others(odd: Odd, folder: Path) -> str:
    """Whether the file is used or left out as expected, and the pictures beside it are used in any case."""
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
    """Look at data and print the colour of one of the pictures, read from the cache."""

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
    """A folder of so many sound pictures, all different."""
    folder.mkdir(parents=True)
    for place in range(count):
        (folder / f"a{place}.png").write_bytes(saved("PNG", "RGB", (20 + place, 20)))
    return folder
