"""CelebA, from the files it is published as."""

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...core.catalog import part
from ...core.errors import DoesNotFit, NotFound
from ...core.files import expanded
from ..archives import listing, open_files
from ..dataset import Dataset, Source, Watch, unwatched
from ..decode import Frame
from ..pack import Described, pack_files

__all__ = ["Celeba"]

SPLITS = {"train": "0", "valid": "1", "test": "2"}


@part("data")
@dataclass(frozen=True)
class Celeba(Source):
    """CelebA, 202,599 aligned faces with 40 attributes (Liu et al. 2015), from `celeba:PATH`; for research only.

    The path is `img_align_celeba` or `img_align_celeba.zip` or the folder they are in. The attributes of
    `list_attr_celeba.txt` beside it become keywords, and `list_eval_partition.txt` makes the splits train, valid, test.
    """

    path: str = ""
    split: str = "all"
    size: int | tuple[int, int] = 64
    channels: int = 3

    @classmethod
    def reads(cls, path: Path) -> bool:
        """Whether the path has the published name, or holds a folder or zip of that name."""
        return any(name in {"img_align_celeba", "img_align_celeba.zip"} for name in {path.name, *listing(path)})

    def drawn(self) -> bool:
        """See `Source.drawn`."""
        return False

    def open(self, watch: Watch = unwatched) -> Dataset:
        """Decode the faces, cropped to their middle, once, into the cache.

        Raises:
            NotFound or DoesNotFit: no path was given or nothing is there, or the split is unknown or its list missing.
        """
        if not self.path:
            raise NotFound(
                "CelebA has to be fetched by hand from https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html "
                "(img_align_celeba.zip and list_attr_celeba.txt). Then name the folder: `data='celeba:FOLDER'`"
            )
        if self.split not in {"all", *SPLITS}:
            raise DoesNotFit(f"CelebA has the splits all, {', '.join(SPLITS)}, not {self.split!r}.")
        path = expanded(self.path)
        inner = (path / "img_align_celeba", path / "img_align_celeba.zip", path)
        files = open_files(next((each for each in inner if each.exists()), path))
        attributes, split = _table(path, "list_attr_celeba"), _table(path, "list_eval_partition")
        names = list(files.names)
        if self.split != "all":
            names = [name for name in names if split.get(PurePosixPath(name).name) == [SPLITS[self.split]]]
            if not names:
                raise NotFound(f"No list_eval_partition.txt in {path} or beside it has the split {self.split}.")
        head = attributes.get("", [])

        def keywords(name: str) -> tuple[str, ...]:
            signs = attributes.get(PurePosixPath(name).name, [])
            pairs = zip(head, signs, strict=False)
            return tuple(each.replace("_", " ").lower() for each, sign in pairs if sign == "1")

        return pack_files(
            files,
            Frame.of(self.size, self.channels),
            kind="celeba",
            names=names,
            describe=lambda: Described(lambda name: ("", keywords(name))),
            described_by=hashlib.sha256(repr(attributes).encode()).hexdigest(),
            watch=watch,
        )


def _table(path: Path, name: str) -> dict[str, list[str]]:
    """Picture -> its row in a list in the folder or beside it, and "" -> column names; empty if there is no list.

    As published it is text, with the number of rows in the first line; widespread copies are comma-separated.
    """
    places = [folder / f"{name}{ending}" for folder in (path, path.parent) for ending in (".txt", ".csv")]
    place = next((place for place in places if place.is_file()), None)
    lines = place.read_text(encoding="utf-8", errors="replace").replace(",", " ").splitlines() if place else []
    rows = [line.split() for line in lines]
    table = {row[0]: row[1:] for row in rows if row and row[0].endswith((".jpg", ".png"))}
    heads = [row for row in rows[:2] if len(row) > 1 and row[0] not in table]
    return table | ({"": [each for each in heads[0] if each != "image_id"]} if heads else {})
