/* One scan from its text to its verdict. The code and its nonce are kept until there is an answer, so that a
   lost reply, a reload or a steward who gave up never make two admissions of one. */

import { ask, deliver, newNonce, NoAnswer } from "./api.js";
import { forget, keep, read } from "./store.js";
import { withoutCode } from "./token.js";

const REMEMBER = 10 * 60_000; // ms that a scan without an answer keeps its nonce
const PENDING = "pending";
const WITHIN = 3000; // ms that somebody at a gate is kept waiting, where the phone can decide by itself

const carName = (plate, gateId, way) => JSON.stringify(["plate", plate.toUpperCase().replace(/[^\p{L}\p{N}]/gu, ""), gateId, way]);
/** The same person again, also where their code has changed meanwhile. */
const nameOf = (text, gateId, way, override) => JSON.stringify([withoutCode(text), gateId, way, override]);

export class Scanner {
  #unanswered = new Map();
  #now = null;
  #decide;

  /** decide(scan, tried): the phone's own verdict, or null where the server has to say. */
  constructor({ decide }) {
    this.#decide = decide;
  }

  /** The scan that waits for its answer, or null. */
  get pending() { return this.#now; }

  /** Resolves to the verdict. Raises Refused, and AbortError where the steward gave up. */
  async check({ text, gateId, way, override = "", onTrouble }) {
    const name = nameOf(text, gateId, way, override);
    return this.#send({ text, gate_id: gateId, way, override, nonce: this.#nonce(name), at: Date.now() }, name, onTrouble);
  }

  /** What the page was waiting for when it was closed, if that is not long ago. */
  async left() {
    const before = await read(PENDING);
    if (before && Date.now() - before.at < REMEMBER) return before;
    if (before) await forget(PENDING);
    return null;
  }

  /** A car by its plate. Resolves to how it was counted. Raises as `check` does. */
  async car({ plate, gateId, way, onTrouble }) {
    const name = carName(plate, gateId, way);
    return this.#send({ plate, gate_id: gateId, way, nonce: this.#nonce(name), at: Date.now() }, name, onTrouble);
  }

  resume(before, onTrouble) {
    const { text, plate, gate_id: gateId, way, override } = before;
    return this.#send(before, plate ? carName(plate, gateId, way) : nameOf(text, gateId, way, override), onTrouble);
  }

  giveUp() {
    this.#now?.stop.abort();
  }

  /** The one of before, where that was not answered. */
  #nonce(name) {
    const before = this.#unanswered.get(name);
    return before && Date.now() - before.at < REMEMBER ? before.nonce : newNonce();
  }

  async #send(scan, name, onTrouble) {
    const stop = new AbortController();
    this.#now = { ...scan, stop };
    this.#unanswered.set(name, { nonce: scan.nonce, at: scan.at });
    keep(PENDING, scan).catch(() => {});
    try {
      const verdict = (await this.#decide(scan, false)) || (await this.#answer(scan, stop.signal, onTrouble));
      this.#unanswered.delete(name);
      return verdict;
    } catch (error) {
      if (error.name !== "AbortError") this.#unanswered.delete(name);
      throw error;
    } finally {
      this.#now = null;
      forget(PENDING).catch(() => {});
    }
  }

  async #answer(scan, signal, onTrouble) {
    const { gate_id, text, plate, nonce, way, override } = scan;
    const [path, body] = plate
      ? ["/plates", { gate_id, plate, nonce, direction: way || "auto" }]
      : ["/redemptions", { gate_id, text, nonce, way, override }];
    try {
      return await ask("POST", path, body, { signal, within: WITHIN });
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      const own = await this.#decide(scan, true);
      if (own) return own;
      onTrouble(error, 1);
      return deliver(path, body, { signal, onTrouble: (again, turn) => onTrouble(again, turn + 1) });
    }
  }
}
