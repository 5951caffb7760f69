"""Curves as inline SVG: the log in charts of related lines, each with a note on how it should look.

Lines stretch to the available width; axis labels are ordinary text laid over them, so that they are as large on a phone
as on a desktop. The page's script moves the reading line; without it the charts are complete.
"""

import html
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Chart", "Line", "charts", "draw", "number"]

POINTS = 1500  # at most, in one line of a chart; more are thinned out evenly
FEW = 40  # a line of fewer values is drawn with dots and not smoothed
PENALTIES = {"r1", "r2", "gradient_penalty", "penalty", "drift"}

HEALTHY_GAME = (
    "A healthy game is a draw: after an early swing each loss keeps to a level, noisy band, "
    "and neither is meant to reach zero."
)
HEALTHY_FALL = "A healthy loss falls fast, then ever more slowly, and levels off."
HEALTHY_SCORES = (
    "Healthy scores stay near each other with real a little above fake; a gap that only widens means that the critic "
    "wins, no gap at all that it has stopped seeing a difference."
)
HEALTHY_RIGHT = (
    "The share of pairs of a picture and a sample that the critic orders rightly. Near one half it sees no difference "
    "and teaches nothing, and if it is always right, the generator falls behind; healthy is what lies between."
)
HEALTHY_PENALTY = (
    "After the start a healthy penalty is small beside the losses and steady; one that keeps climbing or spikes tells "
    "of a critic that grows too steep."
)
HEALTHY_BOUND = {
    "reconstruction": "What it costs to tell a sample whose code is known, in nats. It falls fast, then ever "
    "more slowly; below zero is fine, since densities may exceed 1.",
    "divergence": "What it costs to tell the code, in nats. It soon settles. Near zero the "
    "code is not used and all samples look alike; the higher it is, the less samples look like reconstructions.",
}
HEALTHY_OTHER = "Healthy terms settle, each at its own level, without jumps."
HEALTHY_DISTANCE = (
    "Lower is better: a healthy run falls, then levels off; a lasting rise means that the best samples are behind it."
)
HEALTHY_QUALITY = (
    "Higher is better: a healthy run climbs, then levels off; a lasting fall means that the best samples are behind it."
)
HEALTHY_VARIETY = (
    "How far apart samples are, as a share of how far apart pictures are: a healthy run comes near 1; one that falls "
    "towards 0 collapses."
)
HEALTHY_MEASURE = "A healthy measure moves one way, then levels off."


@dataclass(frozen=True)
class Line:
    """One logged number over the images seen; None where the log had NaN or infinity."""

    name: str
    images: list[int]
    values: list[float | None]


@dataclass(frozen=True)
class Chart:
    """Lines that share an axis, and what they look like in a healthy run."""

    title: str
    healthy: str
    lines: list[Line]


def charts(rows: Iterable[Mapping[str, Any]], *, epoch: int = 0) -> list[Chart]:
    """The rows of a log as charts, one for each kind of term: related lines that should look alike.

    Scores also get a line of their mean over each epoch of `epoch` images, if any epoch has several scores.
    """
    terms, scores = _lines(rows, "terms"), _lines(rows, "scores")
    players = {line.name.rpartition(".")[0] for line in terms}
    losses = Chart("Losses", HEALTHY_GAME if len(players) > 1 else HEALTHY_FALL, [])
    penalties = Chart("Penalties", HEALTHY_PENALTY, [])
    others: dict[str, Chart] = {}
    for line in terms:
        player, _, term = line.name.rpartition(".")
        if term == "loss":
            chart = losses
        elif term in PENALTIES:
            chart = penalties
        elif term in ("real", "fake"):
            title = f"Scores of the {player} on real and fake"
            chart = others.setdefault(title, Chart(title, HEALTHY_SCORES, []))
        elif term == "right":
            title = f"How often the {player} is right"
            chart = others.setdefault(title, Chart(title, HEALTHY_RIGHT, []))
        elif term in HEALTHY_BOUND:  # one chart each, as their scales differ
            title = f"{term.capitalize()} of the {player}"
            chart = others.setdefault(title, Chart(title, HEALTHY_BOUND[term], []))
        else:
            title = f"Other terms of the {player}"
            chart = others.setdefault(title, Chart(title, HEALTHY_OTHER, []))
        chart.lines.append(line)
    measures = [Chart(line.name, _healthy_measure(line.name), [line, *_by_epoch(line, epoch)]) for line in scores]
    return [chart for chart in (losses, *others.values(), penalties, *measures) if chart.lines]


