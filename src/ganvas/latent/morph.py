"""Moving through latent space: one picture becomes another by way of pictures, not by fading.

A morph goes from stop to stop. A stop is a picture that `sample` draws, and the morph shows it bit for bit; between two
stops the generator's input moves on, and what it is told moves along a straight line.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from ..core import pixels
from ..core.batch import Kind
from ..core.errors import DoesNotFit
from ..metrics.paths import on_arc, on_line, weighed
from ..models.model import Model
from .places import ENDING, Start, places, read_start

__all__ = ["FILMS", "Stop", "blend", "morph", "positions", "read_stops", "save_morph"]

FILMS = (".gif", ".webp", ".mp4")
PER_LEG, ON_STRIP = 24, 4  # steps between two stops, in a film and on a strip
FRAMES_PER_SECOND = 12
PIXELS = 256  # small pictures are enlarged to about so many in a film


@dataclass(frozen=True)
class Stop:
    """A picture that a morph goes through: its seed or latent, and what is asked for; None leaves that to the seed."""

    seed: Start
    label: str | None = None


def read_stops(seeds: str, labels: Sequence[str] = ()) -> list[Stop]:
    """Stops from words: "0,7,12" and labels in pairs; one of either stays for all of the others.

    Without seeds it is seed 0 for labels, and else the first four. A file that `ganvas project` wrote is as good as a
    seed: "0,me.safetensors".

    Raises:
        DoesNotFit: these are no seeds, or there are several of both and not as many.
    """
    words = [word.strip() for word in seeds.split(",")] if seeds else ["0"] if labels else ["0", "1", "2", "3"]
    if not all(word.isdecimal() or word.endswith(ENDING) for word in words):
        raise DoesNotFit(
            f"`seeds=` are whole numbers from 0 with commas between them, as in 0,7,12, or {ENDING} files that "
            f"`ganvas project` wrote, not {seeds!r}."
        )
    starts = [read_start(word) for word in words]
    if not labels:
        return [Stop(start) for start in starts]
    count = max(len(starts), len(labels))
    if {len(starts), len(labels)} - {1, count}:
        raise DoesNotFit(
            f"A morph pairs seeds with labels: give as many of both, or one of either, not {len(starts)} seeds and "
            f"{len(labels)} labels."
        )
    return [Stop(starts[index % len(starts)], labels[index % len(labels)]) for index in range(count)]


def morph(
    model: Model,
    path: Sequence[Stop],
    *,
    frames: int | None = None,
    spherical: bool = True,
    eased: bool = True,
    closed: bool = False,
) -> Tensor:
    """The samples on the way from stop to stop, float32 [frames, *shape]; each stop is shown exactly.

    Args:
        model: any generator; `Model.truncated` for calmer pictures.
        path: at least two stops.
        frames: how many samples in all; by default 24 steps from stop to stop.
        spherical: move on arcs about the origin, as normal inputs lie (White 2016, arXiv:1609.04468), not on lines.
        eased: leave each stop and come to the next slowly.
        closed: end with the first stop again.

    Raises:
        DoesNotFit: there are fewer than two stops or not enough frames for them, or the model does not know a label.
    """
    path = [*path, path[0]] if closed and len(path) > 1 else path
    if len(path) < 2:
        raise DoesNotFit("A morph goes from one stop to another: give two seeds from 0, or one seed and two labels.")
    at = positions(len(path), PER_LEG * (len(path) - 1) + 1 if frames is None else frames, eased=eased)
    legs = np.minimum(at.astype(int), len(path) - 2)
    shares = torch.from_numpy(at - legs)
    z, conditions = places(model, [(stop.seed, stop.label) for stop in path])
    moved = blend(z[legs], z[legs + 1], shares, spherical=spherical)
    return model.make(
        moved, None if conditions is None else blend(conditions[legs], conditions[legs + 1], shares, spherical=False)
    )


def positions(count: int, frames: int, *, eased: bool) -> NDArray[np.float64]:
    """Where each frame is on a way of `count` stops, from 0 to count - 1; the stops are whole numbers, and all are hit.

    Raises:
        DoesNotFit: there are fewer frames than stops.
    """
    if frames < count:
        raise DoesNotFit(f"A morph through {count} pictures takes at least {count} frames, not {frames}.")
    ends = np.round(np.linspace(0, frames - 1, count))
    at = np.interp(np.arange(frames), ends, np.arange(count))
    whole, rest = np.floor(at), at % 1
    return whole + rest * rest * (3 - 2 * rest) if eased else at


def blend(
    a: Float[Tensor, "n k"], b: Float[Tensor, "n k"], shares: Float[Tensor, " n"], *, spherical: bool
) -> Float[Tensor, "n k"]:
    """From `a`, at share 0, to `b`, at share 1, both exactly: on a line, or on an arc about the origin.

    On the arc the direction turns evenly and the length goes evenly from |a| to |b|. Where a and b are parallel there
    is no arc, and where they are opposite there is no shortest one: there it is the line.
    """
    line = on_line(shares)
    if not spherical:
        return weighed(a, b, line)
    arc = on_arc(a, b, shares)
    lengths = torch.stack([a.double().norm(dim=1), b.double().norm(dim=1)], dim=1).clamp_min(1e-30)
    evenly = (lengths * line).sum(1, keepdim=True) / lengths
    return weighed(a, b, torch.where(arc == line, line, arc * evenly))


def save_morph(
    model: Model,
    path: Sequence[Stop],
    out: Path,
    *,
    frames: int | None = None,
    seconds: float | None = None,
    spherical: bool = True,
    eased: bool = True,
    closed: bool = False,
    scale: int | None = None,
) -> Path:
    """Save a morph as a film (.gif, .webp, .mp4) or, with any other ending, as a strip of pictures in a row.

    Clips play to and fro in a film while they turn into one another; on a strip they show their middle frames.

    Args:
        model: what draws the pictures or clips.
        path: at least two stops.
        out: where it goes.
        frames: how many pictures; by default 24 steps from stop to stop in a film and 4 on a strip.
        seconds: how long the film takes before it holds at its end, instead of or together with `frames`.
        spherical: see `morph`.
        eased: see `morph`; a strip is wider than a moment and looks best without.
        closed: see `morph`.
        scale: whole-number enlargement without smoothing; by default small pictures are enlarged.

    Raises:
        DoesNotFit or Unwritable: the model makes points, the scale is below 1, the file cannot be written, or as in
            `morph`.
    """
    if model.kind is Kind.POINTS:
        raise DoesNotFit(
            f"This model makes vectors of {model.shape[0]} numbers, and only pictures and clips can be shown as a "
            "morph; `ganvas.latent.morph.morph(model, stops)` returns the samples on the way."
        )
    film = out.suffix.lower() in FILMS
    if seconds is not None and not (film and 0 < seconds < math.inf):
        raise DoesNotFit(f"`seconds=` is how long a film takes, above 0, and not for {out.name!r} with {seconds}.")
    if scale is not None and scale < 1:
        raise DoesNotFit(f"`scale=` is at least 1, not {scale}.")
    if seconds is not None and frames is None:
        frames = max(2, round(seconds * FRAMES_PER_SECOND) + 1)
    legs = max(1, len(path) - 1 + closed)
    frames = (PER_LEG if film else ON_STRIP) * legs + 1 if frames is None else frames
    made = morph(model, path, frames=frames, spherical=spherical, eased=eased, closed=closed)
    drawn = pixels.to_uint8(_stills(made, film=film) if model.moves else made).numpy()
    if not film:
        return pixels.save_picture(pixels.grid(drawn, columns=len(drawn), zoom=scale), out)
    speed = FRAMES_PER_SECOND if seconds is None else max(frames - 1, 1) / seconds
    zoom = scale or max(1, PIXELS // max(drawn.shape[1:3]))
    shown = (pixels.grid(each[None], gap=0, zoom=zoom) for each in drawn)
    return pixels.save_film(shown, out, frames_per_second=speed)


def _stills(clips: Float[Tensor, "n c t h w"], *, film: bool) -> Float[Tensor, "n c h w"]:
    """One frame of each clip: on a strip the middle one, in a film the next one of a clip that plays to and fro."""
    last, steps = clips.shape[2] - 1, torch.arange(len(clips))
    shown = last - (steps % max(2 * last, 1) - last).abs() if film else torch.full_like(steps, clips.shape[2] // 2)
    return clips[steps, :, shown]
