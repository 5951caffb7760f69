"""Packs: pictures decoded once, kept in the cache as one file that training maps into memory.

    <cache>/<kind>-<key>/samples.npy    uint8 [N, H, W, C], or [N, T, H, W, C] of clips
    <cache>/<kind>-<key>/index.json     names, classes, labels, keywords, original sizes, what was skipped and why
    <cache>/seen/<stamp>                the name of the pack made of a folder whose files have these sizes and times

The key is made of everything the pictures depend on, so a pack is never out of date and never rewritten. It is written
in a folder beside and renamed whole: killed half-way it leaves no broken pack, and of two writers the first to finish
wins.
"""

import errno
import json
import math
import os
import shutil
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ..core.errors import Unreadable, Unwritable
from ..core.files import cache_folder, digest, key, replacing, write
from .archives import Files
from .dataset import Dataset, Watch, unwatched
from .decode import DECODER, Frame, Unusable, decode

__all__ = ["Item", "pack_files", "packed"]

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Item:
    """One thing that was to be a sample: its picture uint8 [H, W, C] or clip [T, H, W, C], or why there is none.

    group      the name of its class, or empty
    original   width and height of the file's picture in pixels, or zeros
    """

    name: str
    picture: NDArray[np.uint8] | None
    reason: str = ""
    group: str = ""
    keywords: tuple[str, ...] = ()
    original: tuple[int, int] = (0, 0)


def packed(name: str, items: Iterable[Item], *, most: int, shape: Shape, classes: tuple[str, ...] = ()) -> Dataset:
    """The pack called `name`, written from `items` first if it is not in the cache; else `items` is not touched.

    Args:
        name: a short word and a key, such as `icons-0123456789abcdef`.
        items: the samples in their order; taken one by one, so that memory stays flat.
        most: how many items there may be.
        shape: (H, W, C) of every picture, or (T, H, W, C) of every clip.
        classes: the names of the classes in their order; by default those of the items, if every item has one.

    Raises:
        GanvasError: the cache cannot be written or is full, or no item has a picture.
    """
    folder = cache_folder() / name
    known = _read(folder)
    if known is None:
        with _beside(folder, needs=most * int(np.prod(shape))) as draft:
            _write(draft, items, shape=shape, classes=classes)
        known = _read(folder)
    if known is None:
        raise Unreadable(f"The pack {folder} cannot be read back. Remove it, or set GANVAS_CACHE to another folder.")
    return known


def pack_files(
    files: Files,
    frame: Frame,
    *,
    kind: str,
    names: Iterable[str],
    describe: Callable[[str], tuple[str, tuple[str, ...]]] = lambda _: ("", ()),
    described_by: str = "",
    watch: Watch = unwatched,
) -> Dataset:
    """The pack of these files' pictures, decoded in parallel if it is not in the cache.

    Args:
        files: the folder or zip they are in. Any change in it, also in files that are no pictures, makes a new pack.
        frame: the form they are brought into.
        kind: the first word of the pack's name; packs of different kinds are never mistaken for each other.
        names: which files.
        describe: file name -> (class or "", keywords).
        described_by: what that depends on besides the files.
        watch: told of the files read and the pictures packed.

    Raises:
        GanvasError: as `packed`.
    """
    names = tuple(names)
    settings = (kind, frame, DECODER, digest(names), described_by)
    seen = cache_folder() / "seen" / key(files.stamp(), *settings)
    with suppress(OSError):
        known = _read(cache_folder() / seen.read_text(encoding="utf-8"))
        if known is not None:
            return known

    def item(name: str) -> Item:
        try:
            picture, original = decode(files.read(name), frame)
        except Unusable as reason:
            return Item(name, None, str(reason))
        return Item(name, picture, "", *describe(name), original)

    name = f"{kind}-{key(digest(_hashed(files, watch)), *settings)}"
    dataset = packed(name, _items(files, names, item, watch), most=len(names), shape=frame.shape)
    with _writing(seen.parent, 0):
        write(seen, name)
    return dataset


def _hashed(files: Files, watch: Watch) -> Iterator[tuple[str, str]]:
    """Each file with what differs when its content does."""
    for done, name in enumerate(files.names):
        watch("Reading files", done, len(files.names))
        yield name, files.fingerprint(name)


