"""A user's own points: a table of numbers, one row per point."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...core.catalog import part
from ...core.errors import DoesNotFit, NotFound, Unreadable
from ...core.files import expanded
from ..dataset import Dataset, Source, Watch, unwatched

__all__ = ["Points"]

ENDINGS = {".csv", ".json", ".npy"}
MOST_BYTES = 256 * 2**20


@part("data")
@dataclass(frozen=True)
class Points(Source):
    """Points from a file: .npy [N, F], .csv with a row for each, or .json [[x, y], ...]; they are not rescaled.

    Recipes such as `ring` are for points within about +-1.5.
    """

    path: str

    def open(self, watch: Watch = unwatched) -> Dataset:  # noqa: ARG002
        """Read the points, float32 [N, F].

        Raises:
            NotFound, Unreadable or DoesNotFit: there is no such file, it holds no table of finite numbers, or fewer
                than two rows.
        """
        path = expanded(self.path)
        if not path.is_file():
            raise NotFound(f"There is no file {path} of points.")
        if path.suffix.lower() not in ENDINGS or path.stat().st_size > MOST_BYTES:
            raise DoesNotFit(f"Points come in {', '.join(sorted(ENDINGS))} of at most 256 MiB, and {path} is none.")
        try:
            table = _read(path)
        except (OSError, ValueError, TypeError, OverflowError, RecursionError, EOFError):
            raise Unreadable(f"{path} holds no table of numbers with as many in each row.") from None
        if table.ndim > 2:
            raise Unreadable(
                f"{path} holds numbers {list(table.shape)}, and those of points are [N, F]. If they are pictures, save "
                "each as PNG, or train on them from Python: ganvas.train(recipe, ganvas.Dataset(array))."
            )
        if table.ndim != 2 or not table.shape[1] or len(table) < 2 or not np.isfinite(table).all():
            raise Unreadable(f"{path} is to hold at least two rows of as many finite numbers each.")
        return Dataset(np.ascontiguousarray(table))

    @classmethod
    def reads(cls, path: Path) -> bool:
        """See `Source.reads`: any file with one of the endings."""
        return path.is_file() and path.suffix.lower() in ENDINGS


def _read(path: Path) -> NDArray[np.float32]:
    if path.suffix.lower() == ".npy":
        return np.asarray(np.load(path, allow_pickle=False)).astype(np.float32)
    if path.suffix.lower() == ".json":
        return np.array(json.loads(path.read_text(encoding="utf-8")), np.float32)
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    heading = bool(lines) and any(letter.isalpha() for letter in lines[0].lower().replace("e", "").replace("nan", ""))
    return np.loadtxt(lines[heading:], np.float32, delimiter=",", ndmin=2)
