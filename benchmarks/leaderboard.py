"""Every recipe for pictures, each with the same CPU minutes, scored on the same features.

    python -m benchmarks.leaderboard --data icons [--minutes 5] [--seeds 0 1 2] [--only icons dcgan ...]
    python -m benchmarks.leaderboard --data cifar10=FOLDER
    python -m benchmarks.leaderboard --data icons --minutes 10 --only lightweight-gan --checkout FOLDER

Each recipe is trained unchanged, at 32x32, on one thread, until the process has used so many minutes of CPU time (not
wall-clock time, so that other work on the machine counts less), with its schedules fitted to that as `--minutes` does.
Then 2,000 samples of its average are compared with 2,000 pictures by the metrics of `ganvas evaluate`. lightweight-gan
is a third-party trainer with its own defaults (benchmarks/lightweight_gan.py).

Each finished training is appended to results/leaderboard.jsonl, so the benchmark can be stopped and continued. The
tables in docs/leaderboard.md, and the grids next to the one of five minutes, are written anew each time.
"""

import argparse
import json
import statistics
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from ganvas import fit, load, plan
from ganvas.core import machine
from ganvas.core.pixels import grid, to_image, to_uint8
from ganvas.data.dataset import Dataset
from ganvas.evaluation.compare import compare
from ganvas.runs.evaluations import as_json
from ganvas.training import budget

from . import lightweight_gan
from .record import RESULTS

FILE = RESULTS / "leaderboard.jsonl"
DOCS = Path(__file__).parent.parent / "docs"
BEGIN, END = "<!-- what follows is written by benchmarks/leaderboard.py -->", "<!-- until here -->"
RECIPES = (
    *("icons", "photos", "projected_gan", "r3gan", "sngan", "wgan_gp", "wgan", "lsgan", "dcgan", "cifar10_dcgan"),
    *("mlp_gan", "vae", "autoencoder", "cgan", "projection_gan"),
)
PEER = "lightweight-gan"
NEED_CLASSES = ("cgan", "projection_gan")
SIZE, SAMPLES, SHOWN = 32, 2_000, 24
PICTURED = 5.0  # minutes
FIGURES = ("fd-efficientnet_lite0", "kd-efficientnet_lite0", "precision", "recall", "density", "coverage")


def entry(
    recipe: str, data: str, source: str, pictures: Dataset, minutes: float, seed: int, checkout: Path
) -> dict[str, Any]:
    """Train one recipe and score it; returns a line of results."""
    began = time.process_time()
    if recipe == PEER:
        made, images = lightweight_gan.learn(checkout, pictures, minutes=minutes, seed=seed, samples=SAMPLES)
        learned: Path | Dataset = Dataset(made.numpy())
    else:
        planned = replace(plan(recipe, data=source, size=SIZE), measure_images=0, sheets=5)
        out = Path("runs/leaderboard") / f"{recipe}-{data}-{minutes:g}min-seed{seed}"
        run = fit(planned, minutes=minutes, seed=seed, out=out, device="cpu", quiet=True)
        if not run.finished:  # but stopped: what it has learned so far is no result
            raise SystemExit(f"{run.path} is not finished.")
        made, images, learned = to_uint8(load(run.path).generate(range(SHOWN))), run.images, run.path
    spent = time.process_time() - began
    compared = compare(learned, pictures, count=SAMPLES, features="efficientnet_lite0")
    scores = dict(compared.scores())
    if seed == 0 and minutes == PICTURED:
        picture = DOCS / "pictures" / f"leaderboard-{data}-{recipe}.png"
        to_image(grid(made[:SHOWN].numpy(), columns=8, zoom=1)).convert("RGB").save(picture)
    about = {"recipe": recipe, "data": data, "minutes": minutes, "seed": seed}
    about |= {"images": images, "cpu_seconds": round(spent), "machine": machine.describe(torch.device("cpu"))}
    return about | as_json(compared.about, scores)


def count_processor_time() -> None:
    """Count budgets in CPU time, which equals that of the one thread."""
    torch.set_num_threads(1)
    budget.time = SimpleNamespace(perf_counter=time.process_time)  # type: ignore[assignment]


def place(entry: dict[str, Any]) -> tuple[str, str]:
    """What must agree for trainings to be comparable: their data, and the processor that they ran on."""
    about = entry["machine"]
    instructions = about.get("instructions", "")
    return entry["data"], f"{about['processor']} ({instructions})" if instructions else about["processor"]


