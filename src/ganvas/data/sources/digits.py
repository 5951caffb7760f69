"""Handwritten digits that come with the toolkit, so that a first run needs neither a download nor a folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from PIL import Image

from ...core.catalog import part
from ...core.files import key
from ..dataset import Dataset, Source, Watch, unwatched
from ..decode import DECODER, Frame
from ..pack import Item, packed

__all__ = ["Digits"]


@part("data")
@dataclass(frozen=True)
class Digits(Source):
    """1,797 handwritten digits of 8x8 pixels and 17 grays, enlarged smoothly; they come with the toolkit.

    The test set of "Optical Recognition of Handwritten Digits" by E. Alpaydin and C. Kaynak (1998), UCI Machine
    Learning Repository, doi:10.24432/C50P49, CC BY 4.0. White on black; ink 0 to 16 is brightness 0 to 255.
    """

    size: int | tuple[int, int] = 32
    channels: int = 1

    def open(self, watch: Watch = unwatched) -> Dataset:
        """Enlarge the digits, once, into the cache."""
        frame = Frame.of(self.size, self.channels)
        with np.load(str(files("ganvas.data.sources") / "digits.npz"), allow_pickle=False) as stored:
            pictures, labels = stored["pictures"], stored["labels"]

        def items() -> Iterator[Item]:
            for place, (ink, label) in enumerate(zip(pictures, labels, strict=True)):
                watch("Enlarging digits", place, len(labels))
                picture = Image.fromarray(np.rint(ink * (255 / 16)).astype(np.uint8))
                yield Item(f"{place}", frame.take(picture), group=f"{label}", original=(8, 8))

        return packed(f"digits-{key(frame, DECODER)}", items(), most=len(labels), shape=frame.shape)
