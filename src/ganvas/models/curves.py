"""Fit closed polygons with few lines and cubic Bezier curves that stay within a tolerance of them."""

import numpy as np
from jaxtyping import Float

__all__ = ["Curve", "Points", "area", "outline"]

Points = Float[np.ndarray, "_ 2"]
Vector = Float[np.ndarray, " 2"]
Curve = Float[np.ndarray, "k 2"]  # after the previous point: the end of a line, or the controls and end of a cubic

STEP = 0.75  # distance between the points of an outline, in the units of the traced picture
REACH = 4  # points on either side from which the direction at a point is estimated
CORNER, SMALL = 58.0, 24.0  # turns from so many degrees on are corners; loops of fewer points have none
ROUNDS, HOPELESS = 4, 4.0  # rounds of reparametrisation; errors beyond this multiple of the tolerance get none


def area(points: Points) -> float:
    """The area of a closed polygon, without its sign."""
    x, y = points.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def outline(polygon: Points, *, tolerance: float) -> tuple[Vector, list[Curve]]:
    """A closed polygon as its first point and the curves that lead around it and back.

    Corners are kept; between them curves are fitted by Schneider's method ("An algorithm for automatically fitting
    digitized curves", Graphics Gems, 1990) and join smoothly.

    Args:
        polygon: its points; the last one is connected to the first.
        tolerance: the largest distance of a curve from the polygon, in the same units.
    """
    points = _even(polygon)
    corners = _corners(points)
    start = corners[0] if corners else 0
    points = np.roll(points, -start, axis=0)
    ends = [corner - start for corner in corners] or [0]
    curves = []
    for first, last in zip(ends, [*ends[1:], len(points)], strict=True):
        piece = points[np.arange(first, last + 1) % len(points)]
        if corners:
            reach = min(REACH, len(piece) - 1)
            tangents = _unit(piece[reach] - piece[0]), _unit(piece[-1 - reach] - piece[-1])
        else:
            forward = _unit(points[REACH % len(points)] - points[-REACH % len(points)])
            tangents = forward, -forward
        straight = bool(corners) and _is_straight(piece, tolerance)
        curves += [piece[-1:]] if straight else _fitted(piece, *tangents, tolerance)
    return points[0], curves


def _even(polygon: Points) -> Points:
    """The outline resampled at equal distances."""
    closed = np.concatenate([polygon, polygon[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    count = max(8, round(along[-1] / STEP))
    wanted = np.linspace(0, along[-1], count, endpoint=False)
    return np.stack([np.interp(wanted, along, closed[:, axis]) for axis in (0, 1)], 1)


def _corners(points: Points) -> list[int]:
    """The indices of the points at which the outline turns sharply."""
    if len(points) < SMALL:
        return []
    before, after = points - np.roll(points, REACH, axis=0), np.roll(points, -REACH, axis=0) - points
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    turn = np.degrees(np.abs(np.arctan2(cross, (before * after).sum(1))))
    most = np.max([np.roll(turn, shift) for shift in range(-REACH, REACH + 1)], axis=0)
    found: list[int] = []
    for index in np.flatnonzero((turn >= CORNER) & (turn == most)).tolist():
        if not found or index - found[-1] > REACH:
            found.append(index)
    return found


def _is_straight(piece: Points, tolerance: float) -> bool:
    x, y = _unit(piece[-1] - piece[0])
    return bool((x or y) and np.abs((piece - piece[0]) @ np.array([-y, x])).max() <= tolerance)


def _unit(vector: Vector) -> Vector:
    length = np.linalg.norm(vector)
    return vector / length if length else vector


def _fitted(points: Points, leaves: Vector, arrives: Vector, tolerance: float) -> list[Curve]:
    """Cubics from the first to the last point with these tangents at the ends."""
    if len(points) <= 3:
        third = np.linalg.norm(points[-1] - points[0]) / 3
        return [np.stack([points[0] + leaves * third, points[-1] + arrives * third, points[-1]])]
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    u = along / along[-1]
    for _ in range(ROUNDS):
        curve = _cubic(points, u, leaves, arrives)
        away = np.linalg.norm(_at(curve, u) - points, axis=1)
        worst = int(away.argmax())
        if away[worst] <= tolerance:
            return [curve[1:]]
        if away[worst] > HOPELESS * tolerance:
            break
        u = _nearer(curve, points, u)
    worst = min(max(worst, 2), len(points) - 3) if len(points) > 5 else len(points) // 2
    reach = min(REACH, worst, len(points) - 1 - worst)
    back = _unit(points[worst - reach] - points[worst + reach])
    return _fitted(points[: worst + 1], leaves, back, tolerance) + _fitted(points[worst:], -back, arrives, tolerance)


def _cubic(points: Points, u: Float[np.ndarray, " n"], leaves: Vector, arrives: Vector) -> Float[np.ndarray, "4 2"]:
    """The least-squares cubic through the end points with these end tangents; point i is compared at parameter u[i]."""
    first, last = points[0], points[-1]
    weights = np.stack([(1 - u) ** 3, 3 * u * (1 - u) ** 2, 3 * u**2 * (1 - u), u**3], 1)
    rest = points - (weights[:, :2].sum(1)[:, None] * first + weights[:, 2:].sum(1)[:, None] * last)
    inner = weights[:, 1:3]
    a, b, _, d = (inner.T @ inner * np.array([[1, leaves @ arrives], [leaves @ arrives, 1]])).ravel()
    e, f = (inner[:, 0] @ rest) @ leaves, (inner[:, 1] @ rest) @ arrives
    length, under = float(np.hypot(*(last - first))), a * d - b * b
    lengths = np.array([d * e - b * f, a * f - b * e]) / under if under > 1e-9 else np.zeros(2)
    if lengths.min() < 1e-3 * length or lengths.max() > 4 * max(length, 1e-9):  # it would turn back on itself
        lengths = np.full(2, length / 3)
    return np.stack([first, first + leaves * lengths[0], last + arrives * lengths[1], last])


def _at(curve: Float[np.ndarray, "4 2"], u: Float[np.ndarray, " n"]) -> Points:
    weights = np.stack([(1 - u) ** 3, 3 * u * (1 - u) ** 2, 3 * u**2 * (1 - u), u**3], 1)
    return weights @ curve


def _nearer(curve: Float[np.ndarray, "4 2"], points: Points, u: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Each u after one Newton step towards the point of the curve that is nearest to its data point."""
    first, second = 3 * np.diff(curve, axis=0), 6 * np.diff(curve, 2, axis=0)
    v = 1 - u
    speed = np.stack([v**2, 2 * u * v, u**2], 1) @ first
    change = np.stack([v, u], 1) @ second
    apart = _at(curve, u) - points
    slope = (speed**2).sum(1) + (apart * change).sum(1)
    moved = np.where(np.abs(slope) > 1e-9, u - (apart * speed).sum(1) / np.where(slope == 0, 1, slope), u)
    return np.maximum.accumulate(moved.clip(0, 1))
