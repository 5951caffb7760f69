"""Tar shards in WebDataset's format: each picture next to its class and words, read sequentially.

    train-{000..063}.tar     000123.jpg  000123.cls      a class
                             000124.png  000124.txt      words, as in captions.py
                             000125.png  000125.json     {"keywords": [...], "text": ..., "class": ...}

Nothing in a shard is ever extracted to disk, whatever its members are called.
"""

import glob
import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ...core.catalog import part
from ...core.errors import DoesNotFit, NotFound, NotInstalled
from ...core.files import expanded, key
from .. import svg
from ..archives import stamp
from ..captions import described, split
from ..dataset import Dataset, Source, Watch, unwatched
from ..decode import DECODER, MOST_BYTES, Frame, Unusable, decode, explain, is_picture, looks_drawn
from ..pack import Item, in_parallel, packed
from ..words import nfc

__all__ = ["Shards"]

LOOKED_AT = 64  # pictures
CLASS = ("class", "label", "cls")  # the keys for a class in a .json
TOLD = ("cls", "txt", "json")
NO_PICTURE = "no picture beside it"
HEADS = {tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
MOST_HEAD = 2**20  # bytes of a long name or of other facts about a member, all of which tarfile takes into memory

Parts = dict[str, Any]
"""A sample as webdataset groups it: __key__, __url__, and ending -> bytes."""


@part("data")
@dataclass(frozen=True)
class Shards(Source):
    """Tar shards of pictures: `shards:train-{000..063}.tar` or `shards:train-*.tar`, also compressed.

    Files whose names differ only in the suffix are one sample, as in WebDataset: a picture, a class (.cls), words
    (.txt), or both (.json with `class`, `keywords` or `text`). They are read and packed sequentially, so memory stays
    constant; what cannot be used is listed with the reason. Needs the package webdataset, `pip install
    'ganvas[shards]'`. The other settings are as in `folder`.
    """

    path: str
    size: int | tuple[int, int] = 32
    channels: int = 3
    background: str = "white"
    fit: str = "crop"
    bits: int = 16

    def open(self, watch: Watch = unwatched) -> Dataset:
        """Decode the pictures, once, into the cache.

        Raises:
            NotFound: there are no such shards, or webdataset is not installed.
            Unreadable: not one picture can be used; the message says why.
            DoesNotFit: there is only one.
        """
        paths = self._paths()
        frame = Frame.of(self.size, self.channels, background=self.background, fit=self.fit, bits=self.bits)
        name = f"shards-{key([stamp(path) for path in paths], DECODER, frame)}"
        dataset = packed(name, _items(paths, frame, watch), most=_members(paths), shape=frame.shape)
        if len(dataset) == 1:
            raise DoesNotFit(f"{self.path} holds a single usable picture, and a GAN needs at least 2.")
        return dataset

    def drawn(self) -> bool:
        """See `Source.drawn`; looks at the first 64 pictures."""
        frame, found = Frame(32, 32, self.channels, self.background), []
        for sample in islice(_samples(self._paths(), lambda *_: None), LOOKED_AT):
            with suppress(Unusable):
                found.append(decode(_picture(sample)[1], frame))
        return looks_drawn(found)

    def _paths(self) -> list[Path]:
        """The shards that match the pattern, in the order of their names.

        Raises:
            NotFound: there are none, or one of a numbered range is missing.
        """
        expand, *_ = _webdataset()
        patterns = [str(expanded(each)) for each in expand(self.path)]
        names = [name for each in patterns for name in sorted(glob.glob(each)) or [each]]  # noqa: PTH207 - from the root
        paths = [Path(name) for name in dict.fromkeys(names)]
        missing = [path for path in paths if not path.is_file()]
        if missing:
            raise NotFound(
                f"There is no shard {missing[0]}. Name them as in 'shards:FOLDER/train-{{000..063}}.tar' or "
                "'shards:FOLDER/*.tar', in quotes so that the shell leaves it as it is."
            )
        return paths


def _webdataset() -> tuple[Callable[[str], list[str]], Callable[..., Iterator[Parts]], Callable[[str], Any]]:
    """The functions of webdataset that expand patterns of shards, group members, and split a name into its parts."""
    try:
        from webdataset.shardlists import expand_urls
        from webdataset.tariterators import base_plus_ext, group_by_keys
    except ImportError:
        raise NotInstalled("Shards are read with a package: pip install 'ganvas[shards]'.") from None
    return expand_urls, group_by_keys, base_plus_ext


def _members(paths: list[Path]) -> int:
    """The largest possible number of pictures, to check for disk space: all members but classes and texts."""
    total = 0
    for path in paths:
        with suppress(OSError, tarfile.TarError, EOFError, ValueError), _opened(path) as shard:
            for member in shard:
                shard.members = []  # type: ignore[attr-defined]  # which would grow with the shard
                total += not member.name.lower().endswith(TOLD)
    return total


def _items(paths: list[Path], frame: Frame, watch: Watch) -> Iterator[Item]:
    """The item of each sample, then, after all shards, one for every member that could not be used."""
    useless: list[tuple[str, str]] = []
    samples = _samples(paths, lambda name, reason: useless.append((name, reason)))
    for done, item in enumerate(in_parallel(lambda sample: _item(sample, frame), samples)):
        watch("Packing pictures", done, 0)
        yield item
    yield from (Item(name, None, reason) for name, reason in useless)


def _samples(paths: list[Path], refuse: Callable[[str, str], None]) -> Iterator[Parts]:
    """The samples of all shards in order; `refuse` is told which members cannot be used, and why."""
    _, group, _ = _webdataset()

    def twice(error: Exception) -> bool:
        refuse(str(error.args[0]).partition(":")[0], "there twice")
        return True

    yield from group(_files(paths, refuse), handler=twice)


def _files(paths: list[Path], refuse: Callable[[str, str], None]) -> Iterator[Parts]:
    """The members of all shards in the form of webdataset, with an empty one after each shard."""
    *_, split_name = _webdataset()
    for path in paths:
        try:
            with _opened(path) as shard:
                sample, held = "", 0
                for member in shard:
                    shard.members = []  # type: ignore[attr-defined]  # which would grow with the shard
                    if member.isdir():
                        continue
                    before, sample = sample, split_name(member.name)[0] or sample
                    held = member.size + (held if sample == before else 0)  # all of a sample is in memory at once
                    if reason := _unusable(member, held):
                        refuse(f"{path.name}/{member.name}", reason)
                    elif content := shard.extractfile(member):
                        yield {"fname": member.name, "data": content.read(), "__url__": path.name}
        except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
            refuse(path.name, f"damaged, and read up to there ({error})")
        except OSError as error:
            refuse(path.name, explain(error))
        yield {}


class _Member(tarfile.TarInfo):
    """A member whose header takes little memory, however small the shard is packed."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Member":
        """See tarfile.

        Raises:
            tarfile.ReadError: what follows it is longer than a megabyte, or the list of a sparse file's parts.
        """
        found = super().frombuf(buf, encoding, errors)
        if found.type == tarfile.GNUTYPE_SPARSE or (found.type in HEADS and found.size > MOST_HEAD):
            raise tarfile.ReadError("a header that is longer than any program writes")
        return found


def _opened(path: Path) -> tarfile.TarFile:
    """A shard, to be read from its beginning to its end."""
    return tarfile.open(path, "r|*", tarinfo=_Member)


def _unusable(member: tarfile.TarInfo, held: int) -> str:
    """Why a member cannot be used; empty if it may be.

    Args:
        member: the member.
        held: bytes of its sample up to and with it.
    """
    last = member.name.rpartition("/")[2]
    if member.issym() or member.islnk():
        return "a link"
    if not member.isfile():
        return "a pipe or a device"
    if held > MOST_BYTES:
        with_others = "" if member.size > MOST_BYTES else ", with what it belongs to"
        return f"larger than {MOST_BYTES / 2**20:g} MiB{with_others}"
    return "" if "." in last[1:] else "no ending, and so of no sample"


def _item(sample: Parts, frame: Frame) -> Item:
    """The item of a sample, with a picture or the reason why there is none."""
    name = f"{sample['__url__']}/{sample['__key__']}"
    try:
        ending, content = _picture(sample)
        name = f"{name}.{ending}"
        found = decode(content, frame)
        group, keywords = _described(sample)
    except Unusable as reason:
        return Item(name, None, str(reason))
    if found.sheet:
        return Item(name, None, "a sheet that this toolkit has drawn")
    return Item(name, found.picture, "", group, keywords, found.size, found.kind)


def _picture(sample: Parts) -> tuple[str, bytes]:
    """The ending and the content of the first file of a sample that is a picture.

    Raises:
        Unusable: there is none.
    """
    parts = {ending: content for ending, content in sample.items() if isinstance(content, bytes)}
    for ending, content in parts.items():
        if ending not in TOLD and is_picture(content[: svg.HEAD]):
            return ending, content
    others = [ending for ending in parts if ending not in TOLD]
    raise Unusable("not a picture" if others else NO_PICTURE)


def _described(sample: Parts) -> tuple[str, tuple[str, ...]]:
    """The class and the words of a sample.

    Raises:
        Unusable: its .json cannot be read.
    """
    row: Any = {}
    if "json" in sample:
        try:
            row = json.loads(sample["json"])
        except (ValueError, RecursionError):
            raise Unusable("its .json cannot be read") from None
    row = row if isinstance(row, dict) else {}
    group = (
        sample["cls"].decode(errors="replace")
        if "cls" in sample
        else next((row[n] for n in CLASS if isinstance(row.get(n), str | int)), "")
    )
    told = described(row) or (split(sample["txt"].decode("utf-8-sig", errors="replace")) if "txt" in sample else ())
    return nfc(str(group)).strip(), told
