// What a generator is told: a class, or keywords, as learning/conditions.py and learning/phrases.py tell it. Each kind has
// read(text) -> {told, unknown}, added(told, seed, variety) -> words, vary(told, seed, variety), draw(seed) and
// moved(told, by).
"use strict";

const DIMENSION = 256; // of the vector of a word
const LOUD = Math.sqrt(DIMENSION); // the length of a description
const [NEAR, NEARER] = [0.08, 0.03];
const [GOLDEN, ROUND] = [(Math.sqrt(5) - 1) / 2, 1000]; // seeds that follow one another take other kinds
const STOP_WORDS = new Set(
  "a an and as at by for from in into is it its of on or the to with".split(" "),
);
const PUNCTUATION = new Set("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~“”„«»‘’…–—¿¡");

/** The words of a text in lower case and each once, without the punctuation around them. */
function singleWords(text) {
  const found = new Set();
  for (const word of text.normalize("NFC").toLowerCase().replaceAll(",", " ").split(/\s+/u)) {
    const letters = [...word];
    while (letters.length && PUNCTUATION.has(letters[0])) letters.shift();
    while (letters.length && PUNCTUATION.has(letters.at(-1))) letters.pop();
    if (letters.length) found.add(letters.join(""));
  }
  const words = [...found].filter((word) => !STOP_WORDS.has(word));
  return words.length ? words : [...found];
}

/** How many letters have to change between two words, but at most `most`. */
function apart(a, b, most) {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let row = Array.from({ length: b.length + 1 }, (_, place) => place);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length];
}

/** What a seed draws of things that are as frequent as their shares. */
function drawn(shares, seed) {
  const ends = [];
  let sum = 0;
  for (const share of shares) ends.push((sum += share));
  const rolled = new Dice(seed, 1).random() * sum;
  let [low, high] = [0, ends.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ends[middle] <= rolled) low = middle + 1;
    else high = middle;
  }
  return low;
}

function softmax(values) {
  const most = values.reduce((a, b) => Math.max(a, b), -Infinity);
  return values.map((value) => Math.exp(value - most));
}

function dot(a, b) {
  let sum = 0;
  for (let k = 0; k < b.length; k++) sum += a[k] * b[k];
  return sum;
}

/** A vector at the length of a standard normal one, or zero if it is zero. */
function loud(vector, length = Math.sqrt(vector.length)) {
  const norm = Math.max(Math.sqrt(dot(vector, vector)), 1e-12);
  return Float32Array.from(vector, (value) => (value / norm) * length);
}

const shifted = (a, b, times = 1) => Float32Array.from(a, (value, place) => value + times * b[place]);

class Labels {
  constructor({ classes, shares }) {
    this.classes = classes;
    this.shares = shares;
  }

  #of(place) {
    const told = new Float32Array(this.classes.length);
    told[place] = 1;
    return told;
  }

  read(text) {
    const place = this.classes.findIndex((each) => each.normalize("NFC") === text.normalize("NFC"));
    return place < 0 ? { told: null, unknown: [text] } : { told: this.#of(place), unknown: [] };
  }

  added() {
    return [];
  }

  vary(told) {
    return told;
  }

  draw(seed) {
    return this.#of(Math.min(drawn(this.shares, seed), this.classes.length - 1));
  }

  moved(told) {
    return told;
  }
}

class Keywords {
  constructor({ words, phrases, table, variety }) {
    this.words = words;
    this.phrases = phrases;
    this.variety = variety;
    this.places = new Map(words.map((word, place) => [word, place]));
    const bytes = bytesOf(table);
    const small = bytes.length === words.length * DIMENSION;
    this.vectors = small ? Float32Array.from(new Int8Array(bytes.buffer)) : singles(new Uint16Array(bytes.buffer));
    if (!small) return;
    for (let word = 0; word < words.length; word++) this.vectorOf(word).set(loud(this.vectorOf(word), 1));
  }

  vectorOf(place) {
    return this.vectors.subarray(place * DIMENSION, (place + 1) * DIMENSION);
  }

  /** The words of a text; one with hyphens in parts if it is not known as a whole. */
  asked(text) {
    return singleWords(text).flatMap((word) =>
      this.places.has(word) ? [word] : singleWords(word.replaceAll("-", " ")),
    );
  }

  /** Words that are written much like this one. */
  near(word) {
    const most = Math.max(1, Math.round(word.length / 2.5));
    return this.words
      .map((each) => [apart(word, each, most), each])
      .filter(([far]) => far <= most)
      .sort((a, b) => a[0] - b[0])
      .slice(0, 3)
      .map(([, each]) => each);
  }

  read(text) {
    const words = this.asked(text);
    const unknown = words.filter((word) => !this.places.has(word));
    const known = words.filter((word) => this.places.has(word));
    return { told: known.length ? this.describe(known) : null, unknown };
  }

