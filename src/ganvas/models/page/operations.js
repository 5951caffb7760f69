// What each step of a program does. A step reads and writes places of one memory of float32 numbers; whatever lies there
// is contiguous. `lower.py` says which of torch's operations becomes which of these.
"use strict";

const COLUMNS = 512; // of a convolution that are laid out at once, so that they stay in the cache

/** Walk along strides: visit(to, ...from, count, ...by) for each run of the last dimension. */
function walk(shape, strides, begins, visit) {
  const last = shape.length - 1;
  const count = shape[last];
  const by = strides.map((each) => each[last]);
  const at = new Array(last).fill(0);
  const from = [...begins];
  for (let to = 0; ; to += count) {
    visit(to, from, count, by);
    let dim = last - 1;
    for (; dim >= 0; dim--) {
      at[dim]++;
      strides.forEach((each, one) => (from[one] += each[dim]));
      if (at[dim] < shape[dim]) break;
      strides.forEach((each, one) => (from[one] -= each[dim] * shape[dim]));
      at[dim] = 0;
    }
    if (dim < 0) return;
  }
}

/** An operation on two values that are spread over one shape; `run` is a loop, so that each is compiled by itself. */
const both =
  (run) =>
  ({ memory }, to, of, { shape, by }) =>
    walk(shape, by, of, (place, [a, b], count, [i, j]) => run(memory, to + place, a, b, count, i, j));

const BOTH = {
  add: both((m, y, a, b, n, i, j) => {
    for (let k = 0; k < n; k++) m[y + k] = m[a + k * i] + m[b + k * j];
  }),
  sub: both((m, y, a, b, n, i, j) => {
    for (let k = 0; k < n; k++) m[y + k] = m[a + k * i] - m[b + k * j];
  }),
  mul: both((m, y, a, b, n, i, j) => {
    for (let k = 0; k < n; k++) m[y + k] = m[a + k * i] * m[b + k * j];
  }),
  div: both((m, y, a, b, n, i, j) => {
    for (let k = 0; k < n; k++) m[y + k] = m[a + k * i] / m[b + k * j];
  }),
};
const COMPARED = {
  max: Math.max,
  min: Math.min,
  ge: (a, b) => (a >= b ? 1 : 0),
  gt: (a, b) => (a > b ? 1 : 0),
  le: (a, b) => (a <= b ? 1 : 0),
  lt: (a, b) => (a < b ? 1 : 0),
  eq: (a, b) => (a === b ? 1 : 0),
  ne: (a, b) => (a !== b ? 1 : 0),
};
for (const [name, compare] of Object.entries(COMPARED))
  BOTH[name] = both((m, y, a, b, n, i, j) => {
    for (let k = 0; k < n; k++) m[y + k] = compare(m[a + k * i], m[b + k * j]);
  });

/** An operation on each number by itself. */
const each =
  (run) =>
  ({ memory }, to, [x], sizes) =>
    run(memory, to, x, sizes.length, sizes);

const EACH = {
  relu: each((m, y, x, n) => {
    for (let k = 0; k < n; k++) m[y + k] = m[x + k] > 0 ? m[x + k] : 0;
  }),
  leaky_relu: each((m, y, x, n, { slope }) => {
    for (let k = 0; k < n; k++) m[y + k] = m[x + k] > 0 ? m[x + k] : slope * m[x + k];
  }),
  sigmoid: each((m, y, x, n) => {
    for (let k = 0; k < n; k++) m[y + k] = 1 / (1 + Math.exp(-m[x + k]));
  }),
  silu: each((m, y, x, n) => {
    for (let k = 0; k < n; k++) m[y + k] = m[x + k] / (1 + Math.exp(-m[x + k]));
  }),
  clamp: each((m, y, x, n, { least, most }) => {
    for (let k = 0; k < n; k++) m[y + k] = Math.min(Math.max(m[x + k], least), most);
  }),
};
const SINGLE = {
  tanh: Math.tanh,
  exp: Math.exp,
  log: Math.log,
  expm1: Math.expm1,
  log1p: Math.log1p,
  sin: Math.sin,
  cos: Math.cos,
  sqrt: Math.sqrt,
  abs: Math.abs,
  rsqrt: (x) => 1 / Math.sqrt(x),
  neg: (x) => -x,
  reciprocal: (x) => 1 / x,
  pow: (x, { power }) => x ** power,
  elu: (x, { slope }) => (x > 0 ? x : slope * Math.expm1(x)),
  gelu: (x, { tanh }) => 0.5 * x * (1 + (tanh ? Math.tanh(0.7978845608 * (x + 0.044715 * x ** 3)) : erf(x / Math.SQRT2))),
};
for (const [name, of] of Object.entries(SINGLE))
  EACH[name] = each((m, y, x, n, sizes) => {
    for (let k = 0; k < n; k++) m[y + k] = of(m[x + k], sizes);
  });

