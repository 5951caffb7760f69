"""How many minutes of one CPU core each recipe takes to reach a kernel distance of x.

    python -m benchmarks.minutes [--data icons:portraits] [--minutes 3] [--seeds 0 1 2]
                                 [--only icons sngan dcgan projected_gan] [--to 1 0.8 0.6]

Each recipe is trained at 32x32 on one thread, its schedules fitted to the budget by a probe. Its average is measured
twelve times during training, as a training's meter does: 500 samples of the same seeds against 500 pictures, by the
kernel distance, which is unbiased for so few; the time for measuring does not count. A distance is reached when the
median of three neighbouring measurements is at most x for the first time, so that one lucky measurement is not enough.
A seed that does not reach it is reported as taking more than the budget. Minutes are CPU time rather than wall-clock
time, so that other work on the machine counts less; it still slows the training within them.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

import torch

from ganvas import plan, train
from ganvas.core import machine
from ganvas.models.model import Model
from ganvas.training.meter import Meter

from .record import record

RECIPES = ("icons", "sngan", "dcgan", "projected_gan")
SIZE, MEASUREMENTS, PROBED = 32, 12, 16  # PROBED is in steps, after as many for warming up
Curve = list[tuple[float, float]]  # (CPU seconds, kernel distance)


def curve(name: str, data: str, *, minutes: float, seed: int) -> tuple[Curve, int]:
    """The meter's measurements of one training, and the number of images that it saw."""
    recipe = plan(name, data=data, size=SIZE)
    samples = recipe.data.open()
    steps = train(replace(recipe, images=2**40), samples, seed=seed)
    next(islice(steps, PROBED - 1, None))
    began = time.process_time()
    next(islice(steps, PROBED - 1, None))
    count = int(minutes * 60 / (time.process_time() - began) * PROBED)
    meter = Meter(samples, every=1, device=torch.device("cpu"))
    found: Curve = []
    spent, began = 0.0, time.process_time()
    for tick in train(replace(recipe, images=count * recipe.batch), samples, seed=seed):
        seconds = spent + time.process_time() - began
        over = seconds >= minutes * 60 or tick.step == count
        if over or seconds >= (len(found) + 1) * minutes * 60 / MEASUREMENTS:
            scores = meter.measure(Model(tick.state.average, tick.state.condition))
            found.append((seconds, next(value for score, value in scores.items() if score.startswith("kd-"))))
            spent, began = seconds, time.process_time()
        if over:
            break
    return found, tick.images


def reached(found: Curve, x: float) -> float | None:
    """The minutes until the distance, as the median of three, is at most x; None if it never is."""
    for place in range(1, len(found) - 1):
        if statistics.median(distance for _, distance in found[place - 1 : place + 2]) <= x:
            return found[place][0] / 60
    return None


def table(found: dict[str, list[Curve]], goals: Sequence[float], minutes: float) -> str:
    """A row for each recipe: the minutes of all seeds to each goal, in order, and the last distances."""
    rows = [f"| recipe | {' | '.join(f'to {x:g}' for x in goals)} | at the end |", "|---|" + "---|" * (len(goals) + 1)]
    for recipe, curves in found.items():
        cells = []
        for x in goals:
            times = [reached(each, x) for each in curves]
            told = sorted(time for time in times if time is not None)
            cells.append(", ".join([*(f"{time:.1f}" for time in told), *[f"> {minutes:g}"] * (len(times) - len(told))]))
        last = sorted(each[-1][1] for each in curves)
        rows.append(f"| `{recipe}` | {' | '.join(cells)} | {', '.join(f'{value:.2f}' for value in last)} |")
    return "\n".join(rows)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--data", default="icons:portraits")
    options.add_argument("--minutes", type=float, default=3.0)
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options.add_argument("--only", nargs="+", default=RECIPES)
    options.add_argument("--to", type=float, nargs="+", default=[1.0, 0.8, 0.6])
    chosen = options.parse_args()
    torch.set_num_threads(1)
    machine.keep_memory()
    found: dict[str, list[Curve]] = {name: [] for name in chosen.only}
    seen: dict[str, list[int]] = {name: [] for name in chosen.only}
    for seed in chosen.seeds:
        for name in chosen.only:
            told, images = curve(name, chosen.data, minutes=chosen.minutes, seed=seed)
            found[name].append(told)
            seen[name].append(images)
            print(f"{name}, seed {seed}: {images:,} images, {told[-1][1]:.3f} at the end", flush=True)
    print(table(found, chosen.to, chosen.minutes))
    print(record("minutes", vars(chosen) | {"images": seen, "curves": found}))


if __name__ == "__main__":
    main()
