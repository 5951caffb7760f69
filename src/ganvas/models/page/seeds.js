// What belongs to a seed: the very numbers that NumPy's default_rng(seed) gives, so that a seed is the same picture
// here as on the command line. SeedSequence, PCG64 (O'Neill 2014) and the ziggurat of Marsaglia and Tsang (2000).
"use strict";

const MASK_64 = (1n << 64n) - 1n;
const MASK_128 = (1n << 128n) - 1n;
const STEP = 0x2360ed051fc65da44385df649fccf645n;

/** The 32-bit words of a whole number, the lowest first. */
function wordsOf(number) {
  const words = [number % 2 ** 32];
  for (let rest = Math.floor(number / 2 ** 32); rest > 0; rest = Math.floor(rest / 2 ** 32)) words.push(rest % 2 ** 32);
  return words;
}

/** NumPy's SeedSequence: `count` words of 64 bits from whole numbers. */
function spreadSeed(numbers, count) {
  const entropy = numbers.flatMap(wordsOf);
  let constant = 0x43b0d7e5;
  const hash = (value) => {
    let mixed = value ^ constant;
    constant = Math.imul(constant, 0x931e8875);
    mixed = Math.imul(mixed, constant);
    return mixed ^ (mixed >>> 16);
  };
  const mix = (a, b) => {
    const mixed = (Math.imul(0xca01f9dd, a) - Math.imul(0x4973f715, b)) | 0;
    return mixed ^ (mixed >>> 16);
  };
  const pool = [0, 1, 2, 3].map((place) => hash(entropy[place] ?? 0));
  for (let from = 0; from < 4; from++)
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mix(pool[to], hash(pool[from]));
  for (let from = 4; from < entropy.length; from++)
    for (let to = 0; to < 4; to++) pool[to] = mix(pool[to], hash(entropy[from]));
  constant = 0x8b51f9dd;
  const halves = Array.from({ length: 2 * count }, (_, place) => {
    let value = pool[place % 4] ^ constant;
    constant = Math.imul(constant, 0x58f38ded);
    value = Math.imul(value, constant);
    return BigInt((value ^ (value >>> 16)) >>> 0);
  });
  return Array.from({ length: count }, (_, place) => halves[2 * place] | (halves[2 * place + 1] << 32n));
}

/** Where the ziggurat's 256 layers end, as float32 draws of 23 bits meet them. */
const ZIGGURAT = (() => {
  const edge = 3.6541528853610088;
  const area = 0.00492867323399141; // of each layer, the tail beyond the edge included in the lowest
  const height = (x) => Math.exp(-0.5 * x * x);
  const edges = new Float64Array(256);
  edges[255] = edge;
  for (let layer = 255; layer > 1; layer--)
    edges[layer - 1] = Math.sqrt(-2 * Math.log(area / edges[layer] + height(edges[layer])));
  const base = area / height(edge);
  const scale = new Float32Array(256);
  const inside = new Uint32Array(256);
  const heights = new Float32Array(256);
  for (let layer = 0; layer < 256; layer++) {
    const wide = layer ? edges[layer] : base;
    scale[layer] = wide / 2 ** 23;
    inside[layer] = Math.floor((layer ? edges[layer - 1] / wide : edge / base) * 2 ** 23);
    heights[layer] = height(layer ? edges[layer] : 0);
  }
  return { edge: Math.fround(edge), inverse: Math.fround(1 / edge), scale, inside, heights };
})();

/** NumPy's default_rng of whole numbers. */
class Dice {
  constructor(...numbers) {
    const [high, low, increaseHigh, increaseLow] = spreadSeed(numbers, 4);
    this.increase = ((((increaseHigh << 64n) | increaseLow) << 1n) | 1n) & MASK_128;
    this.state = (this.increase + ((high << 64n) | low)) & MASK_128;
    this.state = (this.state * STEP + this.increase) & MASK_128;
    this.kept = null;
  }

  word64() {
    this.state = (this.state * STEP + this.increase) & MASK_128;
    const turn = this.state >> 122n;
    const mixed = ((this.state >> 64n) ^ this.state) & MASK_64;
    return ((mixed >> turn) | (mixed << (64n - turn))) & MASK_64;
  }

  word32() {
    if (this.kept !== null) {
      const kept = this.kept;
      this.kept = null;
      return kept;
    }
    const word = this.word64();
    this.kept = Number(word >> 32n);
    return Number(word & 0xffffffffn);
  }

  /** From 0 to below 1. */
  random() {
    return Number(this.word64() >> 11n) / 2 ** 53;
  }

  uniform32() {
    return Math.fround((this.word32() >>> 8) / 2 ** 24);
  }

  /** A standard normal number in float32. */
  normal() {
    const { edge, inverse, scale, inside, heights } = ZIGGURAT;
    for (;;) {
      const word = this.word32();
      const layer = word & 0xff;
      const size = (word >>> 9) & 0x7fffff;
      const x = Math.fround(size * scale[layer]) * (word & 0x100 ? -1 : 1);
      if (size < inside[layer]) return x;
      if (layer === 0) {
        for (;;) {
          const beyond = Math.fround(inverse * -Math.fround(Math.log1p(-this.uniform32())));
          const under = -Math.fround(Math.log1p(-this.uniform32()));
          if (under + under > beyond * beyond) return Math.fround((size >>> 8) & 1 ? -(edge + beyond) : edge + beyond);
        }
      }
      const high = Math.fround(heights[layer - 1] - heights[layer]);
      if (Math.fround(Math.fround(high * this.uniform32()) + heights[layer]) < Math.exp(-0.5 * x * x)) return x;
    }
  }

  normals(count) {
    return Float32Array.from({ length: count }, () => this.normal());
  }
}

/** The input of the picture of a seed. */
const inputOf = (seed, count) => new Dice(seed).normals(count);
