/**
 * The HTTP API as this page uses it: every path that is called, what is sent, and what is expected back.
 *
 * What goes beyond the table of the specification is marked "addition". Everything else has its names.
 * Unless said otherwise bodies and answers are JSON, and an answer that is no success is a `Failure`.
 */

/** The body of every status from 400 on. `message` is shown to the user as it is. */
export interface Failure {
  error: { code: string; message: string; field: string | null };
}

// Places -------------------------------------------------------------------------------------------------------------

/**
 * What one picture is made of: a seed, or a latent that the server keeps (`studio/places/HASH.safetensors`).
 *
 * KEY is the base64url, without padding, of the UTF-8 JSON of the place with sorted keys, no spaces and no `parents`. The
 * page makes keys by itself for previews, kept pictures and lineage and writes numbers as JavaScript does (`1`, `1.5`); the
 * server takes any spelling of the same place.
 */
export interface Place {
  seed?: number;
  latent?: string;
  /** Keywords, or for a model of labels a class. */
  words?: string;
  variety?: number;
  truncation?: number;
  moves?: Record<string, number>;
  /** The KEYs of the places that this one came from. Not part of the key. */
  parents?: string[];
}

export interface Picture {
  /** `/i/FP/KEY.png`, immutable. `?scale=1|2|4` draws it larger, `?save=1` downloads. 410: its model is gone. */
  url: string;
  place: Place;
  /** What the seed adds to the words, such as a style or a kind of the thing. */
  added?: string[];
}

/** POST /api/draw: at once, the pictures are made as their URLs are asked for. 404 409 422 503. */
export interface Draw {
  model: string;
  places: Place[]; // 1 to 64
  stream?: string;
}
export interface Drawn {
  fp: string;
  /** Words that the model never learned and that were taken by their meaning. */
  unknown: string[];
  pictures: Picture[];
}

/** POST /api/around: 28 places near one. */
export interface Around {
  model: string;
  place: Place;
  k: number;
  seed: number;
}
/** POST /api/breed: 14 on the arc between two, 14 mixed coordinate by coordinate. */
export interface Breed {
  model: string;
  a: Place;
  b: Place;
  seed: number;
}
/** POST /api/between (addition): the frames of a morph as places, for scrubbing; `frames` is 2 to 64. */
export interface Between {
  model: string;
  stops: Place[]; // 2 to 32
  frames: number;
  loop: boolean;
  eased: boolean;
}
/** What around, breed and between answer. The same question gets the same places. */
export interface Places {
  places: Place[];
}

// The studio ---------------------------------------------------------------------------------------------------------

export interface Direction {
  name: string;
  /** What it changes as well: `{area: 0.3}` is a third of what it does to its own attribute. Empty if it is pure. */
  impurity: Record<string, number>;
}

/** GET /api/models and /api/models/M. `/api/models/M/words?q=` answers up to 20 words as strings. */
export interface Model {
  name: string;
  fp: string;
  /** Channels, height, width. */
  shape: number[];
  kind: "pictures" | "clips" | "points";
  told: null | "labels" | "keywords";
  classes: string[];
  words: number;
  /** How far samples of the same keywords wander unless a place says otherwise (addition); null without keywords. */
  variety: number | null;
  styles: string[];
  examples: string[];
  directions: Direction[] | null;
  /** The model's README as plain text. */
  card: string;
  /** Whose pictures it learned from and under which licences, as a sentence or two for the export sheet; "" if unknown. */
  licence: string;
}

/** GET /api/state. */
export interface State {
  version: string;
  workspace: string;
  models: Model[];
  /** Whether the worker has imported torch and can draw. */
  ready: boolean;
  extras: { export: boolean; video: boolean; vectors: boolean; keywords: boolean; measure: boolean; icons: boolean };
  /** What the machine is, in words: "2 cores, no GPU". */
  machine: string;
  /** The run that trains. */
  active: string | null;
}

/** GET /api/kept; PUT with `If-Match` of the ETag that the GET (or the last PUT) answered: 200 with the new one, 412, 422. */
export interface Kept {
  version: 1;
  places: KeptPlace[];
  order: string[];
}
export interface KeptPlace {
  /** 16 hex digits that the page draws at random. */
  id: string;
  model: { name: string; fp: string };
  place: Place;
  /** Ids of kept places that it came from. */
  parents: string[];
  name?: string;
  /** When, as ISO 8601. */
  kept: string;
}
// `/kept/ID.png` (addition): the copy in `studio/kept/ID.png`, asked for when `/i/FP/KEY.png` answers 410.

