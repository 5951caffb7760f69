"""How well a model of keywords follows words: a sheet to be named, colours, and figures on held-out pictures.

    python -m benchmarks.ideas icons [--held-out FOLDER] [--out ideas.png]

The sheet has eight samples, seeds 0 to 7 and not selected, of each of sixteen everyday words: look at it, and count
what a person who does not know the words would name. Colours are tested as Mino & Spanakis (LoGAN, arXiv:1810.10395)
did for logos: each colour word with each of a few things. The colour of a sample is the palette colour nearest to most
of its ink in CIELAB. Precision and recall are means over the colours. Each held-out picture with words (a folder with
metadata.jsonl) is drawn once from its exact words: kernel distance, precision, recall, coverage and retrieval.
"""

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.record import record
from ganvas import load, metrics
from ganvas.core.pixels import to_uint8
from ganvas.data.dataset import open_source
from ganvas.data.words import vectors
from ganvas.learning.conditions import Keywords
from ganvas.metrics.features.by_name import features
from ganvas.metrics.neighbours import density_coverage, precision_recall
from ganvas.models.model import Model

WORDS = (
    *("red heart", "blue fish", "star", "rocket", "cat", "house", "car", "clock"),
    *("tree", "key", "flag", "bird", "guitar", "umbrella", "robot", "face"),
)
PALETTE = dict(
    zip(
        ("red", "orange", "yellow", "green", "teal", "blue", "purple", "pink", "brown", "grey", "black"),
        ("e53935", "fb8c00", "fdd835", "43a047", "00acb0", "1e88e5", "8e24aa", "ec407a", "795548", "9e9e9e", "212121"),
        strict=True,
    )
)
THINGS = ("house", "car", "heart", "star", "umbrella", "clock", "cat", "flag", "shield", "bag", "bell", "cloud")
SHOWN, LABEL, INK = 8, 80, 40  # samples of a word, pixels of its label, how far a channel of ink is from white


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model")
    options.add_argument("--held-out", help="pictures with words that the model did not learn from")
    options.add_argument("--out", type=Path, default=Path("ideas.png"))
    options.add_argument("--name", help="of the model in the file of results")
    chosen = options.parse_args()
    torch.set_num_threads(1)
    model = load(chosen.model)
    assert isinstance(model.condition, Keywords), "a model of keywords"
    sheet(model).save(chosen.out)
    found: dict[str, Any] = {"model": chosen.name or Path(chosen.model).name, "colours": colours(model)}
    print(found["colours"], flush=True)
    if chosen.held_out:
        found["held_out"] = held_out(model, chosen.held_out)
        print(found["held_out"])
    print(record(f"ideas-{chosen.name or Path(chosen.model).name}", found))


def sheet(model: Model) -> Image.Image:
    """A sheet of samples of the sixteen words in two columns, with the model's default variety."""
    size = model.shape[-1] + 2
    across, high = LABEL + SHOWN * size, len(WORDS) // 2 * size
    page = Image.new("RGB", (2 * across, high), "white")
    for place, word in enumerate(WORDS):
        left, top = place // (len(WORDS) // 2) * across, place % (len(WORDS) // 2) * size
        ImageDraw.Draw(page).text((left + 4, top + size // 2 - 6), word, fill="black")
        for column, picture in enumerate(model.sample(SHOWN, seed=0, label=word)):
            page.paste(picture, (left + LABEL + column * size, top + 1))
    return page


def colours(model: Model) -> dict[str, float]:
    """Precision and recall of the samples' colours, as means over the requested colours."""
    asked = [colour for colour in PALETTE for _ in THINGS]
    shown = [
        _colour(np.asarray(model.sample(1, seed=place, label=f"{colour} {thing}")[0].convert("RGB")))
        for colour in PALETTE
        for place, thing in enumerate(THINGS)
    ]
    right = Counter(colour for colour, seen in zip(asked, shown, strict=True) if colour == seen)
    said = Counter(shown)
    return {
        "precision": float(np.mean([right[colour] / said[colour] for colour in PALETTE if said[colour]])),
        "recall": float(np.mean([right[colour] / len(THINGS) for colour in PALETTE])),
        "samples": float(len(asked)),
    }


def held_out(model: Model, source: str) -> dict[str, list[float]]:
    """Each held-out picture drawn once from its own words, compared with the originals: values with their errors."""
    data, describe = open_source(source, size=model.shape[-1]), features("efficientnet_lite0")
    rows = np.arange(len(data))
    assert model.condition is not None
    made = to_uint8(model.generate(range(1000, 1000 + len(rows)), model.condition.take(data, rows))).numpy()
    real, fake = (torch.as_tensor(describe([np.ascontiguousarray(each)])) for each in (data.samples[rows], made))
    words = torch.stack([torch.from_numpy(vectors(list(each)).sum(0)) for each in data.keywords])
    found = {
        "kernel_distance": metrics.kernel_distance(fake, real),
        **precision_recall(real, fake),
        **density_coverage(real, fake),
        "retrieval": metrics.retrieval_precision(fake, real, torch.nn.functional.normalize(words, dim=1)),
    }
    return {name: [score.value, score.error or 0.0] for name, score in found.items()}


def _colour(picture: NDArray[np.uint8]) -> str:
    """The palette colour that is nearest to most of the ink of a picture [H, W, 3], by name."""
    ink = picture[(255 - picture.astype(int)).max(2) > INK]
    if not len(ink):
        return "none"
    names = list(PALETTE)
    palette = np.array([[int(PALETTE[name][at : at + 2], 16) for at in (0, 2, 4)] for name in names])
    apart = np.linalg.norm(_lab(ink)[:, None] - _lab(palette)[None], axis=2)
    return names[int(np.bincount(apart.argmin(1), minlength=len(names)).argmax())]


def _lab(colours: NDArray[Any]) -> NDArray[np.float64]:
    """Colours [n, 3] in sRGB, 0 to 255, as CIELAB under D65."""
    linear = np.where(colours / 255 > 0.04045, ((colours / 255 + 0.055) / 1.055) ** 2.4, colours / 255 / 12.92)
    xyz = linear @ np.array([[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]])
    f = xyz / np.array([0.9505, 1.0, 1.089])
    f = np.where(f > 0.008856, np.cbrt(f), 7.787 * f + 16 / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], 1)


if __name__ == "__main__":
    main()