/** The error function to 1.2e-7 (Numerical Recipes, section 6.2, by a Chebyshev fit). */
function erf(x) {
  const t = 2 / (2 + Math.abs(x));
  const fit = [-1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587];
  const sum = [...fit, -0.82215223, 0.17087277].reduceRight((all, one) => all * t + one, 0);
  const rest = t * Math.exp(-x * x + sum);
  return x < 0 ? rest - 1 : 1 - rest;
}

/** An operation on each row by itself: run(memory, to, from, length). */
const perRow =
  (run, folds = false) =>
  ({ memory }, to, [x], sizes) => {
    for (let row = 0; row < sizes.rows; row++)
      run(memory, to + row * (folds ? 1 : sizes.length), x + row * sizes.length, sizes.length, sizes);
  };

const sumOf = (m, x, n) => {
  let sum = 0;
  for (let k = 0; k < n; k++) sum += m[x + k];
  return sum;
};
const mostOf = (m, x, n) => {
  let most = m[x];
  for (let k = 1; k < n; k++) if (m[x + k] > most) most = m[x + k];
  return most;
};

const ROWS = {
  sum: perRow((m, y, x, n) => (m[y] = sumOf(m, x, n)), true),
  mean: perRow((m, y, x, n) => (m[y] = sumOf(m, x, n) / n), true),
  most: perRow((m, y, x, n) => (m[y] = mostOf(m, x, n)), true),
  softmax: perRow((m, y, x, n) => {
    const most = mostOf(m, x, n);
    let sum = 0;
    for (let k = 0; k < n; k++) sum += m[y + k] = Math.exp(m[x + k] - most);
    for (let k = 0; k < n; k++) m[y + k] /= sum;
  }),
  norm: perRow((m, y, x, n, { epsilon }) => {
    const mean = sumOf(m, x, n) / n;
    let square = 0;
    for (let k = 0; k < n; k++) square += (m[x + k] - mean) ** 2;
    const scale = 1 / Math.sqrt(square / n + epsilon);
    for (let k = 0; k < n; k++) m[y + k] = (m[x + k] - mean) * scale;
  }),
};

const COPIES = {
  take({ memory }, to, [x], { shape, by, offset }) {
    walk(shape, [by], [x + offset], (place, [from], count, [step]) => {
      for (let k = 0; k < count; k++) memory[to + place + k] = memory[from + k * step];
    });
  },
  pad({ memory }, to, [x], { shape, by, offset, size, value }) {
    memory.fill(value, to, to + size);
    walk(shape, [by], [to + offset], (place, [at], count, [step]) => {
      for (let k = 0; k < count; k++) memory[at + k * step] = memory[x + place + k];
    });
  },
  cat({ memory }, to, of, { rows, lengths }) {
    for (let row = 0; row < rows; row++)
      for (let part = 0; part < of.length; part++) {
        const from = of[part] + row * lengths[part];
        memory.copyWithin(to, from, from + lengths[part]);
        to += lengths[part];
      }
  },
  pick({ memory }, to, [x], { rows, length, size, index }) {
    for (let row = 0; row < rows; row++)
      for (const place of index) {
        const from = x + (row * length + place) * size;
        memory.copyWithin(to, from, from + size);
        to += size;
      }
  },
  where({ memory }, to, [c, a, b], { length }) {
    for (let k = 0; k < length; k++) memory[to + k] = memory[c + k] ? memory[a + k] : memory[b + k];
  },
};

