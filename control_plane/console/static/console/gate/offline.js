/* This phone by itself: rules, lent places and a journal, so that a gate goes on without the network. It decides
   while the server does not answer, and until all that it decided is handed in. */

import { ask, newNonce, NoAnswer, Refused } from "./api.js";
import { decide } from "./decide.js";
import { Journal } from "./journal.js";
import { dropState, keepState, readState } from "./kept.js";
import { Lease } from "./lease.js";
import { Rules } from "./rules.js";
import { canVerify, verifyDocument, verifyPass } from "./signature.js";
import { isStale } from "./stale.js";
import { parse, withoutCode } from "./token.js";

const SKEW = 120_000; // ms; more is too much to say when something happened
const RENEW = 20_000;
const TIGHT = 1000; // ms between two renewals because a zone is full by places that are lent
const ROOM = 3000; // ms that others have to give theirs back

const SENTENCES = {
  ok: "Admitted.", bad_signature: "This code was not made by us, or was altered. Do not admit.", revoked: "This pass was cancelled.",
  stale: "This code is old. The pass has to be shown on its own phone, not as a picture.",
  not_yet_valid: "This pass is not valid yet.", expired: "This pass is no longer valid.", closed: "Outside of the opening hours.",
  held: "This pass is on hold. A supervisor decides.", already_used: "This pass was used already.", not_inside: "This pass is not inside.",
  issuer_inactive: "Whoever issued this pass is switched off today.", wrong_gate: "This pass is for another event or area.",
  full: "No place is left that this phone may fill by itself.", unknown: "This code is no pass of ours.",
};

export class Offline {
  #rules = new Rules();
  #journal = new Journal();
  #lease = new Lease();
  #device = null;
  #hooks;
  #busy = Promise.resolve();
  #next = null; // the turn that has not begun
  #tight = 0;
  #trouble = "";
  #untold = [];
  #lost = null; // since when nothing is answered

  /** onChange(), onAnswers([[entry, answer]]), onZones(zones), onRefused(error) where the key is refused. */
  constructor(hooks) {
    this.#hooks = hooks;
  }

