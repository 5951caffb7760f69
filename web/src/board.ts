/** The board of Ideas as its URL says it: whose pictures, of which words, from which seeds, and which one is looked at. */
import type { Model, Place } from "./api.ts";
import { keyOf, movedBy, movesOf, movesText, placeOf } from "./places.ts";
import { turned } from "./router.svelte.ts";

export const AMOUNT = 28;
export const AROUND = 0.35; // how far "More like this" goes

export interface Board {
  model: Model;
  words: string;
  /** Undefined: as the model was trained. */
  variety: number | undefined;
  truncation: number;
  first: number;
  amount: number;
  /** What the pictures are around of, or bred from, by key. */
  like: string | null;
  mix: [string, string] | null;
  /** Which place is looked at: a seed of the grid, or a key. */
  at: string | null;
  moves: Record<string, number>;
}

const within = (text: string | null, low: number, high: number, other: number): number => {
  const value = text === null || text === "" ? other : Number(text);
  return Number.isFinite(value) ? Math.max(low, Math.min(high, value)) : other;
};

export function boardOf(query: URLSearchParams, models: Model[]): Board | null {
  const drawing = models.filter((model) => model.kind === "pictures");
  const named = query.get("m");
  const model = named
    ? models.find((other) => other.name === named)
    : (drawing.find((m) => m.told === "keywords") ?? drawing[0]);
  if (!model) return null;
  const [a, b] = (query.get("mix") ?? "").split(".");
  return {
    model,
    words: (query.get("w") ?? "").slice(0, 200),
    variety: query.has("v") ? within(query.get("v"), 0, 4, 0.5) : undefined,
    truncation: within(query.get("t"), 0, 1, 1),
    first: Math.round(within(query.get("s"), 0, 2 ** 31, 0)),
    amount: Math.round(within(query.get("n"), 1, 64, AMOUNT)),
    like: query.get("like"),
    mix: a && b ? [a, b] : null,
    at: query.get("at"),
    moves: movesOf(query.get("mv")),
  };
}

/** The place of a seed under the words of the board. */
export function placeAt(board: Board, seed: number): Place {
  const place: Place = { seed };
  if (board.model.told && board.words.trim()) place.words = board.words.trim();
  if (board.model.told === "keywords" && place.words && board.variety !== undefined) place.variety = board.variety;
  if (board.truncation !== 1) place.truncation = board.truncation;
  return place;
}

/** The place that the inspector is on, without its moves. */
export function looked(board: Board): Place | null {
  if (board.at === null) return null;
  return /^\d+$/.test(board.at) ? placeAt(board, Number(board.at)) : placeOf(board.at);
}

/** The URL that shows this place: in the grid of its seed, or by its key. */
export function boardUrl(model: string, place: Place): string {
  const { moves = {}, ...bare } = place;
  const mv = movesText(moves);
  const first = place.seed !== undefined ? Math.floor(place.seed / AMOUNT) * AMOUNT : 0;
  const query = new URLSearchParams({ m: model });
  if (place.words) query.set("w", place.words);
  if (place.variety !== undefined) query.set("v", String(place.variety));
  if (place.truncation !== undefined) query.set("t", String(place.truncation));
  if (place.seed === undefined) query.set("like", keyOf(bare));
  query.set("s", String(first));
  query.set("at", place.seed === undefined ? keyOf(bare) : String(place.seed));
  if (mv) query.set("mv", mv);
  return `/ideas?${query}`;
}

/** The URL of what is like a place, which stays looked at. */
export function aroundUrl(place: Place): string {
  const { moves = {}, ...bare } = place;
  const looked = { at: keyOf(bare), mv: movesText(moves) };
  return turned({ like: keyOf(place), mix: null, s: 0, w: place.words ?? null, ...looked }, "/ideas");
}

export const bredUrl = (a: Place, b: Place): string =>
  turned({ mix: `${keyOf(a)}.${keyOf(b)}`, like: null, s: 0, at: null, mv: null }, "/ideas");

/** Words with this style in front, or with none. */
export function styled(words: string, styles: readonly string[], style: string): string {
  const rest = words.trim().split(/\s+/).filter(Boolean);
  if (styles.includes(rest[0] ?? "")) rest.shift();
  return [style, ...rest].filter(Boolean).join(" ");
}

export const styleOf = (words: string, styles: readonly string[]): string => {
  const first = words.trim().split(/\s+/)[0] ?? "";
  return styles.includes(first) ? first : "";
};

export const moved = (board: Board): Place | null => {
  const place = looked(board);
  return place && movedBy(place, board.moves);
};
