"""Feature extractors: a frozen network, and all that a figure made with its features depends on.

A part of kind "feature" is a function that returns one. Here is DINOv2, for those who have its repository and weights:

    @part("feature")
    def dinov2(request: Request) -> Extractor:
        '''DINOv2 ViT-L/14 (Oquab et al. 2023, arXiv:2304.07193).'''
        network = torch.hub.load("dinov2", "dinov2_vitl14", source="local").eval().to(request.device)

        def run(pictures: Tensor) -> Tensor:                # uint8 [n, h, w, 3] -> [n, 1024]
            x = F.interpolate(to_float(pictures), (224, 224), mode="bicubic", antialias=True)
            return network((x / 2 + 0.5 - MEAN) / DEVIATION)

        weights = sha256_of(network.state_dict())
        return Extractor(run, 1024, weights, resize="PyTorch bicubic to 224x224", quantiser="none after the resize")

It is then available as `features("dinov2")`, and its Fréchet distance is reported as `fd-dinov2`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

from ...core.errors import DoesNotFit, Unreadable
from ...core.machine import sent
from ...data.dataset import Dataset, Source, Watch, unwatched

__all__ = ["Extractor", "MakesExtractor", "Request"]

Pictures = NDArray[np.generic] | Tensor
"""uint8 [N, H, W, C]; other types are refused with a message."""


@dataclass(frozen=True)
class Extractor:
    """A frozen network that describes pictures, and all that a figure made with it depends on.

    run          uint8 [n, h, w, 3] on `device` -> float [n, dimension]; under no_grad, full float32 precision
    dimension    how many features
    sha256       of the weights
    resize       what is done to a picture before the network sees it
    quantiser    whether and how the resized values are rounded
    name         as in `features(name)`
    head         features [n, dimension] -> logits [n, classes], if the network is a classifier
    channels     what `run` takes: 3; or 1, for networks of gray pictures only
    batch        pictures at once
    unrounded    whether `run` also takes float32 in [0, 255], for changes smaller than the steps of uint8
    exact        whether bit-exact features were requested, see `Request`; figures are the same for both
    taught       whether the network learned from the very pictures and classes that are measured with it
    """

    run: Callable[[Tensor], Tensor]
    dimension: int
    sha256: str
    resize: str
    quantiser: str
    name: str = ""
    head: Callable[[Tensor], Tensor] | None = None
    channels: int = 3
    batch: int = 32
    unrounded: bool = False
    exact: bool = False
    taught: bool = False
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def frechet(self) -> str:
        """The name of a Fréchet distance of these features: FID only with published Inception weights, else fd-NAME."""
        names = {"inception": "fid", "inception_clean": "fid-clean", "inception_pytorch": "fid-pytorch"}
        return names.get(self.name, f"fd-{self.name}")

    @property
    def about(self) -> dict[str, str | int]:
        """What a report states next to every figure."""
        return {
            "features": self.name,
            "weights_sha256": self.sha256,
            "dimension": self.dimension,
            "resize": self.resize,
            "quantiser": self.quantiser,
        }

    def __call__(
        self, pictures: Pictures | Dataset | Iterable[Pictures], *, watch: Watch = unwatched
    ) -> Float[Tensor, "n d"]:
        """The features of all pictures, float32 on the CPU; arguments and errors as in `stream`."""
        parts = list(self.stream(pictures, watch=watch))
        return torch.cat(parts) if parts else torch.empty(0, self.dimension)

    def stream(
        self, pictures: Pictures | Dataset | Iterable[Pictures], *, watch: Watch = unwatched
    ) -> Iterator[Float[Tensor, "n d"]]:
        """The features batch by batch, so that a set may be larger than the memory.

        Args:
            pictures: uint8 [N, H, W, C] in [0, 255] as an array (also a memory-mapped one), a tensor or a data set, or
                an iterable of such batches. Gray is repeated in three channels. Transparent areas are laid on white, as
                people will see them: differences that this hides are not measured.
            watch: told of the pictures done; for an iterable the total is 0.

        Raises:
            DoesNotFit: they are not uint8, or have another number of channels.
            Unreadable: the network gives NaN or infinity.
        """
        total = len(pictures) if isinstance(pictures, np.ndarray | Tensor | Dataset) else 0
        done = 0
        for chunk in self._chunks(pictures):
            watch(f"Describing pictures by {self.name}", done, total)
            yield self._described(chunk)
            done += len(chunk)
        watch(f"Describing pictures by {self.name}", done, total)

    @torch.no_grad()
    def logits(self, features: Float[Tensor, "n d"]) -> Float[Tensor, "n classes"]:
        """The logits of the network's classes, from the pictures' features.

        Raises:
            DoesNotFit: it is no classifier.
        """
        if self.head is None:
            raise DoesNotFit(f"{self.name} knows no classes; inception, efficientnet_lite0 and digits do.")
        return torch.cat([self.head(part.to(self.device)).cpu() for part in features.split(1024)])

    def _chunks(self, pictures: Pictures | Dataset | Iterable[Pictures]) -> Iterator[Tensor]:
        if isinstance(pictures, Dataset):
            if pictures.samples.dtype != np.uint8:
                raise DoesNotFit("These data are points and not pictures; they need no features to be compared.")
            pictures = pictures.samples
        if not isinstance(pictures, np.ndarray | Tensor):
            for some in pictures:
                yield from self._chunks(some)
            return
        for first in range(0, len(pictures), self.batch):
            some = pictures[first : first + self.batch]
            # A copy, because torch warns about read-only memory, such as a mapped file.
            yield torch.from_numpy(np.array(some)) if isinstance(some, np.ndarray) else some

    @torch.no_grad()
    def _described(self, pictures: Tensor) -> Tensor:
        x = _in_channels(sent(pictures, self.device), self.channels)
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            features = self.run(x).float().cpu()
        if features.shape != (len(x), self.dimension):
            raise DoesNotFit(f"{self.name} promises {self.dimension} features and gives {list(features.shape)}.")
        if not features.isfinite().all():
            raise Unreadable(
                f"{self.name} gives NaN or infinite features; its weights are not sound. Get the file anew."
            )
        return features


@dataclass(frozen=True)
class Request:
    """The arguments of `features`, as passed to the functions that make extractors.

    weights   a file to take the weights from
    data      what is to be measured
    exact     equal to the reference bit for bit, rather than fast and within 1e-5 of the features' scale
    """

    weights: Path | None = None
    data: Source | Dataset | None = None
    exact: bool = False
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    watch: Watch = unwatched


MakesExtractor = Callable[[Request], Extractor]
"""A function that makes an extractor; every part of kind "feature" is one."""


def _in_channels(pictures: Tensor, channels: int) -> UInt8[Tensor, "n h w k"]:
    if pictures.dtype != torch.uint8 or pictures.dim() != 4:
        raise DoesNotFit(
            f"Features are taken of uint8 [N, H, W, C], not of {pictures.dtype} {list(pictures.shape)}; "
            "ganvas.core.pixels.to_uint8 rounds what a network made."
        )
    given = pictures.shape[3]
    if given == channels:
        return pictures
    if given not in {1, 3, 4}:
        raise DoesNotFit(f"Pictures have 1 (gray), 3 (RGB) or 4 (RGBA) channels, not {given}.")
    if given == 4:
        colour, opacity = pictures[..., :3].int(), pictures[..., 3:].int()
        pictures = ((colour * opacity + 255 * (255 - opacity) + 127) // 255).to(torch.uint8)
    if channels == 1 < pictures.shape[3]:
        raise DoesNotFit("These features are of gray pictures only and these have colours; take others, or gray data.")
    return pictures.expand(-1, -1, -1, channels) if pictures.shape[3] == 1 else pictures