// Data ---------------------------------------------------------------------------------------------------------------

/**
 * GET /api/data → Set[], GET /api/data/NAME → Set.
 *
 * POST /api/data `{name}` or `{name, folder}` → 201 Set. PUT /api/data/NAME/files/PATH with the raw body → 201 `{bytes}`. Reading
 * begins by itself when no upload is under way; a set that gets more files is read again. DELETE → 204, into
 * the trash, from where POST /api/data/NAME/restore → Set (addition, as for runs) brings it back: 404 409.
 */
export interface Set {
  name: string;
  /** What `ganvas train` takes for it in the workspace: `data/portraits`. */
  source: string;
  state: "uploading" | "reading" | "ready" | "failed";
  done: number;
  total: number;
  error: string | null;
  count: number;
  /** Of the pictures as they are, most common first. */
  sizes: { width: number; height: number; count: number }[];
  /** Colour modes in words, most common first: "RGB with transparency". */
  modes: { mode: string; count: number }[];
  shape: number[] | null;
  classes: string[];
  keywords: { word: string; count: number }[];
  /** Words on fewer than ten pictures. */
  rare: string[];
  /** How many pictures have no words, where others have. */
  wordless: number;
  skipped: { reason: string; files: string[] }[];
  /** Groups of names of pictures that look the same. */
  twins: string[][];
  /** Whether they are drawings, so that `icons` is a good start. */
  drawn: boolean;
  /** Uploaded, so that it may be deleted and added to. */
  own: boolean;
}

/** GET /api/data/NAME/pictures?from=&count=&size= → DataPicture[]; pictures evenly chosen if `from` is left out. */
export interface DataPicture {
  name: string;
  url: string;
  /** The URL of the same picture at `size`, as the model will see it. */
  as_learned: string;
}

// Runs ---------------------------------------------------------------------------------------------------------------

/** POST /api/plan: what would be trained; nothing starts. */
export interface Plan {
  source: string;
  size?: number;
  from?: string;
  settings: string[];
  /** Seamless tiles, of pieces of the pictures; not with `from`. */
  tiles?: boolean;
}
export interface Planned {
  recipe: Record<string, unknown>;
  command: string;
  warnings: string[];
}

/** POST /api/runs → 201 Run. One of `minutes` and `images`; `source` is a set's name or one of the catalogue. */
export interface Train extends Plan {
  name: string;
  minutes?: number;
  images?: number;
  seed?: number;
  device?: string;
}

export type RunState =
  "queued" | "starting" | "training" | "paused" | "finished" | "ended early" | "failed" | "elsewhere";

export interface Complaint {
  kind: string;
  severity: "look" | "bad";
  text: string;
  /** The `NAME=VALUE` that mends it. */
  setting: string | null;
}

/** GET /api/runs → Run[], /api/runs/R → Run, DELETE → 204. POST /api/runs/R/{pause,go-on,stop,longer,restore} → Run. */
export interface Run {
  name: string;
  state: RunState;
  /** While it gets ready: "Reading pictures", "Measuring this machine", "Training". */
  phase: { what: string; done: number; total: number } | null;
  images: number;
  /** Images in all; 0 while unknown. */
  wanted: number;
  seconds: number;
  /** Seconds that are left; null while unknown. */
  left: number | null;
  speed: number | null;
  complaints: Complaint[];
  /** Good news in a sentence, where nothing is wrong and there is enough to judge by (addition). */
  healthy: string | null;
  /** What the training did by itself to stay sound, a sentence for each time (addition). */
  mends: string[];
  /** Images of each sheet, ascending. `/runs/R/sheets/IMAGES.png` is 8 columns with gaps of 2 pixels. */
  sheets: number[];
  /** Where the best model is, and its score with error: "kd 0.044 ± 0.006". */
  best: { images: number; score: string } | null;
  error: string | null;
  command: string;
  /** "785 pictures, recipe icons, seed 0". */
  about: string;
  recipe: Record<string, unknown>;
  /** What it was asked for, so that it can be asked for again. */
  source: string;
}

/** GET /api/runs/R/log?after=IMAGES → Row[], at most 2,000. */
export interface Row {
  images: number;
  seconds: number;
  images_per_second: number;
  terms: Record<string, number | null>;
  scores?: Record<string, number | null>;
  /** Standard errors of the scores, by the same names. */
  errors?: Record<string, number | null>;
}

// Jobs ---------------------------------------------------------------------------------------------------------------

