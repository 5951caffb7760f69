"""The model `icons-base`, from which trainings on few drawings can start: what it learned from, and its card.

    python -m benchmarks.icons_base folder CORPUS FOLDER     # the pictures, in a minute
    ganvas train icons --data FOLDER --size 64 --images 400000 --set measure_images=0 --out RUN
    python -m benchmarks.icons_base publish CORPUS RUN OUT   # the model with its card and ATTRIBUTION.md

CORPUS is a file of icons as SVG, one JSON a line
(benchmarks/teach/prepare.py reads the same one). Left out are what is held out there for measuring, OpenMoji's, on
which such trainings are measured, and arrows, layouts and flags.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from ganvas import Run
from ganvas.models.publish import publish

from .teach.corpus import FLAT, drawn
from .teach.prepare import Icon, attributed, read

KEPT_OUT = ("held_out", "leak", "heldout_set", "old_held_out", "scheme")
KINDS_OUT = ("interface", "flag")
OF_ONE_COLOUR = 0.2  # share of the icons of one colour, which would else be four fifths
BLACK = 0.3  # share of those that stay black; the others are tinted
TINTS = (
    *("#000", "#e53935", "#1e88e5", "#43a047", "#fdd835", "#fb8c00"),
    *("#8e24aa", "#6d4c41", "#546e7a", "#ec407a", "#00897b", "#3949ab"),
)
SIZE = 64
ABOUT = """Where a training on a few hundred drawings of your own can start: it knows lines, fills and white paper.

    ganvas train FOLDER --from icons-base --minutes 3

It is the recipe `icons`, trained at 64x64 pixels, with its critic. By itself it draws shapes that are nearly icons;
what words say is drawn by the model `icons`. docs/own.md shows what it is worth. It learned from {count:,} icons of
open sets, drawn by `python -m benchmarks.icons_base`; ATTRIBUTION.md says whose they are and under which licences.
"""


def chosen(corpus: Path) -> Iterator[tuple[Icon, Image.Image]]:
    """The icons that are learned from, and each as a picture."""
    dice = np.random.default_rng(0)
    for icon in read(corpus):
        if any(icon.get(flag) for flag in KEPT_OUT) or icon["kind"] in KINDS_OUT or icon["set"] == "openmoji":
            continue
        if icon["palette"] == "mono" and dice.random() > OF_ONE_COLOUR:
            continue
        tint = TINTS[0] if dice.random() < BLACK else TINTS[dice.integers(len(TINTS))]
        try:
            picture = drawn(icon["fit"], icon["svg"].replace("currentColor", tint), size=SIZE).convert("RGB")
        except BaseException as error:  # resvg panics on a few filters, and a panic is not an Exception
            if isinstance(error, KeyboardInterrupt):
                raise
            continue
        if np.asarray(picture).std() >= FLAT:
            yield icon, picture


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = options.add_subparsers(dest="command", required=True)
    for command, words in (("folder", ("corpus", "folder")), ("publish", ("corpus", "run", "out"))):
        each = commands.add_parser(command)
        for word in words:
            each.add_argument(word, type=Path)
    asked = options.parse_args()
    if asked.command == "folder":
        asked.folder.mkdir(parents=True)
        for place, (_, picture) in enumerate(chosen(asked.corpus)):
            picture.save(asked.folder / f"{place:06d}.png")
        return
    sets = Counter((icon["licence"], icon["set"], icon["author"]) for icon, _ in chosen(asked.corpus))
    publish(
        Run(asked.run),
        asked.out,
        about=ABOUT.format(count=sum(sets.values())),
        licence=", ".join(sorted({licence for licence, *_ in sets})),
        attribution="the authors of the sets that ATTRIBUTION.md names",
    )
    text = attributed(sets, "icons-base", "python -m benchmarks.icons_base publish CORPUS RUN OUT")
    (asked.out / "ATTRIBUTION.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
