"""Open two sets of samples so that they can be measured against each other, or a model against its data.

    compared = compare("runs/icons", "icons")            # a model against the data that it learned from
    for name, score in compared.scores():                # as they come: fd-efficientnet_lite0 41.2 ± 0.4
        print(name, score)
    compared.about                                       # what made the numbers

A side is a run, a model file, or a source of data.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..core.errors import GanvasError
from ..data.dataset import Dataset, Source, Watch, in_words, source, unwatched
from ..metrics.features.by_name import features
from ..metrics.score import FEWEST
from ..models.model import Model, load
from ..recipes.plan import open_source
from ..runs.run import Run
from .compare import Comparison, Side

__all__ = ["compare"]

MOST = 10_000  # pictures of a side, unless more are asked for
DRAWN = 1_000  # samples of a model, unless fewer are asked for
APART = 10**9  # from the first seed of one model's samples to that of another's beside it

Data = str | Path | Dataset | Source
"""Data, settings of a source, or its name as on the command line."""


def compare(
    fake: Model | Data,
    real: Model | Data | None = None,
    *,
    count: int | None = None,
    described_by: str = "",
    weights: str | Path | None = None,
    held_out: Data | None = None,
    size: int | tuple[int, int] | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    watch: Watch = unwatched,
) -> Comparison:
    """Two sets of samples, ready to be measured against each other.

    Args:
        fake: what is judged: a run, a model file, or a source of data.
        real: what it is compared with, the same; by default the data that a run learned from.
        count: of samples on each side; by default all there are up to 10,000, and of a model as many as of the other
            side but at least 1,000.
        described_by: the features, see `ganvas.metrics.features`; by default the best there are for these data.
        weights: a file to take the features' weights from.
        held_out: data of the same kind that the model has not seen; the samples are then looked for among all that a
            run learned from, or where that is not known among `real`.
        size: of the pictures, as in `ganvas train`; by default that of the model, or that of all the pictures.
        seed: the first of a model's samples.
        device: where to compute.
        watch: told of what is slow.

    Raises:
        GanvasError: there is no such thing, or the two sides do not go together; the message says what to do.
    """
    if count is not None and count < FEWEST:
        raise GanvasError(f"--count is at least {FEWEST}, not {count}; papers use 10,000 or more.")
    if seed < 0:
        raise GanvasError(f"--seed takes a whole number from 0, not {seed}.")
    opened = partial(_opened, size=size, device=device, watch=watch)
    judged, name, run = opened(fake), None, _run(fake)
    against: Model | Dataset
    learned: Dataset | None = None
    if real is None:
        if run is None:
            raise GanvasError("Say what to compare with: a folder, a zip or a source such as icons:portraits.")
        instead = f"Say what to compare with: `ganvas evaluate {run.path.name} FOLDER`."
        real, name = run.recipe.data, run.about["source"]
        against = learned = run.learned_from(watch, instead=instead)
    else:
        against = opened(real, like=judged)
    if isinstance(judged, Dataset) and judged.shape != against.shape:
        judged = opened(fake, like=against)
    name = name or _name(real, "data")
    for what, data in ((_name(fake, "samples"), judged), (name, against)):
        if isinstance(data, Dataset) and len(data) < FEWEST:
            raise GanvasError(
                f"{what} holds {len(data)} samples, which say nothing about a distribution; give at least "
                f"{FEWEST} (papers use 10,000 or more)."
            )
    if judged.shape != against.shape:
        hint = "open the data as the model makes them, for instance with --size"
        if len(judged.shape) != len(against.shape):
            hint = "pictures go with pictures, clips with clips and points with points"
        ours, theirs = in_words(judged.shape), in_words(against.shape)
        raise GanvasError(f"Samples of {ours} cannot be compared with {theirs}: {hint}.")
    unseen = None if held_out is None else opened(held_out, like=judged)
    if isinstance(unseen, Model):
        raise GanvasError("--held-out takes data that the model has not seen, not a model.")
    enough = min(len(against), count or MOST) if isinstance(against, Dataset) else count or DRAWN
    many = min(len(judged), count or MOST) if isinstance(judged, Dataset) else count or max(enough, DRAWN)
    describe = None
    if len(against.shape) > 1:
        shown = against if isinstance(against, Dataset) else None
        describe = features(described_by, data=shown, weights=weights, device=device, watch=watch)
    elif described_by or weights:
        raise GanvasError("Points are compared by their coordinates: leave out --features and --weights.")
    known = None
    if run and unseen is not None and learned is None:
        learned = run.learned_from(watch, instead="Leave out --held-out.")
    if run and learned is not None:
        known = Side(run.about["source"], learned, min(len(learned), count or len(learned)))
    return Comparison(
        Side(_name(fake, "samples"), judged, many, seed, images=run.images if run else None),
        Side(name, against, enough, seed + APART, centres=_centres(real)),
        describe,
        None if unseen is None else Side(_name(held_out, "held out"), unseen, min(len(unseen), MOST)),
        known,
        watch,
    )


def _opened(
    what: Model | Data,
    *,
    size: int | tuple[int, int] | None,
    device: torch.device | str,
    watch: Watch,
    like: Model | Dataset | None = None,
) -> Model | Dataset:
    """The model or the data that a side means; data that are named are opened as the other side's samples are."""
    if isinstance(what, Source):
        return what.open(watch)
    if not isinstance(what, str | Path):
        return what
    if _is_model(Path(what)):
        return load(Path(what), device=device)
    wanted = source(str(what), clips=like is not None and len(like.shape) == 4)
    if not hasattr(wanted, "size"):
        return wanted.open(watch)
    if like is not None and len(like.shape) > 1:
        return _opened_like(wanted, like, name=str(what), size=size, watch=watch)
    data = open_source(str(what), size=size, watch=watch)
    return data if size else open_source(str(what), size=_only_size(data, str(what)), watch=watch)


