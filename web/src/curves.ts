/** A log as charts, in number: what belongs together, raw and smoothed, and the axes it is drawn on. */
import type { Row } from "./api.ts";
import { figure, percent } from "./format.ts";

export interface Line {
  name: string;
  colour: 0 | 1 | 2;
  images: number[];
  values: (number | null)[];
  /** Standard errors, where there are some. */
  errors?: (number | null)[];
}
export interface Chart {
  title: string;
  lines: Line[];
  /** How its numbers are read. */
  text: (value: number) => string;
  /** Bounds that the axis has at least; shares end at 1. */
  low?: number;
  high?: number;
  about: string;
  /** Whether its values are shown as they are. */
  exact?: boolean;
}

const FEWEST = 40; // a line of fewer values is drawn with its points and not smoothed

/** The charts of a log: the four that everybody looks at first, and the others. */
export function charts(rows: Row[]): { first: Chart[]; others: Chart[] } {
  const terms = lines(rows, (row) => row.terms);
  const scores = lines(
    rows,
    (row) => row.scores ?? {},
    (row) => row.errors ?? {},
  );
  const of = (ending: string): Line[] => terms.filter((line) => line.name.endsWith(ending));
  const first = [
    chart("Critic right", of(".right"), percent, "How often the critic can tell a picture from a sample", 0.5, 1),
    chart(
      "Loss",
      coloured(of(".loss"), ["generator", "critic"]),
      figure,
      "How far each is from its goal; a healthy game is a draw",
      0,
    ),
    chart(
      "Critic’s marks",
      marks(of(".real"), of(".fake")),
      figure,
      "More for what looks real; pictures should lie a bit above",
    ),
    chart(
      "Images per second",
      lines(rows, (row) => ({ speed: row.images_per_second })),
      (value) => figure(Math.round(value)),
      "How fast it trains",
      0,
    ),
  ];
  const seen = new Set([".right", ".loss", ".real", ".fake"]);
  const rest = terms.filter((line) => !seen.has(line.name.slice(line.name.lastIndexOf("."))));
  const others = [
    ...scores.map((line) => chart(line.name, [line], figure, "Each with its standard error")),
    ...rest.map((line) =>
      chart(
        line.name.replace(".", ", ").replaceAll("_", " "),
        [line],
        figure,
        "Settles, at its own level, in a healthy run",
      ),
    ),
  ];
  const some = (all: Chart[]): Chart[] => all.filter((one) => one.lines.length);
  return { first: some(first), others: some(others) };
}

const chart = (title: string, of: Line[], text: Chart["text"], about: string, low?: number, high?: number): Chart => ({
  title,
  lines: of,
  text,
  about,
  low,
  high,
});

function lines(
  rows: Row[],
  of: (row: Row) => Record<string, number | null>,
  errors?: (row: Row) => Record<string, number | null>,
): Line[] {
  const found = new Map<string, Line>();
  for (const row of rows) {
    for (const [name, value] of Object.entries(of(row))) {
      const line = found.get(name) ?? { name, colour: 0, images: [], values: [], ...(errors && { errors: [] }) };
      found.set(name, line);
      line.images.push(row.images);
      line.values.push(typeof value === "number" && Math.abs(value) < 1e100 ? value : null);
      line.errors?.push(errors?.(row)[name] ?? null);
    }
  }
  return [...found.values()];
}

function coloured(of: Line[], order: string[]): Line[] {
  const player = (line: Line): string => line.name.slice(0, line.name.lastIndexOf("."));
  const rank = (line: Line): number => (order.includes(player(line)) ? order.indexOf(player(line)) : order.length);
  const sorted = [...of].sort((a, b) => rank(a) - rank(b)).slice(0, 3);
  return sorted.map((line, at) => ({ ...line, name: player(line), colour: at as Line["colour"] }));
}
const marks = ([real]: Line[], [fake]: Line[]): Line[] => [
  ...(real ? [{ ...real, name: "pictures", colour: 2 as const }] : []),
  ...(fake ? [{ ...fake, name: "samples", colour: 1 as const }] : []),
];

/** How many values are averaged, or 1 where there are too few. */
export const window = (line: Line): number =>
  line.values.length < FEWEST ? 1 : Math.max(5, Math.round(line.values.length / 20));

/** The mean of each value and what surrounds it. */
export function smooth(values: (number | null)[], width: number): (number | null)[] {
  if (width < 2) return values;
  const half = Math.floor(width / 2);
  return values.map((_, at) => {
    const near = values.slice(Math.max(0, at - half), at + half + 1).filter((value) => value !== null);
    return near.length ? near.reduce((sum, value) => sum + value, 0) / near.length : null;
  });
}

/** The newest value of a line up to these images, smoothed. */
export function valueAt(line: Line, images: number, exact = false): number | null {
  const smoothed = smooth(line.values, exact ? 1 : window(line));
  let found: number | null = null;
  for (const [at, value] of smoothed.entries()) {
    if ((line.images[at] ?? 0) > images) break;
    if (value !== null) found = value;
  }
  return found ?? smoothed.find((value) => value !== null) ?? null;
}

export interface Axis {
  low: number;
  high: number;
  ticks: number[];
}

/** Three round marks that hold the smooth lines but for their last few per cent; what lies beyond runs along the edge. */
export function axis(of: Chart): Axis {
  const all = of.lines
    .flatMap((line) => smooth(line.values, of.exact ? 1 : window(line)))
    .filter((value) => value !== null);
  const sorted = all.sort((a, b) => a - b);
  const low = Math.min(of.low ?? Infinity, sorted[Math.floor(sorted.length * 0.04)] ?? Infinity);
  const high = Math.max(of.high ?? -Infinity, sorted[Math.ceil(sorted.length * 0.98) - 1] ?? -Infinity);
  if (!Number.isFinite(low) || !Number.isFinite(high)) return { low: 0, high: 1, ticks: [0, 0.5, 1] };
  if (of.high === 1)
    return low < 0.5 ? { low: 0, high: 1, ticks: [0, 0.5, 1] } : { low: 0.5, high: 1, ticks: [0.5, 0.75, 1] };
  for (const step of steps((high - low || Math.abs(high) || 1) / 2)) {
    for (const grid of low < 0 && high > 0 ? [step, step / 2] : [step]) {
      const from = Math.floor(low / grid + 1e-9) * grid;
      if (from + 2 * step >= high - 1e-9)
        return { low: from, high: from + 2 * step, ticks: [from, from + step, from + 2 * step] };
    }
  }
  return { low, high, ticks: [low, (low + high) / 2, high] };
}

/** Round numbers from about this one on. */
const steps = (least: number): number[] => {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 15, 20, 25]
    .map((mark) => mark * power)
    .filter((step) => step >= least * 0.999);
};

/** The line as an SVG path over a square of 100, broken where the log has no number. */
export function path(line: Line, values: (number | null)[], end: number, { low, high }: Axis): string {
  let drawn = "";
  let pen = "M";
  for (const [at, value] of values.entries()) {
    if (value === null) pen = "M";
    else {
      const x = (100 * (line.images[at] ?? 0)) / (end || 1);
      const y = 100 - (100 * (Math.max(low, Math.min(high, value)) - low)) / (high - low);
      drawn += `${pen}${x.toFixed(2)} ${y.toFixed(2)}`;
      pen = "L";
    }
  }
  return drawn;
}
