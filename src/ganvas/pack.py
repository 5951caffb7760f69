"""Packs: pictures decoded once, kept in the cache as one file that training maps into memory.

    <cache>/<kind>-<key>/samples.npy    uint8 [N, H, W, C]
    <cache>/<kind>-<key>/index.json     names, classes, labels, keywords, what was skipped and why, original sizes

The key is made of everything the pictures depend on, so a pack is never out of date and never rewritten. It is written in a
folder beside and renamed whole: killed half-way it leaves no broken pack, and of two writers the first to finish wins.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import platformdirs
from numpy.typing import NDArray

from .dataset import Dataset

__all__ = ["Item", "cache_folder", "key", "packed"]

Pictures = NDArray[np.uint8]


@dataclass(frozen=True)
class Item:
    """One thing that was to be a sample: its picture uint8 [H, W, C], or the reason why there is none."""

    name: str
    picture: Pictures | None
    reason: str = ""
    label: int = -1
    keywords: tuple[str, ...] = ()
    size: tuple[int, int] = (0, 0)  # the original's width and height in pixels; zeros if it has none


def cache_folder() -> Path:
    """Where packs and downloads are kept: the environment variable GANVAS_CACHE, or the system's place for caches."""
    return Path(os.environ.get("GANVAS_CACHE") or platformdirs.user_cache_dir("ganvas"))


def key(*settings: object) -> str:
    """16 hexadecimal digits that change when any of the settings, told by their repr, changes."""
    return hashlib.sha256(repr(settings).encode()).hexdigest()[:16]


def packed(name: str, items: Iterable[Item], *, shape: tuple[int, int, int], classes: tuple[str, ...] = ()) -> Dataset:
    """The pack called `name`, written from `items` first if it is not in the cache; else `items` is not touched.

    Args:
        name: a short word and a key, such as `icons-0123456789abcdef`.
        items: the samples of this shape in their order; read one by one, so that memory stays flat.
        shape: height, width, channels.
        classes: what the items' labels are the indices of.

    Raises:
        GanvasError: the cache cannot be written, or no item has a picture.
    """
    folder = cache_folder() / name
    if not (folder / "index.json").exists():
        with _beside(folder) as draft:
            _write(draft, items, shape=shape, classes=classes)
    return _read(folder)


def _write(folder: Path, items: Iterable[Item], *, shape: tuple[int, int, int], classes: tuple[str, ...]) -> None:
    kept: list[Item] = []
    skipped: list[tuple[str, str]] = []
    with (folder / "samples.npy").open("wb") as file:
        _write_header(file, 0, shape)
        for item in items:
            if item.picture is None:
                skipped.append((item.name, item.reason))
                continue
            file.write(np.ascontiguousarray(item.picture).data)
            kept.append(Item(item.name, None, "", item.label, item.keywords, item.size))
        file.seek(0)
        _write_header(file, len(kept), shape)
    index = {
        "names": [item.name for item in kept],
        "classes": classes,
        "labels": [item.label for item in kept] if classes else None,
        "keywords": [item.keywords for item in kept] if any(item.keywords for item in kept) else [],
        "skipped": skipped,
    }
    (folder / "index.json").write_text(json.dumps(index), encoding="utf-8")


def _write_header(file: BinaryIO, count: int, shape: tuple[int, int, int]) -> None:
    """NumPy leaves room for the first axis to grow, so the header written last is as long as the one written first."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, *shape)}
    np.lib.format.write_array_header_1_0(file, header)


def _read(folder: Path) -> Dataset:
    index: dict[str, Any] = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    return Dataset(
        samples=np.load(folder / "samples.npy", mmap_mode="r", allow_pickle=False),
        names=tuple(index["names"]),
        classes=tuple(index["classes"]),
        labels=None if index["labels"] is None else np.array(index["labels"], np.int64),
        keywords=tuple(map(tuple, index["keywords"])),
        skipped=tuple((file, reason) for file, reason in index["skipped"]),
    )


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A new folder that becomes `folder` if the block succeeds and vanishes if it does not."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield draft
        try:
            draft.rename(folder)
        except OSError:
            if not folder.exists():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
