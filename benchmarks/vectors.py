"""How close vector drawings are to the pictures that they are traced from, and how large they are.

    python -m benchmarks.vectors icons [--out vectors.png]

Seeds 0 to 3 of each of the sixteen words of `benchmarks.ideas`, not selected, are drawn, traced, and rendered at the
same size by resvg. Prints the mean absolute difference of the channels (0 to 255), the nodes, fills and bytes of the
single files, how many are empty, and the CPU time of tracing. The sheet has the pictures on the left and the vectors on
the right, on light grey, which shows what no shape covers.
"""

import argparse
import io
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks.ideas import WORDS
from benchmarks.record import record
from ganvas import load
from ganvas.core import pixels
from ganvas.latent.draw import draw
from ganvas.latent.places import fingerprint
from ganvas.models.made import Layout, Made
from ganvas.models.place import Place
from ganvas.models.svg import document
from ganvas.models.vectors import traced

SEEDS, SHOWN, GROUND = 4, 96, (225, 225, 225)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model")
    options.add_argument("--small", action="store_true", help="trace what the first decoder draws, not the second")
    options.add_argument("--out", type=Path, default=Path("vectors.png"))
    chosen = options.parse_args()
    torch.set_num_threads(1)
    model = load(chosen.model)
    places = [Place(seed, words=words) for words in WORDS for seed in range(SEEDS)]
    large = model.doubles and not chosen.small
    pictures = pixels.to_uint8(draw(model, places, large=large)).numpy()
    digest, rows, cells = fingerprint(model.network), list[list[float]](), list[NDArray[np.uint8]]()
    for place, picture in zip(places, pictures, strict=True):
        began = time.process_time()
        drawing = traced(picture)
        seconds = time.process_time() - began
        made = Made(chosen.model, digest, (place,), Layout(separate=True))
        svg = document([drawing], made, width=picture.shape[1])
        nodes = sum(len(re.findall("[MLC]", shape)) for _, shapes in drawing.layers for shape in shapes)
        again = np.asarray(_on(svg, (255, 255, 255)))
        apart = float(np.abs(again.astype(int) - picture).mean())
        rows.append([apart, nodes, len(drawing.layers), len(svg.encode()), 1000 * seconds])
        larger = document([drawing], made, width=SHOWN)
        cells += [np.asarray(Image.fromarray(picture).resize((SHOWN, SHOWN))), np.asarray(_on(larger, GROUND))]
    found: dict[str, Any] = {"model": chosen.model, "pictures": len(rows), "empty": sum(not row[1] for row in rows)}
    for name, values in zip(("difference", "nodes", "fills", "bytes", "milliseconds"), np.transpose(rows), strict=True):
        found[name] = [round(float(np.quantile(values, share)), 1) for share in (0.5, 0.9, 1)]
        print(f"{name}: median {found[name][0]:g}, ninth decile {found[name][1]:g}, most {found[name][2]:g}")
    print(f"mean difference {np.mean(rows, 0)[0]:.2f}; {found['empty']} of {len(rows)} empty")
    halves = np.stack(cells[::2]), np.stack(cells[1::2])
    sheets = [pixels.grid(half, columns=2 * SEEDS, zoom=1) for half in halves]
    pixels.save_picture(np.concatenate(sheets, axis=1), chosen.out)
    print(record(f"vectors-{Path(chosen.model).name}{'-small' * chosen.small}", found))


def _on(svg: str, ground: tuple[int, int, int]) -> Image.Image:
    """Render an SVG on a background of this colour."""
    from resvg_py import svg_to_bytes

    image = Image.open(io.BytesIO(bytes(svg_to_bytes(svg_string=svg)))).convert("RGBA")
    paper = Image.new("RGBA", image.size, ground)
    paper.alpha_composite(image)
    return paper.convert("RGB")


if __name__ == "__main__":
    main()