def _opened_like(
    wanted: Any, like: Model | Dataset, *, name: str, size: int | tuple[int, int] | None, watch: Watch
) -> Dataset:
    """Data of pictures or clips with the size, the channels and the frames of other samples.

    Raises:
        GanvasError: the ones have colours and the others are gray; or those are data of another size.
    """
    channels, *_, height, width = like.shape
    changed: dict[str, Any] = {"size": size or (width, height)}
    if hasattr(wanted, "frames") and len(like.shape) == 4:
        changed["frames"] = like.shape[1]
    data: Dataset = replace(wanted, **changed).open(watch)
    if size is None and isinstance(like, Dataset) and _only_size(data, name) not in (None, (width, height)):
        raise GanvasError(
            f"The pictures of {name} are {data.sizes[0][0]}x{data.sizes[1][0]} and the others {width}x{height}; say by "
            "--size to which size both are brought before they are compared."
        )
    if channels == 1 and _coloured(data):
        raise GanvasError(
            f"The samples are gray and {name} has colours, which no figure would see; compare with gray pictures, or "
            "with what the model learned from."
        )
    if channels > 1 and isinstance(like, Dataset) and _coloured(data) != _coloured(like):
        kinds = ("coloured", "gray") if _coloured(data) else ("gray", "coloured")
        raise GanvasError(
            f"The pictures of {name} are {kinds[0]} and the others {kinds[1]}, which would be most of what the figures "
            "see; turn those with colours gray, or compare like with like."
        )
    return data if data.samples.shape[-1] == channels else replace(wanted, **changed, channels=channels).open(watch)


def _coloured(data: Dataset) -> bool:
    """Whether any pixel of any picture, or frame, differs between its red, green and blue."""
    some = np.array_split(data.samples, len(data) // 512 + 1)
    return any(bool(np.ptp(each[..., :3], axis=-1).any()) for each in some)


def _only_size(data: Dataset, name: str) -> tuple[int, int] | None:
    """The size in pixels that all originals have; None where they have none, as vectors.

    Raises:
        GanvasError: they have several.
    """
    if not data.sizes:
        return None
    widths, heights = data.sizes
    if widths[0] != widths[2] or heights[0] != heights[2]:
        raise GanvasError(
            f"The pictures of {name} are of several sizes, {widths[0]} to {widths[2]} pixels wide; say by --size to "
            "which one they are brought before they are compared."
        )
    return widths[0], heights[0]


def _is_model(path: Path) -> bool:
    return Run(path).exists or path.suffix == ".safetensors" or (path / "manifest.json").exists()


def _run(what: object) -> Run | None:
    """The run that is meant, if it is one."""
    return Run(Path(what)) if isinstance(what, str | Path) and Run(Path(what)).exists else None


def _name(what: object, otherwise: str) -> str:
    return str(what) if isinstance(what, str | Path) else otherwise


def _centres(what: object) -> tuple[NDArray[np.float64], float] | None:
    """The modes of a toy and the deviation about them, if that is what is compared with."""
    wanted = source(str(what)) if isinstance(what, str | Path) and not _is_model(Path(what)) else what
    return (wanted.modes, wanted.deviation) if hasattr(wanted, "modes") and hasattr(wanted, "deviation") else None
