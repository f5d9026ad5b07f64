/* What opens over the page from below: gates, a code by hand, last scans, a supervisor's reasons, the menu. */

import { h, icon } from "../rules/dom.js";
import { ask, Refused } from "./api.js";
import { clockWithSeconds, grouped } from "./words.js";

const at = (id) => document.getElementById(id);

export const open = (id) => { if (!at(id).open) at(id).showModal(); };
export const close = (id) => at(id).close();

/** Wherever it is touched beside itself, or on its Close, a sheet closes. */
export const wire = () => {
  for (const sheet of document.querySelectorAll("dialog.sheet")) {
    sheet.addEventListener("click", (event) => {
      if (event.target === sheet || event.target.closest("[data-close]")) sheet.close();
    });
  }
};

/** A sentence at the bottom of the page, for six seconds. */
export const say = (text, trouble = false) => {
  const toast = h("div", { class: `toast${trouble ? " toast-error" : ""}` }, icon(trouble ? "circle-alert" : "info"), h("p", {}, text),
    h("button", { class: "copy", type: "button", "aria-label": "Dismiss", onclick: () => toast.remove() }, icon("x")));
  at("toasts").replaceChildren(...[...at("toasts").children].slice(-1), toast);
  setTimeout(() => toast.remove(), trouble ? 12_000 : 6000);
};

export const showError = (id, text) => {
  at(id).hidden = !text;
  at(id).textContent = text;
};

const WAYS = { entrance: "Entrance", exit: "Exit", both: "In and out" };
export const wayWords = (gate) => WAYS[gate.way];

export const chooseGate = (gates, chosen, onChoice) => {
  at("gate-list").replaceChildren(...gates.map((gate) =>
    h("button", { class: "button button-big choice", type: "button", "aria-pressed": String(gate.id === chosen), onclick: () => { close("gates"); onChoice(gate); } },
      icon("door-open"), h("span", { class: "grow truncate" }, gate.name), h("span", { class: "badge badge-plain" }, wayWords(gate)), !gate.is_open && h("span", { class: "badge badge-warn" }, "closed"))));
  open("gates");
};

/** Who came and left at each gate lately, in the sheet and beside the camera where there is room. */
export const drawGates = (gates, own, at_) => {
  for (const list of document.querySelectorAll("[data-gates]")) list.replaceChildren(...gates.map((gate) => gateRow(gate, own)));
  at("gates-now-when").textContent = at_ ? `People in the last 15 minutes, as of ${clockWithSeconds(at_)}.` : "Not known before the server answers.";
};

const gateRow = ({ id, name, is_open: isOpen, came, left }, own) => h("li", { class: "row spread gate-rate" },
  h("span", { class: "grow" }, h("span", { class: "strong break" }, name),
    id === own && h("span", { class: "badge badge-plain" }, "this one"), !isOpen && h("span", { class: "badge badge-warn" }, "closed")),
  h("span", { class: "number nowrap" }, came || left ? `${grouped(came)} in${left ? ` · ${grouped(left)} out` : ""}` : h("span", { class: "faint" }, "nobody")));

/** The list of last scans, in the sheet and beside the camera where there is room. */
export class LastScans {
  #scans = [];
  #maySay = () => false;
  #onUndone;
  #own;

  /** own(): entries that this phone decided, and that the server does not know yet. */
  constructor({ mayUndo, onUndone, own }) {
    this.#maySay = mayUndo;
    this.#onUndone = onUndone;
    this.#own = own;
  }

