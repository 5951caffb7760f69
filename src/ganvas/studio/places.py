"""Places from places: near one, bred from two, or on the way through several. All of this runs in torch's thread.

Each result is saved as a latent named by the hash of its content, so the same request gives the same places.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .models import Loaded

if TYPE_CHECKING:
    from torch import Tensor

    from ..models.place import Place

__all__ = ["MADE", "around", "between", "breed", "sweep"]

MADE, HALF = 28, 14
MOST_KEPT = 20_000


def around(loaded: Loaded, place: "Place", folder: Path, *, k: float, seed: int) -> list[dict[str, Any]]:
    """28 places near one: z' = (z + k n) / sqrt(1 + k^2) with n drawn from the seeds, and a moved condition.

    The condition moves at random along its principal axes, by k times the variety of the place (at most 1; .35 if it
    has none) in standard deviations.
    """
    from ..latent.draw import given
    from ..models.model import inputs

    model = loaded.model
    z, told = given(model, place, found=loaded.found, folder=folder)
    seeds = range(seed, seed + MADE)
    near = (z + k * inputs(seeds, z.shape[1])) / (1 + k * k) ** 0.5
    conditions: list[Tensor | None] = [None] * MADE
    if told is not None:
        conditions = [told] * MADE
        axes = None if model.condition is None else model.condition.axes()
        if axes is not None and len(axes):
            spread = 0.35 if place.variety is None else min(place.variety, 1.0)
            by = spread * k * inputs([each + 2**31 for each in seeds], len(axes)) @ axes
            conditions = list(model.condition.moved(told.expand(MADE, -1), by).split(1)) if model.condition else []
    return [_keep(loaded, folder, row[None], told, place) for row, told in zip(near, conditions, strict=True)]


def breed(loaded: Loaded, a: "Place", b: "Place", folder: Path, *, seed: int) -> list[dict[str, Any]]:
    """14 places on the arc between two, and 14 with each coordinate, and the words, from either parent at random."""
    import torch

    from ..latent.draw import given
    from ..latent.morph import blend

    (za, ta), (zb, tb) = (given(loaded.model, each, found=loaded.found, folder=folder) for each in (a, b))
    shares = torch.linspace(0, 1, HALF + 2)[1:-1]
    arc = blend(za.expand(HALF, -1), zb.expand(HALF, -1), shares, spherical=True)
    dice = torch.Generator().manual_seed(seed)
    mixed = torch.where(torch.rand(HALF, za.shape[1], generator=dice) < 0.5, za, zb)
    coins = torch.rand(HALF, 1, generator=dice) < 0.5
    told: list[Tensor | None] = [None] * MADE
    if ta is not None and tb is not None:
        lines = blend(ta.expand(HALF, -1), tb.expand(HALF, -1), shares, spherical=False)
        told = list(torch.cat([lines, torch.where(coins, ta, tb)]).split(1))
    rows = torch.cat([arc, mixed]).split(1)
    return [_keep(loaded, folder, z, each, a, b) for z, each in zip(rows, told, strict=True)]


def between(
    loaded: Loaded, stops: Sequence["Place"], folder: Path, *, frames: int, loop: bool, eased: bool
) -> list[dict[str, Any]]:
    """The frames of a morph as places: those of `ganvas morph`, to be looked at one by one."""
    import torch

    from ..latent.draw import given
    from ..latent.morph import blend, positions

    path = [*stops, stops[0]] if loop else list(stops)
    pairs = [given(loaded.model, stop, found=loaded.found, folder=folder) for stop in path]
    at = positions(len(path), max(frames, len(path)), eased=eased)
    made = []
    for where in at.tolist():
        leg = min(int(where), len(path) - 2)
        share = torch.tensor([where - leg])
        (za, ta), (zb, tb) = pairs[leg], pairs[leg + 1]
        told = None if ta is None or tb is None else blend(ta, tb, share, spherical=False)
        made.append(_keep(loaded, folder, blend(za, zb, share, spherical=True), told, path[leg]))
    return made


def _keep(loaded: Loaded, folder: Path, z: "Tensor", told: "Tensor | None", *parents: "Place") -> dict[str, Any]:
    """Save a latent under the hash of its content, and return its place."""
    from ..latent.places import Latent
    from .gallery import key_of

    first = parents[0]
    words = first.words or ""
    content = z.numpy().tobytes() + (b"" if told is None else told.numpy().tobytes()) + f"{loaded.fp} {words}".encode()
    name = hashlib.sha256(content).hexdigest()[:32]
    path = folder / f"{name}.safetensors"
    if path.exists():
        os.utime(path)
    else:
        condition = None if told is None else told[0].clone()
        Latent(z[0].clone(), condition, loaded.digest, words).save(path)
    place: dict[str, Any] = {"latent": name}
    if words:
        place["words"] = words
    if first.truncation != 1:
        place["truncation"] = first.truncation
    return {**place, "parents": [key_of(parent) for parent in parents]}


def sweep(folder: Path, kept: Sequence[Mapping[str, Any]]) -> None:
    """Delete latents except the newest 20,000 and those of kept pictures."""
    found = list(folder.glob("*.safetensors"))
    if len(found) <= MOST_KEPT:
        return
    stay = {place.get("latent") for place in kept}
    with suppress(OSError):
        found.sort(key=lambda path: path.stat().st_mtime_ns)
        for path in found[:-MOST_KEPT]:
            if path.stem not in stay:
                path.unlink(missing_ok=True)
