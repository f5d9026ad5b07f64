/* The answer to a scan, over the whole screen. */

import { h } from "../rules/dom.js";
import * as sound from "./sound.js";
import { ago, grouped, moment } from "./words.js";

const SHOWN = { ok: 1500, refused: 4000 };
const at = (id) => document.getElementById(id);

/** Its number, where that is known: it is not in the code. */
export const passName = ({ number, uid }) => (number === null ? `Pass ·${uid.slice(-4)}` : `Pass no. ${grouped(number)}`);

/** What is said of a verdict: {kind, word, sentence, lines: [[text, class]]}. Pure. */
export const describe = (verdict, { now }) => {
  const kind = verdict.admitted ? "ok" : "refused";
  const lines = [];
  const { found, earlier, plate } = verdict;
  if (plate) lines.push([plate.toUpperCase(), "strong"], ...(verdict.number ? [[`Pass no. ${grouped(verdict.number)}`]] : []));
  if (verdict.refused_as) lines.push([`Admitted by a supervisor. Refused before: ${verdict.refused_as.replaceAll("_", " ")}.`]);
  if (earlier) {
    const where = [earlier.gate && `at ${earlier.gate}`, earlier.device && `by ${earlier.device}`].filter(Boolean).join(", ");
    lines.push([`Used ${moment(earlier.at, now)}${where && ` ${where}`}, ${ago(earlier.at, now)}`, "strong"]);
  }
  if (verdict.reason === "not_yet_valid" && found?.valid_from) lines.push([`Valid from ${moment(found.valid_from, now)}`, "strong"]);
  if (verdict.reason === "expired" && found?.valid_until) lines.push([`Valid until ${moment(found.valid_until, now)}`, "strong"]);
  if (found) {
    const person = [found.holder.name, found.holder.plate].filter(Boolean).join(" · ");
    if (person) lines.push([person, "strong"]);
    lines.push([passName(found), person ? "" : "strong"]);
    for (const [name, value] of Object.entries(found.holder.fields || {})) lines.push([`${name}: ${value}`]);
  }
  const zone = verdict.zones.at(-1);
  if (zone) lines.push([`${zone.name}: ${grouped(zone.inside)}${zone.capacity === null ? "" : ` / ${grouped(zone.capacity)}`} inside`]);
  if (verdict.offline) lines.push(["Decided by this phone, without the network"]);
  const word = kind === "refused" ? (verdict.reason === "full" ? "Full" : "Stop") : verdict.direction === "out" ? "Out" : "In";
  return { kind, word, sentence: verdict.sentence, lines };
};

export class VerdictScreen {
  #box = at("verdict");
  #app = at("gate");
  #timer = null;
  #shown = null;
  #onClose = () => {};

  constructor({ onOverride, onGiveUp }) {
    this.#box.addEventListener("click", (event) => {
      if (event.target.closest("#verdict-override")) return onOverride();
      if (event.target.closest("#verdict-give-up")) return onGiveUp();
      if (event.target.closest("#verdict-next") && this.#shown?.kind === "wait") return dispatchEvent(new Event("online"));
      if (this.#shown?.kind !== "wait") this.close(true);
    });
    addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.isOpen && this.#shown.kind !== "wait" && !document.querySelector("dialog[open]")) this.close(true);
    });
  }

  get isOpen() { return this.#shown !== null; }
  get kind() { return this.#shown?.kind || ""; }
  /** ms since it came up. */
  get age() { return this.#shown ? performance.now() - this.#shown.since : Infinity; }

  /** `said` is what `describe` returns, or {kind: "wait" | "unsure", …}. onClose(tapped). */
  show(said, { mayOverride = false, onClose = () => {} } = {}) {
    clearTimeout(this.#timer);
    const again = said.kind === "wait" && this.kind === "wait";
    this.#shown = { kind: said.kind, since: performance.now() };
    this.#onClose = onClose;
    this.#box.dataset.kind = said.kind;
    at("verdict-word").textContent = said.word;
    at("verdict-sentence").textContent = said.sentence;
    at("verdict-lines").replaceChildren(...said.lines.map(([text, style]) => h("li", { class: style || false }, text)));
    at("verdict-override").hidden = !mayOverride;
    at("verdict-give-up").hidden = said.kind !== "wait";
    at("verdict-next").firstElementChild.textContent = said.kind === "wait" ? "Try now" : "Next";
    // So that the line that runs out starts anew.
    this.#box.classList.remove("running");
    this.#box.hidden = false;
    this.#app.inert = true;
    if (again) return;
    void this.#box.offsetWidth;
    this.#box.classList.add("running");
    this.#focus();
    at("said").textContent = "";
    const aloud = [said.word, said.sentence, ...said.lines.map(([text]) => text)].map((text) => text.replace(/[.…]?$/, ".")).join(" ");
    setTimeout(() => { at("said").textContent = aloud; }, 20);
    ({ ok: sound.ok, refused: sound.refused, unsure: sound.unsure, wait: sound.unsure })[said.kind]();
    if (said.kind === "ok" || said.kind === "refused") this.#run(said.kind);
  }

  /** While a dialog is open over it, it does not go by itself. */
  hold() {
    clearTimeout(this.#timer);
    this.#box.classList.remove("running");
  }

  close(tapped = false) {
    if (!this.#shown) return;
    clearTimeout(this.#timer);
    this.#shown = null;
    this.#box.hidden = true;
    this.#box.dataset.kind = "";
    this.#app.inert = false;
    const closed = this.#onClose;
    this.#onClose = () => {};
    closed(tapped);
  }

  #run(kind) {
    this.#timer = setTimeout(() => this.close(false), SHOWN[kind]);
  }

  #focus() {
    if (!document.querySelector("dialog[open]")) at("verdict-next").focus({ preventScroll: true });
  }
}
