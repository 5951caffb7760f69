"""How many of the 1,000 modes of Stacked MNIST each loss finds, and how evenly.

    python -m benchmarks.stacked --data PLACE [--only r3gan dcgan wgan_gp] [--images 1000000] [--out runs]

PLACE holds MNIST's files: a folder or a zip. Each loss trains on the same 128,000 pictures of 28x28, three random
digits as red, green and blue, for the same number of images; if stopped, the same command continues it. Then a
classifier trained on MNIST labels each channel of 26,000 samples of the averaged generator (Lin et al. 2018,
arXiv:1712.04086, section 4.2):

modes        combinations of three digits that at least one sample is labelled as
reverse KL   from the shares of the modes among the samples to those among the training pictures, in nats

`--judge` measures existing runs without further training. Figures are appended to benchmarks/results/stacked.jsonl. The
same for 26,000 training pictures is the floor: so many samples of 1,000 modes have a reverse KL of .02 by chance.
"""

import argparse
import datetime
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import ganvas
from ganvas import Recipe, find, metrics
from ganvas.core import machine
from ganvas.data.sources.mnist import Mnist
from ganvas.data.sources.stacked import StackedDigits
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.losses import Nonsaturating, Wasserstein
from ganvas.learning.optimizers import Adam
from ganvas.metrics.features.classifier import Classifier, classifier
from ganvas.networks.dcgan import DCGANCritic
from ganvas.runs.run import Run

from .record import RESULTS

FILE = RESULTS / "stacked.jsonl"
SAMPLES = 26_000
SIZE = 28


def recipes(data: StackedDigits, images: int) -> dict[str, Recipe]:
    """The losses by name: the recipe `stacked`, except for what belongs to the loss."""
    r3gan: Recipe = replace(find("stacked", "recipe")(), data=data, images=images)
    return {
        "r3gan": r3gan,
        "dcgan": replace(
            r3gan,
            networks=r3gan.networks | {"critic": DCGANCritic(width=32)},
            game=Adversarial(Nonsaturating()),
            optimizer=Adam(rate=2e-4, beta1=0.5),
        ),
        "wgan_gp": replace(
            r3gan,
            game=Adversarial(Wasserstein(), gradient_penalty=10.0, critic_plays=5),
            optimizer=Adam(rate=1e-4, beta1=0.0, beta2=0.9),
        ),
    }


def labels(pictures: Any, reader: Classifier) -> torch.Tensor:
    """Labels 0 to 999 of pictures, float [N, 3, H, W], from the reader's labels of the three channels."""
    hundreds, tens, ones = (reader.labels(pictures[:, channel : channel + 1]) for channel in range(3))
    return 100 * hundreds + 10 * tens + ones


def judge(found: torch.Tensor, data: Any) -> dict[str, float]:
    """Modes and reverse KL of these labels against those of the data."""
    expected = np.bincount(data.labels, minlength=1000)
    scores = metrics.mode_counts(found, 1000, expected=expected)
    return {name: score.value for name, score in scores.items()}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--data", required=True, help="where MNIST's four files are")
    options.add_argument("--only", nargs="*", default=["r3gan", "dcgan", "wgan_gp"])
    options.add_argument("--images", type=int, default=1_000_000)
    options.add_argument("--out", type=Path, default=Path("runs"))
    options.add_argument("--set", nargs="*", default=[], help="changes to the recipe, as in ganvas train")
    options.add_argument("--judge", action="store_true")
    chosen = options.parse_args()
    torch.set_num_threads(1)
    source = StackedDigits(chosen.data, size=SIZE)
    data = source.open()
    reader = classifier(Mnist(chosen.data, size=SIZE), held_out=Mnist(chosen.data, size=SIZE, split="test"))
    print(f"the classifier is right in {reader.accuracy:.2%} of {reader.held_out:,} test digits", flush=True)
    rows = np.arange(SAMPLES)
    floor = judge(labels(data.take(rows), reader), data)
    print(f"training pictures: {floor}", flush=True)
    for name in chosen.only:
        recipe = recipes(source, chosen.images)[name]
        for setting in chosen.set:
            recipe = ganvas.change(recipe, setting)
        run = Run(chosen.out / f"stacked-{name}")
        if not chosen.judge:
            run = ganvas.fit(recipe, out=run.path, device="cpu")
        found = labels(ganvas.load(run.path).generate(range(SAMPLES)), reader)
        line = {
            "loss": name,
            **judge(found, data),
            "images": run.images,
            "seconds": round(run.seconds),
            "floor": floor,
            "accuracy": reader.accuracy,
            "date": datetime.datetime.now().astimezone().date().isoformat(),
            "machine": machine.describe(torch.device("cpu")),
            "recipe": str(run.recipe).replace(chosen.data, "mnist"),
        }
        RESULTS.mkdir(exist_ok=True)
        with FILE.open("a") as file:
            file.write(json.dumps(line) + "\n")
        print({key: line[key] for key in ("loss", "modes", "reverse_kl", "images", "seconds")}, flush=True)


if __name__ == "__main__":
    main()