/**
 * All columns of a product, panel by panel from the last to the first: each writes 8 columns, and where fewer are left
 * the others run over into the next row, whose own first panel comes later, or at the very end into spare room.
 */
function panels({ panel }, to, a, b, inner, columns, rows, next = columns) {
  for (let at = Math.ceil(columns / PANEL) - 1; at >= 0; at--)
    panel(a, b + at * inner * PANEL, to + at * PANEL, inner, next, rows);
}

/** A matrix [inner, columns] as panels. */
function laid(memory, to, from, inner, columns) {
  for (let begin = 0; begin < columns; begin += PANEL)
    for (let row = 0; row < inner; row++, to += PANEL) {
      const place = from + row * columns + begin;
      const count = Math.min(PANEL, columns - begin);
      for (let k = 0; k < PANEL; k++) memory[to + k] = k < count ? memory[place + k] : 0;
    }
}

/** The room that a step needs beside its values, in numbers. */
const spare = {
  product: ({ inner, columns, panels: ready }) => (ready ? 0 : inner * (columns + PANEL)),
  convolve: ({ inner, kernel, size, padding }) =>
    inner * product(kernel) * COLUMNS + inner * product(size.map((side, dim) => side + 2 * padding[dim])),
  spread: ({ inner, outer, kernel, size }) =>
    (product(size) + PANEL) * (inner + outer * product(kernel)) + PANEL,
};
const product = (numbers) => numbers.reduce((all, one) => all * one, 1);

const PRODUCTS = {
  product(tools, to, [a, b], { batch, rows, inner, columns, panels: ready }) {
    for (let one = 0; one < batch; one++) {
      const right = ready ? b : tools.spare;
      if (!ready) laid(tools.memory, right, b + one * inner * columns, inner, columns);
      panels(tools, to + one * rows * columns, a + one * rows * inner, right, inner, columns, rows);
    }
  },

  /** A convolution as a product of its weights [outer, inner * kernel] with what lies under the kernel at each place. */
  convolve(tools, to, [x, weights], sizes) {
    const { samples, groups, inner, outer, size, made, kernel, padding } = sizes;
    const { memory } = tools;
    const wide = size.map((side, dim) => side + 2 * padding[dim]);
    const [volume, room, length] = [product(size), product(wide), inner * product(kernel)];
    const places = product(made);
    const { under, corners } = sizes.tables ?? (sizes.tables = tables(sizes, wide));
    const padded = tools.spare;
    const columns = padded + inner * room;
    for (let group = 0; group < samples * groups; group++) {
      surrounded(memory, padded, x + group * inner * volume, inner, size, wide, padding);
      const [answer, told] = [to + group * outer * places, weights + (group % groups) * outer * length];
      for (let begin = Math.floor((places - 1) / COLUMNS) * COLUMNS; begin >= 0; begin -= COLUMNS) {
        const count = Math.min(COLUMNS, places - begin);
        gathered(memory, columns, padded, under, corners, begin, count);
        panels(tools, answer + begin, told, columns, length, count, outer, places);
      }
    }
  },

  /** A transposed convolution: each number of the input, times the weights, added to where they fall. */
  spread(tools, to, [x, weights], sizes) {
    const { samples, groups, inner, outer, size, made, kernel, stride, padding, dilation } = sizes;
    const { memory } = tools;
    const [volume, taps, places] = [product(size), product(kernel), product(made)];
    const columns = tools.spare;
    const fallen = columns + inner * (volume + PANEL);
    memory.fill(0, to, to + samples * groups * outer * places);
    for (let group = 0; group < samples * groups; group++) {
      laid(memory, columns, x + group * inner * volume, inner, volume);
      const told = weights + (group % groups) * outer * taps * inner;
      panels(tools, fallen, told, columns, inner, volume, outer * taps);
      for (let row = 0; row < outer * taps; row++) {
        const tap = row % taps;
        const shift = [Math.floor(tap / (kernel[1] * kernel[2])), Math.floor(tap / kernel[2]) % kernel[1], tap % kernel[2]].map(
          (each, dim) => each * dilation[dim] - padding[dim],
        );
        const answer = to + (group * outer + Math.floor(row / taps)) * places;
        fall(memory, answer, fallen + row * volume, size, made, stride, shift);
      }
    }
  },
};

