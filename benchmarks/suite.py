"""FID, KID, Inception Score, precision and recall of two folders, end to end: Ganvas against torch-fidelity.

    python -m benchmarks.suite [--pictures 1000] [--size 64] [--rounds 2] [--threads 1]

Both get two folders of so many PNG files and the same made-up weights, compute the same five metrics with their own
defaults (for KID 100 subsets of 1,000, or of all there are) and cache nothing between turns. For precision and recall
torch-fidelity is told to use Inception's features too, so that it processes every picture once, as Ganvas does. It is
installed as in `benchmarks.cross_check_features`. The values of both are recorded along with the seconds.
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

SUBSET = 1000  # samples in a subset for KID


def ours(real: Path, fake: Path, weights: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as cache:
        os.environ["GANVAS_CACHE"] = cache
        describe = features("inception", weights=weights)
        width, height = Image.open(next(real.iterdir())).size
        reals, fakes = (describe(open_source(str(each), size=(width, height))) for each in (real, fake))
    size = min(len(reals), len(fakes), SUBSET)
    found = {
        "fid": metrics.frechet_distance(reals, fakes),
        "kid": metrics.kernel_distance_of_subsets(reals, fakes, size=size),
        "inception score": metrics.inception_score(describe.logits(fakes)),
    } | metrics.precision_recall(reals, fakes)
    return {name: score.value for name, score in found.items()}


def theirs(real: Path, fake: Path, weights: Path) -> dict[str, float]:
    library = torch.library.Library("torchvision", "DEF")  # for a torchvision whose binary does not match this torch
    if not hasattr(torch.ops.torchvision, "nms"):
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
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
    names = {"fid": "frechet_inception_distance", "kid": "kernel_inception_distance_mean"}
    names |= {"inception score": "inception_score_mean", "precision": "precision", "recall": "recall"}
    return {name: float(found[key]) for name, key in names.items()}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, default in (("pictures", 1000), ("size", 64), ("rounds", 2), ("threads", 1)):
        options.add_argument(f"--{name}", type=int, default=default)
    options.add_argument("--side", choices=["ours", "theirs"], help=argparse.SUPPRESS)
    options.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.side:
        torch.set_num_threads(chosen.threads)
        given = chosen.folder / "real", chosen.folder / "fake", chosen.folder / "weights.pth"
        answer(lambda: (ours if chosen.side == "ours" else theirs)(*given))
        return
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        torch.save(made_up_weights(), folder / "weights.pth")
        pictures = made_up_pictures(chosen.size, chosen.size, 2 * chosen.pictures)
        for name, some in (("real", pictures[::2]), ("fake", pictures[1::2] // 16 * 15)):
            (folder / name).mkdir()
            for number, picture in enumerate(some):
                Image.fromarray(picture).save(folder / name / f"{number:05}.png")
        variables = peers_variables(folder) | {"OMP_NUM_THREADS": str(chosen.threads)}
        rest = ["-W", "ignore", "-m", "benchmarks.suite", "--folder", made, "--threads", str(chosen.threads), "--side"]
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
    print(record("suite", figures | {"ratios": ratios, "turns": answers}))


if __name__ == "__main__":
    main()