def table(entries: list[dict[str, Any]], data: str, processor: str, minutes: float) -> str:
    """The recipes on one set of data, the best first, with the spread over seeds."""
    rows = []
    for recipe in (*RECIPES, PEER):
        asked = (data, processor), recipe, minutes
        found = [each for each in entries if (place(each), each["recipe"], each["minutes"]) == asked]
        if not found:
            continue
        cells = []
        for figure in FIGURES:
            values = [each["scores"][figure]["value"] for each in found]
            spread = f" ({min(values):.3g} to {max(values):.3g})" if len(values) > 1 else ""
            cells.append(f"{statistics.mean(values):.3g}{spread}")
        first = statistics.mean(each["scores"][FIGURES[0]]["value"] for each in found)
        images = f"{statistics.mean(each['images'] for each in found):,.0f}"
        last = (data, recipe, PICTURED)  # the file holds the grid of the last one
        pictured = [each for each in entries if (each["data"], each["recipe"], each["minutes"]) == last]
        shown = minutes == PICTURED and place(pictured[-1]) == (data, processor)
        picture = f"![](pictures/leaderboard-{data}-{recipe}.png)" if shown else ""
        rows.append((first, f"| `{recipe}` | {' | '.join(cells)} | {images} | {len(found)} | {picture} |"))
    head = f"| recipe | {' | '.join(FIGURES)} | images | seeds | samples |\n|" + "---|" * (len(FIGURES) + 4)
    return f"## {data}, {minutes:g} minutes of an {processor}\n\n{head}\n" + "\n".join(row for _, row in sorted(rows))


def over_time(entries: list[dict[str, Any]], data: str, processor: str) -> str:
    """The first metric of each recipe that was given several budgets, by CPU minutes, the best at the longest first."""
    found: dict[str, dict[float, list[float]]] = {}
    for each in entries:
        if place(each) == (data, processor):
            value = each["scores"][FIGURES[0]]["value"]
            found.setdefault(each["recipe"], {}).setdefault(each["minutes"], []).append(value)
    found = {recipe: values for recipe, values in found.items() if len(values) > 1}
    budgets = sorted({minutes for values in found.values() for minutes in values})
    if not found:
        return ""
    head = f"| recipe | {' | '.join(f'{minutes:g} min' for minutes in budgets)} |\n|{'---|' * (len(budgets) + 1)}"
    rows = []
    for recipe, values in sorted(found.items(), key=lambda item: statistics.mean(item[1][max(item[1])])):
        cells = [f"{statistics.mean(values[minutes]):.0f}" if minutes in values else "" for minutes in budgets]
        rows.append(f"| `{recipe}` | {' | '.join(cells)} |")
    return f"## {data}, {FIGURES[0]} by minutes of an {processor}\n\n{head}\n" + "\n".join(rows)


def main() -> None:
    """Train and score what is missing, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="icons", help="NAME or NAME=SOURCE")
    parser.add_argument("--minutes", type=float, default=PICTURED)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", help="by default all that can learn from these data")
    parser.add_argument("--checkout", type=Path, default=Path(PEER), help="a clone of lightweight-gan's repository")
    options = parser.parse_args()
    data, _, source = options.data.partition("=")
    count_processor_time()
    entries = [json.loads(line) for line in FILE.read_text().splitlines()] if FILE.exists() else []
    pictures = plan("icons", data=source or data, size=SIZE).data.open()
    here = place({"data": data, "machine": machine.describe(torch.device("cpu"))})
    recipes = options.only or [recipe for recipe in RECIPES if pictures.classes or recipe not in NEED_CLASSES]
    for seed in options.seeds:
        for recipe in recipes:
            known = {(place(each), each["recipe"], each["minutes"], each["seed"]) for each in entries}
            if (here, recipe, options.minutes, seed) in known:
                continue
            entries.append(entry(recipe, data, source or data, pictures, options.minutes, seed, options.checkout))
            with FILE.open("a") as file:
                file.write(json.dumps(entries[-1]) + "\n")
            print(f"{recipe} seed {seed}: {entries[-1]['scores'][FIGURES[0]]['value']:.4g}", flush=True)
            page(entries)


def page(entries: list[dict[str, Any]]) -> None:
    """Write the tables between the two marks of docs/leaderboard.md."""
    file = DOCS / "leaderboard.md"
    sets = sorted({(*place(each), each["minutes"]) for each in entries})
    parts = [over_time(entries, *where) for where in sorted({place(each) for each in entries})]
    tables = "\n\n".join([*filter(None, parts), *(table(entries, *each) for each in sets)])
    before, _, rest = file.read_text().partition(BEGIN)
    file.write_text(f"{before}{BEGIN}\n\n{tables}\n\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
