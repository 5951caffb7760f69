"""Inspection of a data set before training: what it holds, what cannot be used, and duplicates."""

import io
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..core.catalog import find
from ..core.errors import Unreadable
from ..core.files import expanded
from . import svg
from .archives import Files, open_files
from .dataset import Dataset, Source, Watch, unwatched
from .decode import FORMATS, MOST_PIXELS, Frame, decode

__all__ = ["as_it_is", "before_and_after", "look", "twins"]

SIDE, ALIKE = 16, 3.0  # pictures are compared at 16 x 16, and alike if they differ by less than 3 of 255 (RMS)
MOST_COMPARED = 20_000
MOST_SHOWN = 512  # pixels of a picture as it is in its file
MODES = {
    "1": "black and white",
    "L": "gray",
    "LA": "gray with transparency",
    "P": "palette",
    "PA": "palette with transparency",
    "RGB": "RGB",
    "RGBA": "RGB with transparency",
    "CMYK": "CMYK",
    "YCbCr": "YCbCr",
}


def look(source: Source, *, watch: Watch = unwatched) -> dict[str, Any]:
    """A description of a source of samples, in JSON types.

    count, shape   of the samples as they would be learned
    sizes          {width, height, count} of the original pictures, the most common first; only for files
    modes          {mode, count} of their colours, in words
    classes        the names
    keywords       {word, count}, the most common first; `rare` are on fewer than ten, `wordless` samples have none
    skipped        {reason, files} of everything that cannot be used
    twins          groups of names of pictures that look the same
    drawn          whether they are drawings
    names          of the samples, in order

    Raises:
        GanvasError: nothing in it can be used.
    """
    data, files = source.open(watch), _files(source)
    summary = data.summary()
    forms = _forms(files, tuple(dict.fromkeys(data.names)), watch) if files else []  # pieces share a name
    skipped: dict[str, list[str]] = defaultdict(list)
    for name, reason in data.skipped:
        skipped[reason].append(name)
    sizes, modes = Counter(size for size, _ in forms), Counter(mode for _, mode in forms)
    return {
        "count": len(data),
        "shape": list(data.shape),
        "sizes": [{"width": w, "height": h, "count": count} for (w, h), count in sizes.most_common()],
        "modes": [{"mode": mode, "count": count} for mode, count in modes.most_common()],
        "classes": list(data.classes),
        "keywords": [{"word": word, "count": count} for word, count in summary.keywords.items()],
        "rare": [word for word, count in summary.keywords.items() if count < Dataset.RARE],
        "wordless": summary.wordless,
        "skipped": [
            {"reason": why, "files": names} for why, names in sorted(skipped.items(), key=lambda e: -len(e[1]))
        ],
        "twins": twins(data, watch=watch),
        "drawn": source.drawn(),
        "names": list(data.names),
    }


def twins(data: Dataset, *, watch: Watch = unwatched) -> list[list[str]]:
    """Groups of equal or nearly equal pictures, by name, among the first 20,000.

    Two are alike if their pixels at 16 x 16 differ by less than 3 of 255 (root mean square), and a group holds every
    picture that is alike to one of its members.
    """
    if data.samples.ndim != 4 or not data.names:
        return []
    small = _small(data.samples[:MOST_COMPARED], watch)  # type: ignore[arg-type]
    squares = np.square(small).sum(1)
    near = ALIKE**2 * small.shape[1]
    first = np.arange(len(small))  # the first member of each one's group
    for begin in range(0, len(small), 512):
        watch("Comparing pictures", begin, len(small))
        rows, known = slice(begin, begin + 512), slice(begin + 512)
        apart = squares[rows, None] + squares[None, known] - 2 * small[rows] @ small[known].T
        alike = np.tril(apart < near, begin - 1)  # to one before it
        for row in np.flatnonzero(alike.any(1)):
            joined = np.unique(first[known][alike[row]])
            first[begin + row] = joined[0]
            if len(joined) > 1:
                first[np.isin(first, joined)] = joined[0]
    watch("Comparing pictures", len(small), len(small))
    groups: dict[int, list[str]] = defaultdict(list)
    for name, group in zip(data.names, first.tolist(), strict=False):
        groups[group].append(name)
    return sorted((group for group in groups.values() if len(group) > 1), key=len, reverse=True)


def before_and_after(source: Source, name: str) -> tuple[Image.Image, NDArray[np.uint8]] | None:
    """A picture of a folder or zip as in its file, and as a model will see it; None if it cannot be used."""
    files = _files(source)
    if files is None or name not in files.names:
        return None
    asked: Any = source
    try:
        content = files.read(name)
        frame = Frame.of(asked.size, asked.channels, background=asked.background, fit=asked.fit, bits=asked.bits)
        learned, size, *_ = decode(content, frame)
        return _as_it_is(content, size, bits=frame.bits), learned
    except Unreadable:
        return None


def as_it_is(content: bytes) -> Image.Image | None:
    """A picture as in its file, at most 512 pixels large, and an SVG so large; None if it cannot be used."""
    try:
        _, size, *_ = decode(content, Frame.of(8, 4))
        return _as_it_is(content, size)
    except Unreadable:
        return None


def _as_it_is(content: bytes, size: tuple[int, int], *, bits: int = 8) -> Image.Image:
    if not any(size):
        return svg.draw(content, MOST_SHOWN)
    side = min(1.0, MOST_SHOWN / max(size))
    large = (max(1, round(size[0] * side)), max(1, round(size[1] * side)))
    shown, *_ = decode(content, Frame.of(large, 4, fit="stretch", bits=bits))
    return Image.fromarray(shown)


def _files(source: Source) -> Files | None:
    return open_files(expanded(source.path)) if isinstance(source, find("folder", "data")) else None


def _forms(files: Files, names: Sequence[str], watch: Watch) -> list[tuple[tuple[int, int], str]]:
    """The size and the colours of each of these files, read from their headers."""
    found = []
    for done, name in enumerate(names):
        watch("Looking at files", done, len(names))
        try:
            with Image.open(io.BytesIO(files.read(name)), formats=FORMATS) as image:
                if image.width * image.height <= MOST_PIXELS:
                    clear = image.mode in {"L", "P", "RGB"} and image.has_transparency_data
                    found.append((image.size, MODES.get(image.mode + "A" * clear, f"{image.mode} values")))
        except Exception:  # noqa: S112 - a header can make Pillow raise anything; the decoder has given the reason
            continue
    watch("Looking at files", len(names), len(names))
    return found


def _small(samples: NDArray[np.uint8], watch: Watch) -> NDArray[np.float32]:
    """Pictures [N, H, W, C] at 16 x 16, as rows; transparent areas on white."""
    rows = []
    for done, picture in enumerate(samples):
        if not done % 512:
            watch("Comparing pictures", 0, len(samples))
        image = Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture)
        if image.mode == "RGBA":
            paper = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(paper, image).convert("RGB")
        rows.append(np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX), np.float32).ravel())
    return np.stack(rows)
