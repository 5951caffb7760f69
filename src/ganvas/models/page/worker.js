// Draws what the page asks for, beside it, so that it never waits. A place is what one picture is made of, as
// models/place.py has it: {seed, words, variety, truncation, moves}.
"use strict";

class Studio {
  constructor(about, weights, plain = false) {
    this.about = about;
    this.generator = new Generator(about.program, weights, plain);
    this.condition = about.condition && new CONDITIONS[about.condition.part](about.condition);
    this.directions = about.directions && singles(new Uint16Array(bytesOf(about.directions.vectors).buffer));
  }

  /** What the generator is given for a place. */
  given({ seed, words, variety, moves = {} }) {
    let z = inputOf(seed, this.about.latent);
    let told = null;
    let notes = {};
    if (this.condition) {
      const { told: read, ...more } = words ? this.condition.read(words) : { told: null };
      notes = { ...more, added: read ? this.condition.added(read, seed, variety ?? undefined) : [] };
      told = read ? this.condition.vary(read, seed, variety ?? undefined) : this.condition.draw(seed);
      if (words && !read) return { notes, nothing: true };
    }
    const by = this.#by(moves);
    if (by) {
      z = shifted(z, by);
      if (told && by.length > z.length) told = this.condition.moved(told, by.subarray(z.length));
    }
    return { z, told, notes };
  }

  /** The sum of all moves, each direction times how far. */
  #by(moves) {
    const { names } = this.about.directions ?? {};
    const chosen = Object.entries(moves).filter(([name, strength]) => strength && names?.includes(name));
    if (!chosen.length) return null;
    const length = this.directions.length / names.length;
    const by = new Float32Array(length);
    for (const [name, strength] of chosen) {
      const from = names.indexOf(name) * length;
      for (let k = 0; k < length; k++) by[k] += strength * this.directions[from + k];
    }
    return by;
  }

  /** The picture of a place, as {pixels, notes}; without pixels where no word is known. */
  draw(place) {
    const { z, told, notes, nothing } = this.given(place);
    if (nothing) return { notes: this.#hints(notes) };
    return { pixels: this.#pixels(this.generator.draw(z, told, place.truncation ?? 1)), notes: this.#hints(notes) };
  }

  #hints({ unknown = [], ...notes }) {
    return { ...notes, unknown: unknown.map((word) => [word, this.condition.near?.(word) ?? []]) };
  }

  /** A picture on the way between two places: the input on an arc, what is told on a line. */
  between([from, to], share) {
    const [a, b] = [this.given(from), this.given(to)];
    const told = a.told && Float32Array.from(a.told, (value, k) => value * (1 - share) + b.told[k] * share);
    return { pixels: this.#pixels(this.generator.draw(onArc(a.z, b.z, share), told, from.truncation ?? 1)), notes: {} };
  }

  /** Numbers in [-1, 1], channels first, as RGBA: one picture below the other where they are the frames of a clip. */
  #pixels(numbers) {
    const { shape } = this.about;
    const [channels, area] = [shape[0], shape.slice(1).reduce((a, b) => a * b)];
    const pixels = new Uint8ClampedArray(area * 4).fill(255);
    for (let place = 0; place < area; place++)
      for (let channel = 0; channel < Math.max(channels, 3); channel++) {
        const from = channels < 3 ? 0 : channel;
        pixels[place * 4 + channel] = (numbers[from * area + place] + 1) * 127.5; // rounds to the nearest, half to even
      }
    return pixels;
  }
}

/** From a, at share 0, to b, at share 1: the direction turns evenly and the length goes evenly. */
function onArc(a, b, share) {
  const [long, wide] = [Math.sqrt(dot(a, a)), Math.sqrt(dot(b, b))];
  const angle = Math.acos(Math.max(-1, Math.min(1, dot(a, b) / Math.max(long * wide, 1e-30))));
  let [from, to] = [1 - share, share];
  if (angle > 1e-4 && angle < Math.PI - 1e-4) {
    const length = (1 - share) * long + share * wide;
    from = (Math.sin((1 - share) * angle) / Math.sin(angle)) * (length / long);
    to = (Math.sin(share * angle) / Math.sin(angle)) * (length / wide);
  }
  return Float32Array.from(a, (value, k) => from * value + to * b[k]);
}

/** One answer for each message, in their order. */
function answering(studio, { place, ends, share, trace }) {
  if (trace) return traced(...trace);
  return ends ? studio.between(ends, share) : studio.draw(place);
}

if (typeof WorkerGlobalScope !== "undefined" && self instanceof WorkerGlobalScope) {
  let studio = null;
  self.onmessage = ({ data }) => {
    try {
      if (data.weights) {
        studio = new Studio(data.about, bytesOf(data.weights.join("")));
        self.postMessage({ id: data.id, simd: studio.generator.tools.simd });
        return;
      }
      const begun = performance.now();
      const answer = answering(studio, data);
      self.postMessage({ id: data.id, ...answer, milliseconds: performance.now() - begun }, answer.pixels ? [answer.pixels.buffer] : []);
    } catch (error) {
      self.postMessage({ id: data.id, error: String(error?.message ?? error) });
    }
  };
}
