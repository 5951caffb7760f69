"""The film of a training: its sheets of samples in order, each above the count of images seen by then."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..core import files, pixels
from ..core.batch import Kind, kind_of
from ..core.errors import DoesNotFit, NotFound, PassedOver
from ..core.pixels import Pictures
from .run import Run, no_run

__all__ = ["film"]

GAP, ROW, SEEDS = 2, 8, 64  # layout of a sheet of pictures, see pixels.grid and Recorder.sheet
FRAMES = 150  # at most, unless a length in seconds is given


def film(
    run_folder: Path,
    out: Path | None = None,
    *,
    frames_per_second: float = 12,
    seconds: float | None = None,
    seed: int | None = None,
) -> Path:
    """Make a film of the sheets in a run folder's samples/ and return its path.

    Args:
        run_folder: the run, finished or not.
        out: a .gif, .webp or .mp4; by default film.gif in the run folder.
        frames_per_second: the frame rate.
        seconds: the length without the hold at the end: sheets are left out evenly, or shown for longer.
        seed: show only the picture of this seed, as large as the sheet, instead of all 64.

    Raises:
        NotFound, DoesNotFit or Unwritable: the folder holds no run or fewer than two sheets; the sheets do not show
            pictures of seeds, or not this seed; or the film cannot be written.
    """
    folder = run_folder / "samples"
    sheets = _sound(files.numbered(folder))
    if not folder.is_dir():
        raise NotFound(no_run(run_folder, "it has no samples in it"))
    if len(sheets) < 2:
        raise DoesNotFit(f"A film needs two sheets of samples; {folder} has {len(sheets)}. Train a little longer.")
    frames = min(len(sheets), FRAMES)
    if (seconds is not None and seconds <= 0) or frames_per_second <= 0:
        raise DoesNotFit("A film takes more than 0 seconds, and shows more than 0 frames in each.")
    if seconds is not None:
        frames = min(len(sheets), max(2, round(seconds * frames_per_second)))
        frames_per_second = min(frames_per_second, frames / seconds)
    picked = [sheets[round(index)] for index in np.linspace(0, len(sheets) - 1, frames)]
    out = out or run_folder / ("film.gif" if seed is None else f"film-{seed}.gif")
    tile = None if seed is None else _tile(run_folder, seed)
    shown = _frames(picked, tile, last=sheets[-1][0])
    return pixels.save_film(shown, out, frames_per_second=frames_per_second)


def _sound(sheets: list[tuple[int, Path]]) -> list[tuple[int, Path]]:
    """The undamaged sheets; a damaged one is left out with a warning."""
    sound = []
    for images, path in sheets:
        if pixels.read_sheet(path) is None:
            warnings.warn(f"The sheet {path} is damaged and left out.", PassedOver, stacklevel=3)
        else:
            sound.append((images, path))
    return sound


def _tile(run_folder: Path, seed: int) -> tuple[int, int, int, int]:
    """Where a seed's picture is on the sheets: left, top, right, bottom in pixels."""
    run = Run(run_folder)
    shape = run.about["data"]["shape"]
    if kind_of(shape) is not Kind.PICTURES or run.recipe.condition is not None:
        raise DoesNotFit("`seed=` is for runs whose sheets show a picture for each seed, which these do not.")
    if not 0 <= seed < SEEDS:
        raise DoesNotFit(f"The sheets show the seeds from 0 to {SEEDS - 1}, not {seed}.")
    zoom = max(1, 64 // max(shape[1:]))
    height, width = (side * zoom for side in shape[1:])
    left, top = GAP + seed % ROW * (width + GAP), GAP + seed // ROW * (height + GAP)
    return left, top, left + width, top + height


def _frames(sheets: list[tuple[int, Path]], tile: tuple[int, int, int, int] | None, *, last: int) -> Iterator[Pictures]:
    """The sheets, each above a strip with the images seen so far as number and bar, all of the last sheet's size."""
    with Image.open(sheets[-1][1]) as opened:
        width, height = opened.size
    if tile:  # enlarged by an integer factor
        times = max(1, width // (tile[2] - tile[0]))
        width, height = times * (tile[2] - tile[0]), times * (tile[3] - tile[1])
    letter = max(12, min(28, width // 24))
    font = ImageFont.load_default(size=letter)
    for images, path in sheets:
        with Image.open(path) as opened:
            picture = opened.convert("RGBA")
        picture = picture.crop(tile) if tile else picture
        if picture.size != (width, height):
            picture = picture.resize((width, height), Image.Resampling.NEAREST if tile else None)
        frame = Image.new("RGB", (width, height + 2 * letter), "white")
        frame.paste(picture, mask=picture)
        pen = ImageDraw.Draw(frame)
        pen.text((width / 2, height + 0.9 * letter), f"{images:,} images", fill="black", font=font, anchor="mm")
        drawn = np.array(frame)
        drawn[-3:, : round(width * images / max(last, 1))] = (31, 78, 160)
        yield drawn
