"""MNIST, from the four files it is published as."""

import gzip
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...core.catalog import part
from ...core.download import download
from ...core.errors import DoesNotFit, NotFound, Unreadable
from ...core.files import cache_folder, expanded, key
from ..archives import Files, listing, open_files
from ..dataset import Dataset, Source, Watch, unwatched
from ..decode import DECODER, Frame, Unusable
from ..pack import Item, packed

__all__ = ["Mnist"]

MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"
CHECKSUMS = {
    "train-images-idx3-ubyte": "md5:f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte": "md5:d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte": "md5:9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte": "md5:ec29112dd5afa0611ce80d1b7f02629c",
}
MOST_BYTES = 2**28


@part("data")
@dataclass(frozen=True)
class Mnist(Source):
    """MNIST, 60,000 and 10,000 handwritten digits of 28x28 (LeCun et al. 1998), downloaded or from `mnist:PATH`.

    The path is a folder or zip with the four idx files, gzipped or not; Fashion-MNIST has files of the same names. At
    32x32, the default, two black pixels are added on each side as is usual; 28x28 is the original, and other sizes are
    resampled from 32x32.
    """

    path: str = ""
    split: str = "train"
    size: int | tuple[int, int] = 32
    channels: int = 1

    @classmethod
    def reads(cls, path: Path) -> bool:
        """Whether the idx files of the pictures are directly in this folder or anywhere in this zip."""
        return any(_plain(name) in CHECKSUMS for name in listing(path))

    def open(self, watch: Watch = unwatched) -> Dataset:
        """Read the idx files, once, into the cache.

        Raises:
            NotFound, Unreadable, DoesNotFit or Unreachable: a file is missing or is not what it should be, there is no
                such split, or the download failed.
        """
        if self.split not in {"train", "test"}:
            raise DoesNotFit(f"MNIST has the splits train and test, not {self.split!r}.")
        frame = Frame.of(self.size, self.channels)
        path = expanded(self.path) if self.path else _downloaded(watch)
        files, prefix = open_files(path), "train" if self.split == "train" else "t10k"
        pictures_file = _find(files, path, f"{prefix}-images-idx3-ubyte")
        labels_file = _find(files, path, f"{prefix}-labels-idx1-ubyte")

        def items() -> Iterator[Item]:
            pictures, labels = _numbers(files, pictures_file), _numbers(files, labels_file)
            if pictures.ndim != 3 or labels.shape != pictures.shape[:1]:
                raise DoesNotFit(f"{pictures_file} and {labels_file} do not belong together.")
            for place, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
                watch("Packing MNIST", place, len(labels))
                yield Item(f"{place}", frame.take(_bordered(picture, frame)), group=f"{label}", original=(28, 28))

        prints = [files.fingerprint(name) for name in (pictures_file, labels_file)]
        return packed(f"mnist-{key(prints, frame, DECODER)}", items(), most=70_000, shape=frame.shape)


def _downloaded(watch: Watch) -> Path:
    folder = cache_folder() / "downloads" / "mnist"
    for name, checksum in CHECKSUMS.items():
        otherwise = "If you have the four files, name their folder: `data='mnist:FOLDER'`"
        download(f"{MIRROR}{name}.gz", folder / f"{name}.gz", checksum=checksum, watch=watch, otherwise=otherwise)
    return folder


def _find(files: Files, path: Path, wanted: str) -> str:
    for name in files.names:
        if _plain(PurePosixPath(name).name) == wanted:
            return name
    raise NotFound(f"{path} has no file {wanted}, also not with .gz. MNIST is in: {', '.join(CHECKSUMS)}.")


def _plain(name: str) -> str:
    """The published name of a file: some copies have a dot for the second hyphen."""
    return name.removesuffix(".gz").replace(".idx", "-idx")


def _numbers(files: Files, name: str) -> NDArray[np.uint8]:
    """An idx file: two zeros, the type (8 is uint8), the number of axes, their lengths as >i4, the values."""
    try:
        content = files.read(name)
        if content[:2] == b"\x1f\x8b":
            with gzip.open(io.BytesIO(content)) as unpacked:
                content = unpacked.read(MOST_BYTES)
        axes = content[3]
        shape = struct.unpack(f">{axes}i", content[4 : 4 + 4 * axes])
        if content[:3] != b"\0\0\x08":
            raise Unreadable(f"{name} is not an idx file of bytes.")
        return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)
    except (Unusable, OSError, EOFError, ValueError, IndexError, struct.error) as error:
        raise Unreadable(f"{name} is not an idx file, or is cut short ({error}).") from None


def _bordered(picture: NDArray[np.uint8], frame: Frame) -> Image.Image:
    """The picture, with a border unless the frame is 28x28, so that pixels stay exact at 28x28 and 32x32."""
    return Image.fromarray(picture if (frame.width, frame.height) == (28, 28) else np.pad(picture, 2))
