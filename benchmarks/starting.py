"""Three CPU minutes on a small set of pictures: starting from the bundled models, and from scratch.

    python -m benchmarks.starting cats=FOLDER emoji=FOLDER [--minutes 3] [--seeds 0] [--ways "from icons-base"]

Each set is learned at 64x64 in four ways: by `--from icons-base` and `--from icons`, and from scratch by the default
recipe and by `projected_gan`. Budgets are CPU minutes, on one thread. 1,000 samples of each average are compared with
the set; the grids, of the same seeds, are next to the runs in runs/starting, because not every set may be published.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from ganvas import fit, load, plan
from ganvas.core.pixels import grid, to_image, to_uint8
from ganvas.evaluation.compare import compare
from ganvas.training.start_from import adapted

from .leaderboard import count_processor_time
from .record import record

SIZE, SAMPLES = 64, 1_000
WAYS = ("from icons-base", "from icons", "default", "projected_gan")
FIGURES = ("fd-efficientnet_lite0", "kd-efficientnet_lite0", "precision", "recall")


def learn(source: str, way: str, minutes: float, seed: int, out: Path) -> dict[str, Any]:
    """Train and score; from a model, the recipe is that of `ganvas train FOLDER --from MODEL`."""
    start = way.removeprefix("from ") if way.startswith("from ") else None
    target, like = way if way == "projected_gan" else source, adapted(start) if start else None
    recipe = replace(plan(target, data=source, size=SIZE, like=like), measure_images=0, sheets=4)
    began = time.process_time()
    run = fit(recipe, minutes=minutes, seed=seed, out=out, start_from=start, device="cpu", quiet=True)
    spent = time.process_time() - began
    scores = dict(compare(run.path, run.recipe.data.open(), count=SAMPLES, features="efficientnet_lite0").scores())
    made = to_uint8(load(run.path).generate(range(32))).numpy()
    to_image(grid(made, columns=8, zoom=1)).convert("RGB").save(out.with_suffix(".png"))
    return {"images": run.images, "cpu_seconds": round(spent)} | {name: scores[name].value for name in FIGURES}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("sets", nargs="+", help="NAME=SOURCE")
    options.add_argument("--minutes", type=float, default=3.0)
    options.add_argument("--seeds", type=int, nargs="+", default=[0])
    options.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    chosen = options.parse_args()
    count_processor_time()
    found: dict[str, Any] = {}
    for name, _, source in (each.partition("=") for each in chosen.sets):
        for seed in chosen.seeds:
            for way in chosen.ways:
                out = Path("runs/starting") / f"{name}-{way.replace(' ', '-')}-{seed}"
                found[f"{name}, {way}, seed {seed}"] = scored = learn(source, way, chosen.minutes, seed, out)
                print(f"{name}, {way}, seed {seed}: {scored}", flush=True)
    print(record("starting", {"minutes": chosen.minutes, "found": found}))


if __name__ == "__main__":
    main()
