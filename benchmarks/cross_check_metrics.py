"""The metrics of torch-fidelity, pytorch-fid, clean-fid and prdc on features that the tests can draw again.

    pip install torch-fidelity==0.4.0 pytorch-fid==0.3.0 clean-fid==0.1.35 prdc==0.2
    python -m benchmarks.cross_check_metrics

writes tests/golden/metrics_references.json, so that the tests need none of these packages. It needs an environment of
its own, and compares metrics of features only, not what the packages do with pictures.
"""

import contextlib
import importlib.metadata
import io
import json
import platform
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "metrics_references.json"
PEERS = ("torch-fidelity", "pytorch-fid", "clean-fid", "prdc", "scipy", "numpy", "torch")
SETS = {"many": (400, 300, 64), "few": (60, 50, 300), "wide": (500, 500, 200)}
"""Name of a pair of sets -> number of reals, number of fakes, number of dimensions."""


def draw(name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Two sets of features like those of a ReLU network: at least 0, correlated, similar but not the same."""
    many, fewer, dimensions = SETS[name]
    dice = np.random.default_rng([len(name), dimensions])
    mixing = dice.standard_normal((8, dimensions))
    found = []
    for count, scale, shift in ((many, 1.0, 0.1), (fewer, 0.9, 0.15)):
        hidden = scale * dice.standard_normal((count, 8)) @ mixing / 4
        noise = 0.3 * dice.standard_normal((count, dimensions))
        found.append(np.maximum(hidden + noise + shift, 0).astype(np.float32))
    return found[0], found[1]


def draw_logits() -> NDArray[np.float32]:
    """The logits [505, 12] of a fairly confident classifier."""
    return (3 * np.random.default_rng(3).standard_normal((505, 12))).astype(np.float32)


def references() -> dict[str, Any]:
    """The peers' values."""
    shim = torch.library.Library("torchvision", "DEF")  # for a torchvision whose binary does not match this torch
    with contextlib.suppress(RuntimeError):
        shim.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        shim.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import cleanfid.fid
    import prdc
    import pytorch_fid.fid_score
    import torch_fidelity.metric_fid
    import torch_fidelity.metric_isc
    import torch_fidelity.metric_kid
    import torch_fidelity.metric_prc

    found: dict[str, Any] = {}
    for name in SETS:
        real, fake = draw(name)
        figures: dict[str, Any] = {}
        doubled = [torch.from_numpy(each).double() for each in (real, fake)]
        stats = [torch_fidelity.metric_fid.fid_features_to_statistics(each) for each in doubled]
        distance = torch_fidelity.metric_fid.fid_statistics_to_metric(*stats, verbose=False)
        figures["frechet torch-fidelity"] = distance["frechet_inception_distance"]
        moments = [array for each in stats for array in (each["mu"], each["sigma"])]
        figures["frechet pytorch-fid"] = float(pytorch_fid.fid_score.calculate_frechet_distance(*moments))
        figures["frechet clean-fid"] = float(cleanfid.fid.frechet_distance(*moments))
        size = min(len(real), len(fake)) // 2
        for kind, pair in (("float32", (fake, real)), ("float64", (fake.astype(float), real.astype(float)))):
            answer = torch_fidelity.metric_kid.kid_features_to_metric(
                *map(torch.from_numpy, pair), kid_subsets=30, kid_subset_size=size, rng_seed=2020, verbose=False
            )
            figures[f"kernel torch-fidelity {kind}"] = list(answer.values())
        if len(real) == len(fake):  # one subset of all samples is all pairs
            pair = real.astype(float), fake.astype(float)
            figures["kernel clean-fid"] = cleanfid.fid.kernel_distance(*pair, num_subsets=1, max_subset_size=len(real))
        answer = torch_fidelity.metric_prc.prc_features_to_metric(
            torch.from_numpy(fake), torch.from_numpy(real), prc_neighborhood=3, verbose=False
        )
        figures["neighbours torch-fidelity"] = {key: answer[key] for key in ("precision", "recall")}
        with contextlib.redirect_stdout(io.StringIO()):
            answer = prdc.compute_prdc(real, fake, nearest_k=5)
        figures["neighbours prdc"] = {key: float(value) for key, value in answer.items()}
        found[name] = figures
    for shuffle in (True, False):
        answer = torch_fidelity.metric_isc.isc_features_to_metric(torch.from_numpy(draw_logits()), shuffle=shuffle)
        found[f"inception shuffled {shuffle}"] = list(answer.values())
    return found


def main() -> None:
    versions = {name: importlib.metadata.version(name) for name in PEERS} | {"python": platform.python_version()}
    GOLDEN.write_text(json.dumps({"made by": versions} | references(), indent=1) + "\n")
    print(GOLDEN.read_text())


if __name__ == "__main__":
    main()
