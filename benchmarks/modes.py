"""Which modes of two mixtures of Gaussians each loss finds, how precisely and how evenly, by PacGAN's protocol.

    python -m benchmarks.modes [--only grid25:r3gan ring:wgan_gp ...] [--members 10]

Data: 8 Gaussians of deviation .01 on a circle of radius 1 (ring), 25 of deviation .05 at {-4, -2, 0, 2, 4} squared
(grid25). After training, 2,500 samples of the averaged generator are judged (Lin et al. 2018, arXiv:1712.04086, 4.1):

high quality   the share of samples within three deviations of a mode
modes          modes that have such a sample
reverse KL     sum over modes of p log(p / q) in nats, where p are the shares of samples by nearest mode and q is
               uniform: 0 if every mode is as frequent as it should be, log 25 = 3.2 if there is only one

All losses have the same networks, the same batch and the same number of images; the images of one run are the samples
seen in as many steps of the generator, so a critic that plays five times a step (WGAN) sees five times as many. Every
loss uses the optimizer of its paper (the first three DCGAN's), with a rate that falls to nearly zero on half a cosine.
The better of the paper's rate and a tenfold one is used, judged by high quality * exp(-reverse KL) of three networks
after a quarter of the images. The ten seeds are ten pairs of networks trained at once (see side_by_side.py), each on
its own data and noise.

Each group of ten is appended to benchmarks/results/modes.jsonl when it is finished; a new run continues with those that
are missing. The table in docs/modes.md is written anew each time.
"""

import argparse
import datetime
import json
import math
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ganvas import Recipe, find, metrics, train
from ganvas.core import machine
from ganvas.learning.adversarial import Adversarial
from ganvas.learning.losses import Hinge, LeastSquares, Minimax, Nonsaturating, Wasserstein
from ganvas.learning.optimizers import Adam, Optimizer, Rmsprop
from ganvas.learning.schedules import Cosine

from .record import RESULTS
from .side_by_side import SideBySide

FILE = RESULTS / "modes.jsonl"
PAGE = Path(__file__).parent.parent / "docs" / "modes.md"
BEGIN, END = "<!-- what follows is written by benchmarks/modes.py -->", "<!-- until here -->"
SAMPLES = 2_500
TRIED = 3  # networks for each rate
DATA = ("grid25", "ring")
MEASURES = {"modes": "{:.1f}", "high_quality": "{:.1%}", "reverse_kl": "{:.3f}"}


@dataclass(frozen=True)
class Loss:
    """How a way of training differs from the recipe of the data; None leaves the recipe as it is.

    rates   the rate of its paper and a higher one; trials choose the better
    """

    name: str
    game: Adversarial | None = None
    optimizer: Optimizer | None = None
    rates: tuple[float, ...] = ()
    spectral: bool = False


LOSSES = {
    "minimax": Loss("minimax (Goodfellow 2014)", Adversarial(Minimax()), Adam(beta1=0.5), (2e-4, 2e-3)),
    "nonsaturating": Loss(
        "non-saturating (Goodfellow 2014)", Adversarial(Nonsaturating()), Adam(beta1=0.5), (2e-4, 2e-3)
    ),
    "least_squares": Loss("LSGAN (Mao 2017)", Adversarial(LeastSquares()), Adam(beta1=0.5), (2e-4, 2e-3)),
    "wgan_clip": Loss(
        "WGAN, clipped (Arjovsky 2017)",
        Adversarial(Wasserstein(), clip=0.01, critic_plays=5),
        Rmsprop(),
        (5e-5, 5e-4),
    ),
    "wgan_gp": Loss(
        "WGAN-GP (Gulrajani 2017)",
        Adversarial(Wasserstein(), gradient_penalty=10.0, critic_plays=5),
        Adam(beta1=0.0, beta2=0.9),
        (1e-4, 1e-3),
    ),
    "hinge_sn": Loss(
        "hinge + spectral norm (Miyato 2018)",
        Adversarial(Hinge()),
        Adam(beta1=0.0, beta2=0.9),
        (2e-4, 2e-3),
        spectral=True,
    ),
    "r3gan": Loss("R3GAN (Huang 2024)"),
}


def recipe_of(data: str, loss: Loss, members: int) -> Recipe:
    """The recipe of this data, with this loss and so many networks side by side."""
    recipe: Recipe = find(data, "recipe")()
    networks = dict(recipe.networks)
    if loss.spectral:
        networks["critic"] = replace(networks["critic"], spectral=True)
    return replace(
        recipe,
        networks={name: SideBySide(network, members) for name, network in networks.items()},
        game=loss.game or recipe.game,
        optimizer=loss.optimizer or recipe.optimizer,
        optimizers={} if loss.optimizer else recipe.optimizers,
        average=replace(recipe.average, halflife_images=recipe.average.halflife_images * members),
        batch=recipe.batch * members,
        images=recipe.images * members,
    )


