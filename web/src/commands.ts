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

/** Whether a seed and words say all of it. */
const plain = (place: Place): boolean => place.latent === undefined && !place.moves;

/** Places of any kind, each spelled out. */
const spelled = (places: Place[]): string[] =>
  places.flatMap(({ parents: _, ...place }) => ["--place", JSON.stringify(place)]);

/** Several places as files of their own: as seeds under the same words, or each spelled out. */
export function pictures(model: string, places: Place[], scale: number, separate: boolean): string {
  const [first] = places;
  const alike = first && places.every((place) => plain(place) && told(place).join() === told(first).join());
  const which = alike ? [...told(first), "--seeds", places.map(start).join(",")] : spelled(places);
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
  {
    seconds,
    loop,
    eased,
    format,
    scale,
  }: { seconds: number; loop: boolean; eased: boolean; format: string; scale: number },
): string {
  const words = stops.flatMap((place) => flag("--keywords", place.words));
  const alike =
    [0, 2 * stops.length].includes(words.length) &&
    stops.every((place) => plain(place) && place.variety === undefined && (place.truncation ?? 1) === 1);
  return command(
    "morph",
    model,
    ...(alike ? ["--seeds", stops.map(start).join(","), ...words] : spelled(stops)),
    loop && "--closed",
    !eased && "--steady",
    "--seconds",
    seconds,
    scale > 1 && "--scale",
    scale > 1 && scale,
    "--out",
    `morph.${format}`,
  );
}
