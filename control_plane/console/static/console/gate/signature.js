/* Ed25519, by @noble/ed25519, strictly as RFC 8032 has it. The hash is the browser's, which offers it on safe
   addresses only: the same that keep an app for the time without a network. */

import { verifyAsync } from "../../vendor/noble-ed25519/index.js";
import { fromBase64 } from "./token.js";

const PASS = new TextEncoder().encode("scanway pass 1\0");
const DOCUMENT = new TextEncoder().encode("scanway document 1\0snapshot\0");
const STRICT = { zip215: false };

export const canVerify = () => Boolean(globalThis.crypto?.subtle);

const joined = (...parts) => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

const isGenuine = async (signature, message, key) => {
  try {
    return await verifyAsync(signature, message, key, STRICT);
  } catch {
    return false;
  }
};

/** "" where a key of ours signed it, else bad_signature, revoked, or network: this device cannot tell.
    keys: [{number, algorithm, state, public}], all of the workspace. */
export const verifyPass = async (token, keys, workspace) => {
  const key = keys.find((one) => one.number === token.key);
  if (!key || token.workspace !== workspace) return "bad_signature";
  if (key.algorithm !== "ed25519") return "network";
  if (token.signature.length !== 64) return "bad_signature";
  if (!await isGenuine(token.signature, joined(PASS, token.payload), fromBase64(key.public))) return "bad_signature";
  if (key.state === "revoked") return "revoked";
  return key.state === "active" || key.state === "verify_only" ? "" : "bad_signature";
};

/** Whether one of the pinned keys ([{number, public}]) signed the document {body, key, signature}. */
export const verifyDocument = async (answer, pinned) => {
  const key = pinned.find((one) => one.number === answer.key);
  return Boolean(key) && isGenuine(fromBase64(answer.signature), joined(DOCUMENT, new TextEncoder().encode(answer.body)), fromBase64(key.public));
};
