"""Inception features: CPU seconds of Ganvas against torch-fidelity and pytorch-fid, with the same made-up weights.

    python -m benchmarks.features [--rounds 5] [--pictures 16] [--size 32] [--threads 1]

The peers are installed in a virtual environment of their own, as in `benchmarks.cross_check_features`. Each side loads
its network once and gets the same uint8 pictures. `exact` is Ganvas bit for bit equal to the peers; `ours` is its
default, within 1e-5 of the features' scale; `efficientnet_lite0` is what is used if the Inception weights are not
available. The figures are geometric means of the ratios of neighbouring turns.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ganvas.metrics.features.by_name import features
from ganvas.metrics.features.inception import made_up_weights

from .cross_check_features import environment, made_up_pictures, peers_variables
from .record import record
from .turns import answer, take_turns, times_as_fast

SIDES = ["ours", "exact", "efficientnet_lite0", "torch_fidelity", "pytorch_fid"]
PEERS = SIDES[3:]


def describer(side: str, weights: Path) -> Callable[[np.ndarray], torch.Tensor]:
    """One side's function from uint8 [N, H, W, 3] to features."""
    if side == "ours":
        return features("inception", weights=weights)
    if side == "exact":
        return features("inception", weights=weights, exact=True)
    if side == "efficientnet_lite0":
        return features("efficientnet_lite0")
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    if side == "torch_fidelity":
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

        fidelity = FeatureExtractorInceptionV3("peer", ["2048"], feature_extractor_weights_path=str(weights))
        return lambda pictures: fidelity(torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous())[0]
    from pytorch_fid.inception import InceptionV3

    pytorch = InceptionV3().eval()
    return lambda pictures: pytorch(torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous().float().div(255))[
        0
    ].flatten(1)


def work(side: str, weights: Path, pictures: int, size: int, threads: int) -> None:
    """Compute the features of the pictures each time that this process is asked to."""
    torch.set_grad_enabled(False)
    torch.set_num_threads(threads)
    describe, given = describer(side, weights), made_up_pictures(size, size, pictures)
    describe(given[:2])
    answer(lambda: float(describe(given).mean()))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--pictures", type=int, default=16)
    options.add_argument("--size", type=int, default=32)
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    options.add_argument("--weights", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.side:
        work(chosen.side, chosen.weights, chosen.pictures, chosen.size, chosen.threads)
        return
    settings = ["--pictures", chosen.pictures, "--size", chosen.size, "--threads", chosen.threads]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        weights = folder / "hub" / "checkpoints" / "pt_inception-2015-12-05-6726825d.pth"
        weights.parent.mkdir(parents=True)
        torch.save(made_up_weights(), weights)
        theirs = environment(folder / "peers")
        variables = peers_variables(folder) | {"OMP_NUM_THREADS": str(chosen.threads)}
        commands = {}
        for side in SIDES:
            words = [theirs if side in PEERS else sys.executable, "-W", "ignore", "-m", "benchmarks.features"]
            commands[side] = [*words, "--side", side, "--weights", str(weights), *map(str, settings)]
        answers = take_turns(commands, rounds=chosen.rounds, variables=variables)
    ratios = {}
    for ours in SIDES[:3]:
        for peer in PEERS:
            ratios[f"{ours} / {peer}"] = found = times_as_fast(answers[ours], answers[peer])
            print(f"{ours} / {peer}: {found['mean']:.2f} (from {found['least']:.2f} to {found['most']:.2f})")
    figures = {"pictures": chosen.pictures, "size": chosen.size, "threads": chosen.threads}
    print(record("features", figures | {"ratios": ratios, "turns": answers}))


if __name__ == "__main__":
    main()
