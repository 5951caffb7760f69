// A closed polygon as the data of an SVG path of few lines and cubics, as models/curves.py has it: corners stay corners,
// and between them curves are fitted as by Schneider (Graphics Gems, 1990) and meet without a kink.
"use strict";

const outlineOf = (() => {
  const STEP = 0.75; // between points of an outline, in pixels of what was traced
  const REACH = 4; // points to either side by which the direction at a point is told
  const [CORNER, SMALL] = [58, 24]; // degrees of a turn that is a corner; a loop of fewer points than this has none
  const TOLERANCE = 0.8; // pixels from a curve to the outline that it follows
  const [ROUNDS, HOPELESS] = [4, 4]; // of moving points along a curve; times the tolerance from which it is not tried

  const plus = ([a, b], [c, d], times = 1) => [a + times * c, b + times * d];
  const minus = (one, other) => plus(one, other, -1);
  const inner = ([a, b], [c, d]) => a * c + b * d;
  const long = ([x, y]) => Math.hypot(x, y);
  const unit = (vector) => (long(vector) ? vector.map((each) => each / long(vector)) : vector);
  const at = (list, place) => list[(place + list.length) % list.length];

  /** How far along the line through these points each of them is. */
  function distances(points) {
    const far = [0];
    for (let k = 1; k < points.length; k++) far.push(far[k - 1] + long(minus(points[k], points[k - 1])));
    return far;
  }

  /** Points of the outline at equal distances. */
  function even(polygon) {
    const closed = [...polygon, polygon[0]];
    const far = distances(closed);
    const count = Math.max(8, Math.round(far.at(-1) / STEP));
    let edge = 0;
    return Array.from({ length: count }, (_, k) => {
      const wanted = (far.at(-1) * k) / count;
      while (far[edge + 1] < wanted) edge++;
      const share = (wanted - far[edge]) / Math.max(far[edge + 1] - far[edge], 1e-12);
      return plus(closed[edge], minus(closed[edge + 1], closed[edge]), share);
    });
  }

  /** Where the outline turns at once. */
  function corners(points) {
    if (points.length < SMALL) return [];
    const turns = points.map((point, k) => {
      const [before, after] = [minus(point, at(points, k - REACH)), minus(at(points, (k + REACH) % points.length), point)];
      const cross = before[0] * after[1] - before[1] * after[0];
      return (Math.abs(Math.atan2(cross, inner(before, after))) * 180) / Math.PI;
    });
    const found = [];
    turns.forEach((turn, k) => {
      if (turn < CORNER || k - (found.at(-1) ?? -Infinity) <= REACH) return;
      for (let by = -REACH; by <= REACH; by++) if (at(turns, (k + by) % turns.length) > turn) return;
      found.push(k);
    });
    return found;
  }

  function isStraight(piece) {
    const [x, y] = unit(minus(piece.at(-1), piece[0]));
    return (x || y) && piece.every((point) => Math.abs(inner(minus(point, piece[0]), [-y, x])) <= TOLERANCE);
  }

  const weightsAt = (u) => [(1 - u) ** 3, 3 * u * (1 - u) ** 2, 3 * u ** 2 * (1 - u), u ** 3];
  const onCurve = (curve, u) => weightsAt(u).reduce((sum, weight, k) => plus(sum, curve[k], weight), [0, 0]);

  /** The cubic of these directions with the least squared distance to the points, each at its own u. */
  function cubic(points, us, leaves, arrives) {
    const [first, last] = [points[0], points.at(-1)];
    let [a, b, d, e, f] = [0, 0, 0, 0, 0];
    points.forEach((point, k) => {
      const [w0, w1, w2, w3] = weightsAt(us[k]);
      const rest = minus(minus(point, first.map((each) => each * (w0 + w1))), last.map((each) => each * (w2 + w3)));
      a += w1 * w1;
      b += w1 * w2 * inner(leaves, arrives);
      d += w2 * w2;
      e += w1 * inner(rest, leaves);
      f += w2 * inner(rest, arrives);
    });
    const [length, under] = [long(minus(last, first)), a * d - b * b];
    let lengths = under > 1e-9 ? [(d * e - b * f) / under, (a * f - b * e) / under] : [0, 0];
    // It would turn back on itself.
    if (Math.min(...lengths) < 1e-3 * length || Math.max(...lengths) > 4 * Math.max(length, 1e-9))
      lengths = [length / 3, length / 3];
    return [first, plus(first, leaves, lengths[0]), plus(last, arrives, lengths[1]), last];
  }

  /** Each u after one step of Newton's method towards where the curve is nearest to its point. */
  function nearer(curve, points, us) {
    const first = [0, 1, 2].map((k) => minus(curve[k + 1], curve[k]).map((each) => 3 * each));
    const second = [0, 1].map((k) => minus(first[k + 1], first[k]).map((each) => 2 * each));
    let before = 0;
    return us.map((u, k) => {
      const speed = [(1 - u) ** 2, 2 * u * (1 - u), u ** 2].reduce((sum, each, n) => plus(sum, first[n], each), [0, 0]);
      const change = plus(second[0].map((each) => each * (1 - u)), second[1], u);
      const apart = minus(onCurve(curve, u), points[k]);
      const slope = inner(speed, speed) + inner(apart, change);
      const moved = Math.abs(slope) > 1e-9 ? u - inner(apart, speed) / slope : u;
      before = Math.max(before, Math.min(1, Math.max(0, moved)));
      return before;
    });
  }

  /** Cubics through the first and the last point that leave and arrive in these directions. */
  function fitted(points, leaves, arrives) {
    const [first, last] = [points[0], points.at(-1)];
    if (points.length <= 3) {
      const third = long(minus(last, first)) / 3;
      return [[plus(first, leaves, third), plus(last, arrives, third), last]];
    }
    const far = distances(points);
    let us = far.map((each) => each / far.at(-1));
    let worst = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const curve = cubic(points, us, leaves, arrives);
      const away = points.map((point, k) => long(minus(onCurve(curve, us[k]), point)));
      worst = away.indexOf(Math.max(...away));
      if (away[worst] <= TOLERANCE) return [curve.slice(1)];
      if (away[worst] > HOPELESS * TOLERANCE) break;
      us = nearer(curve, points, us);
    }
    worst = points.length > 5 ? Math.min(Math.max(worst, 2), points.length - 3) : Math.floor(points.length / 2);
    const reach = Math.min(REACH, worst, points.length - 1 - worst);
    const back = unit(minus(points[worst - reach], points[worst + reach]));
    const on = back.map((each) => -each);
    return [...fitted(points.slice(0, worst + 1), leaves, back), ...fitted(points.slice(worst), on, arrives)];
  }

  const said = (points) => points.flat().map((value) => Math.round(value * 10) / 10).join(" ");

  return (polygon) => {
    let points = even(polygon);
    const turns = corners(points);
    const start = turns[0] ?? 0;
    points = [...points.slice(start), ...points.slice(0, start)];
    const ends = turns.length ? turns.map((turn) => turn - start) : [0];
    let path = `M${said([points[0]])}`;
    ends.forEach((first, k) => {
      const piece = [...points, points[0]].slice(first, (ends[k + 1] ?? points.length) + 1);
      if (turns.length && isStraight(piece)) {
        path += `L${said([piece.at(-1)])}`;
        return;
      }
      const reach = Math.min(REACH, piece.length - 1);
      const forward = unit(minus(at(points, REACH), at(points, -REACH)));
      const tangents = turns.length
        ? [unit(minus(piece[reach], piece[0])), unit(minus(piece.at(-1 - reach), piece.at(-1)))]
        : [forward, forward.map((each) => -each)];
      for (const curve of fitted(piece, ...tangents)) path += `C${said(curve)}`;
    });
    return `${path}Z`;
  };
})();
