/* Whether a code that changes has passed: the same check as passes/rotating.py, with the program's secret, out of
   which each pass has its own. */

import { codeOf, keyOf, stepOf } from "../holder/rotating.js";
import { changingCode, fromBase64 } from "./token.js";

const DOMAIN = new TextEncoder().encode("scanway rotating pass 1\0");
const SKEW = 1; // steps before and after, that are accepted too

const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

const passKey = async (secret, uid) => {
  const id = fromBase64(uid.replaceAll("-", "+").replaceAll("_", "/"));
  const message = new Uint8Array([...DOMAIN, ...id]);
  return keyOf(hex(new Uint8Array(await crypto.subtle.sign("HMAC", await keyOf(secret), message))));
};

/** `secret` of the program, in hexadecimal; `at` in ms. A text without a code is stale. */
export const isStale = async (text, token, secret, at) => {
  const given = changingCode(text);
  if (!given) return true;
  const key = await passKey(secret, token.uid);
  const now = stepOf(at);
  for (let step = Math.max(0, now - SKEW); step <= now + SKEW; step += 1) if (await codeOf(key, step) === given) return false;
  return true;
};
