"""The film of a training: its sheets of samples one after the other, each over the count of images seen by then."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..core import files, pixels
from ..core.errors import DoesNotFit, NotFound
from ..core.pixels import Pictures

__all__ = ["film"]

FRAMES = 150  # at most, unless a length in seconds says otherwise


def film(
    run_folder: Path, out: Path | None = None, *, frames_per_second: float = 12, seconds: float | None = None
) -> Path:
    """Make a film of the sheets in a run folder's samples/ and return its path.

    Args:
        run_folder: the run, finished or not.
        out: a .gif, .webp or .mp4; by default film.gif in the run folder.
        frames_per_second: how fast it goes on.
        seconds: how long it takes before it holds at the end: sheets are left out evenly, or shown for longer.

    Raises:
        GanvasError: the folder holds no run or fewer than two sheets, or the film cannot be written.
    """
    folder = run_folder / "samples"
    sheets = files.numbered(folder)
    if not folder.is_dir():
        raise NotFound(f"{run_folder} is not the folder of a run: it has no samples in it.")
    if len(sheets) < 2:
        raise DoesNotFit(f"A film needs two sheets of samples; {folder} has {len(sheets)}. Train a little longer.")
    frames = min(len(sheets), FRAMES)
    if seconds is not None:
        frames = min(len(sheets), max(2, round(seconds * frames_per_second)))
        frames_per_second = min(frames_per_second, frames / seconds)
    picked = [sheets[round(index)] for index in np.linspace(0, len(sheets) - 1, frames)]
    out = out or run_folder / "film.gif"
    pixels.save_film(_frames(picked, last=sheets[-1][0]), out, frames_per_second=frames_per_second)
    return out


def _frames(sheets: list[tuple[int, Path]], *, last: int) -> Iterator[Pictures]:
    """The sheets, each over a strip with the images seen so far as a number and a line; all of the last one's size."""
    with Image.open(sheets[-1][1]) as opened:
        width, height = opened.size
    letter = max(12, min(28, width // 24))
    font = ImageFont.load_default(size=letter)
    for images, path in sheets:
        with Image.open(path) as opened:
            picture = opened.convert("RGBA")
        if picture.size != (width, height):
            picture = picture.resize((width, height))
        frame = Image.new("RGB", (width, height + 2 * letter), "white")
        frame.paste(picture, mask=picture)
        pen = ImageDraw.Draw(frame)
        pen.text((width / 2, height + 0.9 * letter), f"{images:,} images", fill="black", font=font, anchor="mm")
        drawn = np.array(frame)
        drawn[-3:, : round(width * images / max(last, 1))] = (31, 78, 160)
        yield drawn
