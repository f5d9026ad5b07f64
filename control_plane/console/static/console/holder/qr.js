/* QR codes (ISO/IEC 18004) in alphanumeric mode, error correction M, versions 1 to 10: what passes need, 311
   characters at most. `symbol(text)` is rows of booleans without the quiet zone. */

const CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
// By version: all codewords, those of error correction in each block, blocks, centres of alignment patterns.
const VERSIONS = [
  [26, 10, 1, []], [44, 16, 1, [6, 18]], [70, 26, 1, [6, 22]], [100, 18, 2, [6, 26]], [134, 24, 2, [6, 30]],
  [172, 16, 4, [6, 34]], [196, 18, 4, [6, 22, 38]], [242, 22, 4, [6, 24, 42]], [292, 22, 5, [6, 26, 46]],
  [346, 26, 5, [6, 28, 50]],
];
const MASKS = [
  (x, y) => (x + y) % 2 === 0, (x, y) => y % 2 === 0, (x) => x % 3 === 0, (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0, (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0, (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];
const FINDER = "10111010000";

export const symbol = (text) => {
  const version = 1 + VERSIONS.findIndex(([all, ecc, blocks], at) => 4 + countBits(at + 1) + bitsOf(text) <= 8 * (all - ecc * blocks));
  if (version === 0) throw new RangeError(`No code of ours has ${text.length} characters.`);
  const data = interleaved(codewords(text, version), version);
  const { rows, fixed } = frame(version);
  place(rows, fixed, data);
  let best = null;
  MASKS.forEach((mask, number) => {
    const masked = rows.map((row, y) => row.map((dark, x) => (fixed[y][x] ? dark : dark !== mask(x, y))));
    formatBits(masked, number);
    const cost = penalty(masked);
    if (!best || cost < best.cost) best = { cost, masked };
  });
  return best.masked;
};

const countBits = (version) => (version < 10 ? 9 : 11);
const bitsOf = (text) => 11 * Math.floor(text.length / 2) + 6 * (text.length % 2);

const codewords = (text, version) => {
  const bits = [];
  const put = (value, length) => { for (let at = length - 1; at >= 0; at -= 1) bits.push((value >> at) & 1); };
  put(2, 4);
  put(text.length, countBits(version));
  for (let at = 0; at < text.length; at += 2) {
    const one = CHARACTERS.indexOf(text[at]);
    if (at + 1 < text.length) put(one * 45 + CHARACTERS.indexOf(text[at + 1]), 11);
    else put(one, 6);
  }
  const [all, ecc, blocks] = VERSIONS[version - 1];
  const room = 8 * (all - ecc * blocks);
  put(0, Math.min(4, room - bits.length));
  while (bits.length % 8) bits.push(0);
  for (let pad = 0xec; bits.length < room; pad ^= 0xec ^ 0x11) put(pad, 8);
  return Array.from({ length: room / 8 }, (_, at) => parseInt(bits.slice(8 * at, 8 * at + 8).join(""), 2));
};

// Reed-Solomon over GF(256), polynomial 0x11d.
const multiply = (one, other) => {
  let product = 0;
  for (let at = 7; at >= 0; at -= 1) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    product ^= ((other >> at) & 1) * one;
  }
  return product;
};

const divisor = (degree) => {
  const found = [...Array(degree - 1).fill(0), 1];
  let root = 1;
  for (let round = 0; round < degree; round += 1) {
    for (let at = 0; at < degree; at += 1) found[at] = multiply(found[at], root) ^ (found[at + 1] ?? 0);
    root = multiply(root, 2);
  }
  return found;
};

const remainder = (data, by) => {
  const found = by.map(() => 0);
  for (const byte of data) {
    const factor = byte ^ found.shift();
    found.push(0);
    by.forEach((coefficient, at) => { found[at] ^= multiply(coefficient, factor); });
  }
  return found;
};

const interleaved = (data, version) => {
  const [all, ecc, count] = VERSIONS[version - 1];
  const by = divisor(ecc);
  const short = count - (all % count);
  const size = Math.floor(all / count) - ecc;
  const blocks = [];
  for (let at = 0, start = 0; at < count; at += 1) {
    const own = data.slice(start, (start += size + (at < short ? 0 : 1)));
    blocks.push({ own, check: remainder(own, by) });
  }
  const found = [];
  for (let at = 0; at <= size; at += 1) for (const { own } of blocks) if (at < own.length) found.push(own[at]);
  for (let at = 0; at < ecc; at += 1) for (const { check } of blocks) found.push(check[at]);
  return found;
};

/** What is the same in every symbol of a version, and where nothing else may stand. */
const frame = (version) => {
  const size = 17 + 4 * version;
  const rows = Array.from({ length: size }, () => Array(size).fill(false));
  const fixed = Array.from({ length: size }, () => Array(size).fill(false));
  const set = (x, y, dark) => { rows[y][x] = dark; fixed[y][x] = true; };
  for (let at = 0; at < size; at += 1) {
    set(6, at, at % 2 === 0);
    set(at, 6, at % 2 === 0);
  }
  for (const [cx, cy] of [[3, 3], [size - 4, 3], [3, size - 4]]) {
    for (let dy = -4; dy <= 4; dy += 1) {
      for (let dx = -4; dx <= 4; dx += 1) {
        const far = Math.max(Math.abs(dx), Math.abs(dy));
        const [x, y] = [cx + dx, cy + dy];
        if (x >= 0 && y >= 0 && x < size && y < size) set(x, y, far !== 2 && far !== 4);
      }
    }
  }
  const centres = VERSIONS[version - 1][3];
  const last = centres.length - 1;
  centres.forEach((cx, i) => centres.forEach((cy, j) => {
    if ((i === 0 && j === 0) || (i === 0 && j === last) || (i === last && j === 0)) return;
    for (let dy = -2; dy <= 2; dy += 1) {
      for (let dx = -2; dx <= 2; dx += 1) set(cx + dx, cy + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1);
    }
  }));
  formatBits(rows, 0, fixed);
  if (version >= 7) {
    let rest = version;
    for (let at = 0; at < 12; at += 1) rest = (rest << 1) ^ ((rest >> 11) * 0x1f25);
    const bits = (version << 12) | rest;
    for (let at = 0; at < 18; at += 1) {
      const [a, b] = [size - 11 + (at % 3), Math.floor(at / 3)];
      set(a, b, ((bits >> at) & 1) === 1);
      set(b, a, ((bits >> at) & 1) === 1);
    }
  }
  return { rows, fixed };
};

/** Error correction M and the mask's number, twice; with `fixed`, only keeps their places. */
const formatBits = (rows, mask, fixed) => {
  const size = rows.length;
  let rest = mask;
  for (let at = 0; at < 10; at += 1) rest = (rest << 1) ^ ((rest >> 9) * 0x537);
  const bits = ((mask << 10) | rest) ^ 0x5412;
  const set = (x, y, dark) => { rows[y][x] = dark; if (fixed) fixed[y][x] = true; };
  const bit = (at) => ((bits >> at) & 1) === 1;
  for (let at = 0; at <= 5; at += 1) set(8, at, bit(at));
  set(8, 7, bit(6));
  set(8, 8, bit(7));
  set(7, 8, bit(8));
  for (let at = 9; at < 15; at += 1) set(14 - at, 8, bit(at));
  for (let at = 0; at < 8; at += 1) set(size - 1 - at, 8, bit(at));
  for (let at = 8; at < 15; at += 1) set(8, size - 15 + at, bit(at));
  set(8, size - 8, true);
};

/** Up and down in columns of two, from the right. */
const place = (rows, fixed, data) => {
  const size = rows.length;
  let bit = 0;
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    for (let step = 0; step < size; step += 1) {
      for (const x of [right, right - 1]) {
        const y = ((right + 1) & 2) === 0 ? size - 1 - step : step;
        if (!fixed[y][x] && bit < data.length * 8) {
          rows[y][x] = ((data[bit >> 3] >> (7 - (bit & 7))) & 1) === 1;
          bit += 1;
        }
      }
    }
  }
};

const penalty = (rows) => {
  const size = rows.length;
  const lines = [...rows, ...rows.map((_, x) => rows.map((row) => row[x]))].map((line) => line.map(Number).join(""));
  const back = [...FINDER].reverse().join("");
  let cost = 0;
  for (const line of lines) {
    for (const run of line.match(/0{5,}|1{5,}/g) ?? []) cost += run.length - 2;
    for (let at = 0; at + 11 <= size; at += 1) {
      const part = line.slice(at, at + 11);
      if (part === FINDER || part === back) cost += 40;
    }
  }
  let dark = 0;
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      dark += rows[y][x];
      if (x && y && rows[y][x] === rows[y][x - 1] && rows[y][x] === rows[y - 1][x] && rows[y][x] === rows[y - 1][x - 1]) cost += 3;
    }
  }
  return cost + 10 * Math.floor(Math.abs((20 * dark) / (size * size) - 10));
};

/** The symbol as the path of an SVG, one unit a module, from (border, border). */
export const pathOf = (rows, border) => rows.map((row, y) => {
  let path = "";
  for (let x = 0; x < row.length; x += 1) {
    if (!row[x]) continue;
    const start = x;
    while (row[x + 1]) x += 1;
    path += `M${start + border} ${y + border}h${x - start + 1}v1h-${x - start + 1}z`;
  }
  return path;
}).join("");
