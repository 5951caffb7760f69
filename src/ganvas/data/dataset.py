"""Samples ready for training, from any source."""

import hashlib
import mmap
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import MISSING, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..core.batch import Kind, kind_of
from ..core.catalog import find, names
from ..core.errors import DoesNotFit, NotFound, Unreadable
from ..core.files import as_text, expanded
from ..core.guess import guess
from ..core.machine import sent
from ..core.pixels import to_float
from .words import single_words

__all__ = [
    "FEW",
    "KINDS",
    "Dataset",
    "Source",
    "Summary",
    "Watch",
    "hidden",
    "in_words",
    "moved",
    "of_size",
    "open_source",
    "place_of",
    "placed",
    "source",
    "unwatched",
]

FEW = 100
"""With fewer samples than this, a network memorises them."""

KINDS = {1: "gray", 3: "RGB", 4: "RGBA"}
"""Number of channels -> what such pictures are called."""

Watch = Callable[[str, int, int], None]
"""A progress callback for slow work: (what is done, how many are done, of how many)."""


def unwatched(what: str, done: int, total: int) -> None:
    """A watch that ignores progress."""


@dataclass(frozen=True)
class Summary:
    """A data set in numbers, for people to read.

    classes    name -> number of samples
    keywords   word -> number of samples with it, the most common first
    rare       how many words are on fewer than `Dataset.RARE` samples, too few to be learned
    wordless   how many samples have no keywords, where others have some
    skipped    reason -> number of files, the most common first
    kinds      kind of file -> number of files, the most common first
    notes      what a person should know about the data, in sentences
    sizes      smallest, median and largest original width, and the same of the heights, in pixels; or empty
    """

    count: int
    shape: tuple[int, ...]
    classes: dict[str, int]
    keywords: dict[str, int]
    rare: int
    wordless: int
    skipped: dict[str, int]
    sizes: tuple[tuple[int, ...], ...]
    kinds: dict[str, int]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        kind = kind_of(self.shape)
        what = f"{kind}, taken as" if kind is Kind.PICTURES else f"{kind} of"
        lines = [f"{self.count:,} {what} {in_words(self.shape)}"]
        if self.sizes:
            widths, heights = (f"{least:,} to {most:,} (median {median:,})" for least, median, most in self.sizes)
            lines.append(f"originals: width {widths}, height {heights} pixels")
        if self.kinds:
            lines.append(f"files: {_commonest(self.kinds)}")
        if self.classes:
            lines.append(f"{len(self.classes):,} classes: {_commonest(self.classes)}")
        if self.keywords:
            lines.append(f"{len(self.keywords):,} keywords: {_commonest(self.keywords)}")
            lines.append(f"{self.rare:,} of them are on fewer than {Dataset.RARE} pictures, too few to learn them")
        if self.count < FEW and kind is not Kind.POINTS:
            lines.append("a GAN memorises so few; collect at least a few hundred")
        if self.wordless:
            lines.append(f"{self.wordless:,} have no keywords")
        if self.skipped:
            files = sum(self.skipped.values())
            lines.append(f"{files:,} file{'s' * (files > 1)} skipped: {_commonest(self.skipped)}")
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join(lines)


def in_words(shape: tuple[int, ...]) -> str:
    """The shape of one sample as people say it: "32x32 RGB", "8 frames, 64x64 gray", "2 coordinates"."""
    kind = kind_of(shape)
    if kind is Kind.POINTS:
        return f"{shape[0]} coordinates"
    colours = KINDS.get(shape[0], f"{shape[0]} channels")
    return (f"{shape[1]} frames, " if kind is Kind.CLIPS else "") + f"{shape[-1]}x{shape[-2]} {colours}"


def _commonest(counts: dict[str, int], shown: int = 20) -> str:
    """As in "cat 12, dog 9 and 3 more"."""
    some = ", ".join(f"{name} {count:,}" for name, count in list(counts.items())[:shown]).replace("\n", " ")
    return some + (f" and {len(counts) - shown:,} more" if len(counts) > shown else "")