  async load() {
    await Promise.all([this.#journal.load(), this.#lease.load()]);
    this.#rules = Rules.from(await readState("rules"));
    this.#lost = (await readState("lost")) || null;
    setInterval(() => { if (this.waiting) this.sync(); }, 2000);
    setInterval(() => { if (!document.hidden && !this.#lost) this.sync(); }, RENEW);
  }

  /** The device as the server knows it, or as this phone remembers it. */
  async use(device) {
    const changed = this.#device?.id !== device.id;
    this.#device = device;
    if (this.#rules.isThere && this.#rules.head.device !== device.id) await this.#drop();
    if (changed) this.sync();
  }

  /** The device is unpaired. What was not handed in stays, for when the phone is paired again. */
  async leave() {
    this.#device = null;
    this.#lost = null;
    await Promise.all([this.#drop(), dropState("lost")]);
  }

  get since() { return this.#lost; }
  get waiting() { return this.entries.length; }
  get entries() { return this.#journal.waiting.filter((entry) => this.isOurs(entry)); }
  net(zone) { return this.#journal.net(zone); }

  /** What is written beside an entry or a count, so that no other program's device ever hands it in. */
  mark(zone) { return { device: this.#device?.id ?? null, program: this.#rules.head?.program.id ?? null, zone }; }

  /** Whether this device may hand it in: what has no mark is from before there were any. */
  isOurs({ device, program, zone }) {
    if (!device) return true;
    if (!this.#device) return false;
    return device === this.#device.id || Boolean(program && program === this.#rules.head?.program.id) || this.#device.zones.some((one) => one.id === zone);
  }

  get isDeciding() { return Boolean(this.#lost || this.waiting) && !this.obstacle(); }

  /** Whether the server answered just now. */
  heard(answered) {
    if (!answered === Boolean(this.#lost) || !this.#device) return;
    this.#lost = answered ? null : Date.now();
    if (this.#lost) keepState("lost", this.#lost).catch(() => {});
    else {
      dropState("lost").catch(() => {});
      this.sync();
    }
    this.#hooks.onChange();
  }

  /** Why this phone cannot decide by itself now, or "". */
  obstacle() {
    if (!canVerify()) return "This phone can decide by itself only where the page is opened with https://.";
    if (this.#trouble) return this.#trouble;
    if (!this.#rules.isThere) return "This phone has no rules to go by yet: it needs the network once.";
    const now = Date.now();
    if (now > Date.parse(this.#rules.head.valid_until)) return "This phone was offline for more than a day: its rules are too old to go by.";
    if (now < Date.parse(this.#rules.head.issued_at) - SKEW) return "This phone's clock went back. Set it to the right time.";
    return "";
  }

  /** Places that are left at a gate, of the zone around it that has the fewest; null where none is counted. */
  left(gate) {
    if (!this.#rules.isThere) return null;
    const zones = this.#rules.zones;
    const path = zones.get(gate.zone_id)?.path || [];
    const counted = path.filter((id) => zones.get(id).capacity !== null).map((id) => this.#places(id));
    return counted.length ? Math.max(0, Math.min(...counted)) : null;
  }

  /** A scan, decided and written down here; the verdict as the server would write it. Raises NoAnswer where
      this phone cannot say. */
  async scan({ text, gateId, way = "", override = "", nonce = newNonce() }) {
    const at = this.#now();
    const known = this.#journal.of(nonce);
    if (known) return this.#verdict(known, { mayOverride: false }, known.after, null);
    const gate = this.#gate(gateId);
    const [said, token] = await this.#read(text);
    if (said === "network") throw new NoAnswer("This program's codes need the network.");
    const record = token && this.#journal.after(token.uid, this.#rules.record(token));
    const { program } = this.#rules.head;
    const stale = Boolean(token && !said && token.program === program.id && program.rotating) && await isStale(text, token, program.rotating, at);
    const found = decide({ said, stale, record, gate, way, override, at }, this.#world());
    const before = token && !said && [found.reason, found.refusedAs].includes("already_used") ? this.#earlier(token.uid, record) : null;
    const entry = {
      nonce, text, gate_id: gateId, gate: this.#name(gateId), way, override, at, admitted: found.reason === "ok", reason: found.reason,
      refused_as: found.refusedAs, direction: found.direction, uid: token && !said ? token.uid : "", number: record?.number ?? null,
      sentence: SENTENCES[found.reason], ins: found.ins, outs: found.outs, after: found.after, sent: 0, ...this.mark(gate.zone_id),
    };
    await this.#journal.add(entry);
    this.#hooks.onChange();
    return this.#verdict(entry, found, record, before);
  }

  /** +1 or −1 for people without a pass. False where no place is left. Raises NoAnswer as `scan` does. */
  async count(gateId, delta) {
    const gate = this.#gate(gateId);
    const path = this.#rules.zones.get(gate.zone_id).path;
    if (delta > 0 && this.left(gate) === 0) return false;
    await this.#journal.add({
      nonce: newNonce(), text: "", gate_id: gateId, gate: this.#name(gateId), way: "", override: "", at: this.#now(), admitted: true, reason: "ok", refused_as: "",
      direction: delta > 0 ? "in" : "out", uid: "", number: null, delta, ins: delta > 0 ? path : [], outs: delta < 0 ? path : [], after: null, sent: 0, ...this.mark(gate.zone_id),
    });
    this.#hooks.onChange();
    return true;
  }

  /** The server's verdict of a scan: not in the rules before they come again. */
  async learn({ text, nonce, gateId, way, verdict }) {
    if (!verdict.admitted) return;
    // It may be missing in the rules that are on their way.
    if (!this.#rules.isThere) return void this.#untold.push({ text, nonce, gateId, way, verdict });
    const gate = this.#rules.gate(gateId);
    const [said, token] = await this.#read(text);
    if (said || !gate || !verdict.found) return;
    const record = this.#journal.after(token.uid, this.#rules.record(token));
    const { found } = verdict;
    const out = verdict.direction === "out";
    const zone = out ? this.#rules.zones.get(gate.zone_id).path.at(-2) ?? null : gate.zone_id;
    const until = found.valid_until ? Date.parse(found.valid_until) : null;
    const after = { ...record, uses: found.uses, used: found.uses > 0, zone, until, last: out ? record.last : Date.parse(verdict.at), number: found.number };
    await this.#journal.add({
      nonce, text: "", gate_id: gateId, gate: this.#name(gateId), way, override: "", at: Date.parse(verdict.at), admitted: true, reason: "ok", refused_as: "",
      direction: verdict.direction, uid: token.uid, number: found.number, ins: [], outs: [], after, sent: Date.now(),
    });
  }

  /** Hands in what waits, then renews rules and places. One at a time; on a slow network there is one more in line,
      not one for each time that it was asked for. */
  sync() {
    this.#next ??= this.#inTurn(() => {
      this.#next = null;
      return this.#sync();
    }).catch((error) => {
      if (error instanceof Refused && error.status === 401) this.#hooks.onRefused(error);
      else if (error instanceof Refused && error.field === "now") this.#say(error.message);
      // The rules that are here stay good; the next turn asks again.
      else if (error instanceof Refused) console.warn(error.message);
      else if (!(error instanceof NoAnswer)) throw error;
    });
    return this.#next;
  }

  /** Hands in what waits and nothing else: before the phone is unpaired, or with a key that is refused elsewhere. */
  async handInLast() {
    try {
      await this.#inTurn(async () => { while (await this.#handIn()); });
    } catch (error) {
      if (!(error instanceof NoAnswer || error instanceof Refused)) throw error;
    }
  }

  /** A zone is full only by places that are lent: gives back what is not needed. */
  zonesChanged(zones) {
    if (!this.#lease.isAny || this.waiting || this.#lost || !zones.some(isTight) || Date.now() - this.#tight < TIGHT) return;
    this.#tight = Date.now();
    this.sync();
  }

  /** After a refusal as full: waits until there is room after all. False where there is none. */
  async makeRoom(zones) {
    if (!zones.some(isTight) || zones.some((zone) => zone.capacity !== null && zone.inside >= zone.capacity)) return false;
    for (const until = Date.now() + ROOM; Date.now() < until;) {
      const now = await this.#busy.then(() => this.#lease.renew(ask));
      this.#hooks.onZones(now);
      const mine = now.filter((zone) => zones.some((one) => one.id === zone.id));
      if (!mine.some((zone) => zone.capacity !== null && zone.inside + zone.leased >= zone.capacity)) return true;
      await new Promise((done) => setTimeout(done, 400));
    }
    return false;
  }

  /** After what is under way. A turn that fails does not stop those after it. */
  #inTurn(work) {
    const turn = this.#busy.then(work);
    this.#busy = turn.catch(() => {});
    return turn;
  }

  async #sync() {
    if (!this.#device) return;
    while (await this.#handIn());
    if (!canVerify() || !this.#device) return;
    await this.#renewRules();
    if (!this.#device || this.#trouble || this.waiting) return;
    this.#hooks.onZones(await this.#lease.renew(ask));
    this.#hooks.onChange();
  }

  async #handIn() {
    const taken = await this.#journal.handIn(ask, this.#now(), (entries, places) => this.#lease.settle(entries, places), (entry) => this.isOurs(entry));
    if (!taken) return false;
    this.#hooks.onZones(taken.zones);
    this.#hooks.onAnswers(taken.pairs);
    this.#hooks.onChange();
    return true;
  }

  async #renewRules() {
    const asked = Date.now();
    const device = this.#device;
    const answer = await ask("GET", `/snapshot?since=${encodeURIComponent(this.#rules.cursor)}`, undefined, { within: 20_000 });
    const isSigned = await verifyDocument(answer, device.signing_keys || []);
    if (this.#device?.id !== device.id) return; // unpaired meanwhile: these rules are another device's
    if (!isSigned) return this.#say("The rules that came were not signed by a key that this phone knows.");
    const document = JSON.parse(answer.body);
    const skew = Date.parse(document.issued_at) - (asked + Date.now()) / 2;
    if (Math.abs(skew) > SKEW) {
      const minutes = Math.round(Math.abs(skew) / 60_000);
      return this.#say(`This phone's clock is ${minutes} minutes ${skew > 0 ? "slow" : "fast"}: without the network it cannot decide. Set it to the right time.`);
    }
    this.#rules.take({ ...document, skew });
    await keepState("rules", this.#rules.kept);
    await this.#journal.forget(asked);
    for (const one of this.#untold.splice(0)) await this.learn(one);
    this.#say("");
  }

  #say(trouble) {
    if (this.#trouble === trouble) return;
    this.#trouble = trouble;
    this.#hooks.onChange();
  }

  async #drop() {
    this.#rules = new Rules();
    await Promise.all([this.#lease.drop(), dropState("rules")]);
  }

  async #read(text) {
    let token;
    try {
      token = parse(withoutCode(text));
    } catch {
      return ["unknown", null];
    }
    return [await verifyPass(token, this.#rules.head.keys, this.#rules.head.workspace), token];
  }

  #gate(id) {
    const gate = this.#rules.isThere && this.#rules.gate(id);
    if (!gate) throw new NoAnswer("This phone has no rules for this gate: it needs the network once.");
    return gate;
  }

  #world() {
    return { program: this.#rules.head.program, zones: this.#rules.zones, issuers: this.#rules.issuers, left: (zone) => this.#places(zone) };
  }

  /** By the server's clock, as far as this phone knows it: codes that change are told apart by seconds. */
  #now() { return Date.now() + Math.round(this.#rules.head?.skew || 0); }
  #places(zone) { return this.#lease.places(zone) - this.#journal.net(zone); }
  #name(gateId) { return this.#device?.gates.find((gate) => gate.id === gateId)?.name || ""; }

  #earlier(uid, record) {
    const here = this.#journal.earlier(uid);
    if (here) return { at: here.at, gate: here.gate, device: "this phone" };
    return record.last === null ? null : { at: record.last, gate: null, device: null };
  }

  #verdict(entry, found, record, earlier) {
    return {
      attempt_id: null, nonce: entry.nonce, offline: true, admitted: entry.admitted, reason: entry.reason,
      sentence: entry.admitted && entry.direction === "out" ? "Left." : SENTENCES[entry.reason], may_override: found.mayOverride, refused_as: entry.refused_as,
      direction: entry.direction, at: new Date(entry.at).toISOString(), earlier, zones: [],
      found: record && entry.uid ? { number: record.number, uid: entry.uid, uses: record.uses, holder: {}, valid_from: record.from, valid_until: record.until } : null,
    };
  }
}

/** Somebody would find it full, and it is not. */
const isTight = (zone) => zone.capacity !== null && zone.leased > 0 && zone.inside < zone.capacity && zone.inside + zone.leased >= zone.capacity;
