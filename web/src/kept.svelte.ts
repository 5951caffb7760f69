/** The pictures that somebody kept, as the server has them on disk; another tab's changes are merged, not lost. */
import type { Kept, KeptPlace, Model, Place } from "./api.ts";
import { ask, Refusal } from "./client.ts";
import { applied } from "./keeping.ts";
import { notes } from "./notes.svelte.ts";
import { keyOf } from "./places.ts";

let all = $state.raw<Kept>({ version: 1, places: [], order: [] });
let heard = $state(false);
/** What the server had when it answered with the tag. */
let theirs = all;
let etag = "";
let wanted: Kept | null = null;
let sending = false;
let changes = 0;

const tokenOf = (fp: string, place: Place): string => `${fp} ${keyOf(place)}`;
const known = $derived(new Map(all.places.map((kept) => [tokenOf(kept.model.fp, kept.place), kept])));

/** What the server has, unless something was changed here meanwhile; what could not be saved before is sent first. */
async function load(): Promise<void> {
  if (wanted || sending) return send();
  const before = changes;
  const answer = await ask<Kept>("GET", "/api/kept");
  heard = true;
  if (changes !== before) return;
  all = theirs = answer.value;
  etag = answer.etag;
}

async function send(): Promise<void> {
  if (sending) return;
  sending = true;
  try {
    while (wanted) {
      const next = wanted;
      wanted = null;
      try {
        etag = (await ask<Kept>("PUT", "/api/kept", next, { headers: { "If-Match": etag } })).etag;
        theirs = next;
      } catch (error) {
        if (!(error instanceof Refusal) || error.status !== 412) throw error;
        const answer = await ask<Kept>("GET", "/api/kept");
        etag = answer.etag;
        all = wanted = applied(theirs, wanted ?? next, answer.value);
        theirs = answer.value;
      }
    }
  } catch (error) {
    if (error instanceof Refusal && error.code === "closed") wanted = all;
    else all = theirs; // what was not saved does not look kept
    notes.fail(error);
  } finally {
    sending = false;
  }
}

function set(next: Kept): void {
  all = next;
  wanted = next;
  changes += 1;
  void send();
}

function id(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export const kept = {
  load,
  set,
  /** Whether it is known what was kept. */
  get heard(): boolean {
    return heard;
  },
  get all(): Kept {
    return all;
  },
  /** In the order of the board. */
  get list(): KeptPlace[] {
    const places = new Map(all.places.map((place) => [place.id, place]));
    return all.order.flatMap((one) => places.get(one) ?? []);
  },
  find: (fp: string, place: Place): KeptPlace | undefined => known.get(tokenOf(fp, place)),
  /** Keeps it, or lets it go again. */
  toggle(model: Model, place: Place): void {
    const found = kept.find(model.fp, place);
    if (found) return kept.drop([found.id]);
    const { parents = [], ...bare } = place;
    const above = all.places.filter((other) => other.model.fp === model.fp && parents.includes(keyOf(other.place)));
    const item: KeptPlace = {
      id: id(),
      model: { name: model.name, fp: model.fp },
      place: parents.length ? { ...bare, parents } : bare,
      parents: above.map((other) => other.id),
      kept: new Date().toISOString(),
    };
    set({ ...all, places: [...all.places, item], order: [...all.order, item.id] });
  },
  drop(ids: string[]): void {
    const left = all.places.filter((place) => !ids.includes(place.id));
    set({ ...all, places: left, order: all.order.filter((one) => !ids.includes(one)) });
  },
  name(one: string, name: string): void {
    const places = all.places.map((place) => (place.id === one ? { ...place, name: name || undefined } : place));
    set({ ...all, places });
  },
  /** Puts one where another is. */
  move(one: string, to: string): void {
    const from = all.order.indexOf(one);
    const at = all.order.indexOf(to);
    if (from < 0 || at < 0 || from === at) return;
    const order = all.order.filter((other) => other !== one);
    order.splice(at, 0, one);
    set({ ...all, order });
  },
};
