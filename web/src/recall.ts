/** What made a picture, read from its file: a PNG of ours that is dropped opens where it was made. */
import type { Model, Place } from "./api.ts";
import { isPlace } from "./places.ts";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const KEY = "ganvas";
const MOST = 2 ** 26; // bytes that are looked at

export interface Made {
  /** The first 16 digits of the hash of the model's weights. */
  fp: string;
  places: Place[];
}

/** What this PNG says made it; null if it is no PNG, says nothing, or says what cannot be. */
export function made(content: ArrayBuffer): Made | null {
  const text = textOf(content);
  try {
    const said = JSON.parse(text ?? "null") as { digest?: unknown; places?: unknown } | null;
    const places = Array.isArray(said?.places) ? said.places.filter(isPlace) : [];
    return typeof said?.digest === "string" && places.length ? { fp: said.digest.slice(0, 16), places } : null;
  } catch {
    return null;
  }
}

/** The text of our key, which stands before the pixels or behind them. */
function textOf(content: ArrayBuffer): string | null {
  const bytes = new Uint8Array(content);
  const view = new DataView(content);
  if (SIGNATURE.some((byte, at) => bytes[at] !== byte)) return null;
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const kind = latin(bytes.subarray(at + 4, at + 8));
    const chunk = bytes.subarray(at + 8, at + 8 + length);
    const [key, ...text] = kind === "tEXt" ? latin(chunk).split("\0") : [];
    if (key === KEY) return text.join("\0");
    at += 12 + length;
  }
  return null;
}

const latin = (bytes: Uint8Array): string => new TextDecoder("latin1").decode(bytes);

/** The model and the place of the first picture in a file, if that model is here. */
export async function recall(file: File, models: Model[]): Promise<{ model: Model; place: Place } | null> {
  if (file.size > MOST) return null;
  const found = made(await file.arrayBuffer());
  const model = models.find((one) => one.fp === found?.fp);
  const place = found?.places[0];
  return model && place ? { model, place } : null;
}
