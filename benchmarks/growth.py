"""How the cost of a run grows: with size, batch, width, number of pictures and number of processes.

    python -m benchmarks.growth steps                                     # CPU milliseconds an image
    python -m benchmarks.growth pictures [--counts 1000 50000 1000000]    # packing, memory and training
    python -m benchmarks.growth ranks                                     # two processes by gloo against one

`pictures` makes so many PNG files of 32x32, packs them and trains on them; the memory is the process's peak as the
system counts it, torch included. `ranks` divides the default batch among two processes of one thread each. Larger
clusters are extrapolated: a step of each computer takes as long as measured here, then a ring all-reduce passes the
gradients at the speed of the network, without overlap and without latency.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from ganvas import plan, train
from ganvas.data.dataset import Dataset
from ganvas.training.state import count_parameters

from .record import record

SIZE = 32
STEPS = [
    *(f"size={size}" for size in (16, 32, 64, 128)),
    *(f"batch={batch}" for batch in (8, 16, 64, 128)),
    *(f"width={width}" for width in (8, 32, 64)),
]


def steps(seconds: float = 4.0) -> dict[str, Any]:
    """CPU milliseconds per image on one thread, changing one thing at a time from size 32, batch 32 and width 16."""
    torch.set_num_threads(1)
    found: dict[str, Any] = {}
    for changed in STEPS:
        name, value = changed.split("=")
        size = int(value) if name == "size" else SIZE
        settings = {"width": [f"generator.width={value}", f"critic.width={value}"], "batch": [changed]}.get(name, [])
        noise = np.random.default_rng(0).integers(0, 256, (256, size, size, 3), dtype=np.uint8)
        recipe = plan("icons", size=size, images=2**40, settings=settings)
        ticks = train(recipe, data=Dataset(noise))
        next(islice(ticks, recipe.game.lazy, None))
        began, done = time.process_time(), 0
        while time.process_time() < began + seconds or done % recipe.game.lazy:
            tick = next(ticks)
            done += 1
        spent = (time.process_time() - began) * 1000 / (done * recipe.batch)
        weights = {name: sum(p.numel() for p in net.parameters()) for name, net in tick.state.networks.items()}
        found[changed] = {"milliseconds": spent, "weights": weights}
        print(f"{changed:10} {spent:7.2f} ms an image, {sum(weights.values()):,} weights", flush=True)
    return found


def pictures(counts: list[int], images: int = 2_000) -> dict[str, Any]:
    """Seconds and peak memory of a run that packs the pictures and of one that finds them packed, by their number."""
    found: dict[str, Any] = {}
    for count in counts:
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made) / "pictures"
            make_pictures(folder, count)
            turns = [run(folder, Path(made), f"run{turn}", images) for turn in range(2)]
        packed = count * SIZE * SIZE * 3
        found[str(count)] = {"packed_bytes": packed, "first": turns[0], "second": turns[1]}
        for name, turn in found[str(count)].items():
            if name != "packed_bytes":
                print(f"{count:9,} pictures, {packed / 2**20:,.0f} MiB, {name} run: {turn}", flush=True)
    return found


def run(folder: Path, home: Path, name: str, images: int) -> dict[str, float]:
    """Run the command once, in a separate process."""
    words = ["train", str(folder), "--images", str(images), "--out", str(home / name), "--device", "cpu"]
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "ganvas", *words],
        env=os.environ | {"GANVAS_CACHE": str(home / "cache"), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"ganvas {' '.join(words)} failed")
    seconds = {"seconds": time.perf_counter() - began, "cpu_seconds": used.ru_utime + used.ru_stime}
    return {name: round(value, 1) for name, value in seconds.items()} | {"peak_mib": used.ru_maxrss // 1024}


def make_pictures(folder: Path, count: int) -> None:
    """Write random blobs as PNG files, a thousand per folder."""
    dice = np.random.default_rng(0)
    for place in range(count):
        target = folder / f"{place // 1000:04}" / f"{place:07}.png"
        if place % 1000 == 0:
            target.parent.mkdir(parents=True)
        coarse = Image.fromarray(dice.integers(0, 256, (4, 4, 3), dtype=np.uint8))
        coarse.resize((SIZE, SIZE), Image.Resampling.BICUBIC).save(target, compress_level=1)


def ranks(rounds: int = 5, images: int = 2_048) -> dict[str, Any]:
    """Images/s in wall-clock time of one single-threaded process and of two, in turns."""
    speeds: dict[str, list[float]] = {"1": [], "2": []}
    for _ in range(rounds):
        for count, kept in speeds.items():
            words = [] if count == "1" else ["torch.distributed.run", f"--nproc-per-node={count}", "-m"]
            command = [sys.executable, "-m", *words, "benchmarks.growth", "one-rank", "--images", str(images)]
            answer = subprocess.run(
                command, check=True, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
            )
            kept.append(float(answer.stdout.split()[-1]))
        print("  ".join(f"{count}: {kept[-1]:.0f} images/s" for count, kept in speeds.items()), flush=True)
    speed = {count: statistics.median(kept) for count, kept in speeds.items()}
    found = {"images_per_second": speeds, "speedup": speed["2"] / speed["1"]}
    return found | cluster(speed["1"])


def cluster(speed: float) -> dict[str, float]:
    """The share of its time that a computer computes, by computers and Gbit/s, each with a full batch."""
    recipe = plan("icons", size=SIZE)
    weights = count_parameters(recipe, Dataset(np.zeros((1, SIZE, SIZE, 3), dtype=np.uint8)))
    told = sum(4 * weights[turn.player] * turn.times / turn.every for turn in recipe.game.turns())
    found = {"gradient_bytes": told}
    for count, gigabits in product((2, 8, 64), (1, 10, 100)):
        passing = 2 * (count - 1) / count * told / (gigabits * 1e9 / 8)
        found[f"{count} computers, {gigabits} Gbit/s"] = 1 / (1 + passing * speed / recipe.batch)
    for name, value in found.items():
        print(f"{name}: {value:,.3f}", flush=True)
    return found


def one_rank(images: int) -> None:
    """The work of each process of `ranks`; the first prints images/s."""
    from ganvas.core import distributed

    torch.set_num_threads(1)
    distributed.start(torch.device("cpu"))
    noise = np.random.default_rng(0).integers(0, 256, (256, SIZE, SIZE, 3), dtype=np.uint8)
    recipe = plan("icons", size=SIZE, images=2**40)
    ticks = train(recipe, data=Dataset(noise))
    next(islice(ticks, recipe.game.lazy, None))
    began, count = time.perf_counter(), images // recipe.batch
    next(islice(ticks, count - 1, None)).terms()
    if distributed.is_first():
        print(count * recipe.batch / (time.perf_counter() - began))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("part", choices=["steps", "pictures", "ranks", "one-rank"])
    options.add_argument("--counts", type=int, nargs="+", default=[1_000, 50_000, 1_000_000])
    options.add_argument("--images", type=int, default=2_048)
    chosen = options.parse_args()
    if chosen.part == "one-rank":
        one_rank(chosen.images)
        return
    found = {"steps": steps, "pictures": lambda: pictures(chosen.counts), "ranks": ranks}[chosen.part]()
    print(record(f"growth-{chosen.part}", found))


if __name__ == "__main__":
    main()
