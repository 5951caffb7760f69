"""The sides of a comparison: a run, a model file, a folder or a source, opened in a common form."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from torch import Tensor

from ..core import pixels
from ..core.batch import Kind
from ..core.errors import DoesNotFit
from ..data.dataset import Dataset, Source, Watch, in_words, open_source, source
from ..data.picture_files import LOSSY
from ..data.words import nfc
from ..learning.conditions import Labels
from ..metrics.score import FEWEST
from ..models.hub_name import is_on_hub
from ..models.layout import is_folder
from ..models.model import Model, load
from ..runs.run import Run
from ..training.pulse import small

__all__ = ["CHUNK", "Data", "Side", "centres_of", "in_form", "is_model", "name_of", "opened", "refuse_unlike", "run_of"]

CHUNK = 256  # samples drawn at a time
FORM = ("background", "fit", "bits", "across", "every")
"""The settings of a source, besides those that the shape tells, that decide what becomes of a picture."""

Data = str | Path | Dataset | Source
"""Data, the settings of a source, or its name as on the command line."""


@dataclass(frozen=True)
class Side:
    """One of two sets that are compared.

    name     as it was asked for
    made     the data, or the model that draws the samples
    count    how many samples
    seed     the first of a model's samples
    images   seen by the model in training, with repetitions; None if unknown
    flipped  whether the mirror images of the samples are meant
    centres  the centres of the modes and the standard deviation around them; None except for toys
    """

    name: str
    made: Dataset | Model
    count: int
    seed: int = 0
    images: int | None = None
    centres: tuple[NDArray[np.float64], float] | None = None
    flipped: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample: (C, H, W), (C, T, H, W) or (F,)."""
        return self.made.shape

    @property
    def kind(self) -> Kind:
        """What the samples are."""
        return self.made.kind

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Rows of the data, evenly spaced; or the seeds of the samples."""
        if isinstance(self.made, Model):
            return np.arange(self.seed, self.seed + self.count)
        return np.linspace(0, len(self.made) - 1, self.count).round().astype(np.int64)

    @cached_property
    def labels(self) -> Int64[Tensor, " n"] | None:
        """The class of each sample, or the one that the model was told to make; None without classes."""
        if isinstance(self.made, Dataset):
            return None if self.made.labels is None else torch.from_numpy(self.made.labels[self.rows])
        condition = self.made.condition
        return condition.draw(self.rows.tolist()).argmax(1) if isinstance(condition, Labels) else None

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of its classes; empty without any."""
        named = self.made.classes if isinstance(self.made, Dataset) else getattr(self.made.condition, "classes", ())
        return tuple(map(nfc, named))

    @property
    def lossy(self) -> float | None:
        """The share of its files in a lossy format; None if it has no files."""
        kinds = dict(self.made.kinds) if isinstance(self.made, Dataset) else {}
        lost = sum(count for kind, count in kinds.items() if kind in LOSSY)
        return lost / sum(kinds.values()) if kinds else None

    def labelled(self, names: list[str]) -> Int64[Tensor, " n"] | None:
        """The class of each sample as an index into these names, -1 for others; None without classes."""
        if self.labels is None or not self.classes:
            return None
        places = [names.index(name) if name in names else -1 for name in self.classes]
        return torch.tensor(places)[self.labels]

    def samples(self, rows: NDArray[np.int64]) -> Tensor:
        """These samples, float32 [n, *shape]."""
        drawn = self.made.generate(rows.tolist()) if isinstance(self.made, Model) else self.made.take(rows)
        return drawn.flip(-1) if self.flipped else drawn

    def pictures(self, part: range | None = None) -> Iterator[NDArray[np.uint8]]:
        """All samples or a part of them as pictures, uint8 [n, H, W, C], in chunks."""
        part = range(self.count) if part is None else part
        for first in range(part.start, part.stop, CHUNK):
            some = self.samples(self.rows[first : min(first + CHUNK, part.stop)])
            if self.kind is Kind.CLIPS:
                some = pixels.frames_in_turn(some, first=first)
            yield pixels.to_uint8(some).numpy()

    def reduced(self) -> Float[Tensor, "n d"]:
        """All samples as the pixels of pictures, at most 16x16."""
        return torch.cat([small(pixels.to_float(torch.from_numpy(some))) for some in self.pictures()])


def opened(
    what: Model | Data,
    *,
    size: int | tuple[int, int] | None,
    device: torch.device | str,
    watch: Watch,
    like: Model | Dataset | None = None,
    run: Run | None = None,
) -> Model | Dataset:
    """The model or data for a side; named data are opened in the shape of the other side's samples.

    Pictures are brought to their form as those were that `run` learned from.
    """
    if isinstance(what, Source):
        return what.open(watch)
    if isinstance(what, Model | Dataset):
        return what
    if not isinstance(what, str | Path):
        raise DoesNotFit(
            f"A side is a run, a model, a `ganvas.Dataset` or the name of one, not a {type(what).__name__}: "
            "`ganvas.Dataset(pictures)` makes one of uint8 pictures [N, H, W, C]."
        )
    if is_model(what):
        return load(str(what) if is_on_hub(what) else Path(what), device=device)
    wanted = in_form(source(str(what), clips=like is not None and like.kind is Kind.CLIPS), run)
    if wanted.kind is Kind.POINTS:
        return wanted.open(watch)
    if like is not None and like.kind is not Kind.POINTS:
        return _opened_like(wanted, like, name=str(what), size=size, watch=watch)
    data = open_source(str(what), size=size, watch=watch)
    return data if size else open_source(str(what), size=_only_size(data, str(what)), watch=watch)


