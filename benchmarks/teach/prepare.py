"""Which icons of a corpus are learned from, how often each is shown, and what may be told of it."""

import json
import lzma
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ganvas.data.words import vectors

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
"""What is drawn over a thing and hides it: an icon named by one of these shows something else than its noun."""

SELDOM = {"interface": 0.1, "sign": 0.5, "shape": 0.8}
NAMED, TAGS = 5, 8  # words of an icon's name and of its tags that are kept
Icon = dict[str, Any]


def read(corpus: Path) -> list[Icon]:
    """All icons of a corpus."""
    with lzma.open(corpus, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def chosen(icons: list[Icon], *, everything: bool = False) -> list[Icon]:
    """The icons that are learned from; those held out for measuring only if `everything` is."""
    kept_out = ("held_out", "leak", "heldout_set", "old_held_out")
    return [
        icon
        for icon in icons
        if (everything or not any(icon.get(flag) for flag in kept_out))
        and icon["kind"] != "flag"
        and not MARKS & (set(icon["words"][: icon["named"]]) - {icon["noun"]})
    ]


def prepare(corpus: Path, carry: Path, *, everything: bool = False) -> None:
    """Write CARRY/icons.jsonl.xz, what is drawn, and CARRY/meta.npz, what is told of it and how often it is shown."""
    every = read(corpus)
    icons = chosen(every, everything=everything)
    words = sorted({word for icon in every for word in (*icon["words"], icon["noun"])} | {*STYLES, *PALETTE})
    places = {word: place + 1 for place, word in enumerate(words)}  # 0 is no word
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
    print(f"{len(icons):,} icons, {len(words):,} words in {carry}")


def weights(icons: list[Icon]) -> np.ndarray:
    """How often each icon is shown: nouns by the fourth root of their icons, those of many colours more often."""
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
    """The numbers of the words of each icon, by what they are, filled up with zeros."""
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


def attribution(icons: list[Icon]) -> str:
    """Whose drawings these are, as a table for each licence."""
    sets = Counter((icon["licence"], icon["set"], icon["author"]) for icon in chosen(icons))
    return "\n".join(_attributed(sets))


LICENCES = {
    "Apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0",
    "BSD-3-Clause": "https://opensource.org/license/bsd-3-clause",
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC-BY-SA-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "ISC": "https://opensource.org/license/isc-license-txt",
    "MIT": "https://opensource.org/license/mit",
    "OFL-1.1": "https://openfontlicense.org",
}


def _attributed(sets: Counter[tuple[str, str, str]]) -> Iterator[str]:
    yield "# Whose drawings the model `icons` learned from\n"
    yield (
        f"{sum(sets.values()):,} icons of {len(sets)} open sets, drawn at 64x64 and tinted. What the model draws is "
        "none of them, but may come near one: then that one's licence holds. CC BY asks for credit, "
        "a link to the licence, and to say that changes were made; CC BY-SA asks for the same licence, too. This page "
        "is made by `python -m benchmarks.teach attribution CORPUS FILE`.\n"
    )
    for licence in sorted({licence for licence, *_ in sets}):
        of_it = {key: count for key, count in sets.items() if key[0] == licence}
        yield f"## {licence}\n\n{LICENCES.get(licence, '')}\n\n{sum(of_it.values()):,} icons of {len(of_it)} sets.\n"
        yield "| set | author | icons |\n|---|---|---|"
        for (_, name, author), count in sorted(of_it.items(), key=lambda each: -each[1]):
            yield f"| {name} | {author} | {count:,} |"
        yield ""
