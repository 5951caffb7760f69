"""FID, KID, Inception Score, precision and recall of two folders, end to end: Ganvas against torch-fidelity.

    python -m benchmarks.suite [--pictures 1000] [--size 64] [--rounds 2] [--threads 1] [--figures]

Both get two folders of so many PNG files and the same made-up weights, compute the same five metrics with their own
defaults (for KID 100 subsets of 1,000, or of all there are) and cache nothing between turns. For precision and recall
torch-fidelity is told to use Inception's features too, so that it processes every picture once, as Ganvas does. It is
installed as in `benchmarks.cross_check_features`. The values of both are recorded along with the seconds.

With `--figures` both get the same made-up features instead of pictures, so that what follows Inception, which alone
grows faster than the number of pictures, is timed by itself.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import torch
from PIL import Image

from ganvas import metrics
from ganvas.data.dataset import open_source
from ganvas.metrics.features.by_name import features
from ganvas.metrics.features.inception import made_up_weights

from .cross_check_features import environment, made_up_pictures, peers_variables
from .record import record
from .turns import answer, take_turns, times_as_fast

STANDING_IN = torch.library.Library("torchvision", "FRAGMENT")
SUBSET = 1000  # samples in a subset for KID
NAMES = {
    "fid": "frechet_inception_distance",
    "kid": "kernel_inception_distance_mean",
    "inception score": "inception_score_mean",
    "precision": "precision",
    "recall": "recall",
}
"""Figure -> what torch-fidelity calls it."""


def ours(real: Path, fake: Path, weights: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as cache:
        os.environ["GANVAS_CACHE"] = cache
        describe = features("inception", weights=weights)
        width, height = Image.open(next(real.iterdir())).size
        reals, fakes = (describe(open_source(str(each), size=(width, height))) for each in (real, fake))
    return our_figures(reals, fakes, describe.logits(fakes))


def our_figures(reals: torch.Tensor, fakes: torch.Tensor, logits: torch.Tensor) -> dict[str, float]:
    size = min(len(reals), len(fakes), SUBSET)
    found = {
        "fid": metrics.frechet_distance(reals, fakes),
        "kid": metrics.kernel_distance_of_subsets(reals, fakes, size=size),
        "inception score": metrics.inception_score(logits),
    } | metrics.precision_recall(reals, fakes)
    return {name: score.value for name, score in found.items()}


def stand_in() -> None:
    """What is imported of a torchvision whose binary does not match this torch."""
    if not hasattr(torch.ops.torchvision, "nms"):
        STANDING_IN.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        STANDING_IN.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


def theirs(real: Path, fake: Path, weights: Path) -> dict[str, float]:
    stand_in()
    import torch_fidelity

    found = torch_fidelity.calculate_metrics(
        input1=str(fake),
        input2=str(real),
        feature_extractor="inception-v3-compat",
        feature_extractor_weights_path=str(weights),
        kid_subset_size=min(SUBSET, len(list(real.iterdir()))),
        **dict.fromkeys(("isc", "fid", "kid", "prc"), True),
        **dict.fromkeys(("cuda", "cache", "verbose"), False),
    )
    return {name: float(found[key]) for name, key in NAMES.items()}


def their_figures(reals: torch.Tensor, fakes: torch.Tensor, logits: torch.Tensor) -> dict[str, float]:
    stand_in()
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_isc import isc_features_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric
    from torch_fidelity.metric_prc import prc_features_to_metric

    quiet = {"verbose": False}
    found = fid_statistics_to_metric(*map(fid_features_to_statistics, (fakes, reals)), verbose=False)
    found |= kid_features_to_metric(fakes, reals, kid_subset_size=min(SUBSET, len(reals)), **quiet)
    found |= isc_features_to_metric(logits) | prc_features_to_metric(fakes, reals, **quiet)
    return {name: float(found[key]) for name, key in NAMES.items()}


def made_up_features(folder: Path, count: int) -> None:
    """Features and logits of so many reals and fakes, not negative and correlated as Inception's are."""
    dice = torch.Generator().manual_seed(0)
    mix = torch.randn(64, 2048, generator=dice)
    reals, fakes = (torch.randn(count, 64, generator=dice) for _ in range(2))
    noise = torch.randn(2, count, 2048, generator=dice)
    reals, fakes = ((each @ mix / 8 + more).relu() for each, more in zip((reals, 1.1 * fakes), noise, strict=True))
    torch.save((reals, fakes, torch.randn(count, 1008, generator=dice)), folder / "features.pth")


def write_pictures(folder: Path, side: int, count: int) -> None:
    """So many real pictures and fakes, and weights to describe them."""
    torch.save(made_up_weights(), folder / "weights.pth")
    pictures = made_up_pictures(side, side, 2 * count)
    for name, some in (("real", pictures[::2]), ("fake", pictures[1::2] // 16 * 15)):
        (folder / name).mkdir()
        for number, picture in enumerate(some):
            Image.fromarray(picture).save(folder / name / f"{number:05}.png")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, default in (("pictures", 1000), ("size", 64), ("rounds", 2), ("threads", 1)):
        options.add_argument(f"--{name}", type=int, default=default)
    options.add_argument("--figures", action="store_true", help="features instead of pictures")
    options.add_argument("--side", choices=["ours", "theirs"], help=argparse.SUPPRESS)
    options.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.side:
        torch.set_num_threads(chosen.threads)
        if chosen.figures:
            features = torch.load(chosen.folder / "features.pth")
            answer(lambda: (our_figures if chosen.side == "ours" else their_figures)(*features))
            return
        given = chosen.folder / "real", chosen.folder / "fake", chosen.folder / "weights.pth"
        answer(lambda: (ours if chosen.side == "ours" else theirs)(*given))
        return
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        if chosen.figures:
            made_up_features(folder, chosen.pictures)
        else:
            write_pictures(folder, chosen.size, chosen.pictures)
        variables = peers_variables(folder) | {"OMP_NUM_THREADS": str(chosen.threads)}
        words = ["--folder", made, "--threads", str(chosen.threads), *["--figures"] * chosen.figures, "--side"]
        rest = ["-W", "ignore", "-m", "benchmarks.suite", *words]
        pythons = {"ours": sys.executable, "theirs": environment(folder / "peers")}
        commands = {side: [python, *rest, side] for side, python in pythons.items()}
        answers = take_turns(commands, rounds=chosen.rounds, variables=variables)
    ratios = {}
    for by in ("cpu_seconds", "clock_seconds"):
        ratios[by] = found = times_as_fast(answers["ours"], answers["theirs"], by=by)
        print(f"{found['mean']:.2f} times as fast by {by} ({found['least']:.2f} to {found['most']:.2f})")
    for name, value in answers["ours"][0]["result"].items():
        print(f"{name}: {value:.9g}, theirs {answers['theirs'][0]['result'][name]:.9g}")
    figures = {"pictures": chosen.pictures, "size": chosen.size, "threads": chosen.threads}
    print(record("suite_figures" if chosen.figures else "suite", figures | {"ratios": ratios, "turns": answers}))


if __name__ == "__main__":
    main()