def in_form(wanted: Source, run: Run | None) -> Source:
    """The source with pictures brought to their form as those were that this run learned from: cropped, padded, ..."""
    known = run.recipe.data if run else None
    same = {name: getattr(known, name) for name in FORM if hasattr(known, name) and hasattr(wanted, name)}
    return replace(wanted, **same)  # type: ignore[type-var]


def _opened_like(
    wanted: Any, like: Model | Dataset, *, name: str, size: int | tuple[int, int] | None, watch: Watch
) -> Dataset:
    """Data of pictures or clips in the size, channels and frames of other samples.

    Raises:
        DoesNotFit: one side has colours and the other is gray; or they are data of another size.
    """
    channels, *_, height, width = like.shape
    changed: dict[str, Any] = {"size": size or (width, height)}
    if wanted.kind is like.kind is Kind.CLIPS:
        changed["frames"] = like.shape[1]
    data: Dataset = replace(wanted, **changed).open(watch)
    if size is None and isinstance(like, Dataset) and _only_size(data, name) not in (None, (width, height)):
        raise DoesNotFit(
            f"The pictures of {name} are {data.sizes[0][0]}x{data.sizes[1][0]} and the others {width}x{height}; say by "
            "`size=` to which size both are brought before they are compared."
        )
    if channels == 1 and _coloured(data):
        raise DoesNotFit(
            f"The samples are gray and {name} has colours, which no figure would see; compare with gray pictures, or "
            "with what the model learned from."
        )
    if channels > 1 and isinstance(like, Dataset) and _coloured(data) != _coloured(like):
        kinds = ("coloured", "gray") if _coloured(data) else ("gray", "coloured")
        raise DoesNotFit(
            f"The pictures of {name} are {kinds[0]} and the others {kinds[1]}, which would be most of what the figures "
            "see; turn those with colours gray, or compare like with like."
        )
    fits = data.samples.shape[-1] == channels or not hasattr(wanted, "channels")
    return data if fits else replace(wanted, **changed, channels=channels).open(watch)


def refuse_unlike(*sides: tuple[str, Model | Dataset]) -> None:
    """Refuse two named sides with too few samples or different shapes."""
    for name, side in sides:
        if isinstance(side, Dataset) and len(side) < FEWEST:
            raise DoesNotFit(
                f"{name} holds {len(side)} samples, which say nothing about a distribution; give at least "
                f"{FEWEST} (papers use 10,000 or more)."
            )
    (_, ours), (_, theirs) = sides
    if ours.shape != theirs.shape:
        hint = "name a folder, whose pictures are opened in the other's size, or a model of that size"
        if ours.kind is not theirs.kind:
            hint = "pictures go with pictures, clips with clips and points with points"
        words = f"Samples of {in_words(ours.shape)} cannot be compared with {in_words(theirs.shape)}"
        raise DoesNotFit(f"{words}: {hint}.")


def _coloured(data: Dataset) -> bool:
    """Whether red, green and blue differ in any pixel of any picture or frame."""
    some = np.array_split(data.samples, len(data) // 512 + 1)
    return any(bool(np.ptp(each[..., :3], axis=-1).any()) for each in some)


def _only_size(data: Dataset, name: str) -> tuple[int, int] | None:
    """The size in pixels that all originals have; None if they have none, such as vectors.

    Raises:
        DoesNotFit: they have several sizes.
    """
    if not data.sizes:
        return None
    widths, heights = data.sizes
    if widths[0] != widths[2] or heights[0] != heights[2]:
        raise DoesNotFit(
            f"The pictures of {name} are of several sizes, {widths[0]} to {widths[2]} pixels wide; say by `size=` to "
            "which one they are brought before they are compared."
        )
    return widths[0], heights[0]


def is_model(what: object) -> bool:
    """Whether this is a model or names one."""
    if not isinstance(what, str | Path):
        return isinstance(what, Model)
    path = Path(what)
    known = Run(path).exists or path.suffix == ".safetensors" or (path / "manifest.json").exists()
    return known or is_folder(path) or is_on_hub(what)


def run_of(what: object) -> Run | None:
    """The run that is meant, or None."""
    return Run(Path(what)) if isinstance(what, str | Path) and Run(Path(what)).exists else None


def name_of(what: object, otherwise: str) -> str:
    """The name by which a side was asked for, or `otherwise`."""
    return str(what) if isinstance(what, str | Path) else otherwise


def centres_of(what: object) -> tuple[NDArray[np.float64], float] | None:
    """The modes of a toy source and the deviation around them; None for anything else."""
    wanted = source(str(what)) if isinstance(what, str | Path) and not is_model(what) else what
    return wanted.mixture if isinstance(wanted, Source) else None