/** For each row of the weights how far from a corner it looks, and for each place of the answer its corner. */
function tables({ inner, made, kernel, stride, dilation }, wide) {
  const at = (plane, row, column) => (plane * wide[1] + row) * wide[2] + column;
  const under = new Int32Array(inner * product(kernel));
  const corners = new Int32Array(product(made));
  const [, tall, across] = kernel;
  for (let k = 0; k < under.length; k++) {
    const [column, row] = [k % across, Math.floor(k / across) % tall];
    const plane = Math.floor(k / (across * tall)) % kernel[0];
    const channel = Math.floor(k / product(kernel));
    under[k] = channel * product(wide) + at(plane * dilation[0], row * dilation[1], column * dilation[2]);
  }
  for (let k = 0; k < corners.length; k++) {
    const plane = Math.floor(k / (made[1] * made[2]));
    corners[k] = at(plane * stride[0], (Math.floor(k / made[2]) % made[1]) * stride[1], (k % made[2]) * stride[2]);
  }
  return { under, corners };
}

/** Channels with their padding of zeros around them. */
function surrounded(memory, to, from, channels, [planes, rows, columns], wide, padding) {
  memory.fill(0, to, to + channels * product(wide));
  for (let channel = 0; channel < channels; channel++)
    for (let plane = 0; plane < planes; plane++)
      for (let row = 0; row < rows; row++, from += columns) {
        const line = (channel * wide[0] + plane + padding[0]) * wide[1] + row + padding[1];
        memory.copyWithin(to + line * wide[2] + padding[2], from, from + columns);
      }
}

/** What lies under the kernel at some places, as panels. */
function gathered(memory, to, from, under, corners, begin, count) {
  for (let first = begin; first < begin + count; first += PANEL) {
    const [a, b, c, d, e, f, g, h] = [0, 1, 2, 3, 4, 5, 6, 7].map((k) => from + corners[Math.min(first + k, begin + count - 1)]);
    for (let k = 0; k < under.length; k++, to += PANEL) {
      const shift = under[k];
      memory[to] = memory[a + shift];
      memory[to + 1] = memory[b + shift];
      memory[to + 2] = memory[c + shift];
      memory[to + 3] = memory[d + shift];
      memory[to + 4] = memory[e + shift];
      memory[to + 5] = memory[f + shift];
      memory[to + 6] = memory[g + shift];
      memory[to + 7] = memory[h + shift];
    }
  }
}

/** One tap of a transposed convolution, added up. */
function fall(memory, to, from, [planes, rows, columns], [depth, tall, wide], stride, shift) {
  for (let plane = 0; plane < planes; plane++) {
    const z = plane * stride[0] + shift[0];
    for (let row = 0; row < rows; row++, from += columns) {
      const y = row * stride[1] + shift[1];
      if (z < 0 || z >= depth || y < 0 || y >= tall) continue;
      const line = to + (z * tall + y) * wide;
      for (let column = 0, place = shift[2]; column < columns; column++, place += stride[2])
        if (place >= 0 && place < wide) memory[line + place] += memory[from + column];
    }
  }
}

const OPERATIONS = { ...BOTH, ...EACH, ...ROWS, ...COPIES, ...PRODUCTS };
