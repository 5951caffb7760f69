"""What `--variety` gains and costs: how much samples of one phrase differ, and whether they still show their words.

    python -m benchmarks.variety icons HELD_OUT [--out sheet.png]

For each variety: the retrieval and the kernel distance of three samples of the words of each held-out picture, the
range of the retrieval over the three, and the mean distance between 16 samples of each of a few phrases; for
comparison, that between held-out pictures of any words. The sheet has eight samples per phrase and variety.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.record import record
from ganvas import load, metrics
from ganvas.core.pixels import grid, to_image, to_uint8
from ganvas.data.dataset import open_source
from ganvas.learning.conditions import Keywords
from ganvas.metrics.features.by_name import features

VARIETIES = (0.0, 0.25, 0.5, 0.75, 1.0)
PHRASES = (
    *("outline red heart", "3d yellow face", "flat blue fish", "3d green tree"),
    *("outline house", "gradient clock", "outline cat", "3d pink flower"),
)
DRAWS, ALIKE, SHOWN = 3, 16, 8


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model")
    options.add_argument("source")
    options.add_argument("--out", type=Path, default=Path("variety.png"))
    chosen = options.parse_args()
    torch.set_num_threads(1)
    model = load(chosen.model)
    assert isinstance(model.condition, Keywords), "a model of keywords"
    data, describe = open_source(chosen.source, size=model.shape[-1]), features("efficientnet_lite0")
    rows = np.arange(len(data))
    asked, reals = model.condition.take(data, rows), describe([data.samples[rows]])
    found: dict[str, dict[str, float | list[float]]] = {}
    shown = []
    for variety in VARIETIES:
        condition = replace(model.condition, variety=variety)
        draws = []
        for first in range(0, DRAWS * 1000, 1000):
            told = [condition.vary(words, [first + row])[0] for row, words in enumerate(asked)]
            made = model.generate(range(first, first + len(asked)), torch.stack(told))
            draws.append(describe([to_uint8(made).numpy()]))
        varied, seeds = model.varied(variety), range(ALIKE)
        alike = [to_uint8(varied.generate(seeds, varied.condition_for(phrase, seeds))).numpy() for phrase in PHRASES]
        shown.append([pictures[:SHOWN] for pictures in alike])
        retrieved = [metrics.retrieval_precision(fakes, reals, asked).value for fakes in draws]
        distance = metrics.kernel_distance(torch.cat([torch.as_tensor(fakes) for fakes in draws]), reals)
        found[f"{variety:g}"] = figures = {
            "spread": float(np.mean([_apart(describe([pictures])) for pictures in alike])),
            "retrieval": float(np.mean(retrieved)),
            "retrieval_range": [min(retrieved), max(retrieved)],
            "kernel_distance": distance.value,
            "kernel_distance_error": float(distance.error or 0.0),
        }
        print(variety, figures, flush=True)
    sheet = np.concatenate([np.concatenate(row) for row in zip(*shown, strict=True)])
    to_image(grid(sheet, columns=SHOWN * len(VARIETIES), zoom=1)).convert("RGB").save(chosen.out)
    print(record("variety", {"spread_of_reals": _apart(reals), "found": found}))


def _apart(described: torch.Tensor) -> float:
    """The mean distance between any two of these features."""
    return float(torch.pdist(torch.as_tensor(described)).mean())


if __name__ == "__main__":
    main()
