// A generator: its weights and its steps, as program.py describes them, ready to draw.
"use strict";

/** The bytes of a text in base64. */
function bytesOf(text) {
  const value = new Uint8Array(128);
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (let place = 0; place < 64; place++) value[letters.charCodeAt(place)] = place;
  const length = text.length - (text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0);
  const bytes = new Uint8Array(Math.floor((length * 3) / 4));
  const letter = (place) => value[text.charCodeAt(place)]; // beyond the end it is 0
  for (let from = 0, to = 0; from < length; from += 4, to += 3) {
    const word = (letter(from) << 18) | (letter(from + 1) << 12) | (letter(from + 2) << 6) | letter(from + 3);
    bytes[to] = word >> 16; // what goes beyond the end of an array is dropped
    bytes[to + 1] = word >> 8;
    bytes[to + 2] = word;
  }
  return bytes;
}

/** What each of the 65,536 numbers in half precision is. */
const HALVES = (() => {
  const table = new Float32Array(65536);
  for (let word = 0; word < 65536; word++) {
    const [sign, power, rest] = [word >> 15 ? -1 : 1, (word >> 10) & 31, word & 1023];
    if (power === 31) table[word] = rest ? NaN : sign * Infinity;
    else table[word] = sign * (power ? (1 + rest / 1024) * 2 ** (power - 15) : (rest / 1024) * 2 ** -14);
  }
  return table;
})();

const singles = (halves, to = new Float32Array(halves.length)) => {
  for (let k = 0; k < halves.length; k++) to[k] = HALVES[halves[k]];
  return to;
};

/** What draws: new Generator(program, bytes).draw(z, condition, share). */
class Generator {
  constructor(program, bytes, plain = false) {
    this.program = program;
    const room = Math.max(0, ...program.steps.map(([does, , , sizes]) => spare[does]?.(sizes) ?? 0));
    this.tools = { ...workshop(program.memory + room + 16, plain), spare: program.memory };
    let from = 0;
    for (const [at, count, half] of program.weights) {
      const into = this.tools.memory.subarray(at, at + count);
      if (half) singles(new Uint16Array(bytes.buffer, bytes.byteOffset + from, count), into);
      else into.set(new Float32Array(bytes.buffer, bytes.byteOffset + from, count));
      from += Math.ceil((count * (half ? 2 : 4)) / 4) * 4;
    }
  }

  /** The numbers of one sample. */
  draw(z, condition, share = 1) {
    const { inputs, steps, output, count } = this.program;
    const { memory } = this.tools;
    memory.set(z, inputs.z);
    if (condition && "condition" in inputs) memory.set(condition, inputs.condition);
    if ("share" in inputs) memory[inputs.share] = share;
    for (const [does, to, of, sizes] of steps) OPERATIONS[does](this.tools, to, of, sizes);
    return memory.slice(output, output + count);
  }
}
