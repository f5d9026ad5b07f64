/* The signed rules as this phone knows them: read, merged with what changed since, and asked for one pass. */

import { newRecord } from "./decide.js";

const EPOCH = Date.UTC(2020, 0, 1);
const STATES = new Set(["a", "h", "r", "p"]);
const MOST_DELTAS = 200_000; // characters; then they become one with the rest

const number = (text) => (text === "" ? null : Number.parseInt(text, 16));
const moment = (seconds) => (seconds === null ? null : EPOCH + seconds * 1000);

export class Rules {
  #lines = new Map(); // pass → [line, windows]
  head = null;

  /** What is to be kept on the phone: {head, parts: [{passes, windows}, …]}. */
  parts = [];

  static from(kept) {
    const rules = new Rules();
    if (!kept) return rules;
    rules.head = kept.head;
    for (const part of kept.parts) rules.#read(part);
    rules.parts = kept.parts;
    return rules;
  }

  /** A verified document: all of it, or what changed since the one before. */
  take(document) {
    const { passes, windows, ...head } = document;
    if (head.full) {
      this.#lines.clear();
      this.parts = [];
    }
    this.head = head;
    if (!passes) return;
    this.#read({ passes, windows });
    this.parts.push({ passes, windows });
    if (this.parts.slice(1).reduce((sum, part) => sum + part.passes.length, 0) > MOST_DELTAS) this.#join();
  }

  get isThere() { return this.head !== null; }
  get cursor() { return this.head?.cursor || ""; }
  get kept() { return { head: this.head, parts: this.parts }; }
  get zones() { return new Map(this.head.zones.map((zone) => [zone.id, zone])); }
  get issuers() { return new Map(this.head.issuers.map((issuer) => [issuer.id, issuer])); }
  gate(id) { return this.head.gates.find((gate) => gate.id === id) || null; }

  /** Of the pass that this token names: as it was when the rules were made. */
  record(token) {
    const found = this.#lines.get(token.uid);
    if (!found) return newRecord(token);
    const [line, windows] = found;
    const [, state, uses, most, zone, last, issuer, window_, used, no] = line.split(",");
    if (!STATES.has(state)) throw new Error("These rules are of another version.");
    const [from, until] = windows[number(window_)];
    return {
      program: token.program, state, uses: number(uses) || 0, most: number(most), zone: number(zone), last: moment(number(last)),
      from: moment(from), until: moment(until), issuer: number(issuer), used: used === "1", number: number(no),
    };
  }

  #read({ passes, windows }) {
    for (const line of passes.split(";")) this.#lines.set(line.slice(0, line.indexOf(",")), [line, windows]);
  }

  #join() {
    const windows = [];
    const passes = [...this.#lines.values()].map(([line, own]) => {
      const parts = line.split(",");
      const window_ = own[number(parts[7])];
      let at = windows.findIndex((one) => one[0] === window_[0] && one[1] === window_[1]);
      if (at < 0) at = windows.push(window_) - 1;
      parts[7] = at.toString(16);
      return parts.join(",");
    }).join(";");
    this.parts = [{ passes, windows }];
    this.#lines.clear();
    this.#read(this.parts[0]);
  }
}
