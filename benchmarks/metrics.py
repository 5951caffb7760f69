"""Metrics of 10,000 real and 10,000 fake features of 2,048 dimensions: CPU seconds of Ganvas against its peers.

    pip install torch-fidelity==0.4.0 pytorch-fid==0.3.0 prdc==0.2
    OMP_NUM_THREADS=1 python -m benchmarks.metrics [--count 10000] [--rounds 2]

The sides take turns, so that a change in the machine's speed affects both. The figure is the geometric mean of the
ratios of neighbouring turns, in CPU seconds of the whole process, which other work on the machine affects less than
wall-clock time; the latter is recorded too, as are the metrics' values. Features are synthetic: 64 hidden numbers,
mixed, with noise, and a ReLU.
"""

import argparse
import contextlib
import importlib.metadata
import io
import math
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ganvas import metrics

from .record import record

PEERS = ("torch-fidelity", "pytorch-fid", "prdc", "scipy", "numpy")


def draw(count: int, seed: int, scale: float) -> torch.Tensor:
    """Features [count, 2048], float32."""
    mixing = torch.randn(64, 2048, generator=torch.Generator().manual_seed(0)) / 8
    dice = torch.Generator().manual_seed(seed)
    hidden = scale * torch.randn(count, 64, generator=dice) @ mixing
    return (hidden + 0.5 * torch.randn(count, 2048, generator=dice)).relu()


def contests(real: torch.Tensor, fake: torch.Tensor) -> dict[str, tuple[Callable[[], Any], Callable[[], Any]]]:
    """Metric -> (our function, the peer's function); both return comparable numbers."""
    shim = torch.library.Library("torchvision", "DEF")  # for a torchvision whose binary does not match this torch
    with contextlib.suppress(RuntimeError):
        shim.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        shim.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import prdc
    from pytorch_fid.fid_score import calculate_frechet_distance
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric
    from torch_fidelity.metric_prc import prc_features_to_metric

    ours = [metrics.Statistics.of(each) for each in (real, fake)]
    theirs = [{"mu": each.mean.numpy(), "sigma": each.covariance.numpy()} for each in ours]
    moments = [array for each in theirs for array in (each["mu"], each["sigma"])]

    def values(found: dict[str, metrics.Score]) -> dict[str, float]:
        return {name: score.value for name, score in found.items()}

    def quiet_prdc() -> dict[str, float]:
        with contextlib.redirect_stdout(io.StringIO()):
            return {name: float(value) for name, value in prdc.compute_prdc(real.numpy(), fake.numpy(), 5).items()}

    def both_statistics() -> float:
        found = [fid_features_to_statistics(each) for each in (real, fake)]
        return fid_statistics_to_metric(*found, verbose=False)["frechet_inception_distance"]

    return {
        "frechet of statistics, sqrtm (pytorch-fid)": (
            lambda: metrics.frechet_distance(*ours).value,
            lambda: float(calculate_frechet_distance(*moments)),
        ),
        "frechet of statistics, eigvals (torch-fidelity)": (
            lambda: metrics.frechet_distance(*ours).value,
            lambda: fid_statistics_to_metric(*theirs, verbose=False)["frechet_inception_distance"],
        ),
        "frechet of features (torch-fidelity)": (
            lambda: metrics.frechet_distance(*map(metrics.Statistics.of, (real, fake))).value,
            both_statistics,
        ),
        "frechet of features, ours with its error (torch-fidelity)": (
            lambda: metrics.frechet_distance(real, fake).value,
            both_statistics,
        ),
        "kernel, 100 subsets of 1000 (torch-fidelity)": (
            lambda: metrics.kernel_distance_of_subsets(real, fake).value,
            lambda: kid_features_to_metric(
                fake, real, kid_subsets=100, kid_subset_size=1000, rng_seed=2020, verbose=False
            )["kernel_inception_distance_mean"],
        ),
        "precision and recall (torch-fidelity)": (
            lambda: values(metrics.precision_recall(real, fake)),
            lambda: prc_features_to_metric(fake, real, prc_neighborhood=3, verbose=False),
        ),
        "precision, recall, density, coverage (prdc)": (
            lambda: values(metrics.manifold_scores(real, fake, k=5, density_k=5)),
            quiet_prdc,
        ),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--count", type=int, default=10_000)
    options.add_argument("--rounds", type=int, default=2)
    chosen = options.parse_args()
    real, fake = draw(chosen.count, 1, 1.0), draw(chosen.count, 2, 0.95)
    figures: dict[str, Any] = {}
    for name, sides in contests(real, fake).items():
        seconds: dict[str, list[float]] = {"ours": [], "peer": []}
        clock: dict[str, list[float]] = {"ours": [], "peer": []}
        results: dict[str, Any] = {}
        for _ in range(chosen.rounds):
            for side, measure in zip(seconds, sides, strict=True):
                began = time.process_time(), time.perf_counter()
                results[side] = measure()
                seconds[side].append(time.process_time() - began[0])
                clock[side].append(time.perf_counter() - began[1])
        ratios = [peer / ours for ours, peer in zip(*seconds.values(), strict=True)]
        ratio = math.exp(statistics.fmean(map(math.log, ratios)))
        figures[name] = {"cpu_seconds": seconds, "clock_seconds": clock, "ratio": ratio, "results": results}
        print(f"{name}: {ratio:.1f} times as fast", seconds, results, flush=True)
    versions = {name: importlib.metadata.version(name) for name in PEERS}
    about = {"count": chosen.count, "dimensions": real.shape[1], "peers": versions, "numpy threads": _blas()}
    print(record("metrics", about | {"figures": figures}))


def _blas() -> int | None:
    """How many threads NumPy's matrix products use, if that can be found out."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return None
    np.dot(np.ones((2, 2)), np.ones((2, 2)))
    return max((each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"), default=None)


if __name__ == "__main__":
    main()
