/* One scan from its text to its verdict. The code and its nonce are kept until there is an answer, so that a
   lost reply, a reload or a steward who gave up never make two admissions of one. */

import { deliver, newNonce } from "./api.js";
import { forget, keep, read } from "./store.js";

const REMEMBER = 10 * 60_000; // ms that a scan without an answer keeps its nonce
const PENDING = "pending";

export class Scanner {
  #unanswered = new Map();
  #now = null;

  /** The scan that waits for its answer, or null. */
  get pending() { return this.#now; }

  /** Resolves to the verdict. Raises Refused, and AbortError where the steward gave up. */
  async check({ text, gateId, way, override = "", onTrouble }) {
    const name = JSON.stringify([text, gateId, way, override]);
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
    return this.#send(before, JSON.stringify([before.text, before.gate_id, before.way, before.override]), onTrouble);
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
      const { gate_id, text, nonce, way, override } = scan;
      const verdict = await deliver("/redemptions", { gate_id, text, nonce, way, override }, { signal: stop.signal, onTrouble });
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
}