def number(value: object) -> float | None:
    """A finite number, or None; absolute values of 1e100 and more count as infinite."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e100:
        return float(value)
    return None


def _lines(rows: Iterable[Mapping[str, Any]], key: str) -> list[Line]:
    lines: dict[str, Line] = {}
    for row in rows:
        for name, value in (row.get(key) or {}).items():
            line = lines.setdefault(name, Line(name, [], []))
            line.images.append(row["images"])
            line.values.append(number(value))
    return list(lines.values())


def _by_epoch(line: Line, epoch: int) -> list[Line]:
    """The means of a line over epochs, each at its epoch's last value; none if no epoch has two values."""
    epochs: dict[int, list[tuple[int, float]]] = {}
    for images, value in zip(line.images, line.values, strict=True):
        if value is not None and epoch:
            epochs.setdefault((images - 1) // epoch, []).append((images, value))
    if all(len(each) < 2 for each in epochs.values()):
        return []
    ends = [each[-1][0] for each in epochs.values()]
    return [Line("mean of each epoch", ends, [sum(value for _, value in each) / len(each) for each in epochs.values()])]


def _healthy_measure(name: str) -> str:
    word = name.lower()
    if word == "variety":
        return HEALTHY_VARIETY
    if word.startswith(("fd", "fid", "kd", "kid", "mmd")) or "distance" in word:
        return HEALTHY_DISTANCE
    if any(good in word for good in ("precision", "recall", "coverage", "density", "inception", "modes", "quality")):
        return HEALTHY_QUALITY
    return HEALTHY_MEASURE


def draw(chart: Chart, end: int) -> str:
    """A chart as an HTML figure whose horizontal axis goes from 0 to `end` images."""
    axis = _axis(chart)
    paths, legend, spoken = [], [], []
    for index, line in enumerate(chart.lines):
        ink = f"--line: var(--line-{index % 6})"
        paths.append(f'<g style="{ink}">{_paths(line, end, axis)}</g>')
        last = next((value for value in reversed(line.values) if value is not None), None)
        shown = "not finite" if last is None else f"{last:.4g}"
        label = _label(line, chart)
        legend.append(f'<li style="{ink}">{html.escape(label)} <output>{shown}</output></li>')
        spoken.append(f"{label} ends at {shown}".strip())
    rules = "".join(f"M0 {axis.place(value)}H1000" for value, _ in axis.ticks)
    words = [
        f'<span class="y" style="bottom: {100 - axis.place(value) / 4:.1f}%">{text}</span>'
        for value, text in axis.ticks
    ]
    words += [
        f'<span class="x" style="left: {100 * value / end:.1f}%">{_count(value)}</span>' for value, _ in _ticks(0, end)
    ]
    notes = " The scale is logarithmic." if axis.scale is math.log10 else ""
    if broken := sum(value is None for line in chart.lines for value in line.values):
        notes += f" {broken:,} {'value was' if broken == 1 else 'values were'} not finite; the line breaks there."
    title = html.escape(chart.title)
    return (
        f'<figure class="chart"><div class="head"><h3>{title}</h3><span class="at"></span></div>'
        f'<ul class="legend">{"".join(legend)}</ul><div class="plot">'
        '<svg viewBox="0 0 1000 400" preserveAspectRatio="none" role="img" '
        f'aria-label="{title} over {end:,} images: {html.escape("; ".join(spoken))}">'
        f'<path class="rules" d="{rules}"/>{"".join(paths)}<line class="cursor" y2="400"/></svg>'
        f'<div class="ticks" aria-hidden="true">{"".join(words)}<span class="unit">images</span></div></div>'
        f'<p class="healthy">{chart.healthy}{notes}</p></figure>'
    )


def _label(line: Line, chart: Chart) -> str:
    """A line's name without what the title, or every other line of the chart, also says."""
    player, _, term = line.name.rpartition(".")
    if line.name == chart.title:
        return ""
    if term == "loss" and player:
        return player
    alike = len({other.name.rpartition(".")[0] for other in chart.lines}) == 1
    return (term if alike else line.name).replace("_", " ")


@dataclass(frozen=True)
class _Axis:
    """The vertical axis: the scaled values `low` and `high` at its ends, and its ticks as (value, text)."""

    scale: Callable[[float], float]
    low: float
    high: float
    ticks: list[tuple[float, str]]

    def place(self, value: float) -> float:
        """Units from the top of a drawing 400 high; values far outside are clipped to just outside."""
        return round(min(max(400 * (self.high - self.scale(value)) / (self.high - self.low), -400), 800), 1)


def _axis(chart: Chart) -> _Axis:
    """An axis for all but the most extreme 1 % of the values; logarithmic if they are positive and span over 100."""
    finite = np.array([value for line in chart.lines for value in line.values if value is not None] or [0.0])
    low, high = (float(value) for value in np.quantile(finite, [0.005, 0.995]))
    logarithmic = bool(finite.min() > 0) and high / low > 100
    scale = math.log10 if logarithmic else float
    low, high = scale(low), scale(high)
    margin = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
    low, high = low - margin, high + margin
    if not logarithmic:
        return _Axis(scale, low, high, _ticks(low, high))
    powers = range(math.ceil(low), math.floor(high) + 1)
    return _Axis(scale, low, high, [(10.0**power, f"{10.0**power:g}") for power in powers[:: len(powers) // 6 + 1]])


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    """About five round numbers between low and high, as (value, text)."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if step >= rough * 0.999)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    values = [step * index for index in range(math.ceil(low / step), math.floor(high / step + 1e-9) + 1)]
    return [(value, f"{value:.{decimals}f}" if 1e-5 < step < 1e5 else f"{value:.3g}") for value in values]


def _count(images: float) -> str:
    """A round number of images in short form: 500, 20k, 1.5M."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if images >= unit:
            return f"{images / unit:g}{name}"
    return f"{images:g}"


def _paths(line: Line, end: int, axis: _Axis) -> str:
    """A line, faint, under its moving average, strong; or only itself with dots if it has few values."""
    across = [round(1000 * images / end, 1) for images in line.images]
    raw = [None if value is None else axis.place(value) for value in line.values]
    if len(line.values) < FEW:
        dots = "".join(f"M{x} {y}h0" for x, y in zip(across, raw, strict=True) if y is not None)
        return f'<path class="smooth" d="{_path(across, raw)}"/><path class="dots" d="{dots}"/>'
    return f'<path class="raw" d="{_path(across, raw)}"/><path class="smooth" d="{_path(across, _smooth(raw))}"/>'


def _path(across: list[float], down: list[float | None]) -> str:
    """Points as an SVG path with gaps where values are missing."""
    step = len(across) // POINTS + 1
    words, pen = [], "M"
    for x, y in zip(across[::step], down[::step], strict=True):
        if y is not None:
            words.append(f"{pen}{x} {y:.1f}")
        pen = "M" if y is None else "L"
    return "".join(words)


def _smooth(values: list[float | None]) -> list[float | None]:
    """The two-sided exponential moving average, which does not lag, with a half-life of 2 % of the line.

    Missing values have no weight and stay missing.
    """
    keep = 0.5 ** (50 / len(values))

    def follow(towards: Iterable[float | None]) -> list[tuple[float, float]]:
        total, weight, sums = 0.0, 0.0, []
        for value in towards:
            total, weight = keep * total + (value or 0.0), keep * weight + (value is not None)
            sums.append((total, weight))
        return sums

    both = zip(values, follow(values), reversed(follow(reversed(values))), strict=True)
    return [
        None if value is None else (before[0] + after[0] - value) / (before[1] + after[1] - 1)
        for value, before, after in both
    ]
