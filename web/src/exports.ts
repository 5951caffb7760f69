/** What a model and its pictures can be taken away as: what each is, how long it takes, and what it needs. */
import type { Ask, Model, Place, State } from "./api.ts";
import * as commands from "./commands.ts";
import { bytes } from "./format.ts";

export type Kind = "pictures" | "sheet" | "svg" | "morph" | "film" | "publish" | "onnx" | "page";
export type Format = "gif" | "webp" | "mp4";

/** What the export sheet is opened on. */
export interface Export {
  model: string;
  places: Place[];
  run?: string;
  /** What is chosen first. */
  kind?: Kind;
}

export interface Choice {
  scale: number;
  format: Format;
  about: string;
}

export interface Row {
  kind: Kind;
  name: string;
  what: string;
  /** How large and how long, as far as that is known before. */
  amount: string;
  /** The extra of the toolkit that is not installed. */
  lacks: "export" | "video" | "vectors" | null;
}

export const MOST_PICTURES = 200;
const MOST_STOPS = 32;
const PICTURE = 3400; // bytes of a picture of 64 × 64 as PNG

export function rows(what: Export, model: Model | undefined, state: State | null, choice: Choice): Row[] {
  const pictures = Math.min(what.places.length, MOST_PICTURES);
  const area = (model?.shape.at(-1) ?? 64) * (model?.shape.at(-2) ?? 64);
  const each = (PICTURE * area) / 4096;
  const lacks = (extra: "export" | "video" | "vectors"): Row["lacks"] => (state && !state.extras[extra] ? extra : null);
  const video = choice.format === "mp4" ? lacks("video") : null;
  const some: Row[] = [];
  if (pictures) {
    const size = bytes(Math.round(each * pictures * Math.sqrt(choice.scale)));
    some.push(
      row("pictures", "Pictures", "a PNG each, named by words and seed, which are inside it, too", `about ${size}`),
    );
    if (pictures > 1) some.push(row("sheet", "One sheet", "all of them on a grid", `about ${size}`));
    const which = pictures > 1 ? "all of them as one SVG" : "as an SVG";
    some.push(row("svg", "Vectors", `${which}, for print and for editing`, "a few seconds", lacks("vectors")));
  }
  if (pictures > 1)
    some.push(
      row(
        "morph",
        "Morph",
        pictures > MOST_STOPS
          ? `a film through the first ${MOST_STOPS} in this order, GIF, WebP or MP4`
          : "a film through them in this order, GIF, WebP or MP4",
        `${stopsSeconds(pictures)} s of film`,
        video,
      ),
    );
  if (what.run) {
    some.push(row("film", "Film", "the training from its first sheet to its newest", "a few seconds", video));
    some.push(row("publish", "Model folder", "for others to draw with, or to start a training from", "a few seconds"));
  }
  some.push(row("onnx", "ONNX", "for programs without Python", "about 20 s", lacks("export")));
  some.push(row("page", "Web page", "one file that draws by itself in any browser", "about 20 s"));
  return some;
}

const row = (kind: Kind, name: string, what: string, amount: string, lacks: Row["lacks"] = null): Row => ({
  kind,
  name,
  what,
  amount: lacks ? `needs the extra ${lacks}` : amount,
  lacks,
});

export const stopsSeconds = (pictures: number): number => Math.min(pictures, MOST_STOPS);

export function askFor(kind: Kind, what: Export, choice: Choice): Ask {
  const { model, places, run = model } = what;
  const { scale, format, about } = choice;
  switch (kind) {
    case "pictures":
    case "sheet":
      return { kind, model, places: places.slice(0, MOST_PICTURES), scale };
    case "svg":
      return { kind, model, places: places.slice(0, MOST_PICTURES) };
    case "morph": {
      const stops = places.slice(0, MOST_STOPS);
      return { kind, model, stops, seconds: stopsSeconds(stops.length), loop: true, eased: true, format, scale };
    }
    case "film":
      return { kind, run, format };
    case "publish":
      return { kind, run, about };
    default:
      return { kind, model };
  }
}

export function commandFor(kind: Kind, what: Export, { scale, format }: Choice): string {
  const { model, run = model } = what;
  const places = what.places.slice(0, kind === "morph" ? MOST_STOPS : MOST_PICTURES);
  const folder = run.startsWith("runs/") ? run : `runs/${run}`;
  switch (kind) {
    case "pictures":
    case "sheet":
      return commands.pictures(model, places, scale, kind === "pictures");
    case "svg":
      return commands.pictures(model, places, 1, false).replace(/png$/, "svg");
    case "morph":
      return commands.morph(model, places, {
        seconds: stopsSeconds(places.length),
        loop: true,
        eased: true,
        format,
        scale,
      });
    case "film":
      return commands.command("film", folder, "--out", `film.${format}`);
    case "publish":
      return commands.command("publish", folder, run.replace(/^runs\//, ""));
    default:
      return commands.command("export", model, "--out", kind === "onnx" ? "model.onnx" : "page.html");
  }
}
