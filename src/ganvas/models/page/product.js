// Products of matrices, on whose speed all else hangs: a kernel in WebAssembly with SIMD, written out byte by byte below
// because that is smaller than whatever would compile it, or in plain JavaScript where a browser has no SIMD.
"use strict";

const PANEL = 8; // columns of a right matrix that lie together: panel p holds columns 8p to 8p + 7 of every row

/** Numbers as WebAssembly writes them (LEB128). */
function leb(number) {
  const bytes = [];
  for (let rest = number; ; rest >>= 7) {
    const last = (rest >> 6 === 0 && !(rest & 0x40)) || (rest >> 6 === -1 && rest & 0x40);
    bytes.push((rest & 0x7f) | (last ? 0 : 0x80));
    if (last) return bytes;
  }
}
function unsigned(number) {
  const bytes = [];
  for (let rest = number; ; rest >>>= 7) {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    if (rest <= 0x7f) return bytes;
  }
}
const listed = (items) => [...unsigned(items.length), ...items.flat()];
const section = (kind, items) => [kind, ...listed([listed(items)].flat())];

const I32 = 0x7f;
const V128 = 0x7b;
const get = (local) => [0x20, ...unsigned(local)];
const set = (local) => [0x21, ...unsigned(local)];
const whole = (number) => [0x41, ...leb(number)];
const plus = [0x6a];
const simd = (code) => [0xfd, ...unsigned(code)];
const load = (offset) => [...simd(0), 2, ...unsigned(offset)];
const loadSplat = (offset) => [...simd(9), 2, ...unsigned(offset)];
const store = (offset) => [...simd(11), 2, ...unsigned(offset)];
const zeros = [...simd(12), ...new Array(16).fill(0)];
const mul = simd(0xe6);
const add = simd(0xe4);
const again = (body, condition) => [0x03, 0x40, ...body, ...condition, 0x0d, 0, 0x0b];
const add32 = (local, by) => [...get(local), ...by, ...plus, ...set(local)];

/**
 * The code of a function (a, b, c, inner, next, rows): so many rows of a [rows, inner] times one panel b [inner, 8],
 * written to the rows of c, which are `next` bytes apart. It takes `at` rows at once; addresses are in bytes.
 */
function kernel(at) {
  const [a, b, c, inner, next, rows, width, end, left] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const right = 9; // the place in the panel
  const line = (row) => 10 + row;
  const [low, high, one] = [10 + at, 11 + at, 12 + at];
  const sum = (row, half) => 13 + at + 2 * row + half;
  const each = Array.from({ length: at }, (_, row) => row);
  const step = each.flatMap((row) => [
    ...[...get(line(row)), ...loadSplat(0), ...set(one)],
    ...[...get(one), ...get(low), ...mul, ...get(sum(row, 0)), ...add, ...set(sum(row, 0))],
    ...[...get(one), ...get(high), ...mul, ...get(sum(row, 1)), ...add, ...set(sum(row, 1))],
    ...add32(line(row), whole(4)),
  ]);
  const block = [
    ...each.flatMap((row) => [...zeros, ...set(sum(row, 0)), ...zeros, ...set(sum(row, 1))]),
    ...[...get(a), ...set(line(0))],
    ...each.slice(1).flatMap((row) => [...get(line(row - 1)), ...get(width), ...plus, ...set(line(row))]),
    ...[...get(b), ...set(right)],
    ...[...get(a), ...get(width), ...plus, ...set(end)],
    ...again(
      [
        ...[...get(right), ...load(0), ...set(low), ...get(right), ...load(16), ...set(high)],
        ...step,
        ...add32(right, whole(32)),
      ],
      [...get(line(0)), ...get(end), 0x49],
    ),
    ...each.flatMap((row) => [
      ...[...get(c), ...get(sum(row, 0)), ...store(0), ...get(c), ...get(sum(row, 1)), ...store(16)],
      ...add32(c, get(next)),
    ]),
    ...[...get(line(at - 1)), ...set(a)],
    ...[...get(left), ...whole(-at), ...plus, ...set(left)],
  ];
  const code = [
    ...[...get(inner), ...whole(2), 0x74, ...set(width)],
    ...[...get(rows), ...set(left)],
    ...again(block, [...get(left), ...whole(0), 0x4a]),
    0x0b,
  ];
  const locals = [
    [4 + at, I32],
    [3 + 2 * at, V128],
  ];
  const body = [...listed(locals), ...code];
  return [...unsigned(body.length), ...body];
}

/** A module with the kernels for four rows and for one, which works on a memory that it is given. */
function assembled() {
  const text = (word) => listed([...word].map((letter) => [letter.charCodeAt(0)]));
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [[0x60, ...listed(new Array(6).fill([I32])), 0]]),
    ...section(2, [[...text("page"), ...text("memory"), 2, 0, 1]]),
    ...section(3, [[0], [0]]),
    ...section(7, [
      [...text("four"), 0, 0],
      [...text("one"), 0, 1],
    ]),
    ...section(10, [kernel(4), kernel(1)]),
  ]);
}

/** The same without WebAssembly; places are in numbers. */
function plainPanel(memory, a, b, c, inner, next, rows) {
  for (let row = 0; row < rows; row++, c += next) {
    let [s0, s1, s2, s3, s4, s5, s6, s7] = [0, 0, 0, 0, 0, 0, 0, 0];
    for (let k = 0, right = b; k < inner; k++, right += 8) {
      const x = memory[a++];
      s0 += x * memory[right];
      s1 += x * memory[right + 1];
      s2 += x * memory[right + 2];
      s3 += x * memory[right + 3];
      s4 += x * memory[right + 4];
      s5 += x * memory[right + 5];
      s6 += x * memory[right + 6];
      s7 += x * memory[right + 7];
    }
    memory.set([s0, s1, s2, s3, s4, s5, s6, s7], c);
  }
}

/** A memory of so many float32 numbers, and what multiplies in it: panel(a, b, c, inner, next, rows). */
function workshop(count, plain = false) {
  if (!plain && typeof WebAssembly === "object") {
    try {
      const module = new WebAssembly.Module(assembled());
      const held = new WebAssembly.Memory({ initial: Math.ceil((count * 4) / 65536) });
      const { four, one } = new WebAssembly.Instance(module, { page: { memory: held } }).exports;
      const panel = (a, b, c, inner, next, rows) => {
        const most = rows & ~3;
        if (most) four(4 * a, 4 * b, 4 * c, inner, 4 * next, most);
        if (rows > most) one(4 * (a + most * inner), 4 * b, 4 * (c + most * next), inner, 4 * next, rows - most);
      };
      return { memory: new Float32Array(held.buffer), panel, simd: true };
    } catch (error) {
      if (!(error instanceof WebAssembly.CompileError)) throw error;
    }
  }
  const memory = new Float32Array(count);
  return { memory, panel: (...places) => plainPanel(memory, ...places), simd: false };
}
