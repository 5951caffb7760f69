"""Packs: pictures decoded once, kept in the cache as one file that training maps into memory.

    <cache>/<kind>-<key>/samples.npy    uint8 [N, H, W, C], or [N, T, H, W, C] of clips
    <cache>/<kind>-<key>/index.json     names, classes, labels, keywords, original sizes, what was skipped and why, and
                                        checksums of all of it and of the samples
    <cache>/seen/<stamp>                the name of the pack made from a folder whose files have these sizes and times,
                                        with a checksum of both

The key covers everything the pictures depend on, so a pack is never out of date; it is rewritten only if its checksums
show damage. It is written to a folder beside its place and then renamed: a killed process leaves no broken pack, and of
two writers the first to finish wins.
"""

import errno
import hashlib
import json
import math
import os
import shutil
import warnings
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..core.errors import Unreadable, Unwritable
from ..core.files import cache_folder, digest, key, replacing, write
from ..core.seeds import is_whole
from . import svg
from .archives import Files
from .dataset import Dataset, Watch, unwatched
from .decode import CLEAR, DECODER, PAGED, Frame, Unusable, decode

__all__ = ["Described", "Item", "in_parallel", "pack_files", "packed"]

Shape = tuple[int, ...]
Kinds = Mapping[str, int]
Given = TypeVar("Given")

AT_ONCE = 16  # pictures
MADE_ANEW = "What the cache held of these pictures was damaged, and was made anew."


@dataclass(frozen=True)
class Item:
    """A candidate sample: its picture uint8 [H, W, C] or clip [T, H, W, C], or the reason why there is none.

    A picture that was cut is several samples [n, H, W, C], all of this name and with these words.

    group      the name of its class, or empty
    original   width and height of the file's picture in pixels, or zeros
    kind       of file, as in `Decoded`
    """

    name: str
    picture: NDArray[np.uint8] | None
    reason: str = ""
    group: str = ""
    keywords: tuple[str, ...] = ()
    original: tuple[int, int] = (0, 0)
    kind: str = ""


@dataclass(frozen=True)
class Described:
    """What is known about pictures besides their pixels.

    of       file name -> (class or "", keywords); it raises Unusable for a picture to be left out
    useless  (file, reason) of files that neither are pictures nor describe any
    notes    as in `Dataset`
    """

    of: Callable[[str], tuple[str, tuple[str, ...]]] = lambda _: ("", ())
    useless: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def packed(
    name: str,
    items: Iterable[Item],
    *,
    most: int,
    shape: Shape,
    classes: tuple[str, ...] = (),
    notes: Callable[[Kinds], tuple[str, ...]] = lambda _: (),
) -> Dataset:
    """The pack called `name`, first written from `items` if it is not in the cache; else `items` is not read.

    Args:
        name: a short word and a key, such as `icons-0123456789abcdef`.
        items: the samples in order; taken one by one, so that memory stays constant.
        most: how many samples to expect at most, to check for disk space.
        shape: (H, W, C) of every picture, or (T, H, W, C) of every clip.
        classes: the names of the classes in order; by default those of the items, if every item has one.
        notes: from (kind of file -> how many) to what a person should know about them.

    Raises:
        Unwritable: the cache cannot be written or is full.
        Unreadable: no item has a picture, or the pack cannot be read back.
    """
    folder = cache_folder() / name
    known = _read(folder)
    if known is not None:
        return known
    damaged = (MADE_ANEW,) if folder.exists() else ()
    with _beside(folder, needs=most * int(np.prod(shape))) as draft:
        _write(draft, items, name=name, shape=shape, classes=classes, notes=notes)
    known = _read(folder)
    if known is None:
        raise Unreadable(f"The pack {folder} cannot be read back. Remove it, or set GANVAS_CACHE to another folder.")
    return replace(known, notes=(*known.notes, *damaged))


