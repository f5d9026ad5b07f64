/* What this phone decided, in its order. An entry stays until the server has answered for it, and its effect until
   rules came that have it in them. */

import { Refused } from "./api.js";
import { addEntry, dropEntries, putEntries, readJournal } from "./kept.js";

const LONGEST = 2048; // characters of a code; a longer one is none of ours
const CHUNK = 150;

/** The server stores neither NUL nor half of a surrogate pair, and refuses all that comes with one. Another letter
    stands in: without it, the text might become somebody's code. */
const storable = (text) => text.replace(/[\0\p{Surrogate}]/gu, "\ufffd");

export class Journal {
  #entries = [];
  #chunk = CHUNK;

  async load() {
    this.#entries = await readJournal();
  }

  /** Not yet handed in, oldest first. */
  get waiting() { return this.#entries.filter((entry) => !entry.sent); }
  get all() { return this.#entries; }

  async add(entry) {
    const kept = await addEntry({ ...entry, text: storable((entry.text || "").slice(0, LONGEST)), override: storable(entry.override || "") });
    this.#entries.push(kept);
    return kept;
  }

  /** What the server says of the next entries: {pairs: [[entry, answer], …], zones}; null where nothing waits.
      now: by the clock of the entries. settle(entries, places) before they count as handed in. isOurs(entry): only
      those. */
  async handIn(ask, now, settle, isOurs) {
    const part = this.waiting.filter(isOurs).slice(0, this.#chunk);
    if (!part.length) return null;
    let answer;
    try {
      answer = await ask("POST", "/journal", { now: new Date(now).toISOString(), entries: part.map(asSent) }, { within: 20_000 });
      await settle(part, answer.places);
    } catch (error) {
      if (!(error instanceof Refused && [413, 422].includes(error.status)) || error.field === "now") throw error;
      // One that cannot be taken is looked for by halves, so that it stops none of the others.
      if (part.length > 1) {
        this.#chunk = Math.ceil(part.length / 2);
        return this.handIn(ask, now, settle, isOurs);
      }
      answer = { data: [{ state: "not_taken", sentence: error.message }], zones: [] };
    }
    if (this.#chunk === 1) this.#chunk = CHUNK;
    const sent = Date.now();
    for (const entry of part) entry.sent = sent;
    await putEntries(part);
    return { pairs: part.map((entry, index) => [entry, answer.data[index]]), zones: answer.zones };
  }

  /** Rules came that were asked for at this time: what had been sent before is in them. */
  async forget(asked) {
    const old = this.#entries.filter((entry) => entry.sent && entry.sent < asked);
    if (!old.length) return;
    this.#entries = this.#entries.filter((entry) => !old.includes(entry));
    await dropEntries(old.map((entry) => entry.seq));
  }

  /** The pass's record with what happened here since the rules were made. */
  after(uid, record) {
    const last = this.#entries.findLast((entry) => entry.uid === uid && entry.after);
    if (!last) return record;
    const { uses, zone, last: at, until, used, number } = last.after;
    return { ...record, uses: Math.max(uses, record.uses), zone, last: at, until, used, number: record.number ?? number };
  }

  /** The entry of this scan, if it was decided here. */
  of(nonce) {
    return this.waiting.find((entry) => entry.nonce === nonce) || null;
  }

  /** When and where it was last admitted here. */
  earlier(uid) {
    return this.#entries.findLast((entry) => entry.uid === uid && entry.admitted && entry.direction === "in") || null;
  }

  /** How many more went into the zone than left it, of what was not handed in. */
  net(zone) {
    let sum = 0;
    for (const entry of this.waiting) sum += entry.ins.includes(zone) - entry.outs.includes(zone);
    return sum;
  }
}

const asSent = (entry) => ({
  nonce: entry.nonce, gate_id: entry.gate_id, at: new Date(entry.at).toISOString(), text: entry.text, way: entry.way, admitted: entry.admitted,
  reason: entry.admitted ? null : entry.reason, override: entry.override, delta: entry.delta || null,
});