  #sum(words) {
    const sum = new Float32Array(DIMENSION);
    for (const word of words) {
      const vector = this.vectorOf(this.places.get(word));
      for (let k = 0; k < DIMENSION; k++) sum[k] += vector[k];
    }
    return sum;
  }

  describe(words) {
    return loud(this.#sum(words));
  }

  /** What each phrase is told as, as one mean. */
  get means() {
    this.kept ??= this.phrases.map((phrase) => loud(this.#sum(singleWords(phrase))));
    return this.kept;
  }

  added() {
    return []; // what a seed does to a mean has no word
  }

  vary(told, seed, variety = this.variety) {
    if (!variety) return told;
    const near = drawn(softmax(this.means.map((mean) => dot(mean, told) / told.length / (variety * NEAR))), seed);
    return loud(shifted(told, this.means[near], variety));
  }

  draw(seed) {
    return this.means[drawn(new Array(this.phrases.length).fill(1), seed)];
  }

  moved(told, by) {
    return loud(shifted(told, by));
  }
}

class Phrases extends Keywords {
  constructor(about) {
    super(about);
    this.count = about.places;
    this.styles = about.styles;
    this.colours = about.colours;
    this.ways = new Set(about.ways);
    this.kinds = new Map(about.kinds.map((kinds) => kinds.split(" ")).map(([thing, ...words]) => [thing, words]));
  }

  read(text) {
    const found = super.read(text);
    const known = this.asked(text).length - found.unknown.length;
    return known > this.count ? { ...found, told: null, most: this.count } : found;
  }

  describe(words) {
    return this.#laid([...words].sort((a, b) => (a < b ? -1 : 1)));
  }

  #laid(words) {
    const told = new Float32Array(this.count * DIMENSION);
    words.slice(0, this.count).forEach((word, place) => this.#put(told, place, word));
    return told;
  }

  #put(told, place, word) {
    const vector = this.vectorOf(this.places.get(word));
    for (let k = 0; k < DIMENSION; k++) told[place * DIMENSION + k] = vector[k] * LOUD;
  }

  #rows(told) {
    return Array.from({ length: this.count }, (_, place) => told.subarray(place * DIMENSION, (place + 1) * DIMENSION));
  }

  /** Whether a word is among those that are told. */
  #there(word, rows) {
    return rows.some((row) => dot(this.vectorOf(this.places.get(word)), row) > 0.99 * LOUD);
  }

  /** The words that a seed adds to those that are told, as many as there is room for. */
  added(told, seed, variety = this.variety) {
    if (!variety) return [];
    const rolled = new Dice(seed, 2);
    const [style, colour, near] = [rolled.random(), rolled.random(), rolled.random()];
    const rows = this.#rows(told);
    const oneOf = (choices, share) =>
      !choices.length || choices.some((word) => this.#there(word, rows)) ? [] : [choices[Math.floor(share * choices.length)]];
    const added = oneOf(this.styles, style);
    if (colour < variety) added.push(...oneOf(this.colours, rolled.random()));
    added.push(...this.#kind(rows, seed, variety));
    if (near < 2 * variety - 1) added.push(...this.#near(rows, rolled.random(), variety));
    return added.slice(0, this.#free(rows).length);
  }

  /** The words as one seed takes them, with what it adds of its own. */
  vary(told, seed, variety = this.variety) {
    const varied = told.slice();
    const free = this.#free(this.#rows(told));
    this.added(told, seed, variety).forEach((word, index) => this.#put(varied, free[index], word));
    return varied;
  }

  /** The places where nothing is told. */
  #free(rows) {
    return rows.flatMap((row, place) => (row.some((value) => value !== 0) ? [] : [place]));
  }

  /** What kind of thing a seed takes, if a thing alone is asked for that comes in kinds. */
  #kind(rows, seed, variety) {
    const place = (Number(BigInt(seed) % BigInt(ROUND)) * GOLDEN) % 1;
    const is = (word, row) => dot(this.vectorOf(this.places.get(word)), row) > 0.99 * LOUD;
    const ways = [...this.styles, ...this.colours];
    const things = rows.filter((row) => row.some((value) => value !== 0) && !ways.some((word) => is(word, row)));
    if (place >= variety || things.length !== 1) return [];
    for (const [thing, kinds] of this.kinds)
      if (is(thing, things[0])) return [kinds[Math.floor((place / Math.min(1, variety)) * kinds.length)]];
    return [];
  }

  /** The words of a phrase of near meaning that are not among these, and say what to draw. */
  #near(rows, share, variety) {
    const mean = loud(rows.reduce((sum, row) => shifted(sum, row), new Float32Array(DIMENSION)), 1);
    const shares = softmax(this.means.map((each) => dot(each, mean) / LOUD / (variety * NEARER)));
    const goal = share * shares.reduce((a, b) => a + b, 0);
    let [place, sum] = [0, shares[0]];
    while (sum < goal && place < shares.length - 1) sum += shares[++place];
    return this.phrases[place].split(/\s+/u).filter((word) => word && !this.ways.has(word) && !this.#there(word, rows));
  }

  draw(seed) {
    const phrase = this.phrases[drawn(new Array(this.phrases.length).fill(1), seed)];
    return this.#laid(phrase.split(/\s+/u).filter(Boolean));
  }

  moved(told, by) {
    const after = new Float32Array(told.length);
    this.#rows(told).forEach((row, place) => {
      if (!row.some((value) => value !== 0)) return;
      const [from, to] = [place * DIMENSION, (place + 1) * DIMENSION];
      after.set(loud(shifted(row, by.subarray(from, to)), LOUD), from);
    });
    return after;
  }
}

const CONDITIONS = { labels: Labels, keywords: Keywords, phrases: Phrases };