def pack_files(
    files: Files,
    frame: Frame,
    *,
    kind: str,
    names: Iterable[str],
    describe: Callable[[], Described] = Described,
    described_by: str = "",
    watch: Watch = unwatched,
) -> Dataset:
    """The pack of these files' pictures, decoded in parallel if it is not in the cache.

    Args:
        files: the folder or zip they are in. Any change in it, even in files that are no pictures, makes a new pack.
        frame: the form they are converted to.
        kind: the first word of the pack's name; packs of different kinds are never mistaken for each other.
        names: which files.
        describe: what is known about them, called only if they are not in the cache.
        described_by: what `describe` depends on besides the files.
        watch: told of the files read and the pictures packed.

    Raises:
        Unwritable or Unreadable: see `packed`.
    """
    names = tuple(names)
    settings = (kind, frame, DECODER, digest(names), described_by)
    seen = cache_folder() / "seen" / key(files.stamp(), *settings)
    with suppress(OSError, ValueError):
        name, told = seen.read_text(encoding="utf-8").split()
        known = _read(cache_folder() / name) if told == key(seen.name, name) else None
        if known is not None:
            return known

    described = cache(describe)

    def item(name: str) -> Item:
        try:
            found = decode(files.read(name), frame)
            group, keywords = described().of(name)
        except Unusable as reason:
            return Item(name, None, str(reason))
        if found.sheet:
            return Item(name, None, "a sheet that this toolkit has drawn")
        return Item(name, found.picture, "", group, keywords, found.size, found.kind)

    def notes(kinds: Kinds) -> tuple[str, ...]:
        return (*described().notes, *_dark(kinds, frame), *_paged(kinds), *_clear(kinds, frame))

    name = f"{kind}-{key(digest(_hashed(files, watch)), files.closed, *settings)}"
    items = _items(files, names, item, described, watch, at_once=1 if frame.across > 1 else AT_ONCE)
    dataset = packed(name, items, most=len(names) * frame.pieces, shape=frame.shape, notes=notes)
    if any(reason.startswith("cannot be read") for _, reason in dataset.skipped):
        return dataset  # without a shortcut: the disk may be well again, which no time or size tells
    with suppress(OSError):  # only a shortcut, and the cache of others may not be writable
        write(seen, f"{name} {key(seen.name, name)}")
    return dataset


def _hashed(files: Files, watch: Watch) -> Iterator[tuple[str, str]]:
    """Each file with the fingerprint of its content."""
    for done, name in enumerate(files.names):
        watch("Reading files", done, len(files.names))
        yield name, files.fingerprint(name)


def _items(
    files: Files,
    names: Sequence[str],
    item: Callable[[str], Item],
    described: Callable[[], Described],
    watch: Watch,
    *,
    at_once: int,
) -> Iterator[Item]:
    """The item of each name, then one for everything that could not be opened or used."""
    described()  # before threads start, which would each compute it again
    for done, each in enumerate(in_parallel(item, names, at_once=at_once)):
        watch("Packing pictures", done, len(names))
        yield each
    watch("Packing pictures", len(names), len(names))
    yield from (Item(other, None, reason) for other, reason in (*files.closed, *described().useless))


def _dark(kinds: Kinds, frame: Frame) -> Iterator[str]:
    """A note on 16-bit pictures that seem to use fewer bits: a camera's 12 come out sixteen times too dark."""
    deep = {kind: count for kind, count in kinds.items() if kind.endswith(" bits")}
    bits = max((int(kind.split()[-2]) for kind in deep), default=16)
    if bits < frame.bits:
        yield (
            f"{sum(deep.values()):,} pictures of 16 bits hold no value above {2**bits - 1:,}, as if they used {bits} "
            f"bits, and come out dark. If they do, say --set data.bits={bits}."
        )


def _paged(kinds: Kinds) -> Iterator[str]:
    """A note on files with more pages, which may be pictures or only smaller copies of the first."""
    if count := sum(count for kind, count in kinds.items() if PAGED in kind):
        files = f"{count:,} TIFF files have" if count > 1 else "1 TIFF file has"
        yield f"{files} several pages, of which the first is learned from. Save pages that are pictures as files."


def _clear(kinds: Kinds, frame: Frame) -> Iterator[str]:
    """A note on transparent pictures whose transparency is not learned."""
    if count := sum(count for kind, count in kinds.items() if kind.startswith(CLEAR)):
        files = f"{count:,} pictures are" if count > 1 else "1 picture is"
        yield f"{files} transparent, and learned on {frame.background}; --set data.channels=4 learns transparency."


def in_parallel(work: Callable[[Given], Item], given: Iterable[Given], *, at_once: int = AT_ONCE) -> Iterator[Item]:
    """The results of `work` in order, computed by threads, with few in flight so that memory stays constant.

    A thread is handed `at_once`: many, as handing over a small picture takes as long as decoding it; or 1 where each
    may become hundreds of megabytes of pieces.

    Pillow releases the GIL while it decodes. Its warnings are hidden: a file is either used or has a reason. Where this
    is given up, as by Ctrl-C, each thread ends after its picture, of which one can take seconds.
    """
    threads = min(8, os.cpu_count() or 1)
    ended = Event()

    def items(some: list[Given]) -> list[Item]:
        return [work(each) for each in some if not ended.is_set()]

    window: deque[Future[list[Item]]] = deque()
    left = iter(given)
    with ThreadPoolExecutor(threads) as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            while some := list(islice(left, at_once)):
                window.append(pool.submit(items, some))
                if len(window) > 2 * threads:
                    yield from window.popleft().result()
            while window:
                yield from window.popleft().result()
        finally:
            ended.set()
            pool.shutdown(cancel_futures=True)
            svg.let_go()