@dataclass(frozen=True)
class Dataset:
    """All samples of one source, decoded and of one size, in memory or memory-mapped.

    samples   uint8 [N, H, W, C] pictures, uint8 [N, T, H, W, C] clips, or float32 [N, F] vectors
    names     where each sample came from, one per sample, or empty
    classes   the class names; `labels` holds the index into them, int64 [N], or is None
    keywords  words or short phrases that describe each sample, one tuple per sample, or empty
    sizes     of the original pictures, as in `Summary`
    skipped   (file, reason) of everything that could not be used
    kinds     (kind of file, how many), such as ("JPEG", 12), the most common first
    notes     what a person should know about how the data were read, in sentences
    """

    samples: NDArray[np.uint8] | NDArray[np.float32]
    names: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    labels: NDArray[np.int64] | None = None
    keywords: tuple[tuple[str, ...], ...] = ()
    sizes: tuple[tuple[int, ...], ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    kinds: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()

    RARE = 10

    def __post_init__(self) -> None:
        """Refuse with a `DoesNotFit` no samples, another type or shape, and labels out of range."""
        for name, held in (("samples", self.samples), ("labels", self.labels)):
            if not isinstance(held, np.ndarray | None):
                raise DoesNotFit(f"The {name} are a NumPy array, not a {type(held).__name__}: `np.asarray` makes one.")
        if any(isinstance(words, str) for words in self.keywords):
            raise DoesNotFit("Keywords are a tuple of words for each sample, such as ('red', 'fish'), and not a text.")
        kind, shape = self.samples.dtype, self.samples.shape
        if not len(shape) or not shape[0]:
            raise DoesNotFit("These data hold no samples.")
        pictures = len(shape) in (4, 5) and all(shape) and shape[-1] <= 4 and kind == np.uint8
        if not pictures and not (len(shape) == 2 and kind == np.float32):
            raise DoesNotFit(
                f"Samples of {kind} {list(shape)} cannot be learned from: pictures are uint8 [N, H, W, C] with 1 to 4 "
                "channels, clips uint8 [N, T, H, W, C], and points float32 [N, F]."
            )
        if len(shape) == 2 and not np.isfinite(self.samples).all():
            raise DoesNotFit("Points are finite numbers, and some of these are NaN or infinite.")
        if not {len(each) for each in (self.names, self.keywords) if each} <= {shape[0]}:
            raise DoesNotFit(f"There are {shape[0]:,} samples: give a name, and keywords, for each or for none.")
        if self.labels is not None and (self.labels.shape != shape[:1] or self.labels.dtype.kind not in "iu"):
            raise DoesNotFit(f"Labels are whole numbers, one for each of the {shape[0]:,} samples.")
        if self.labels is not None and not 0 <= self.labels.min() <= self.labels.max() < len(self.classes):
            found = f"from {self.labels.min()} to {self.labels.max()}"
            raise DoesNotFit(f"The labels range {found}, but there are {len(self.classes)} classes, counted from 0.")
        if self.labels is not None:  # torch takes no other order of bytes
            object.__setattr__(self, "labels", self.labels.astype(np.int64, copy=False))

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample as networks see it: (C, H, W), (C, T, H, W) or (F,)."""
        *sides, last = self.samples.shape[1:]
        return (last, *sides)

    @property
    def kind(self) -> Kind:
        """What the samples are: points, pictures or clips."""
        return kind_of(self.shape)

    @property
    def extent(self) -> float:
        """The largest absolute value of a coordinate; 1 for pictures and clips."""
        return float(np.abs(self.samples).max()) if self.kind is Kind.POINTS else 1.0

    def take(self, rows: NDArray[np.int64], *, device: torch.device | str = "cpu") -> Tensor:
        """The samples of these rows on `device`, float32 [n, *shape]; pictures and clips in [-1, 1], sent as bytes."""
        taken = sent(torch.from_numpy(np.ascontiguousarray(self.samples[rows])), device)
        return to_float(taken) if taken.dtype == torch.uint8 else taken.float()

    def digest(self) -> str:
        """The sha256 of samples, classes, labels and keywords, in hexadecimal, by which results are cached."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        found = hashlib.sha256(repr((self.samples.shape, self.samples.dtype.str, self.classes)).encode())
        found.update(b"" if self.labels is None else self.labels.tobytes())
        found.update(repr(self.keywords).encode(errors="surrogatepass") if self.keywords else b"")
        for first in range(0, len(self), 1024):
            found.update(np.ascontiguousarray(self.samples[first : first + 1024]).data)
            _let_go(self.samples)
        return found.hexdigest()

    def summary(self) -> Summary:
        """Count everything once; reads no samples."""
        labels = np.zeros(0, np.int64) if self.labels is None else self.labels
        words = dict(Counter(word for each in self.keywords for word in single_words(each)).most_common())
        return Summary(
            count=len(self),
            shape=self.shape,
            classes=dict(zip(self.classes, np.bincount(labels, minlength=len(self.classes)).tolist(), strict=True)),
            keywords=words,
            rare=sum(count < self.RARE for count in words.values()),
            wordless=sum(not each for each in self.keywords) if words else 0,
            skipped=dict(Counter(reason for _, reason in self.skipped).most_common()),
            sizes=self.sizes,
            kinds=dict(self.kinds),
            notes=self.notes,
        )


def _let_go(samples: np.ndarray) -> None:
    """Release the pages of memory-mapped samples, which count as memory once they have been read.

    Only for a read-only map: a copy-on-write one would lose its changes.
    """
    while isinstance(samples.base, np.ndarray):
        samples = samples.base
    place: Any = samples.base
    if isinstance(place, mmap.mmap) and getattr(samples, "mode", "") == "r" and hasattr(mmap, "MADV_DONTNEED"):
        place.madvise(mmap.MADV_DONTNEED)


class Source(ABC):
    """Settings that say where samples come from; every part of kind "data" is one.

    The first field may follow the name on the command line: `icons:portraits` is `Icons("portraits")`.
    Sources of pictures have the fields `size` (an int for squares, or (width, height) as in Pillow) and `channels`;
    those of clips have `frames` too.
    """

    @abstractmethod
    def open(self, watch: Watch = unwatched) -> Dataset:
        """Read, draw or download the samples, or find them in the cache.

        Raises:
            GanvasError: there is nothing usable there; the message says why.
        """

    @property
    def kind(self) -> Kind:
        """What its samples are, judged by its fields."""
        names = {field.name for field in fields(cast("Any", self))}
        return Kind.CLIPS if "frames" in names else Kind.PICTURES if "size" in names else Kind.POINTS

    @property
    def mixture(self) -> tuple[NDArray[np.float64], float] | None:
        """The centres [K, F] and the deviation of the Gaussians its points are drawn from; None for other data."""
        return None

    def drawn(self) -> bool:
        """Whether its pictures are drawings, with areas of one colour, and not photographs.

        This selects the default recipe. It is answered before the source is opened; where its kind does not say, some
        pictures are examined.
        """
        return True

    @classmethod
    def reads(cls, path: Path) -> bool:  # noqa: ARG003
        """Whether this existing path has this source's own layout, so that the path alone names it."""
        return False


def source(text: str | Path, *, clips: bool = False) -> Source:
    """The source that a text names: `icons`, `icons:flags`, `ring`, or the path of a folder, a zip or a known set.

    Names in the catalogue take precedence; for a folder of the same name write `./icons`. The files of a folder are
    taken as pictures, or with `clips` as clips.

    Raises:
        NotFound: it is neither a name nor an existing path, or it is empty.
        DoesNotFit: what follows the colon is missing, not allowed or of the wrong type.
    """
    text = as_text(text)
    if not text.strip():
        raise NotFound("The name of the data is empty. Name a folder, a zip or data that `ganvas list` knows.")
    name, colon, setting = text.partition(":")
    if name in names("data"):
        return _named(name, setting if colon else None)
    path = expanded(text)
    if _exists(path):
        parts: list[type[Source]] = [find(part, "data") for part in names("data")]
        part: Any = next((part for part in parts if part.reads(path)), find("clips" if clips else "folder", "data"))
        return cast("Source", part(str(path)))
    hint = guess(name, names("data")) or guess(str(path), _beside(path), f"Known data are: {', '.join(names('data'))}.")
    raise NotFound(f"There is no folder or file {text!r}, and no data of that name. {hint}")


def _beside(path: Path) -> list[str]:
    """What lies in the folder in which this path would be."""
    with suppress(OSError):
        return [str(each) for each in path.parent.iterdir() if not each.name.startswith(".")]
    return []


def hidden(text: str, known: Collection[str]) -> str:
    """A hint if a user's file or folder is called like something known, which takes precedence; else empty."""
    if text not in known or not _exists(Path(text)):
        return ""
    return f"{text} is taken as a name that Ganvas knows. For the file or folder of that name here, write ./{text}."


def _exists(path: Path) -> bool:
    """Whether a path exists.

    Raises:
        Unreadable: that cannot be determined, because a parent folder is not accessible or the name is too long.
    """
    try:
        return path.exists()
    except OSError as error:
        raise Unreadable(f"{path} cannot be looked at: {error.strerror or error}.") from None


def place_of(chosen: Source) -> Path | None:
    """The path of the files that a source reads; None if it draws or downloads its samples."""
    path = getattr(chosen, "path", "")
    return expanded(path) if isinstance(path, str) and path else None


def placed(chosen: Source) -> Source:
    """The source with an absolute path, so that it is the same from every working directory."""
    place = place_of(chosen)
    return chosen if place is None else replace(chosen, path=str(place.absolute()))  # type: ignore[type-var]


def moved(chosen: Source, place: str) -> Source:
    """The source with the same settings and its files at a new path.

    Raises:
        DoesNotFit: it reads no files.
    """
    if place_of(chosen) is None:
        raise DoesNotFit(f"This source reads no files, so its data cannot be at {place}.")
    return placed(replace(chosen, path=place))  # type: ignore[type-var]


def of_size(chosen: Source, size: int | tuple[int, int] | None) -> Source:
    """The source with its pictures in this size, or unchanged if `size` is None."""
    if size is None:
        return chosen
    if chosen.kind is Kind.POINTS:
        raise DoesNotFit("`size=` is for pictures; this source holds points.")
    return replace(chosen, size=size)  # type: ignore[type-var]


def open_source(text: str, *, size: int | tuple[int, int] | None = None, watch: Watch = unwatched) -> Dataset:
    """The samples of the source that a text names, as `ganvas train` would see them.

    Raises:
        NotFound or DoesNotFit: there is no such source, or nothing usable in it.
    """
    return of_size(source(text), size).open(watch)


def _named(name: str, setting: str | None) -> Source:
    part: Any = find(name, "data")
    first = next(iter(fields(part)), None)
    if first is None and setting is not None:
        raise DoesNotFit(f"{name} has no settings, so nothing may follow it: write {name}.")
    if first is None or setting is None:
        if first and first.default is MISSING:
            said = (f"{name} needs a {first.name}: write {name}:{first.name.upper()}.", hidden(name, {name}))
            raise DoesNotFit(" ".join(filter(None, said)))
        return cast("Source", part())
    try:
        return cast("Source", part(setting if first.type is str else int(setting)))
    except ValueError:
        raise DoesNotFit(f"After {name}: comes a whole number, the {first.name}, and not {setting!r}.") from None
