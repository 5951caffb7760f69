"""How far directions and gradients move an attribute, what else they change, and how close projections get.

    python -m benchmarks.control runs/icons-portraits icons:portraits

Strengths and goals are 2, on seeds other than those that the directions were found on; all changes are in standard
deviations among samples. The projected pictures are samples of the model itself, and pictures that it learned from.
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.record import record
from ganvas import load
from ganvas.core import console
from ganvas.data.dataset import open_source
from ganvas.latent.attributes import attributes, measured
from ganvas.latent.directions import Directions
from ganvas.latent.edit import climb, directions_of
from ganvas.latent.project import project
from ganvas.models.model import Model, inputs

ATTRIBUTES = ("warmth", "brightness", "area", "detail")
STRENGTH, FIRST, SEEDS = 2.0, 100_000, 32
OWN, LEARNED = 3, 6


def edits(model: Model, found: Directions) -> list[dict]:
    """A row per attribute and method: its change, the standard error over seeds, and what else changed, per picture."""
    by = {name: attributes()[name] for name in found.attributes}
    deviations = dict(zip(found.attributes, found.deviations.tolist(), strict=True))
    z = inputs(range(FIRST, FIRST + SEEDS), model.network.latent)
    before = measured(model.make(z), by)
    rows = []
    for name in ATTRIBUTES:
        column = found.attributes.index(name)
        other = "brightness" if name != "brightness" else "area"
        goals = {name: torch.full((SEEDS,), STRENGTH)}

        def climbed(held: list[str], goals: dict = goals) -> torch.Tensor:
            return climb(model, z, None, goals, by=by, deviations=deviations, held=held)[0]

        ways = {
            "direction": lambda name=name: z + STRENGTH * found.vector(name),
            f"direction without {other}": lambda name=name, other=other: (
                z + STRENGTH * found.vector(name, without=[other])
            ),
            "gradient": lambda: climbed([]),
            f"gradient without {other}": lambda other=other: climbed([other]),
            "gradient without others": lambda name=name: climbed(found.held(["others"], [name])),
        }
        for way, move in ways.items():
            began = time.process_time()
            changes = (measured(model.make(move()), by) - before) / found.deviations
            rest = [place for place in range(len(by)) if place != column]
            rows.append(
                {
                    "attribute": name,
                    "way": way,
                    "change": changes[:, column].mean().item(),
                    "error": (changes[:, column].std() / SEEDS**0.5).item(),
                    "others": changes[:, rest].square().mean().sqrt().item(),
                    other: changes[:, found.attributes.index(other)].mean().item(),
                    "seconds_a_picture": (time.process_time() - began) / SEEDS,
                }
            )
            print(rows[-1], flush=True)
    return rows


def projections(model: Model, source: str) -> list[dict]:
    """A row per picture and method: the distance to the projection and to a random sample, in steps of 255."""
    data = open_source(source, size=model.shape[-1])
    learned = data.take(np.linspace(0, len(data) - 1, LEARNED).astype(np.int64))
    own = model.generate(range(FIRST, FIRST + OWN))
    rows = []
    for kind, picture in [*(("own", each) for each in own), *(("learned", each) for each in learned)]:
        for with_features in (False, True):
            began = time.process_time()
            found = project(model, picture, with_features=with_features)
            row = {"picture": kind, "features": with_features, "error": found.error, "random": found.random}
            rows.append(row | {"seconds": time.process_time() - began})
            print(rows[-1], flush=True)
    return rows


def main() -> None:
    path, source = sys.argv[1:]
    torch.set_num_threads(1)
    model = load(path)
    with console.watching() as watch:
        found = directions_of(Path(path), model, watch=watch)
    print(record("control", {"edits": edits(model, found), "projections": projections(model, source)}))


if __name__ == "__main__":
    main()
