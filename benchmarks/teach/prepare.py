"""Which icons of a corpus are learned from, how often each is shown, and which words describe it."""

import json
import lzma
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ganvas.data.words import packed, vectors
from ganvas.learning.phrases import Phrases, kinds
from ganvas.recipes.settings import to_json

SLOTS = 7  # words in a description
KNOWN = 8  # a word's vector is part of the model if at least so many icons have the word
PHRASES = 6000  # icons whose words the model keeps as phrases to draw from
MANY = 16  # kinds of a thing at most, out of which kinds.py chooses those that are drawn well
STYLES = ("outline", "solid", "duotone", "flat", "gradient", "3d", "pixel", "hand-drawn", "bold", "thin")
PALETTE = {
    "red": "e53935",
    "orange": "fb8c00",
    "yellow": "fdd835",
    "green": "43a047",
    "teal": "00acb0",
    "blue": "1e88e5",
    "purple": "8e24aa",
    "pink": "ec407a",
    "brown": "795548",
    "grey": "9e9e9e",
    "black": "212121",
}
MARKS = {
    *("off", "slash", "plus", "minus", "add", "check", "x", "cross", "lock", "edit", "cog", "setting", "alert"),
    *("search", "question", "remove", "block", "download", "upload"),
}
"""Marks drawn over a thing that hide it: an icon whose name contains one of these does not show its noun."""

TERMS = {
    "Apache-2.0": "Licensed under the Apache License 2.0, https://www.apache.org/licenses/LICENSE-2.0.",
    "BSD-3-Clause": "Licensed under the BSD 3-Clause License, https://opensource.org/license/bsd-3-clause.",
    "CC-BY-3.0": "By the authors named below, licensed under CC BY 3.0, https://creativecommons.org/licenses/by/3.0/.",
    "CC-BY-4.0": "By the authors named below, licensed under CC BY 4.0, https://creativecommons.org/licenses/by/4.0/.",
    "CC-BY-SA-4.0": "By the authors named below, licensed under CC BY-SA 4.0, "
    "https://creativecommons.org/licenses/by-sa/4.0/; what is adapted from them is shared under the same licence.",
    "CC0-1.0": "Given to the public domain, https://creativecommons.org/publicdomain/zero/1.0/; named with thanks.",
    "ISC": "Licensed under the ISC License, https://opensource.org/license/isc-license-txt.",
    "MIT": "Licensed under the MIT License, https://opensource.org/license/mit; the copyright is that of the authors.",
    "OFL-1.1": "Licensed under the SIL Open Font License 1.1, https://openfontlicense.org.",
}
"""What each licence requires to be said, and where it is."""

SELDOM = {"interface": 0.1, "sign": 0.5, "shape": 0.8}
NAMED, TAGS = 5, 8  # words of an icon's name and of its tags that are kept
Icon = dict[str, Any]


def read(corpus: Path) -> list[Icon]:
    """All icons of a corpus."""
    with lzma.open(corpus, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def chosen(icons: list[Icon], *, everything: bool = False) -> list[Icon]:
    """The icons that are learned from; those held out for measuring only with `everything`."""
    kept_out = ("held_out", "leak", "heldout_set", "old_held_out")
    return [
        icon
        for icon in icons
        if (everything or not any(icon.get(flag) for flag in kept_out))
        and icon["kind"] != "flag"
        and not MARKS & (set(icon["words"][: icon["named"]]) - {icon["noun"]})
    ]


def prepare(corpus: Path, carry: Path, *, everything: bool = False) -> None:
    """Write the icons to draw, their descriptions and weights, and how the model is asked.

    These are CARRY/icons.jsonl.xz, CARRY/meta.npz, and CARRY/condition.json with CARRY/about.json.
    """
    every = read(corpus)
    icons = chosen(every, everything=everything)
    words = sorted({word for icon in every for word in (*icon["words"], icon["noun"])} | {*STYLES, *PALETTE})
    places = {word: place + 1 for place, word in enumerate(words)}  # 0 stands for no word
    told = {name: np.array(rows, np.int16) for name, rows in _told(icons, places).items()}
    carry.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        carry / "meta.npz",
        table=np.concatenate([np.zeros((1, 256)), vectors(words)]).astype(np.float16),
        words=np.array(words),
        mono=np.array([icon["palette"] == "mono" for icon in icons]),
        flip=np.array([icon["kind"] not in SELDOM for icon in icons]),
        weight=weights(icons),
        **told,
    )
    with lzma.open(carry / "icons.jsonl.xz", "wt", encoding="utf-8") as out:
        for icon in icons:
            out.write(json.dumps([icon["fit"], icon["svg"]], separators=(",", ":")) + "\n")
    (carry / "condition.json").write_text(json.dumps(to_json(condition(icons))), encoding="utf-8")
    (carry / "about.json").write_text(json.dumps({"icons": len(icons), "everything": everything}), encoding="utf-8")
    print(f"{len(icons):,} icons, {len(words):,} words in {carry}")


