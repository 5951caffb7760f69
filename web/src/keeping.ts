/** What changed between two states of what is kept, done to a third: for undo, and for what another tab has kept since. */
import type { Kept } from "./api.ts";

/** `present` with what leads from `from` to `to`: ids that came, went or moved, and names; everything else stays. */
export function applied(from: Kept, to: Kept, present: Kept): Kept {
  const [old, next] = [byId(from), byId(to)];
  const stay = present.places.filter(({ id }) => next.has(id) || !old.has(id));
  const here = new Set(stay.map(({ id }) => id));
  const came = to.places.filter(({ id }) => !old.has(id) && !here.has(id));
  const places = stay.map((place) => {
    const [before, after] = [old.get(place.id), next.get(place.id)];
    return before && after && before.name !== after.name ? { ...place, name: after.name } : place;
  });
  const placed = new Set([...came.map(({ id }) => id), ...moved(from.order, to.order).filter((id) => here.has(id))]);
  const order = present.order.filter((id) => here.has(id) && !placed.has(id));
  for (const [at, id] of to.order.entries()) {
    if (!placed.has(id)) continue;
    const above = to.order.slice(0, at).findLast((other) => order.includes(other));
    order.splice(above === undefined ? 0 : order.indexOf(above) + 1, 0, id);
  }
  return { ...present, places: [...places, ...came], order };
}

const byId = ({ places }: Kept): Map<string, Kept["places"][number]> => new Map(places.map((one) => [one.id, one]));

/** The one id that has another place among those in both, or else all of them if several have. */
function moved(from: string[], to: string[]): string[] {
  const [old, next] = [new Set(from), new Set(to)];
  const [a, b] = [from.filter((id) => next.has(id)), to.filter((id) => old.has(id))];
  const at = a.findIndex((id, index) => id !== b[index]);
  if (at < 0) return [];
  const without = (all: string[], one: string): string => all.filter((id) => id !== one).join();
  const one = [a[at], b[at]].find((id) => id && without(a, id) === without(b, id));
  return one ? [one] : a;
}
