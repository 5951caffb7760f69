// A picture as an SVG of few flat fills, as models/vectors.py has it: fills are the colours of areas, an edge is a blend
// of two, and each fill lies a little below those that lie on it, so that no gap shows.
"use strict";

const traced = (() => {
  const [NEAR, FAINT] = [60, 16]; // colours nearer than this in RGB are one fill; the same where nothing else is there
  const FLAT = 32; // the most that the channels of neighbours differ by inside an area
  const [LEAST, LEAST_THIN] = [0.004, 0.008]; // shares of pixels from which a colour of areas, or of edges, is a fill
  const PAPER = 235; // from here in every channel a colour may be paper
  const SMALLEST = 96; // pixels a side: smaller pictures are enlarged first
  const MOST = 8; // fills
  const SMOOTH = 2; // times that neighbours are meaned against grain
  const SPECK = 10; // square pixels that are too few for a shape

  const mean = (colours) => [0, 1, 2].map((c) => colours.reduce((sum, each) => sum + each[c], 0) / colours.length);
  const apart = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
  const away = (colour, fills) => Math.min(...fills.map((fill) => apart(colour, fill)));

  /** How far a colour is from the nearest of all straight ways between two fills. */
  function awayFromBlends(colour, fills) {
    let least = away(colour, fills);
    fills.forEach((one, row) => {
      for (const other of fills.slice(row + 1)) {
        const way = [0, 1, 2].map((c) => other[c] - one[c]);
        const along = way.reduce((sum, each, c) => sum + each * (colour[c] - one[c]), 0);
        const share = Math.min(1, Math.max(0, along / Math.max(way.reduce((sum, each) => sum + each * each, 0), 1e-9)));
        least = Math.min(least, apart(colour, [0, 1, 2].map((c) => one[c] + share * way[c])));
      }
    });
    return least;
  }

  /** Each row of a plane as it is `times` as long, by Pillow's bicubic filter, as a column of another plane. */
  function stretched(plane, wide, high, times) {
    const weight = (x) => (x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0);
    const made = new Float32Array(wide * times * high);
    for (let to = 0; to < wide * times; to++) {
      const middle = (to + 0.5) / times;
      const from = Math.max(0, Math.floor(middle - 1.5));
      const taps = Array.from({ length: Math.min(wide, Math.floor(middle + 2.5)) - from }, (_, k) =>
        weight(Math.abs(from + k + 0.5 - middle)),
      );
      const whole = taps.reduce((a, b) => a + b);
      for (let row = 0; row < high; row++) {
        const sum = taps.reduce((before, tap, k) => before + tap * plane[row * wide + from + k], 0);
        made[to * high + row] = Math.min(255, Math.max(0, Math.round(sum / whole)));
      }
    }
    return made;
  }

  /** The most of a plane (or the least, by Math.min) in the square of `by` pixels around each pixel. */
  function grown(plane, wide, high, by = 1, pick = Math.max) {
    for (const [step, place, end] of [[1, (k) => k % wide, wide], [wide, (k) => Math.floor(k / wide), high]]) {
      const from = plane;
      plane = plane.map((value, k) => {
        for (let far = -by; far <= by; far++)
          if (place(k) + far >= 0 && place(k) + far < end) value = pick(value, from[k + far * step]);
        return value;
      });
    }
    return plane;
  }

  /** Where the square around a pixel is of one colour. */
  function flatness(planes, wide, high, by) {
    const spans = planes.map((plane) => {
      const least = grown(plane, wide, high, by, Math.min);
      return grown(plane, wide, high, by).map((most, k) => most - least[k]);
    });
    return spans[0].map((_, k) => Number(spans.every((span) => span[k] <= FLAT)));
  }

  /** The colour that most of them are near to. */
  function commonest(colours) {
    const bins = new Map();
    for (const each of colours) {
      const bin = each.map((value) => value >> 5).join();
      if (!bins.has(bin)) bins.set(bin, []);
      bins.get(bin).push(each);
    }
    let found = mean([...bins.values()].reduce((most, bin) => (bin.length > most.length ? bin : most)));
    for (let round = 0; round < 2; round++) found = mean(colours.filter((each) => apart(each, found) <= FLAT));
    return found;
  }

  /** The colours of areas, paper first; edges have a say only where they are no blend of two fills. */
  function fillsOf(colours, isFlat, isWide, onPaper, near) {
    const areas = colours.flatMap((colour, k) => (isFlat[k] ? [{ colour, wide: isWide[k] }] : []));
    const flat = areas.map(({ colour }) => colour);
    const edges = colours.filter((_, k) => !isFlat[k]);
    const kept = [onPaper ? [255, 255, 255] : commonest(flat.length ? flat : edges)];
    while (kept.length < MOST) {
      const fresh = areas.filter(
        ({ colour, wide }) => away(colour, kept) > near && (wide || awayFromBlends(colour, kept) > near),
      );
      const thin = edges.map((colour) => ({ colour, far: awayFromBlends(colour, kept) })).filter(({ far }) => far > near);
      if (fresh.length >= LEAST * colours.length) kept.push(commonest(fresh.map(({ colour }) => colour)));
      else if (thin.length >= LEAST_THIN * colours.length) {
        thin.sort((a, b) => b.far - a.far);
        kept.push(mean(thin.slice(0, Math.ceil(thin.length / 4)).map(({ colour }) => colour)));
      } else break;
    }
    return settled(kept, flat, onPaper);
  }

  /** Each fill at the mean of the pixels that are nearest to it; paper stays white. */
  function settled(fills, flat, fixed) {
    for (let round = 0; round < 3; round++) {
      const own = fills.map(() => []);
      for (const each of flat) own[nearest(fills.map((fill) => apart(each, fill)))].push(each);
      fills = fills.map((fill, row) => (own[row].length && !(fixed && row === 0) ? mean(own[row]) : fill));
    }
    return fills;
  }

  const nearest = (distances) => distances.indexOf(Math.min(...distances));

  /** White that the ground does not reach as a fill of its own, which is the last. */
  function whiteInside(fills, far, wide, high) {
    const white = far[0].map((_, k) => Number(nearest(far.map((each) => each[k])) === 0));
    let outer = new Float32Array(wide * high);
    const waiting = [];
    for (let k = 0; k < white.length; k++)
      if (k % wide === 0 || k % wide === wide - 1 || k < wide || k >= wide * (high - 1)) waiting.push(k);
    while (waiting.length) {
      const k = waiting.pop();
      if (!white[k] || outer[k]) continue;
      outer[k] = 1;
      if (k % wide) waiting.push(k - 1);
      if (k % wide < wide - 1) waiting.push(k + 1);
      if (k >= wide) waiting.push(k - wide);
      if (k < wide * (high - 1)) waiting.push(k + wide);
    }
    let inner = white.map((each, k) => (each && !outer[k] ? 1 : 0));
    if (inner.reduce((a, b) => a + b) < LEAST * white.length) return [fills, far];
    for (let round = 0; round < 4; round++) {
      // The edges of both, as far as they go.
      const [more, less] = [grown(outer, wide, high), grown(inner, wide, high)];
      [outer, inner] = [
        outer.map((each, k) => (each || (more[k] && !inner[k]) ? 1 : 0)),
        inner.map((each, k) => (each || (less[k] && !outer[k]) ? 1 : 0)),
      ];
    }
    const paper = far[0].map((each, k) => (inner[k] ? Infinity : each));
    const within = far[0].map((each, k) => (inner[k] ? each : Infinity));
    return [[...fills, fills[0]], [paper, ...far.slice(1), within]];
  }

  /** The distances where a fill that other two blend to on their edge counts only where it is wider than an edge. */
  function withoutRims(fills, far, wide, high) {
    const kept = [...far];
    for (let row = 1; row < fills.length; row++) {
      const others = fills.filter((_, each) => each !== row);
      if (others.length < 2 || awayFromBlends(fills[row], others) > NEAR) continue;
      const mask = kept[row].map((_, k) => Number(nearest(kept.map((each) => each[k])) === row));
      const core = grown(mask, wide, high, 1, Math.min);
      const area = grown(mask, wide, high, 2, Math.min).reduce((a, b) => a + b);
      const near = grown(core, wide, high, 2);
      kept[row] = kept[row].map((each, k) => (area < LEAST * mask.length || (mask[k] && !near[k]) ? Infinity : each));
    }
    return kept;
  }

  const share = (one, other) => Math.min(other, 1e4) / Math.max(Math.min(one, 1e4) + Math.min(other, 1e4), 1e-6);

  /** How much of each pixel is this fill's, with what of it lies below the fills that come later. */
  function covered(far, row, wide, high) {
    const least = (rows, k) => Math.min(...rows.map((each) => each[k]));
    const others = far.filter((_, each) => each !== row);
    const own = far[row].map((each, k) => share(each, least(others, k)));
    if (row === far.length - 1) return own;
    const below = grown(own, wide, high);
    return own.map((each, k) => Math.min(below[k], Math.max(each, share(least(far.slice(row), k), least(far.slice(0, row), k)))));
  }

  /** Without grain, by a binomial filter in both directions. */
  function smoothed(plane, wide, high) {
    for (const [step, place, end] of [[1, (k) => k % wide, wide], [wide, (k) => Math.floor(k / wide), high]])
      for (let round = 0; round < SMOOTH; round++) {
        const from = plane;
        plane = plane.map((value, k) => {
          const before = place(k) > 0 ? from[k - step] : value;
          const after = place(k) < end - 1 ? from[k + step] : value;
          return (before + after) / 4 + value / 2;
        });
      }
    return plane;
  }

  // Which edges of a cell its outline leads from and to, by which of its corners are inside (1, 2, 4, 8 clockwise from
  // above left): what is inside lies to the right. Where two corners across are, the middle decides.
  const WAYS = ["", "TL", "RT", "RL", "BR", "TLBR", "BT", "BL", "LB", "TB", "RTLB", "RB", "LR", "TR", "LT", ""];
  const JOINED = { 5: "TRBL", 10: "LTRB" };

  /** The lines along which a plane is a half, as closed polygons; outside of it there is nothing. */
  function levelLines(plane, wide, high) {
    const value = (x, y) => (x < 0 || y < 0 || x >= wide || y >= high ? 0 : plane[y * wide + x]);
    const place = (x, y) => [Math.min(wide, Math.max(0, x + 0.5)), Math.min(high, Math.max(0, y + 0.5))];
    const across = (x, y, right, down) => {
      const [from, to] = [value(x, y), value(x + right, y + down)];
      const [a, b] = [place(x, y), place(x + right, y + down)];
      const way = (0.5 - from) / (to - from);
      return [a[0] + way * (b[0] - a[0]), a[1] + way * (b[1] - a[1])];
    };
    const edges = { T: [0, 0, 1, 0], R: [1, 0, 0, 1], B: [0, 1, 1, 0], L: [0, 0, 0, 1] };
    const next = new Map();
    for (let y = -1; y < high; y++)
      for (let x = -1; x < wide; x++) {
        const corners = [value(x, y), value(x + 1, y), value(x + 1, y + 1), value(x, y + 1)];
        const inside = corners.reduce((sum, each, k) => sum + (each > 0.5 ? 2 ** k : 0), 0);
        const middle = corners.reduce((a, b) => a + b) / 4;
        const ways = (middle > 0.5 && JOINED[inside]) || WAYS[inside];
        for (let k = 0; k < ways.length; k += 2) {
          const [from, to] = [ways[k], ways[k + 1]].map((name) => {
            const [right, down, ...along] = edges[name];
            return [x + right, y + down, ...along].join();
          });
          next.set(from, to);
        }
      }
    const lines = [];
    while (next.size) {
      const line = [];
      for (let [edge] = next.keys(); next.has(edge); ) {
        line.push(across(...edge.split(",").map(Number)));
        const to = next.get(edge);
        next.delete(edge);
        edge = to;
      }
      lines.push(line);
    }
    return lines;
  }

  /** What a polygon encloses: more than 0 if what is inside lies to the right, as it does of all but holes. */
  const area = (points) =>
    points.reduce((sum, [x, y], k) => sum + x * points.at(k - 1)[1] - y * points.at(k - 1)[0], 0) / -2;

  function holds(polygon, [x, y]) {
    let inside = false;
    polygon.forEach(([a, b], k) => {
      const [c, d] = polygon.at(k - 1);
      if (b > y !== d > y && x < a + ((c - a) * (y - b)) / (d - b)) inside = !inside;
    });
    return inside;
  }

  /** The outlines of a fill as data of paths, each with the holes in it. */
  function shapes(plane, wide, high) {
    const lines = levelLines(smoothed(plane, wide, high), wide, high).map((line) => ({ line, size: area(line) }));
    const outer = lines.filter(({ size }) => size >= SPECK).sort((a, b) => a.size - b.size);
    const found = outer.map(({ line }) => [line]);
    for (const { line } of lines.filter(({ size }) => size <= -SPECK))
      found.find(([around]) => holds(around, line[0]))?.push(line);
    return found.map((each) => each.map(outlineOf).join(" "));
  }

  const hex = (fill) => "#" + fill.map((value) => Math.round(value).toString(16).padStart(2, "0")).join("");

  /** The elements of an SVG of this picture, RGBA, and the size that they are in. */
  return (pixels, wide, high) => {
    const times = Math.ceil(SMALLEST / Math.max(wide, high));
    let planes = [0, 1, 2].map((channel) =>
      Float32Array.from({ length: wide * high }, (_, k) => {
        const alpha = pixels[k * 4 + 3] / 255;
        return pixels[k * 4 + channel] * alpha + 255 * (1 - alpha);
      }),
    );
    if (times > 1) planes = planes.map((plane) => stretched(stretched(plane, wide, high, times), high, wide * times, times));
    [wide, high] = [wide * times, high * times];
    const colours = Array.from(planes[0], (_, k) => planes.map((plane) => plane[k]));
    const border = colours.filter((_, k) => k % wide === 0 || k % wide === wide - 1 || k < wide || k >= wide * (high - 1));
    const onPaper = border.filter((each) => Math.min(...each) >= PAPER).length >= border.length / 2;
    const [isFlat, isWide] = [1, 2].map((by) => flatness(planes, wide, high, by));
    let near = NEAR;
    let fills = fillsOf(colours, isFlat, isWide, onPaper, near);
    while (fills.length === 1 && near > FAINT) fills = fillsOf(colours, isFlat, isWide, onPaper, (near /= 2));
    let far = fills.map((fill) => Float32Array.from(colours, (colour) => apart(colour, fill)));
    if (onPaper && fills.length > 2) [fills, far] = whiteInside(fills, far, wide, high);
    far = withoutRims(fills, far, wide, high);
    const sizes = fills.map(() => 0);
    for (let k = 0; k < colours.length; k++) sizes[nearest(far.map((each) => each[k]))]++;
    const order = [...fills.keys()].sort((a, b) => (onPaper && (b === 0) - (a === 0)) || sizes[b] - sizes[a]);
    [fills, far] = [order.map((row) => fills[row]), order.map((row) => far[row])];
    const lines = onPaper ? [] : [`<rect width="${wide}" height="${high}" fill="${hex(fills[0])}"/>`];
    fills.forEach((fill, row) => {
      const paths = row ? shapes(covered(far, row, wide, high), wide, high) : [];
      if (!paths.length) return;
      lines.push(`<g fill="${hex(fill)}" fill-rule="evenodd">`, ...paths.map((path) => `<path d="${path}"/>`), "</g>");
    });
    return { elements: lines.join("\n"), wide, high };
  };
})();
