"""A user's own pictures: a folder or a zip of them."""

import math
from contextlib import suppress
from dataclasses import dataclass, replace

from ...core.catalog import part
from ...core.errors import DoesNotFit, NotFound
from ...core.files import expanded
from .. import svg
from ..archives import Files, is_zip, open_files
from ..captions import TABLES, captions
from ..classes import classes, stem, without_other_formats, without_other_splits
from ..dataset import Dataset, Source, Watch, unwatched
from ..decode import Decoded, Frame, Unusable, decode, is_picture, looks_drawn
from ..pack import Described, pack_files

__all__ = ["Folder"]

LOOKED_AT = 64  # pictures
MOST_LOOKED_AT = 500  # files, some of which may be no pictures
PIXELS = (".png", ".jpg", ".jpeg", ".webp", ".gif")


@part("data")
@dataclass(frozen=True)
class Folder(Source):
    """A folder or a zip of pictures: PNG, JPEG, WebP, GIF, BMP, TIFF, SVG, also in sub-folders, with any suffix.

    Sub-folders are classes if almost all pictures are in one; the few others are then left out. The `dataset.json` of a
    StyleGAN zip gives classes too, and so does a column `label` or `class` of `metadata.jsonl` or `metadata.csv`, whose
    column `file_name` names the pictures. Of folders `train` and `test` the former is learned from. Keywords are read
    from a column `keywords` or `text` of such a table, or from a NAME.txt beside NAME.png. Every picture is converted
    to one `size` by `fit`: `crop` (its middle), `pad` (all of it on the `background`) or `stretch`. `bits` is how many
    of their bits 16-bit pictures use. SVGs need the package of `pip install 'ganvas[icons]'`, and are left out where
    NAME.png lies beside NAME.svg, as is a folder `svg` beside a folder `png` of the same names.

    With `across` above 1 each picture is cut into overlapping pieces, so many side by side along its shorter side: a
    few large pictures of a texture or pattern become hundreds, and `path` may be a single picture. They are not
    enlarged for that.
    """

    path: str
    size: int | tuple[int, int] = 32
    channels: int = 3
    background: str = "white"
    fit: str = "crop"
    bits: int = 16
    across: int = 1

    def open(self, watch: Watch = unwatched) -> Dataset:
        """Decode the pictures, once, into the cache.

        Raises:
            NotFound, Unreadable or DoesNotFit: the path is missing, or fewer than two pictures can be used; the message
                says why.
        """
        path, files = expanded(self.path), self._files()
        if self.across == 1 and path.is_file() and not is_zip(path):
            raise DoesNotFit(f"{path} is a single picture. {FEW}")
        names, kept = without_other_splits(_candidates(files))
        names, formats = without_other_formats(names)
        names, twice = _without_copies(names)
        dataset = pack_files(
            files,
            self._frame(),
            kind="pictures",
            names=names,
            describe=lambda: _described(files, names, (*kept, *formats, *twice)),
            watch=watch,
        )
        if len(dataset) == 1:
            more = FEW if self.across == 1 else f"It is too small to be cut. {SMALL}"
            raise DoesNotFit(f"{self.path} holds a single usable picture, {dataset.names[0]}. {more}")
        return self._told(dataset)

    def drawn(self) -> bool:
        """See `Source.drawn`; looks at up to 64 pictures, evenly spread over all there are."""
        files = self._files()
        names = _candidates(files)
        step = max(1, math.ceil(len(names) / LOOKED_AT))
        spread = [name for first in range(step) for name in names[first::step]]
        found: list[Decoded] = []
        for name in spread[:MOST_LOOKED_AT]:
            if len(found) == LOOKED_AT:
                break
            if not is_picture(files.beginning(name, svg.HEAD)):
                continue
            with suppress(Unusable):
                found.append(decode(files.read(name), Frame(32, 32, self.channels, self.background)))
        svg.let_go()
        return looks_drawn(found)

    def _told(self, dataset: Dataset) -> Dataset:
        """The data with a note if pictures are too small: for the pieces that were asked for, or for their size."""
        frame = self._frame()
        need = frame.across * frame.width, frame.across * frame.height
        if not dataset.sizes:
            return dataset
        (least, median, _), (low, middle, _) = dataset.sizes
        if self.across > 1 and (least < need[0] or low < need[1]):
            wanted = f"For {self.across} pieces across, pictures need {need[0]}x{need[1]} pixels"
            note = f"{wanted}, and not all have them. {SMALL}"
        elif self.across == 1 and median < need[0] and middle < need[1]:
            note = (
                f"Most pictures are smaller than {need[0]}x{need[1]} (median {median}x{middle}) and are enlarged "
                "smoothly, which blurs pixel art: a smaller --size takes them as they are."
            )
        else:
            return dataset
        return replace(dataset, notes=(*dataset.notes, note))

    def _frame(self) -> Frame:
        more = {"background": self.background, "fit": self.fit, "bits": self.bits, "across": self.across}
        return Frame.of(self.size, self.channels, **more)

    def _files(self) -> Files:
        path = expanded(self.path)
        files = open_files(path)
        if not files.names:
            why = f" but {files.closed[0][0]}, {files.closed[0][1]}" if files.closed else " at all"
            raise NotFound(f"{path} holds no files{why}. Put pictures into it, or name another folder.")
        return files


SMALL = "Pieces are not enlarged: take larger pictures, or a smaller --size."
FEW = (
    "A GAN needs at least 2 pictures to tell what they have in common, and a few dozen to be useful. One of a texture "
    "is cut into many by --set data.across=6."
)


def _candidates(files: Files) -> list[str]:
    """The files that may be pictures: all but tables and the texts beside pictures."""
    texts = {name for name in files.names if name.lower().endswith(".txt")}
    stems = {stem(name) for name in files.names if name not in texts and _last(name) not in TABLES}
    described = {name for name in texts if stem(name) in stems}
    return [name for name in files.names if name not in described and _last(name) not in {*TABLES, "dataset.json"}]


def _without_copies(names: list[str]) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    """The files without SVGs beside which the same drawing lies as pixels, and (file, reason) of those."""
    drawn = {stem(name) for name in names if name.lower().endswith(PIXELS)}
    copies = {name for name in names if name.lower().endswith(".svg") and stem(name) in drawn}
    told = tuple((name, "an SVG of which a PNG or the like lies beside it") for name in sorted(copies))
    return [name for name in names if name not in copies], told


def _described(files: Files, names: list[str], kept: tuple[tuple[str, str], ...]) -> Described:
    """What is known about the pictures among these files besides their pixels."""
    pictures = [name for name in names if is_picture(files.beginning(name, svg.HEAD))]
    told = captions(files, pictures)
    found = classes(files, pictures, told.labels)

    def of(name: str) -> tuple[str, tuple[str, ...]]:
        if name in found.left_out:
            raise Unusable(found.left_out[name])
        return found.of.get(name, ""), told.of(name)

    return Described(of, useless=(*kept, *found.useless, *told.useless), notes=found.notes)


def _last(name: str) -> str:
    return name.rpartition("/")[2]  # pathlib would take a sixth of the time of packing
