/* One scan from its text to its verdict. The code and its nonce are kept until there is an answer, so that a
   lost reply, a reload or a steward who gave up never make two admissions of one. */

import { ask, deliver, newNonce, NoAnswer } from "./api.js";
import { forget, keep, read } from "./store.js";
import { withoutCode } from "./token.js";

const REMEMBER = 10 * 60_000; // ms that a scan without an answer keeps its nonce
const PENDING = "pending";
const WITHIN = 3000; // ms that somebody at a gate is kept waiting, where the phone can decide by itself

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
    const before = this.#unanswered.get(name);
    const fresh = before && Date.now() - before.at < REMEMBER;
    return this.#send({ text, gate_id: gateId, way, override, nonce: fresh ? before.nonce : newNonce(), at: Date.now() }, name, onTrouble);
  }

  /** What the page was waiting for when it was closed, if that is not long ago. */
  async left() {
    const before = await read(PENDING);
    if (before && Date.now() - before.at < REMEMBER) return before;
    if (before) await forget(PENDING);
    return null;
  }

  resume(before, onTrouble) {
    return this.#send(before, nameOf(before.text, before.gate_id, before.way, before.override), onTrouble);
  }

  giveUp() {
    this.#now?.stop.abort();
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

  async #answer({ gate_id, text, nonce, way, override }, signal, onTrouble) {
    const body = { gate_id, text, nonce, way, override };
    try {
      return await ask("POST", "/redemptions", body, { signal, within: WITHIN });
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      const own = await this.#decide(body, true);
      if (own) return own;
      onTrouble(error, 1);
      return deliver("/redemptions", body, { signal, onTrouble: (again, turn) => onTrouble(again, turn + 1) });
    }
  }
}