  add(verdict) {
    if (verdict.offline) return this.draw();
    this.#take({
      attempt_id: verdict.attempt_id, at: verdict.at, reason: verdict.reason, sentence: verdict.sentence,
      direction: verdict.direction, number: verdict.found?.number ?? null, undone: false, offline: false, conflict: false,
    });
    this.draw();
  }

  clear() {
    this.#scans = [];
    this.draw();
  }

  /** What the server knows; while it does not answer, what this page remembers is shown. */
  async load() {
    try {
      const { data } = await ask("GET", "/attempts");
      this.#scans = data;
      showError("last-error", "");
    } catch (error) {
      showError("last-error", error instanceof Refused ? error.message : "Not connected: these are from this phone's memory.");
    }
    this.draw();
  }

  #take(scan) {
    this.#scans = [scan, ...this.#scans.filter((one) => one.attempt_id !== scan.attempt_id)].sort((a, b) => b.attempt_id - a.attempt_id).slice(0, 10);
  }

  draw() {
    const own = this.#own().filter((entry) => !entry.delta).map((entry) => ({ ...entry, at: new Date(entry.at).toISOString(), offline: true, waits: true })).reverse();
    const shown = [...own, ...this.#scans].slice(0, 10);
    for (const list of document.querySelectorAll("[data-scans]")) {
      list.replaceChildren(...(shown.length ? shown.map((scan) => this.#row(scan)) : [h("li", { class: "scans-none muted" }, "Nothing was scanned here yet.")]));
    }
  }

  #row(scan) {
    const ok = scan.reason === "ok";
    const said = ok ? (scan.direction === "out" ? "Left." : "Admitted.") : scan.sentence;
    const words = `${said}${scan.undone ? " Undone." : ""}`;
    const name = scan.number !== null ? `No. ${grouped(scan.number)}` : scan.uid ? `Pass ·${scan.uid.slice(-4)}` : "No pass";
    const mark = scan.conflict ? h("span", { class: "badge badge-warn" }, "conflict") : scan.offline && h("span", { class: "badge badge-plain" }, scan.waits ? "kept" : "offline");
    return h("li", { class: `scan ${ok ? "scan-ok" : "scan-refused"}${scan.undone ? " scan-undone" : ""}` },
      h("span", { class: "scan-mark" }, icon(!ok ? "x" : scan.direction === "out" ? "log-out" : "check")),
      h("span", { class: "grow" },
        h("span", { class: "scan-line" }, h("span", { class: "scan-name" }, h("span", { class: "strong" }, name), mark), h("time", { class: "faint number", datetime: scan.at }, clockWithSeconds(scan.at))),
        h("span", { class: "sub" }, words)),
      ok && !scan.undone && !scan.waits && this.#maySay() && this.#undoButton(scan));
  }

  #undoButton(scan) {
    const button = h("button", { class: "button button-small", type: "button", "aria-label": `Undo the scan of no. ${scan.number}` }, icon("undo-2"), h("span", {}, "Undo"));
    button.addEventListener("click", async () => {
      if (!button.dataset.sure) {
        button.dataset.sure = "yes";
        button.classList.add("button-danger-solid");
        button.lastElementChild.textContent = "Undo it?";
        button.setAttribute("aria-label", `Really undo the scan of no. ${scan.number}?`);
        setTimeout(() => { if (button.isConnected && !button.hasAttribute("aria-busy")) this.draw(); }, 4000);
        return;
      }
      button.setAttribute("aria-busy", "true");
      try {
        this.#take(await ask("POST", `/attempts/${scan.attempt_id}/undo`));
        this.draw();
        this.#onUndone(scan);
      } catch (error) {
        showError("last-error", error.message);
        say(error.message, true);
        this.draw();
      }
    });
    return button;
  }
}

/** A supervisor's reason: resolves to it, or to "" where it was cancelled. */
export const askReason = (sentence) => new Promise((resolve) => {
  const form = at("override-form");
  const reason = at("override-reason");
  let said = "";
  at("override-why").textContent = sentence;
  reason.value = "";
  showError("override-error", "");
  form.onsubmit = (event) => {
    event.preventDefault();
    said = reason.value.trim();
    if (!said) return showError("override-error", "Say why, in a few words.");
    close("override");
  };
  at("override-reasons").onclick = (event) => {
    const chosen = event.target.closest("button");
    if (!chosen) return;
    reason.value = chosen.textContent;
    reason.focus();
  };
  at("override").onclose = () => resolve(said);
  open("override");
});

/** A supervisor counted heads. onZones(zones). */
export const correctCount = (zones, chosen, onZones) => {
  const box = at("correct-zone");
  box.replaceChildren(...zones.map((zone) => h("option", { value: zone.id }, `${zone.name} (${grouped(zone.inside)} now)`)));
  box.value = String(chosen);
  at("correct-inside").value = "";
  at("correct-note").value = "";
  showError("correct-error", "");
  at("correct-form").onsubmit = async (event) => {
    event.preventDefault();
    try {
      const { zones: after } = await ask("POST", "/corrections", { zone_id: Number(box.value), inside: Number(at("correct-inside").value), note: at("correct-note").value });
      onZones(after);
      close("correct");
      say("The count was corrected.");
    } catch (error) {
      showError("correct-error", error.message);
    }
  };
  open("correct");
};
