"""Peak memory of packing 50,000 pictures of 32x32 and training on them, as the system counts it for the whole process.

    python -m benchmarks.memory [--count 50000] [--images 2000]

Goal: no more than the packed data and 1 GiB.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from .record import record

SIZE = 32


def make_pictures(folder: Path, count: int) -> None:
    """Random blobs as PNG files, in 10 class folders."""
    dice = np.random.default_rng(0)
    for place in range(count):
        coarse = Image.fromarray(dice.integers(0, 256, (4, 4, 3), dtype=np.uint8))
        target = folder / f"class{place % 10}" / f"{place:06}.png"
        target.parent.mkdir(exist_ok=True)
        coarse.resize((SIZE, SIZE), Image.Resampling.BICUBIC).save(target)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--count", type=int, default=50_000)
    options.add_argument("--images", type=int, default=2_000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder, cache, run = (Path(made) / name for name in ("pictures", "cache", "run"))
        folder.mkdir()
        make_pictures(folder, chosen.count)
        command = [
            sys.executable,
            "-m",
            "ganvas",
            "train",
            str(folder),
            "--images",
            str(chosen.images),
            "--out",
            str(run),
        ]
        subprocess.run(command, check=True, env=os.environ | {"GANVAS_CACHE": str(cache)})
    packed = chosen.count * SIZE * SIZE * 3
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    goal = packed + 2**30
    print(f"packed {packed / 2**20:.0f} MiB, peak {peak / 2**20:.0f} MiB, goal {goal / 2**20:.0f} MiB")
    print(record("memory", {"pictures": chosen.count, "packed_bytes": packed, "peak_bytes": peak}))


if __name__ == "__main__":
    main()
