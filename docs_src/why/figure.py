"""A figure of panels side by side, drawn with Pillow alone: lines, dots, bars and pictures on labelled axes.

Run it as a program to draw an example.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

BLUE, ORANGE, GREEN, RED, GRAY = (31, 78, 160), (217, 119, 6), (13, 128, 106), (190, 40, 70), (140, 146, 158)
INK, FAINT, PAPER = (40, 44, 52), (226, 229, 234), (255, 255, 255)
FINE, SHARP = 4, 2  # scale while drawing, to smooth edges, and scale of the saved file
Colour = tuple[int, int, int]


class Panel:
    """One plot. Coordinates are in units of its axes; everything is drawn immediately, clipped to the frame."""

    def __init__(
        self, pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int], title: str, *, x: str, y: str,
        across: tuple[float, float], up: tuple[float, float], log: bool = False, ticks: bool = True,
    ) -> None:  # fmt: skip
        self.pen, self.box, self.across, self.log = pen, box, across, log
        self.up = (math.log10(up[0]), math.log10(up[1])) if log else up
        self.named = 0.0
        left, top, right, bottom = box
        self.text(left, top - 46, title, size=15, anchor="ls", ink=INK)
        self.text((left + right) / 2, bottom + 38, x, anchor="ms")
        self.text(left - 4, top - 8, y, anchor="ls", shift=-36)
        for value in _ticks(*across) if ticks else ():
            place = self.place(value, 0)[0]
            pen.line((place, top * FINE, place, bottom * FINE), fill=FAINT, width=FINE)
            self.text(place / FINE, bottom + 17, f"{value:g}", anchor="ms")
        for value in _powers(*self.up) if log else _ticks(*self.up) if ticks else ():
            place = self.place(across[0], 10**value if log else value)[1]
            pen.line((left * FINE, place, right * FINE, place), fill=FAINT, width=FINE)
            self.text(
                left - 7,
                place / FINE,
                f"1e{value:g}" if log and abs(value) > 3 else f"{10.0**value if log else value:g}",
                anchor="rm",
            )

    def line(
        self, xs: Iterable[float], ys: Iterable[float], ink: Colour, name: str = "", *, dashed: bool = False
    ) -> None:
        """Draw a line through points; `name` is its entry in the legend."""
        points = [self.place(x, y) for x, y in zip(xs, ys, strict=True)]
        points = _dense(points, 7 * FINE) if dashed else points
        for index, pair in enumerate(pairwise(points)):
            a, b = self._clipped(*pair)
            if not (dashed and index % 2) and self._inside(a) and self._inside(b):
                self.pen.line((*a, *b), fill=ink, width=round(1.8 * FINE))
                if not dashed:
                    self._dot(b, 0.9, ink)
        self._legend(name, ink, dot=False)

    def dots(self, xs: Iterable[float], ys: Iterable[float], ink: Colour, name: str = "", *, size: float = 3) -> None:
        """Draw dots of radius `size`."""
        for x, y in zip(xs, ys, strict=True):
            if self._inside(self.place(x, y)):
                self._dot(self.place(x, y), size, ink)
        self._legend(name, ink, dot=True)

    def bars(self, values: Sequence[float], ink: Colour, name: str = "", *, bins: int = 41) -> None:
        """Draw a histogram of the values along the x-axis, as shares of all values."""
        shares, edges = np.histogram(values, bins=bins, range=self.across)
        for share, a, b in zip(shares / len(values), edges, edges[1:], strict=False):
            if share:
                (x0, y0), (x1, y1) = self.place(a, share), self.place(b, 0)
                self.pen.rectangle((x0 + FINE / 2, max(y0, self.box[1] * FINE), x1 - FINE / 2, y1), fill=ink)
        self._legend(name, ink, dot=True)

    def band(self, xs: Sequence[float], low: Sequence[float], high: Sequence[float], ink: Colour) -> None:
        """Draw a pale area between two curves; call it before drawing the curves."""
        edge = [*zip(xs, low, strict=True), *reversed([*zip(xs, high, strict=True)])]
        left, top, right, bottom = (side * FINE for side in self.box)
        places = [(min(max(x, left), right), min(max(y, top), bottom)) for x, y in (self.place(*each) for each in edge)]
        self.pen.polygon(places, fill=tuple(round(255 - (255 - part) * 0.16) for part in ink))

    def words(self, x: float, y: float, text: str, ink: Colour = INK, anchor: str = "lm") -> None:
        """Write a note at a point of the plot."""
        place = self.place(x, y)
        self.text(place[0] / FINE, place[1] / FINE, text, anchor=anchor, ink=ink)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """The position on the paper of a point of the plot."""
        left, top, right, bottom = self.box
        y = math.log10(max(float(y), 1e-300)) if self.log else y
        across = (x - self.across[0]) / (self.across[1] - self.across[0])
        up = (y - self.up[0]) / (self.up[1] - self.up[0])
        return (left + across * (right - left)) * FINE, (bottom - up * (bottom - top)) * FINE

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: int = 12,
        anchor: str,
        ink: Colour = (96, 102, 114),
        shift: int = 0,
    ) -> None:
        """Write text at a position on the paper, in nominal units."""
        font = ImageFont.load_default(size * FINE)
        self.pen.text(((x + shift) * FINE, y * FINE), text, fill=ink, font=font, anchor=anchor)

    def _legend(self, name: str, ink: Colour, *, dot: bool) -> None:
        if not name:
            return
        x, y = self.box[0] + self.named, self.box[1] - 28
        if dot:
            self._dot(((x + 6) * FINE, y * FINE), 4, ink)
        else:
            self.pen.line((x * FINE, y * FINE, (x + 14) * FINE, y * FINE), fill=ink, width=3 * FINE)
        self.text(x + 19, y, name, anchor="lm", ink=INK)
        self.named += 19 + ImageFont.load_default(12).getlength(name) + 18

    def _clipped(self, a: tuple[float, float], b: tuple[float, float]) -> list[tuple[float, float]]:
        """Cut a line segment where it leaves the frame above or below."""
        top, bottom = self.box[1] * FINE, self.box[3] * FINE
        ends = []
        for here, there in ((a, b), (b, a)):
            edge = min(max(here[1], top), bottom)
            share = 2.0 if here[1] == there[1] else (edge - here[1]) / (there[1] - here[1])
            ends.append((here[0] + share * (there[0] - here[0]), edge) if 0 <= share <= 1 else here)
        return ends

    def _inside(self, place: tuple[float, float]) -> bool:
        left, top, right, bottom = self.box
        return (left - 1) * FINE <= place[0] <= (right + 1) * FINE and (top - 1) * FINE <= place[1] <= (
            bottom + 1
        ) * FINE

    def _dot(self, place: tuple[float, float], radius: float, ink: Colour) -> None:
        x, y, r = *place, radius * FINE
        self.pen.ellipse((x - r, y - r, x + r, y + r), fill=ink)


class Figure:
    """A sheet of white paper, divided into so many columns and rows of panels."""

    def __init__(self, columns: int, rows: int = 1, *, width: int = 430, height: int = 300) -> None:
        self.columns, self.width, self.height, self.count = columns, width, height, 0
        self.palette: Image.Image | None = None
        self.paper = Image.new("RGB", (columns * width * FINE, rows * height * FINE), PAPER)
        self.pen = ImageDraw.Draw(self.paper)

    def panel(self, title: str, *, x: str = "", y: str = "", across: tuple[float, float], up: tuple[float, float],
              log: bool = False, ticks: bool = True) -> Panel:  # fmt: skip
        """Add the next panel, in reading order."""
        left, top = self.count % self.columns * self.width, self.count // self.columns * self.height
        self.count += 1
        box = (left + 58, top + 70, left + self.width - 16, top + self.height - 50)
        return Panel(self.pen, box, title, x=x, y=y, across=across, up=up, log=log, ticks=ticks)

    def picture(self, title: str, pixels: np.ndarray, *, zoom: int | None = None) -> None:
        """Put pixels, [H, W] or [H, W, C] from 0 to 255, in place of the next panel, as large as fits there."""
        left, top = self.count % self.columns * self.width, self.count // self.columns * self.height
        self.count, self.palette = self.count + 1, _palette()  # few colours, as grays take many bytes
        font = ImageFont.load_default(15 * FINE)
        self.pen.text(((left + 24) * FINE, (top + 24) * FINE), title, fill=INK, font=font, anchor="ls")
        image = Image.fromarray(np.asarray(pixels, np.uint8).squeeze()).convert("RGB")
        room = ((self.width - 40) * FINE, (self.height - 52) * FINE)
        zoom = zoom or max(1, min(room[0] // image.width, room[1] // image.height))
        large = image.resize((image.width * zoom, image.height * zoom), Image.Resampling.NEAREST)
        self.paper.paste(large, ((left + 24) * FINE, (top + 36) * FINE))

    def save(self, path: str | Path) -> None:
        """Write the figure as a small PNG."""
        size = (self.paper.width * SHARP // FINE, self.paper.height * SHARP // FINE)
        small = self.paper.resize(size, Image.Resampling.LANCZOS)
        few = Image.Quantize.MEDIANCUT
        small.quantize(96, few, palette=self.palette, dither=Image.Dither.NONE).save(path, optimize=True)
        print(f"drawn in {path}")


def _palette() -> Image.Image:
    """24 grays, and the inks with two steps of each to the paper: chosen by area, a line's colour would turn gray."""
    grays = [(level, level, level) for level in np.linspace(0, 255, 24).round().astype(int).tolist()]
    inks = np.array([BLUE, ORANGE, GREEN, RED, GRAY, INK])
    mixed = [inks + share * (np.array(PAPER) - inks) for share in (0, 1 / 3, 2 / 3)]
    image = Image.new("P", (1, 1))
    image.putpalette(np.concatenate([grays, *mixed]).round().astype(np.uint8).tobytes())
    return image


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step for step in (power, 2 * power, 2.5 * power, 5 * power, 10 * power) if step >= rough * 0.99)
    return [
        round(index * step, 10) for index in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    ]


def _powers(low: float, high: float) -> list[int]:
    powers = list(range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1))
    return powers[:: len(powers) // 7 + 1]


def _dense(points: list[tuple[float, float]], step: float) -> list[tuple[float, float]]:
    """Points at equal distances along a path."""
    ways = np.array(points)
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(ways, axis=0), axis=1))])
    at = np.arange(0, along[-1], step)
    return [*zip(np.interp(at, along, ways[:, 0]), np.interp(at, along, ways[:, 1]), strict=True)]


if __name__ == "__main__":
    figure, turn = Figure(2), np.linspace(0, 7, 200)
    panel = figure.panel("Waves", x="time, seconds", y="height, metres", across=(0, 7), up=(-1, 1))
    panel.line(turn, np.sin(turn), BLUE, "sine")
    panel.line(turn, np.cos(turn), ORANGE, "cosine", dashed=True)
    panel = figure.panel("A bell", x="value", y="share", across=(-4, 4), up=(0, 0.1))
    panel.bars(np.random.default_rng(0).standard_normal(10_000).tolist(), GREEN, "10,000 draws")
    figure.save("example.png")
    print("example.png")