def condition(icons: list[Icon]) -> Phrases:
    """How the model is asked: the words that it knows, and phrases to draw from when nothing is asked for."""
    asked = Phrases(places=SLOTS)
    count = Counter(word for icon in icons for word in {*icon["words"], icon["noun"], icon["style"]})
    known = {word for word, held in count.items() if held >= KNOWN} | {*asked.colours, *STYLES}
    share, dice = weights(icons), np.random.default_rng(0)
    phrases = []
    for row in dice.choice(len(icons), min(PHRASES, len(icons)), replace=False, p=share / share.sum()):
        icon = icons[row]
        if icon["palette"] == "mono":
            colour = [str(dice.choice(asked.colours))] if dice.random() < 0.6 else []
        else:
            colour = [] if icon.get("scheme") else icon.get("colours", [])[:1]
        words = [icon["noun"], icon["style"], *colour, *icon["words"][: icon["named"]]]
        if icon["noun"] in known:
            phrases.append(" ".join([word for word in dict.fromkeys(words) if word in known][:SLOTS]))
    words = tuple(sorted(known))
    asked = replace(asked, words=words, phrases=tuple(phrases), table=packed(vectors(words)))
    named = ([word for word in (icon["noun"], *icon["words"]) if word in known] for icon in icons)
    return replace(asked, kinds=kinds(named, {*STYLES, *asked.colours}, MANY))


def weights(icons: list[Icon]) -> np.ndarray:
    """How often each icon is shown: nouns by the fourth root of their icons; more if coloured without a `scheme`."""
    of_noun = Counter(icon["noun"] for icon in icons)
    return np.array(
        [
            of_noun[icon["noun"]] ** -0.75
            * (1.0 if icon["palette"] == "mono" else 0.5 if icon.get("scheme") else 1.8)
            * SELDOM.get(icon["kind"], 1.0)
            for icon in icons
        ]
    )


def _told(icons: list[Icon], places: dict[str, int]) -> dict[str, list[list[int]]]:
    """The word numbers of each icon by type of word, padded with zeros."""
    rows: dict[str, list[list[int]]] = defaultdict(list)
    for icon in icons:
        name, tags = icon["words"][: icon["named"]], icon["words"][icon["named"] :]
        coloured = icon["palette"] != "mono" and not icon.get("scheme")
        for kind, words, most in (
            ("noun", [icon["noun"]], 1),
            ("style", [icon["style"]], 1),
            ("colours", [word for word in icon.get("colours", []) if word in places] if coloured else [], 2),
            ("named", [word for word in name if word != icon["noun"] and word not in STYLES], NAMED),
            ("tags", [word for word in tags if word != icon["noun"]], TAGS),
        ):
            found = [places[word] for word in words[:most]]
            rows[kind].append(found + [0] * (most - len(found)))
    return rows


def attribution(icons: list[Icon], *, everything: bool = False) -> str:
    """The sources of the icons that are learned from, as a table for each licence."""
    learned = chosen(icons, everything=everything)
    sets = Counter((icon["licence"], icon["set"], icon["author"]) for icon in learned)
    return attributed(sets, "icons", "python -m benchmarks.teach attribution CORPUS FILE")


def attributed(sets: Counter[tuple[str, str, str]], model: str, command: str) -> str:
    """The page that names (licence, set, author) of what a model learned from, with the number of icons of each."""
    return "\n".join(_attributed(sets, model, command))


def _attributed(sets: Counter[tuple[str, str, str]], model: str, command: str) -> Iterator[str]:
    yield f"# Whose drawings the model `{model}` learned from\n"
    yield (
        f"{sum(sets.values()):,} icons of {len(sets)} open sets. What the model draws is none of them, but may come "
        "near one: then that one's licence holds.\n\n"
        "Changes were made: the icons were drawn as small pictures, those of one colour tinted, some mirrored, and a "
        f"model learned from these pictures. Nobody of those named here endorses the model. This page is made by "
        f"`{command}`.\n"
    )
    for licence in sorted({licence for licence, *_ in sets}):
        of_it = {key: count for key, count in sets.items() if key[0] == licence}
        several = "set" if len(of_it) == 1 else "sets"
        yield f"## {licence}\n\n{sum(of_it.values()):,} icons of {len(of_it)} {several}.\n"
        if licence in TERMS:
            yield f"{TERMS[licence]}\n"
        yield "| set | author | icons |\n|---|---|---|"
        for (_, name, author), count in sorted(of_it.items(), key=lambda each: -each[1]):
            yield f"| {name} | {author} | {count:,} |"
        yield ""
