/* The part of the code that changes: the same as in passes/rotating.py. It needs no network. */

export const STEP = 15; // seconds
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/** Where the browser lets a page compute keyed hashes: over https, and on this machine. */
export const available = () => Boolean(globalThis.crypto?.subtle);

export const stepOf = (ms) => Math.floor(ms / 1000 / STEP);

export const keyOf = (hex) => {
  const bytes = Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
};

const base45 = (bytes) => {
  let text = "";
  for (let at = 0; at < bytes.length; at += 2) {
    const pair = at + 1 < bytes.length;
    let number = pair ? bytes[at] * 256 + bytes[at + 1] : bytes[at];
    for (let left = pair ? 3 : 2; left > 0; left -= 1) {
      text += ALPHABET[number % 45];
      number = Math.floor(number / 45);
    }
  }
  return text;
};

export const codeOf = async (key, step) => {
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, BigInt(step));
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, counter.buffer));
  return base45(mac.subarray(0, 5));
};
