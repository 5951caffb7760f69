"""Write the pictures and words that the model `icons` was trained on: four drawing styles of the same concepts.

    python scripts/keyword_icons.py EMOJI OUT

EMOJI is a folder with metadata.jsonl (columns file, style, label, keywords) of emoji in three styles: `3d` (Fluent
Emoji, MIT), `gradient` (Noto Emoji, Apache-2.0) and `flat` (Twemoji, CC BY 4.0). OpenMoji (CC BY-SA 4.0) is added as
the style `outline`, without its skin tones, which are more than half of it, and without icons that have no words. Every
twentieth concept, by the hash of its name, goes to OUT/held_out in all of its styles, the others to OUT/train.
"""

import hashlib
import json
import sys
from pathlib import Path

from PIL import Image

from ganvas.data.sources.icons import Icons

SIZE = 64
HELD_OUT = 20  # one concept in twenty


def main(emoji: Path, out: Path) -> None:
    """Write both folders, each with its metadata.jsonl."""
    known: dict[str, list[str]] = {}
    rows = [json.loads(line) for line in (emoji / "metadata.jsonl").read_text().splitlines()]
    for row in rows:
        words = dict.fromkeys([*row["label"].lower().split(), *row["keywords"]])
        known[row["label"].lower()] = list(words)
        picture = Image.open(emoji / row["file"]).convert("RGB").resize((SIZE, SIZE), Image.Resampling.LANCZOS)
        keep(out, row["label"], row["style"], list(words), picture)
    icons = Icons(size=SIZE).open()
    for name, words, picture in zip(icons.names, icons.keywords, icons.samples, strict=True):
        if words and "skin tone" not in name:
            more = dict.fromkeys([*words, *known.get(name.lower(), [])])
            keep(out, name, "outline", list(more), Image.fromarray(picture))


def keep(out: Path, name: str, style: str, words: list[str], picture: Image.Image) -> None:
    """Save one picture and its line of metadata.jsonl."""
    held_out = int(hashlib.sha256(name.lower().encode()).hexdigest(), 16) % HELD_OUT == 0
    folder = out / ("held_out" if held_out else "train")
    file = f"{style}/{hashlib.sha256(name.encode()).hexdigest()[:16]}.png"
    (folder / style).mkdir(parents=True, exist_ok=True)
    picture.save(folder / file)
    with (folder / "metadata.jsonl").open("a") as table:
        table.write(json.dumps({"file_name": file, "name": name, "keywords": [style, *words]}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