export type JobKind =
  | "directions"
  | "project"
  | "edit-gradient"
  | "evaluate"
  | "compare"
  | "inspect"
  | "film"
  | "morph"
  | "sheet"
  | "pictures"
  | "publish"
  | "onnx"
  | "page"
  | "svg";

/**
 * POST /api/jobs `{kind, …}` → 201 Job; GET, DELETE /api/jobs/ID. Uploads for jobs: PUT /api/uploads/NAME, then `upload: NAME`,
 * and GET (addition) for the picture as PNG, at most 512 pixels large.
 *
 * The first file is what the button downloads, so `pictures` of more than one answers a zip. Jobs that answer numbers have
 * them as a file: `inspect.json`, `evaluate.json`, `compare.json`; `project` has `place.json` (a Place) and `projected.png`.
 */
export interface Job {
  id: string;
  kind: JobKind;
  state: "queued" | "running" | "done" | "failed" | "cancelled";
  what: string;
  done: number;
  total: number;
  command: string;
  error: string | null;
  files: { url: string; name: string; bytes: number }[];
}
export type Ask =
  | { kind: "pictures" | "sheet"; model: string; places: Place[]; scale: number; columns?: number }
  | {
      kind: "morph";
      model: string;
      stops: Place[];
      seconds: number;
      loop: boolean;
      eased: boolean;
      format: "gif" | "webp" | "mp4";
      scale?: number;
    }
  | { kind: "film"; run: string; format: "gif" | "webp" | "mp4" }
  | { kind: "directions" | "onnx" | "page"; model: string }
  | { kind: "svg"; model: string; places: Place[] }
  | { kind: "publish"; run: string; about: string }
  | { kind: "project"; model: string; upload: string; words?: string; steps: number; pixels: boolean }
  | { kind: "inspect"; run: string; uploads?: string[]; set?: string; held_out?: string }
  | { kind: "evaluate"; run: string; count: number; held_out?: string }
  | { kind: "compare"; a: string; b: string; count: number };

/** `inspect.json`, the most real first and without what could not be read; only these of its names are used. */
export interface Inspection {
  pictures: Judged[];
}
/** `name` is the path of its file; `above_generated` is the share of the run's own samples that look less real. */
export interface Judged {
  name: string;
  detector?: number;
  critics?: Record<string, number>;
  above_generated?: number;
}

/** `evaluate.json`: each measure with its standard error, where it has one. */
export interface Evaluation {
  scores: Record<string, { value: number; error: number | null }>;
}

// The playground -----------------------------------------------------------------------------------------------------

export type Shape = "ring" | "grid" | "line" | "two" | "spiral" | "drawn";
/** POST /api/plane → 201 PlaneStart; POST /api/plane/ID/{play,pause,step} no body, /set Partial<PlaneAsk> with `speed`; DELETE → 204. */
export interface PlaneAsk {
  shape: Shape;
  points?: [number, number][];
  loss: string;
  r1: number;
  seed: number;
  /** Steps per second at most: 4, 16 or 0 for as many as there can be. */
  speed?: number;
}
export interface PlaneStart {
  id: string;
  /** The 120 data points: base64 of little-endian int16 pairs, 32767 being 1.7. */
  data: string;
  /** How many spots the shape has; 0 where it has none. */
  spots: number;
}
/** Event `plane`, of streams with `?plane=ID`. */
export interface PlaneFrame {
  id: string;
  step: number;
  images: number;
  /** 420 pairs like `data`. */
  points: string;
  /** base64 of 69 × 69 uint8, rows from y = 1.7 down: 0 surely made, 128 undecided, 255 surely real. */
  surface: string;
  /** base64 of int16 fours: where an arrow begins and how far it goes, in the same units. */
  arrows: string;
  found: number;
  /** Share of made points that lie on a spot. */
  on: number;
  /** Share of pairs that the critic orders rightly. */
  right: number;
}

/** The other event `plane`: there is no such playground any more. */
export type PlaneEnd = { id: string; ended: true };

// Events: GET /api/events, with ?plane=ID for a playground -----------------------------------------------------------

export interface Events {
  /** Always first. */
  state: State & { runs: Run[]; data: Set[]; jobs: Job[] };
  run: Run | Gone;
  row: { name: string; rows: Row[] };
  sheet: { name: string; images: number; url: string };
  job: Job;
  data: Set | Gone;
  plane: PlaneFrame | PlaneEnd;
}
/** A run or a set of this name is no longer there. */
export type Gone = { name: string; gone: true };
