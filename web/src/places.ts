/** Places in latent space: their keys, their URLs, and what they are called. */
import type { Place } from "./api.ts";

/** The place as the key of its picture: base64url of its JSON with sorted names, without what it came from. */
export function keyOf(place: Place): string {
  const bytes = new TextEncoder().encode(canonical({ ...place, parents: undefined }));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

export function placeOf(key: string): Place | null {
  try {
    const text = atob(key.replaceAll("-", "+").replaceAll("_", "/"));
    const place: unknown = JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (c) => c.charCodeAt(0))));
    return isPlace(place) ? place : null;
  } catch {
    return null;
  }
}

export function isPlace(found: unknown): found is Place {
  const place = found as Place | null;
  return (
    typeof place === "object" && place !== null && (Number.isInteger(place.seed) || typeof place.latent === "string")
  );
}

function canonical(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const parts = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${parts.map(([name, item]) => `${JSON.stringify(name)}:${canonical(item)}`).join(",")}}`;
}

export const urlOf = (fp: string, place: Place): string => `/i/${fp}/${keyOf(place)}.png`;

/** The place with these moves, of which zeros are none. */
export function movedBy(place: Place, moves: Record<string, number>): Place {
  const kept = Object.entries(moves).filter(([, strength]) => strength);
  const { moves: _, ...rest } = place;
  return kept.length ? { ...rest, moves: Object.fromEntries(kept) } : rest;
}

/** Its number, or the beginning of its hash. */
export const numberOf = (place: Place): string =>
  place.seed === undefined ? (place.latent ?? "").slice(0, 6) : String(place.seed);

/** "3d fruit, seed 9, kept". */
export function nameOf(place: Place, ...more: string[]): string {
  const number = place.seed === undefined ? `place ${numberOf(place)}` : `seed ${place.seed}`;
  const moves = Object.entries(place.moves ?? {}).map(([name, strength]) => `${name} ${signed(strength)}`);
  return [place.words, number, ...moves, ...more].filter(Boolean).join(", ");
}

/** "+1.5", "0", "−2". */
export function signed(value: number): string {
  const text = String(Math.round(Math.abs(value) * 10) / 10);
  return value > 0 ? `+${text}` : value < 0 ? `−${text}` : "0";
}

/** "warmth:1.5,detail:-1" as moves, at most eight of them within ±6. */
export function movesOf(text: string | null): Record<string, number> {
  const moves: Record<string, number> = {};
  for (const part of (text ?? "").split(",").slice(0, 8)) {
    const [name, strength] = part.split(":");
    const value = Number(strength);
    if (name && Number.isFinite(value) && value) moves[name] = Math.max(-6, Math.min(6, value));
  }
  return moves;
}

export const movesText = (moves: Record<string, number>): string =>
  Object.entries(moves)
    .filter(([, strength]) => strength)
    .map(([name, strength]) => `${name}:${strength}`)
    .join(",");
