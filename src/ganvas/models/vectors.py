"""Trace pictures: a drawing of a few flat fills as SVG, which opens in a vector editor.

Fills are the colours of areas. A pixel on an edge is a blend of two fills, which locates the outline between pixels.
Outlines are the contour lines of this blend (contourpy), fitted with few curves (curves.py). Each fill extends a little
below those that lie on it, like trapping in print, so that no gap shows.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image, ImageDraw, ImageFilter

from ..core.errors import DoesNotFit, NotInstalled
from .curves import Points, area, outline

__all__ = ["Drawing", "traced"]

NEAR = 60.0  # colours nearer than this in RGB, 0 to 255 each, are one fill
FAINT = 16.0  # as NEAR, for a picture in which nothing else is found
FLAT = 32  # largest difference between channels of neighbours within an area
LEAST, LEAST_THIN = 0.004, 0.008  # least share of all pixels for a fill found in areas, or only on edges
PAPER = 235  # least value of every channel of a colour that may be paper
WHITE, HALF = np.full(3, 255.0), 128  # the colour of paper, and the alpha from which on a pixel is seen
SMALLEST, LARGEST = 96, 1024  # pixels a side: smaller pictures are enlarged first, larger ones refused
SMOOTH = 2  # rounds of smoothing against grain
TRAP = 3  # side in pixels of the square by which a fill is extended below those that lie on it
SPECK = 10.0  # smallest area of a shape in square pixels
TOLERANCE = 0.8  # largest distance in pixels of a curve from its outline
GREY = Float[np.ndarray, "h w"]
Colours = Float[np.ndarray, "m 3"]
Fills = Float[np.ndarray, "n 3"]
Colour = Float[np.ndarray, " 3"]


@dataclass(frozen=True)
class Drawing:
    """Shapes in painting order.

    width, height  of the picture as it was traced, in the units of its shapes
    ground         the colour of the background, or None for paper
    layers         a fill as #rrggbb, and its shapes as SVG path data, outlines with their holes
    """

    width: int
    height: int
    ground: str | None
    layers: tuple[tuple[str, tuple[str, ...]], ...]

    def elements(self) -> str:
        """The SVG elements: one group per fill."""
        size = f'width="{self.width}" height="{self.height}"'
        lines = [f'<rect {size} fill="{self.ground}"/>'] if self.ground else []
        for fill, shapes in self.layers:
            lines += [f'<g fill="{fill}" fill-rule="evenodd">', *(f'<path d="{shape}"/>' for shape in shapes), "</g>"]
        return "\n".join(lines)


def traced(picture: np.ndarray, *, colours: int = 8) -> Drawing:
    """The shapes of a picture; a white background is paper, and so is white inside if there is only one other fill.

    Of a transparent picture what is clear is paper, white is a fill, and what is half clear counts as one or the other.

    Args:
        picture: RGB or RGBA as uint8 [H, W, 3 or 4], at most 1024 pixels a side.
        colours: the largest number of fills, including paper, from 2 to 32.

    Raises:
        DoesNotFit: the picture has another form, or `colours` is out of range.
        NotInstalled: the package that finds contour lines is missing.
    """
    if picture.ndim != 3 or picture.shape[2] not in (3, 4) or picture.dtype != np.uint8 or not picture.size:
        raise DoesNotFit(f"A picture to trace is uint8 [H, W, 3 or 4], not {picture.dtype} {list(picture.shape)}.")
    if max(picture.shape) > LARGEST:
        raise DoesNotFit(f"A picture to trace has at most {LARGEST} pixels a side; make it smaller first.")
    if not 2 <= colours <= 32:
        raise DoesNotFit(f"`colours=` is from 2 to 32, not {colours}.")
    times = -(-SMALLEST // max(picture.shape[:2]))
    size = picture.shape[1] * times, picture.shape[0] * times
    given = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))
    clear = given.shape[2] == 4 and bool((given[..., 3] < HALF).any())
    border = np.concatenate([given[0], given[-1], given[:, 0], given[:, -1]])[:, :3]
    on_paper = clear or bool((border.min(1) >= PAPER).mean() >= 0.5)
    paper = _unlike(given) if clear else WHITE
    picture, ground, near = _laid(given, paper) if clear else given[..., :3], paper if on_paper else None, NEAR
    while len(fills := _fills(picture, colours, paper=ground, near=near)) == 1 and near > FAINT:
        near /= 2
    apart = np.linalg.norm(picture[None].astype(np.float32) - fills[:, None, None].astype(np.float32), axis=3)
    if on_paper and not clear and len(fills) > 2:
        fills, apart = _white_inside(fills, apart)
    apart = _without_rims(fills, apart)
    sizes = np.bincount(apart.argmin(0).ravel(), minlength=len(fills))
    order = [0] * on_paper + [row for row in np.argsort(-sizes, kind="stable").tolist() if row or not on_paper]
    fills, apart = fills[order], apart[order]
    fills = _as_seen(fills, apart, given) if clear else fills
    layers = [(_hex(fills[row]), _shapes(_covered(apart, row))) for row in range(1, len(fills))]
    height, width = picture.shape[:2]
    kept = tuple((fill, shapes) for fill, shapes in layers if shapes)
    return Drawing(width, height, None if on_paper else _hex(fills[0]), kept)


def _unlike(picture: UInt8[np.ndarray, "h w 4"]) -> Colour:
    """Of black, white and the six purest colours the one that is the least like any that is seen in the picture."""
    seen = np.unique(picture[picture[..., 3] >= HALF][:, :3] // 8 * 8, axis=0).astype(float)
    corners = 255.0 * np.array(list(np.ndindex(2, 2, 2)))[::-1]
    return corners[np.linalg.norm(corners[:, None] - seen[None], axis=2).min(1, initial=np.inf).argmax()]


def _laid(picture: UInt8[np.ndarray, "h w 4"], paper: Colour) -> UInt8[np.ndarray, "h w 3"]:
    """The picture on paper, its edges twice as sharp as its alpha has them, so that no shade becomes a fill."""
    alpha = (picture[..., 3:] / 127.5 - 0.5).clip(0, 1)
    return (picture[..., :3] * alpha + paper * (1 - alpha)).round().astype(np.uint8)


def _as_seen(fills: Fills, apart: Float[np.ndarray, "n h w"], given: UInt8[np.ndarray, "h w 4"]) -> Fills:
    """The fills without a tinge of what they were laid on, which thin lines have."""
    nearest = np.where(given[..., 3] >= HALF, apart.argmin(0), -1)
    own = [given[nearest == row][:, :3] for row in range(len(fills))]
    return np.stack([np.median(seen, axis=0) if len(seen) else fill for seen, fill in zip(own, fills, strict=True)])


def _fills(picture: UInt8[np.ndarray, "h w 3"], most: int, *, paper: Colour | None, near: float) -> Fills:
    """The colours of areas, paper first; colours on edges count only if they are not a blend of two fills."""
    is_flat = _flat(picture, 3)
    flat, edges, wide = picture[is_flat].astype(float), picture[~is_flat].astype(float), _flat(picture, 5)[is_flat]
    kept = [] if paper is None else [paper]
    if not kept:
        kept.append(_commonest(flat if len(flat) else edges))
    while len(kept) < most:
        fills = np.stack(kept)
        new = flat[(_away(flat, fills) > near) & (wide | (_away_from_blends(flat, fills) > near))]
        thin = edges[_away_from_blends(edges, fills) > near]
        if len(new) >= LEAST * is_flat.size:
            kept.append(_commonest(new))
        elif len(thin) >= LEAST_THIN * is_flat.size:
            far = _away_from_blends(thin, fills)
            kept.append(thin[far >= np.quantile(far, 0.75)].mean(0))
        else:
            break
    return _settled(np.stack(kept), flat, fixed=paper is not None)


def _flat(picture: UInt8[np.ndarray, "h w 3"], size: int) -> Bool[np.ndarray, "h w"]:
    """Where the square of this size around a pixel has a single colour."""
    image = Image.fromarray(picture)
    most, least = image.filter(ImageFilter.MaxFilter(size)), image.filter(ImageFilter.MinFilter(size))
    return (np.asarray(most).astype(int) - np.asarray(least)).max(2) <= FLAT


def _commonest(pixels: Colours) -> Colour:
    """The mean colour of the largest cluster."""
    few = Image.fromarray(pixels.astype(np.uint8)[None]).quantize(16, dither=Image.Dither.NONE)
    rows = np.asarray(few).ravel()
    return pixels[rows == np.bincount(rows).argmax()].mean(0)


def _settled(fills: Fills, flat: Colours, *, fixed: bool) -> Fills:
    """Each fill moved to the mean of its nearest pixels (k-means); paper stays white."""
    for _ in range(3 * bool(len(flat))):
        nearest = np.linalg.norm(flat[:, None] - fills[None], axis=2).argmin(1)
        counts = np.bincount(nearest, minlength=len(fills))
        sums = np.stack([np.bincount(nearest, flat[:, channel], len(fills)) for channel in range(3)], 1)
        moved = np.where(counts[:, None] > 0, sums / counts[:, None].clip(1), fills)
        fills = np.concatenate([fills[:1], moved[1:]]) if fixed else moved
    return fills


def _away(pixels: Colours, fills: Fills) -> Float[np.ndarray, " m"]:
    return np.linalg.norm(pixels[:, None] - fills[None], axis=2).min(1)


def _away_from_blends(pixels: Colours, fills: Fills) -> Float[np.ndarray, " m"]:
    """The distance of each colour from the nearest line segment between two fills."""
    least = _away(pixels, fills)
    for row, one in enumerate(fills):
        for other in fills[row + 1 :]:
            way = other - one
            share = ((pixels - one) @ way / (way @ way).clip(1e-9)).clip(0, 1)
            least = np.minimum(least, np.linalg.norm(pixels - one - share[:, None] * way, axis=1))
    return least


def _white_inside(fills: Fills, apart: Float[np.ndarray, "n h w"]) -> tuple[Colours, Float[np.ndarray, "m h w"]]:
    """White areas enclosed by others as a separate fill, which is the last."""
    white = apart.argmin(0) == 0
    page = Image.fromarray(np.pad(white, 1, constant_values=True).astype(np.uint8)).copy()
    ImageDraw.floodfill(page, (0, 0), 2)
    ground = np.asarray(page)[1:-1, 1:-1] == 2
    inside = white & ~ground
    if inside.sum() < LEAST * white.size:
        return fills, apart
    outer, inner = ground, inside
    for _ in range(4):  # also the blurred edges of both, up to 4 pixels
        outer, inner = outer | (_grown(outer) & ~inner), inner | (_grown(inner) & ~outer)
    paper = np.where(inner, np.inf, apart[0])
    within = np.where(inner, apart[0], np.inf)
    return np.concatenate([fills, fills[:1]]), np.concatenate([paper[None], apart[1:], within[None]])


def _grown(mask: Bool[np.ndarray, "h w"], by: int = 1) -> Bool[np.ndarray, "h w"]:
    return np.asarray(Image.fromarray(mask.astype(np.uint8)).filter(ImageFilter.MaxFilter(2 * by + 1))) > 0


def _without_rims(fills: Fills, apart: Float[np.ndarray, "n h w"]) -> Float[np.ndarray, "n h w"]:
    """The distances, changed so that a fill between two others in colour counts only where it is wider than an edge."""
    apart = apart.copy()
    for row in range(1, len(fills)):
        others = np.delete(fills, row, axis=0)
        if len(others) < 2 or _away_from_blends(fills[row : row + 1], others)[0] > NEAR:
            continue
        mask = apart.argmin(0) == row
        wide = ~_grown(~mask)
        is_area = (~_grown(~mask, 2)).sum() >= LEAST * mask.size
        apart[row][mask & ~_grown(wide, 2) if is_area else ...] = np.inf
    return apart


def _covered(apart: Float[np.ndarray, "n h w"], row: int) -> GREY:
    """How much of each pixel this fill covers, from 0 to 1, including its trap below later fills."""
    own = _share(apart[row], np.delete(apart, row, axis=0).min(0))
    if row == len(apart) - 1:
        return own
    below = np.asarray(Image.fromarray(own).filter(ImageFilter.MaxFilter(TRAP)))
    on_top = _share(apart[row:].min(0), apart[:row].min(0))
    return np.minimum(below, np.maximum(on_top, own))


def _share(one: GREY, other: GREY) -> GREY:
    """1 where a colour is the first, 0 where it is the second, and in between where it is a blend."""
    one, other = np.minimum(one, 1e4), np.minimum(other, 1e4)
    return (other / (one + other).clip(1e-6)).astype(np.float32)


def _smoothed(grey: GREY) -> GREY:
    """Smoothed against grain, by a binomial filter in both directions."""
    for axis in (0, 1):
        for _ in range(SMOOTH):
            wide = np.pad(grey, [(1, 1) if each == axis else (0, 0) for each in (0, 1)], mode="edge")
            before, after = (wide.take(range(first, first + grey.shape[axis]), axis) for first in (0, 2))
            grey = (before + after) / 4 + grey / 2
    return grey


def _shapes(covered: GREY) -> tuple[str, ...]:
    """The outlines around where a fill covers at least half of a pixel, each with its holes."""
    try:
        from contourpy import FillType, contour_generator
    except ImportError:
        raise NotInstalled("Tracing comes with a package: pip install 'ganvas[vectors]'.") from None
    field = np.pad(_smoothed(covered), 1)
    places = [np.clip(np.arange(-0.5, side + 1), 0, side) for side in covered.shape]
    level = contour_generator(x=places[1], y=places[0], z=field, fill_type=FillType.OuterOffset)
    polygons: Any = level.filled(0.5, 2.0)  # the outlines, and where each of them starts
    found = []
    for points, ends in zip(*polygons, strict=True):
        loops = [points[first : last - 1] for first, last in pairwise(ends)]
        large = [loop for loop in loops if area(loop) >= SPECK]
        if large and large[0] is loops[0]:
            found.append(" ".join(map(_path, large)))
    return tuple(found)


def _path(polygon: Points) -> str:
    """A closed outline as SVG path data."""
    start, curves = outline(polygon, tolerance=TOLERANCE)
    steps = [f"{'L' if len(curve) == 1 else 'C'}{_numbers(curve)}" for curve in curves]
    return f"M{_numbers(start[None])}{''.join(steps)}Z"


def _numbers(points: Points) -> str:
    return " ".join(f"{round(value, 1):g}" for value in points.ravel().tolist())


def _hex(fill: Colour) -> str:
    return "#" + fill.round().clip(0, 255).astype(np.uint8).tobytes().hex()