@torch.no_grad()
def judge(recipe: Recipe, average: torch.nn.Module, members: int) -> list[dict[str, float]]:
    """The three metrics of each member."""
    dice = torch.Generator().manual_seed(0)
    z = torch.randn(members * SAMPLES, average.latent, generator=dice)
    source: Any = recipe.data
    found = []
    for samples in average.generate(z).unflatten(0, (members, SAMPLES)):
        scores = metrics.mixture_modes(samples, source.modes, source.deviation)
        found.append({name: scores[name].value for name in MEASURES})
    return found


def with_rate(recipe: Recipe, rate: float) -> Recipe:
    """The recipe with this rate, falling to nearly zero as R3GAN's does."""
    optimizer: Any = recipe.optimizer
    return replace(recipe, optimizer=replace(optimizer, rate=Cosine(rate, rate / 500)))


def best_rate(data: str, loss: Loss) -> tuple[float, dict[str, float]]:
    """The better of a loss's rates from short trials, and the score of each rate."""
    found = {}
    for rate in loss.rates:
        recipe = with_rate(recipe_of(data, loss, TRIED), rate)
        members = measure(replace(recipe, images=recipe.images // 4), TRIED)["members"]
        found[rate] = statistics.fmean(member["high_quality"] * math.exp(-member["reverse_kl"]) for member in members)
        print(f"a rate of {rate}: {members}", flush=True)
    return max(found, key=lambda rate: found[rate]), {str(rate): round(value, 4) for rate, value in found.items()}


def measure(recipe: Recipe, members: int) -> dict[str, Any]:
    """Train all members and judge them; returns part of a line of the results file."""
    seconds, began = time.process_time(), time.time()
    for tick in train(recipe):
        if tick.step % (recipe.images // recipe.batch // 10) == 0:
            terms = ", ".join(f"{term} {value:.3g}" for term, value in tick.terms().items())
            print(f"{tick.images // members:,} images each, {time.time() - began:.0f} s; {terms}", flush=True)
    return {
        "date": datetime.datetime.now().astimezone().date().isoformat(),
        "images": recipe.images // members,
        "cpu_seconds": round(time.process_time() - seconds, 1),
        "machine": machine.describe(torch.device("cpu")),
        "recipe": str(recipe),
        "members": judge(recipe, tick.state.average, members),
    }


def results() -> dict[tuple[str, str], dict[str, Any]]:
    """The newest line of each (data, loss)."""
    lines = FILE.read_text().splitlines() if FILE.exists() else []
    found = map(json.loads, lines)
    return {(each["data"], each["loss"]): each for each in found}


def table(data: str) -> Iterator[str]:
    """The lines of the table for this data."""
    yield "| loss | modes | high quality | reverse KL | seeds | CPU seconds a seed |"
    yield "|---|---|---|---|---|---|"
    known = results()
    for name, loss in LOSSES.items():
        if (data, name) not in known:
            yield f"| {loss.name} | not run yet | | | | |"
            continue
        line = known[data, name]
        cells = []
        for measure, form in MEASURES.items():
            values = [member[measure] for member in line["members"]]
            if any(map(math.isnan, values)):
                cells.append("diverged")
                continue
            cells.append(f"{form} ({form} to {form})".format(statistics.fmean(values), min(values), max(values)))
        count = len(line["members"])
        yield f"| {loss.name} | {' | '.join(cells)} | {count} | {line['cpu_seconds'] / count:.0f} |"


def write_page() -> None:
    """Write the tables into docs/modes.md, between its markers."""
    text = PAGE.read_text()
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    parts = [BEGIN]
    for data in DATA:
        parts += ["", f"## {data}", "", *table(data)]
    draft = PAGE.with_suffix(f".{os.getpid()}")
    draft.write_text(before + "\n".join([*parts, "", END]) + after)
    draft.replace(PAGE)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--only", nargs="*", default=[f"{data}:{name}" for name in reversed(LOSSES) for data in DATA])
    options.add_argument("--members", type=int, default=10)
    chosen = options.parse_args()
    torch.set_num_threads(1)
    RESULTS.mkdir(exist_ok=True)
    for each in chosen.only:
        data, _, name = each.partition(":")
        if (data, name) in results():
            continue
        print(each, flush=True)
        recipe, trials = recipe_of(data, LOSSES[name], chosen.members), {}
        if LOSSES[name].rates:
            rate, trials = best_rate(data, LOSSES[name])
            recipe = with_rate(recipe, rate)
        line = {"data": data, "loss": name, "trials": trials} | measure(recipe, chosen.members)
        with FILE.open("a") as file:
            file.write(json.dumps(line) + "\n")
        write_page()
    write_page()
    print("\n".join(line for data in DATA for line in ("", data, *table(data))))


if __name__ == "__main__":
    main()
