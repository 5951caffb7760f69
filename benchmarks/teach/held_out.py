"""Icons that were not learned from, as a folder of pictures with words, for measuring."""

import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from PIL import Image

from .corpus import FLAT, drawn
from .prepare import MARKS, PALETTE, SLOTS, Icon

__all__ = ["write_held_out"]


def write_held_out(icons: list[Icon], folder: Path, *, count: int = 400, drawings: bool = False, size: int = 64) -> int:
    """Write so many held-out icons and metadata.jsonl, evenly over their nouns; returns how many were written.

    With `drawings` they are emoji that were held out themselves, but whose nouns were learned. Icons of one colour are
    tinted in one of eleven colours, which is one of their words.
    """
    of_noun = defaultdict(list)
    for icon in icons:
        kept_out = not icon.get("held_out") and icon.get("old_held_out") if drawings else icon.get("held_out")
        hidden = MARKS & (set(icon["words"][: icon["named"]]) - {icon["noun"]})
        if kept_out and not hidden and icon["kind"] not in {"flag", "interface"}:
            of_noun[icon["noun"]].append(icon)
    folder.mkdir(parents=True, exist_ok=True)
    dice, rows = np.random.default_rng(0), list[str]()
    waiting = [[some[place] for place in dice.permutation(len(some))] for _, some in sorted(of_noun.items())]
    while len(rows) < count and any(waiting):
        for place in dice.permutation(len(waiting)):
            if waiting[place] and len(rows) < count:
                told = _write(waiting[place].pop(), folder / f"{len(rows):03}.png", size, dice)
                rows += [json.dumps(told) + "\n"] if told else []
    (folder / "metadata.jsonl").write_text("".join(rows), encoding="utf-8")
    return len(rows)


def _write(icon: Icon, file: Path, size: int, dice: np.random.Generator) -> dict[str, object] | None:
    """Draw an icon into a file; returns its line of metadata, or None if the picture is empty."""
    try:
        picture = np.asarray(drawn(icon["fit"], icon["svg"], size=size).convert("RGB")).astype(float)
    except BaseException:  # resvg panics on a few filters, and a panic is not an Exception
        return None
    if icon["palette"] == "mono":
        colour = [str(dice.choice(list(PALETTE)))]
        tint = np.array([int(PALETTE[colour[0]][at : at + 2], 16) for at in (0, 2, 4)])
        picture = 255 - (1 - picture.mean(2, keepdims=True) / 255) * (255 - tint)
    else:
        colour = [] if icon.get("scheme") else icon.get("colours", [])[:1]
    if picture.std() < FLAT:
        return None
    Image.fromarray(picture.round().astype(np.uint8)).save(file)
    words = dict.fromkeys([icon["noun"], icon["style"], *colour, *icon["words"][: icon["named"]]])
    return {"file_name": file.name, "keywords": list(words)[:SLOTS]}
