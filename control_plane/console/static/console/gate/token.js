/* A pass's code, read as edge/token.py reads it: Base45, Base32 in any case, or an address that ends in
   /t/<Base32>. Nothing in it is to be believed before its signature was verified. Pure. */

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const PAYLOAD = 28;
const SIZES = [PAYLOAD + 16, PAYLOAD + 64];
const BASE45_LENGTHS = SIZES.map((size) => (size / 2) * 3);
const BASE32_LENGTHS = SIZES.map((size) => Math.ceil((size * 8) / 5));
const MOST = 2048;
const EPOCH = Date.UTC(2020, 0, 1);
const NO_END = 0xffffff;
// What Python strips.
const EDGES = /^[\s\x1c-\x1f\x85]+|[\s\x1c-\x1f\x85]+$/g;
const WEB = /^https?:\/\/[^\s/?#]+((?:\/[^?#]*)?)(?:[?#].*)?$/is;

// With a code that changes behind it (passes/rotating.py); one less where a scanner swallowed the space in front.
const WITH_CODE = [74, 73, 146, 145];
const CODE = 8;

export class NotAToken extends Error {}

const changes = (text) => WITH_CODE.includes(text.length) && !/^http/i.test(text);

/** What stays the same of a code that changes; any other text as it is. */
export const withoutCode = (given) => {
  const text = given.replace(EDGES, "");
  return changes(text) ? text.slice(0, -CODE) : given;
};

/** The part of it that changes, or "". */
export const changingCode = (given) => {
  const text = given.replace(EDGES, "");
  return changes(text) ? text.slice(-CODE) : "";
};

/** {key, workspace, kind, program, uid, from, until, payload, signature}; times in ms or null. Raises NotAToken. */
export const parse = (given) => {
  const text = given.replace(EDGES, "");
  const web = WEB.exec(text);
  const data = web && text.length <= MOST ? fromPath(web[1]) : fromText(text);
  const view = new DataView(data.buffer);
  const kind = view.getUint8(7);
  if (view.getUint8(0) !== 1 || kind < 1 || kind > 3) throw new NotAToken("This is no pass that this version of scanway knows.");
  const minutes = (at) => (view.getUint16(at) << 8) | view.getUint8(at + 2);
  const [first, last] = [minutes(22), minutes(25)];
  return {
    key: view.getUint16(1), workspace: view.getUint32(3), kind, program: view.getUint32(8), uid: base64url(data.subarray(12, 22)),
    from: first === 0 ? null : EPOCH + first * 60_000, until: last === NO_END ? null : EPOCH + last * 60_000,
    payload: data.subarray(0, PAYLOAD), signature: data.subarray(PAYLOAD),
  };
};

const fromPath = (path) => {
  const parts = path.split("/");
  if (parts.length < 3 || !["t", "T"].includes(parts.at(-2)) || !BASE32_LENGTHS.includes(parts.at(-1).length)) throw new NotAToken("This is a web link, not a pass.");
  return fromBase32(parts.at(-1));
};

const fromText = (text) => {
  if (BASE32_LENGTHS.includes(text.length)) return fromBase32(text);
  // A space at the front is part of some codes, and what stripped the others took that too.
  const whole = BASE45_LENGTHS.includes(text.length + 1) ? ` ${text}` : text;
  if (!BASE45_LENGTHS.includes(whole.length)) throw new NotAToken("This is not the code of a pass, or not all of it.");
  const data = new Uint8Array((whole.length / 3) * 2);
  for (let at = 0; at < whole.length; at += 3) {
    const [a, b, c] = [0, 1, 2].map((step) => ALPHABET.indexOf(whole[at + step]));
    const number = a + 45 * b + 2025 * c;
    if (Math.min(a, b, c) < 0 || number > 0xffff) throw new NotAToken("This is not the code of a pass.");
    data[(at / 3) * 2] = number >> 8;
    data[(at / 3) * 2 + 1] = number & 0xff;
  }
  return data;
};

const fromBase32 = (text) => {
  const data = new Uint8Array(Math.floor((text.length * 5) / 8));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const letter of text) {
    // Some letters outside ASCII have upper-case forms within it.
    const digit = letter > "\x7f" ? -1 : BASE32.indexOf(letter.toUpperCase());
    if (digit < 0) throw new NotAToken("This is not the code of a pass.");
    held = ((held << 5) | digit) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      data[at++] = (held >> bits) & 0xff;
    }
  }
  if (held & ((1 << bits) - 1)) throw new NotAToken("This is not the code of a pass.");
  return data;
};

export const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
export const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
