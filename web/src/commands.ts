/** The commands that do the same as the page does. */
import type { Place } from "./api.ts";
import { numberOf } from "./places.ts";

/** One word of a shell's line: as it is, or in quotes. */
function word(text: string): string {
  if (/^[\w.,:=/+-]+$/.test(text)) return text;
  return text.includes('"') && !text.includes("'") ? `'${text}'` : `"${text.replace(/(["\\$`])/g, "\\$1")}"`;
}

/** Words of a command, with whatever is undefined, false or null left out. */
export function command(...parts: (string | number | false | null | undefined)[]): string {
  const given = parts.filter((part) => part !== false && part !== null && part !== undefined && part !== "");
  return ["ganvas", ...given.map((part) => word(String(part)))].join(" ");
}

const flag = (name: string, value: string | number | undefined): string[] =>
  value === undefined || value === "" ? [] : [name, String(value)];

/** A file name of words: "3d fruit" is `3d-fruit`. */
export const fileName = (words: string | undefined, other = "ideas"): string =>
  (words ?? "")
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "") || other;

/** How this place was told what to draw. */
const told = (place: Place): string[] => [
  ...flag("--keywords", place.words),
  ...flag("--variety", place.variety),
  ...flag("--truncation", place.truncation === 1 ? undefined : place.truncation),
];

export const start = (place: Place): string =>
  place.latent === undefined ? numberOf(place) : `studio/places/${place.latent}.safetensors`;

/** A grid of seeds that follow each other. */
export function grid(model: string, first: Place, amount: number): string {
  const seed = first.seed ?? 0;
  return command(
    "sample",
    model,
    ...told(first),
    "--count",
    amount,
    "--seed",
    seed,
    "--out",
    `${fileName(first.words)}.png`,
  );
}

/** One place, with what moves it. */
export function one(model: string, place: Place): string {
  const moves = Object.entries(place.moves ?? {});
  const out = `${fileName(place.words, "picture")}-${numberOf(place)}.png`;
  if (!moves.length && place.latent === undefined)
    return command("sample", model, ...told(place), "--count", 1, "--seed", numberOf(place), "--out", out);
  const directions = moves.flatMap(([name, strength]) => ["--direction", name, "--strength", strength]);
  return command("edit", model, "--seed", start(place), ...told(place), ...directions, "--pictures", 1, "--out", out);
}

/** Several places as files of their own: as seeds under the same words, or each spelled out. */
export function pictures(model: string, places: Place[], scale: number, separate: boolean): string {
  const [first] = places;
  const plain = (place: Place): boolean => place.latent === undefined && !place.moves;
  const alike = first && places.every((place) => plain(place) && told(place).join() === told(first).join());
  const which = alike
    ? [...told(first), "--seeds", places.map(start).join(",")]
    : places.flatMap(({ parents: _, ...place }) => ["--place", JSON.stringify(place)]);
  const out = fileName(alike ? first.words : undefined, "kept");
  return command(
    "sample",
    model,
    ...which,
    scale > 1 && "--scale",
    scale > 1 && scale,
    separate && "--separate",
    "--out",
    separate ? out : `${out}.png`,
  );
}

export function morph(
  model: string,
  stops: Place[],
  { seconds, loop, eased, format }: { seconds: number; loop: boolean; eased: boolean; format: string },
): string {
  const words = stops.some((place) => place.words) ? stops.flatMap((place) => ["--keywords", place.words ?? ""]) : [];
  return command(
    "morph",
    model,
    "--seeds",
    stops.map(start).join(","),
    ...words,
    loop && "--closed",
    !eased && "--steady",
    "--seconds",
    seconds,
    "--out",
    `morph.${format}`,
  );
}