def _items(files: Files, names: Sequence[str], item: Callable[[str], Item], watch: Watch) -> Iterator[Item]:
    """What `item` makes of each of the names, and then the folders that could not be looked into."""
    for done, each in enumerate(_in_parallel(item, names)):
        watch("Packing pictures", done, len(names))
        yield each
    watch("Packing pictures", len(names), len(names))
    yield from (Item(folder, None, reason) for folder, reason in files.closed)


def _in_parallel(work: Callable[[str], Item], names: Iterable[str]) -> Iterator[Item]:
    """work(name) of each name in order, by threads, with only a window of them under way so that memory stays flat.

    Pillow lets other threads run while it decodes. Its warnings are not shown: a file is used or has a reason.
    """
    threads = min(8, os.cpu_count() or 1)
    window: deque[Future[list[Item]]] = deque()
    left = iter(names)
    with ThreadPoolExecutor(threads) as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            while some := list(islice(left, 16)):  # handing over one small picture takes as long as decoding it
                window.append(pool.submit(list, map(work, some)))
                if len(window) > 2 * threads:
                    yield from window.popleft().result()
            while window:
                yield from window.popleft().result()
        finally:
            for future in window:
                future.cancel()


def _write(folder: Path, items: Iterable[Item], *, shape: Shape, classes: tuple[str, ...]) -> None:
    names, groups, keywords, sizes = [], [], [], []
    skipped: list[tuple[str, str]] = []
    with (folder / "samples.npy").open("wb") as file:
        _write_header(file, 0, shape)
        for item in items:
            if item.picture is None:
                skipped.append((item.name, item.reason))
                continue
            file.write(np.ascontiguousarray(item.picture).data)
            names.append(item.name)
            groups.append(item.group)
            keywords.append(item.keywords)
            sizes.append(item.original)
        file.seek(0)
        _write_header(file, len(names), shape)
    if not names:
        reasons = Counter(reason for _, reason in skipped).most_common(3)
        why = ", ".join(f"{reason} ({count:,})" for reason, count in reasons)
        raise Unreadable(f"Not one of {len(skipped):,} files can be used as a picture: {why}.")
    found = set(groups)
    if not classes and "" not in found and len(found) > 1:
        classes = tuple(sorted(found, key=lambda group: (int(group) if group.isdecimal() else math.inf, group)))
    places = {group: place for place, group in enumerate(classes)}
    sides = np.array(sizes).T
    index = {
        "names": names,
        "classes": classes,
        "labels": [places[group] for group in groups] if classes else None,
        "keywords": keywords if any(keywords) else [],
        "sizes": [(int(s.min()), int(np.median(s)), int(s.max())) for s in sides] if sides.any() else [],
        "skipped": skipped,
    }
    with (folder / "index.json").open("w", encoding="utf-8") as file:
        json.dump(index, file)


def _write_header(file: BinaryIO, count: int, shape: Shape) -> None:
    """NumPy leaves room for the first axis to grow, so the header written last is as long as the one written first."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, *shape)}
    np.lib.format.write_array_header_1_0(file, header)


def _read(folder: Path) -> Dataset | None:
    """The pack in this folder; None if there is none, or if it was damaged from outside."""
    try:
        index: dict[str, Any] = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        samples = np.load(folder / "samples.npy", mmap_mode="r", allow_pickle=False)
        if len(samples) != len(index["names"]):
            return None
        return Dataset(
            samples=samples,
            names=tuple(index["names"]),
            classes=tuple(index["classes"]),
            labels=None if index["labels"] is None else np.array(index["labels"], np.int64),
            keywords=tuple(map(tuple, index["keywords"])),
            sizes=tuple(map(tuple, index["sizes"])),
            skipped=tuple((file, reason) for file, reason in index["skipped"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextmanager
def _beside(folder: Path, *, needs: int) -> Iterator[Path]:
    """A new folder that becomes `folder` if the block succeeds, and no other process was faster; else it vanishes."""
    with _writing(folder.parent, needs), replacing(folder, unless=lambda: _read(folder) is not None) as draft:
        draft.mkdir()
        if shutil.disk_usage(draft).free < needs:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        yield draft


@contextmanager
def _writing(cache: Path, needs: int) -> Iterator[None]:
    """Say in one sentence what is wrong with the cache instead of raising the system's errors."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise Unwritable(
                f"There is no room in the cache {cache}: this needs {needs:,} bytes. "
                "Make room, or set the environment variable GANVAS_CACHE to a folder that has it."
            ) from None
        raise Unwritable(
            f"The cache {cache} cannot be written: {error.strerror or error}. "
            "Set the environment variable GANVAS_CACHE to a folder that can."
        ) from None
