"""Samples as files: one sheet of many, or a picture or clip by itself, each with what made it."""

from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from ..core import pixels
from ..core.batch import Kind, kind_of
from ..core.errors import DoesNotFit
from .made import Made

__all__ = ["save_sample", "save_sheet"]


def save_sheet(samples: Float[Tensor, "n *shape"], out: Path, made: Made) -> Path:
    """Save all samples as one picture, or clips as the film in which all of them move.

    Raises:
        Unwritable or DoesNotFit: `out` cannot be written, or the layout is none for samples of this kind.
    """
    kind, columns = _kind(samples, made), made.layout.columns
    columns = columns and min(columns, len(samples))
    if kind is Kind.CLIPS and out.suffix.lower() in pixels.FILMS:
        return pixels.save_clips(samples, out, columns=columns)
    if kind is Kind.PICTURES and made.layout.scale:
        drawn = pixels.grid(pixels.to_uint8(samples).numpy(), columns=columns, zoom=made.layout.scale)
    else:
        drawn = pixels.sheet(samples, columns=columns)
    return pixels.save_picture(drawn, out, sheet=len(samples) > 1, more=made.for_png())


def save_sample(sample: Float[Tensor, "1 *shape"], out: Path, made: Made) -> Path:
    """Save one picture as it is, or one clip, in the file `out` with the ending that it takes; errors as above."""
    kind = _kind(sample, made)
    if kind is Kind.POINTS:
        raise DoesNotFit(f"This model makes vectors of {sample.shape[1]} numbers, not pictures; use generate().")
    if kind is Kind.CLIPS:
        return pixels.save_clips(sample, out.with_name(f"{out.name}.gif"))
    scale = made.layout.scale or 1
    picture = pixels.to_uint8(sample).numpy()[0].repeat(scale, axis=0).repeat(scale, axis=1)
    return pixels.save_picture(picture, out.with_name(f"{out.name}.png"), sheet=False, more=made.for_png())


def _kind(samples: Tensor, made: Made) -> Kind:
    kind = kind_of(samples.shape[1:])
    if made.layout.scale and kind is not Kind.PICTURES:
        raise DoesNotFit(f"`scale=` enlarges pictures, and these samples are {kind}.")
    return kind
