"""The pictures of the studio's first page: what the model `icons` draws for the words and seeds of web/src/examples.ts.

python scripts/examples.py, then `npm run build` in web/: after the model or the words have changed.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

import ganvas

WEB = Path(__file__).parents[1] / "web"
EXAMPLE = re.compile(r'\["([^"]+)", (\d+)\]')


def examples() -> Iterator[tuple[Path, Image.Image]]:
    """Each file with its picture, in few colours so that the page loads fast."""
    model = ganvas.load("icons")
    for words, seed in EXAMPLE.findall((WEB / "src/examples.ts").read_text(encoding="utf-8")):
        picture = model.sample(1, seeds=[int(seed)], label=words)[0].convert("RGB")
        yield WEB / "public/examples" / f"{words.replace(' ', '-')}.png", picture.quantize(64)


if __name__ == "__main__":
    kept = {file: picture.save(file, optimize=True) for file, picture in examples()}
    for old in set((WEB / "public/examples").iterdir()) - kept.keys():
        old.unlink()