def _write(
    folder: Path,
    items: Iterable[Item],
    *,
    name: str,
    shape: Shape,
    classes: tuple[str, ...],
    notes: Callable[[Kinds], tuple[str, ...]],
) -> None:
    names, groups, keywords, sizes = [], [], [], []
    kinds: Counter[str] = Counter()
    skipped: list[tuple[str, str]] = []
    total = 0
    with (folder / "samples.npy").open("wb") as file:
        _write_header(file, 0, shape)
        for item in items:
            if item.picture is None:
                skipped.append((item.name, item.reason))
                continue
            pieces = np.ascontiguousarray(item.picture).reshape(-1, *shape)
            file.write(pieces.data)
            total = zlib.crc32(pieces.data, total)
            kinds[item.kind] += 1
            names += [item.name] * len(pieces)
            groups += [item.group] * len(pieces)
            keywords += [item.keywords] * len(pieces)
            if any(item.original):
                sizes.append(item.original)
        file.seek(0)
        _write_header(file, len(names), shape)
    if not names:
        reasons = Counter(reason for _, reason in skipped).most_common(3)
        why = ", ".join(f"{reason} ({count:,})" for reason, count in reasons)
        raise Unreadable(f"Not one of {len(skipped):,} files can be used as a picture: {why}.")
    found = set(groups)
    if not classes and "" not in found and len(found) > 1:
        classes = tuple(sorted(found, key=lambda group: (int(group) if is_whole(group) else math.inf, group)))
    places = {group: place for place, group in enumerate(classes)}
    sides = np.array(sizes).T
    index: dict[str, Any] = {
        "pack": name,
        "names": names,
        "classes": classes,
        "labels": [places[group] for group in groups] if classes else None,
        "keywords": keywords if any(keywords) else [],
        "sizes": [(int(s.min()), int(np.median(s)), int(s.max())) for s in sides],
        "skipped": skipped,
        "kinds": [(kind, count) for kind, count in kinds.most_common() if kind],
        "notes": notes(kinds),
        "shape": [len(names), *shape],
        "samples": total,
    }
    index = json.loads(json.dumps(index))
    (folder / "index.json").write_text(json.dumps(index | {"sum": _sum(index)}), encoding="utf-8")


def _sum(index: dict[str, Any]) -> str:
    """The SHA-256 of the index as JSON, which is the same after it has been read back."""
    return hashlib.sha256(json.dumps(index).encode()).hexdigest()


def _write_header(file: BinaryIO, count: int, shape: Shape) -> None:
    """NumPy leaves room for the first axis to grow, so the header written last is as long as the one written first."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, *shape)}
    np.lib.format.write_array_header_1_0(file, header)


def _read(folder: Path) -> Dataset | None:
    """The pack in this folder; None if there is none or it is damaged."""
    try:
        index: dict[str, Any] = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        if index.pop("sum") != _sum(index) or index.get("pack", folder.name) != folder.name:
            return None
        samples = np.load(folder / "samples.npy", mmap_mode="r", allow_pickle=False)
        if samples.dtype != np.uint8 or list(samples.shape) != index["shape"]:
            return None
        if _sum_of_samples(folder, samples.offset) != index["samples"]:
            return None
        return Dataset(
            samples=samples,
            names=tuple(index["names"]),
            classes=tuple(index["classes"]),
            labels=None if index["labels"] is None else np.array(index["labels"], np.int64),
            keywords=tuple(map(tuple, index["keywords"])),
            sizes=tuple(map(tuple, index["sizes"])),
            skipped=tuple((file, reason) for file, reason in index["skipped"]),
            kinds=tuple((kind, count) for kind, count in index["kinds"]),
            notes=tuple(index["notes"]),
        )
    except Exception:  # a damaged file can make a reader raise anything
        return None


def _sum_of_samples(folder: Path, first: int) -> int:
    """The CRC-32 of the samples, at 2 to 3 GB/s, read through one small buffer instead of the memory map."""
    buffer, total = bytearray(2**20), 0
    with (folder / "samples.npy").open("rb", buffering=0) as file:
        file.seek(first)
        while count := file.readinto(buffer):
            total = zlib.crc32(memoryview(buffer)[:count], total)
    return total


@contextmanager
def _beside(folder: Path, *, needs: int) -> Iterator[Path]:
    """A new folder that becomes `folder` if the block succeeds and no other process was faster; else it is removed."""
    with _writing(folder.parent, needs), replacing(folder, unless=lambda: _read(folder) is not None) as draft:
        draft.mkdir()
        if shutil.disk_usage(draft).free < needs:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        yield draft


@contextmanager
def _writing(cache: Path, needs: int) -> Iterator[None]:
    """Turn the system's errors when writing to the cache into one sentence."""
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
