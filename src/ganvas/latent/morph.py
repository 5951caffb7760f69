"""Morphs: one picture turns into another through pictures in between, instead of cross-fading.

A morph goes from stop to stop. A stop is a picture as `sample` draws it, and the morph shows it bit for bit. Between
two stops the generator's input is interpolated, and its condition linearly.
"""

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
from ..core.seeds import is_whole
from ..metrics.paths import on_arc, on_line, weighed
from ..models.model import Model
from ..models.sheets import SHOWN, at_scale, refuse_huge
from .places import ENDING, Start, places, read_start

__all__ = ["Stop", "blend", "morph", "positions", "read_stops", "save_morph"]

PER_LEG, ON_STRIP = 24, 4  # steps between two stops, in a film and on a strip
FRAMES_PER_SECOND = 12
HOLD = 1.5  # seconds that a film which is not closed shows its last picture
LONGEST = 3600  # seconds of a film
PIXELS = 256  # size to which small pictures are enlarged in a film


@dataclass(frozen=True)
class Stop:
    """A picture that a morph passes through: its seed or latent, and its label; None leaves that to the seed."""

    seed: Start
    label: str | None = None


def read_stops(seeds: str, labels: Sequence[str] = ()) -> list[Stop]:
    """Parse stops: seeds such as "0,7,12", paired with labels; a single seed or label is used for all of the others.

    Without seeds: seed 0 if there are labels, otherwise the first four seeds. A file by `ganvas project` can replace a
    seed: "0,me.safetensors".

    Raises:
        NotFound or Unreadable: there is no such file, or it holds no latent.
        DoesNotFit: the seeds are invalid, or there are several of both and not equally many.
    """
    words = [word.strip() for word in seeds.split(",")] if seeds else ["0"] if labels else ["0", "1", "2", "3"]
    if not all(is_whole(word) or word.endswith(ENDING) for word in words):
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
    large: bool = False,
) -> Tensor:
    """The samples on the way from stop to stop, float32 [frames, *shape]; each stop is shown exactly.

    Args:
        model: any generator; `Model.truncated` gives calmer pictures.
        path: at least two stops.
        frames: total number of samples; by default 24 steps from stop to stop.
        spherical: move on arcs about the origin, as normal inputs lie (White 2016, arXiv:1609.04468), not on lines.
        eased: slow down near each stop.
        closed: end with the first stop again.
        large: draw pictures twice as large, with a model that `doubles`.

    Raises:
        NotFound: the model does not know a label.
        DoesNotFit: there are fewer than two stops, too few frames for them or too many for memory, or the model takes
            no label.
    """
    path = [*path, path[0]] if closed and len(path) > 1 else path
    if len(path) < 2:
        raise DoesNotFit("A morph goes from one stop to another: give two seeds from 0, or one seed and two labels.")
    frames = PER_LEG * (len(path) - 1) + 1 if frames is None else frames
    refuse_huge(frames, model.shape, zoom=2 if large else 1)
    at = positions(len(path), frames, eased=eased)
    legs = np.minimum(at.astype(int), len(path) - 2)
    shares = torch.from_numpy(at - legs)
    z, conditions = places(model, [(stop.seed, stop.label) for stop in path])
    moved = blend(z[legs], z[legs + 1], shares, spherical=spherical)
    if conditions is not None:
        conditions = blend(conditions[legs], conditions[legs + 1], shares, spherical=False)
    return model.make(moved, conditions, large=large)


def positions(count: int, frames: int, *, eased: bool) -> NDArray[np.float64]:
    """The position of each frame on a path of `count` stops, from 0 to count - 1; every stop, a whole number, is hit.

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
    """Interpolate from `a`, at share 0, to `b`, at share 1, both exact: on a line, or on an arc about the origin.

    On the arc the angle changes at a constant rate, and the length linearly from |a| to |b|. Parallel a and b have no
    arc, and opposite ones no shortest arc: there the line is used.
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
    out: str | Path,
    *,
    frames: int | None = None,
    seconds: float | None = None,
    spherical: bool = True,
    eased: bool = True,
    closed: bool = False,
    scale: int | None = None,
) -> Path:
    """Save a morph as a film (.gif, .webp, .mp4) or, with any other extension, as a strip of pictures in a row.

    In a film, clips play back and forth while they change; on a strip they show their middle frames.

    Args:
        model: the model, of pictures or clips.
        path: at least two stops.
        out: the file.
        frames: number of pictures; by default 24 steps from stop to stop in a film and 4 on a strip.
        seconds: duration of the film before it holds at its end, instead of or together with `frames`; a closed
            film does not hold.
        spherical: see `morph`.
        eased: see `morph`; strips look best without.
        closed: see `morph`; a film repeats without a jerk, as the first stop is not there again at its end.
        scale: whole-number enlargement; by default small pictures are enlarged. A model that `doubles` draws them twice
            as large for it, with any other each pixel becomes a square.

    Raises:
        DoesNotFit or Unwritable: the model makes points, `seconds` is given for a strip or is not above 0 and up to an
            hour, a .gif would have too many frames a second, the scale is below 1, the file cannot be written, or as in
            `morph`.
    """
    if model.kind is Kind.POINTS:
        raise DoesNotFit(
            f"This model makes vectors of {model.shape[0]} numbers, and only pictures and clips can be shown as a "
            "morph; `morph(model, stops)` of ganvas.latent.morph returns the samples on the way."
        )
    out = Path(out)
    film = out.suffix.lower() in pixels.FILMS
    if seconds is not None and not (film and 0 < seconds <= LONGEST):
        raise DoesNotFit(
            f"`seconds=` is how long a film takes, up to {LONGEST:,}, and not for {out.name!r} with {seconds}."
        )
    if scale is not None and scale < 1:
        raise DoesNotFit(f"`scale=` is at least 1, not {scale}.")
    once = film and closed  # repeats without a jerk: its first picture is not there again at its end
    if frames is not None:
        frames += once
    elif seconds is not None:
        frames = max(2, round(seconds * FRAMES_PER_SECOND) + 1)
    else:
        frames = (PER_LEG if film else ON_STRIP) * max(1, len(path) - 1 + closed) + 1
    speed = FRAMES_PER_SECOND if seconds is None else max(frames - 1, 1) / seconds
    if film:
        pixels.refuse_film(out, speed)
    shape = (model.shape[0], *model.shape[-2:])
    zoom = scale or max(1, (PIXELS if film else SHOWN) // max(shape[1:]))
    large = model.doubles and zoom > 1
    made = morph(model, path, frames=frames, spherical=spherical, eased=eased, closed=closed, large=large)
    stills = _stills(made, film=film) if model.moves else made
    if not film:
        return pixels.save_picture(pixels.grid(at_scale(stills, shape, zoom), columns=len(stills), zoom=1), out)
    shown = (at_scale(each, shape, zoom)[0] for each in stills[: len(stills) - once].split(1))
    return pixels.save_film(shown, out, frames_per_second=speed, hold_seconds=0 if once else HOLD)


def _stills(clips: Float[Tensor, "n c t h w"], *, film: bool) -> Float[Tensor, "n c h w"]:
    """One frame of each clip: on a strip the middle one, in a film the next one of a clip that plays back and forth."""
    last, steps = clips.shape[2] - 1, torch.arange(len(clips))
    shown = last - (steps % max(2 * last, 1) - last).abs() if film else torch.full_like(steps, clips.shape[2] // 2)
    return clips[steps, :, shown]
