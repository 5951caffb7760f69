"""CIFAR-10, from the archives it is published as. No Python pickle is ever executed."""

import io
import pickle
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...core.catalog import part
from ...core.download import download
from ...core.errors import DoesNotFit, NotFound, Unreadable
from ...core.files import cache_folder, expanded, key
from ..archives import listing, open_files, stamp
from ..dataset import Dataset, Source, Watch, unwatched
from ..decode import DECODER, Frame, Unusable
from ..pack import Described, Item, pack_files, packed

__all__ = ["Cifar10"]

ADDRESS = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
CHECKSUM = "md5:c32a1d4ab5d03f1284b67883e8d87530"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
BATCHES = {"train": tuple(f"data_batch_{number}" for number in range(1, 6)), "test": ("test_batch",)}
MOST_BYTES = 2**26

Pictures = NDArray[np.uint8]


@part("data")
@dataclass(frozen=True)
class Cifar10(Source):
    """CIFAR-10, 50,000 and 10,000 photos of 32x32 in 10 classes (Krizhevsky 2009), downloaded or from `cifar10:PATH`.

    The path is the published archive, binary or for Python, the folder unpacked from it, or a folder or zip with a
    folder for each class, inside `train` and `test` if the set is split.
    """

    path: str = ""
    split: str = "train"
    size: int | tuple[int, int] = 32
    channels: int = 3

    @classmethod
    def reads(cls, path: Path) -> bool:
        """Whether this is a folder or zip with the batches, or has the name of a published archive."""
        names = listing(path) | listing(path / "cifar-10-batches-bin") | listing(path / "cifar-10-batches-py")
        archive = path.name.startswith("cifar-10-") and path.name.endswith((".tar.gz", ".tar"))
        return archive or any(name.removesuffix(".bin") == "data_batch_1" for name in names)

    def drawn(self) -> bool:
        """See `Source.drawn`."""
        return False

    def open(self, watch: Watch = unwatched) -> Dataset:
        """Read the batches, once, into the cache.

        Raises:
            NotFound, Unreadable, DoesNotFit or Unreachable: they are missing or damaged, there is no such split, or
                the download failed.
        """
        if self.split not in BATCHES:
            raise DoesNotFit(f"CIFAR-10 has the splits train and test, not {self.split!r}.")
        frame = Frame.of(self.size, self.channels)
        path = expanded(self.path) if self.path else _downloaded(watch)
        if not path.exists():
            raise NotFound(f"There is no folder or file {path}.")
        if not _is_tar(path) and not self.reads(path):
            return self._from_class_folders(path, frame, watch)

        def items() -> Iterator[Item]:
            for done, (name, content) in enumerate(sorted(_batches(path, self.split).items())):
                for place, (picture, label) in enumerate(zip(*_parse(name, content), strict=True)):
                    watch("Packing CIFAR-10", 10_000 * done + place, 10_000 * len(BATCHES[self.split]))
                    picture = frame.take(Image.fromarray(picture))
                    yield Item(f"{name}/{place}", picture, group=CLASSES[label], original=(32, 32))

        name = f"cifar10-{key(stamp(path), self.split, frame, DECODER)}"
        return packed(name, items(), most=60_000, shape=frame.shape, classes=CLASSES)

    def _from_class_folders(self, path: Path, frame: Frame, watch: Watch) -> Dataset:
        files = open_files(path)
        names = [name for name in files.names if PurePosixPath(name).parent.name in CLASSES]
        splits = {split: [name for name in names if split in PurePosixPath(name).parts[:-2]] for split in BATCHES}
        names = splits[self.split] if any(splits.values()) else names
        if not names:
            raise NotFound(
                f"{path} holds neither batches of CIFAR-10 nor folders of its classes for {self.split}. "
                f"To train on other pictures in it, name it alone: `data='{path}'`"
            )
        describe = lambda name: (PurePosixPath(name).parent.name, ())  # noqa: E731
        return pack_files(files, frame, kind="cifar10", names=names, describe=lambda: Described(describe), watch=watch)


def _downloaded(watch: Watch) -> Path:
    path = cache_folder() / "downloads" / ADDRESS.rpartition("/")[2]
    otherwise = "If you have CIFAR-10, name the archive or its folder: `data='cifar10:PATH'`"
    return download(ADDRESS, path, checksum=CHECKSUM, watch=watch, otherwise=otherwise)


def _is_tar(path: Path) -> bool:
    return path.is_file() and tarfile.is_tarfile(path)


def _batches(path: Path, split: str) -> dict[str, bytes]:
    """Name -> content of each batch of the split; nothing is unpacked to disk."""
    found: dict[str, bytes] = {}
    try:
        if _is_tar(path):
            with tarfile.open(path) as archive:
                for member in archive:
                    name, content = PurePosixPath(member.name).name, archive.extractfile(member)
                    if name.removesuffix(".bin") in BATCHES[split] and content and member.size <= MOST_BYTES:
                        found[name] = content.read()
        else:
            files = open_files(path)
            for file in files.names:
                if PurePosixPath(file).name.removesuffix(".bin") in BATCHES[split]:
                    found[PurePosixPath(file).name] = files.read(file, most=MOST_BYTES)
    except (Unusable, tarfile.TarError, OSError, EOFError) as error:
        raise Unreadable(f"{path} is damaged or cut short ({error}).") from None
    missing = [name for name in BATCHES[split] if name not in found and f"{name}.bin" not in found]
    if missing:
        raise NotFound(f"{path} lacks {', '.join(missing)} of CIFAR-10.")
    return found


def _parse(name: str, content: bytes) -> tuple[Pictures, list[int]]:
    """Pictures uint8 [N, 32, 32, 3] and labels of a batch, which stores red, green and blue as separate planes."""
    try:
        if name.endswith(".bin"):
            rows = np.frombuffer(content, np.uint8).reshape(-1, 3073)
            planes, labels = rows[:, 1:], rows[:, 0].tolist()
        else:
            batch = _Reader(io.BytesIO(content), encoding="bytes").load()
            planes, labels = batch[b"data"].numbers.reshape(-1, 3072), batch[b"labels"]
        if len(labels) != len(planes) or not {0, *labels} <= set(range(10)):
            raise Unreadable(f"{name} has labels that are none of CIFAR-10.")
        return planes.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1).copy(), labels
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, IndexError, pickle.UnpicklingError) as error:
        raise Unreadable(f"{name} is no batch of CIFAR-10, or is cut short ({error}).") from None


class _Array:
    """Stands for a NumPy array in a batch, and does nothing but keep its bytes."""

    def __setstate__(self, state: Any) -> None:
        self.numbers = np.frombuffer(state[-1], np.uint8)


class _Kind:
    """Stands for a NumPy dtype in a batch; all numbers in it are bytes."""

    def __init__(self, *_: object) -> None: ...

    def __setstate__(self, _: object) -> None: ...


class _Reader(pickle.Unpickler):
    """Reads the pickles of the Python version without letting them call anything but the two stand-ins above."""

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for one of the three names that an array needs.

        Raises:
            pickle.UnpicklingError: it is any other name, which no batch of CIFAR-10 has.
        """
        stand_ins: dict[str, Any] = {"_reconstruct": lambda *_: _Array(), "ndarray": _Array, "dtype": _Kind}
        if module.split(".")[0] != "numpy" or name not in stand_ins:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return stand_ins[name]
