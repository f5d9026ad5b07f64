/* The gate's app: what is scanned goes to scan.js, what is answered comes up in verdict.js, and the counts are
   the server's. While that does not answer, offline.js decides. */

import { ask, NoAnswer, Refused, useKey, watchAnswers } from "./api.js";
import { cameraChanged, newCamera } from "./camera_view.js";
import { Counts } from "./counts.js";
import { install } from "./install.js";
import { listen } from "./keys.js";
import { Live } from "./live.js";
import { Offline } from "./offline.js";
import { conflictWords, offlineWords } from "./offline_words.js";
import { codeIn, codeOfAddress, keptKey, Pairing } from "./pairing.js";
import { Presence } from "./presence.js";
import { Scanner } from "./scan.js";
import * as sheets from "./sheets.js";
import * as sound from "./sound.js";
import { forget, keep, keeps, read } from "./store.js";
import { describe, VerdictScreen } from "./verdict.js";
import { grouped, many, percent, skewSentence, useTimeZone } from "./words.js";

const GLANCE = 600; // ms that an admission is seen before the next code may take its place
const REFRESH = 60_000; // ms between two looks at the device's gates
const PATIENCE = 4000; // ms that somebody is kept waiting for what is handed in, or for room
const WAITS = "The last code is still waiting for its answer.";

const at = (id) => document.getElementById(id);
const state = { device: null, gate: null, way: "auto", zones: new Map(), rates: [], ratesAt: 0, skew: 0, answered: true, useVersion: null, why: "", conflicts: [], leaving: false, drawn: 0 };
const now = () => Date.now() + state.skew;
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

const presence = new Presence();
const offline = new Offline({ onChange: drawOffline, onAnswers: handedIn, onZones: takeZones, onRefused: keyRefused });
const scanner = new Scanner({ decide: byItself });
const scans = new sheets.LastScans({
  own: () => offline.entries,
  mayUndo: () => state.device?.role === "supervisor",
  onUndone: (scan) => sheets.say(`The scan of no. ${scan.number} was undone.`),
});
const pairing = new Pairing({ onPaired: begin, handIn: handInAll });
const verdicts = new VerdictScreen({ onOverride: override, onGiveUp: () => scanner.giveUp() });
const live = new Live({ onZones: takeZones, onGates: takeRates, onRefused: keyRefused });
const counts = new Counts({
  onWaiting: (left) => banner("banner-waiting", left ? `${many(left, "count", "counts")} by hand to be sent.` : ""),
  onZones: takeZones,
  onRefused: (error, count) => sheets.say(`${count.delta > 0 ? "+1" : "−1"} was not counted. ${error.message}`, true),
  onKeyRefused: keyRefused,
  isOurs: (count) => offline.isOurs(count),
});
const camera = newCamera(seen);
let refused = null; // what the screen shows, for a supervisor who admits anyway
let running = 0;
/** One person's code is not answered yet, or a place is still looked for. */
const isBusy = () => running > 0 || Boolean(scanner.pending);

// ── Start ────────────────────────────────────────────────────────────────

async function start() {
  sheets.wire();
  listen(typed);
  await offline.load();
  const code = codeOfAddress();
  const key = await keptKey();
  if (key) useKey(key);
  if (code && !key) {
    pairing.show();
    return pairing.pair(code);
  }
  if (!key) {
    pairing.show((await keeps()) ? "" : "This browser keeps nothing for this page (a private window?). The phone has to be paired again after each reload.");
    return;
  }
  if (code) {
    const before = await read("device");
    if (before) offline.use(before);
    return pairing.confirm(before?.name || "a gate's device", code, wakeUp);
  }
  await wakeUp();
}

/** With a key from before: what is kept is shown at once, and renewed as soon as the server answers. */
async function wakeUp() {
  const before = await read("device");
  if (before) begin(before, { kept: true });
  for (let turn = 0; ; turn += 1) {
    try {
      const asked = Date.now();
      const device = await ask("GET", "");
      clockSkew(device.now, asked, Date.now());
      return void begin(device, { renewed: Boolean(before) });
    } catch (error) {
      if (error instanceof Refused) return void keyRefused(error);
      if (!before && turn === 0) sheets.say("Not connected. Trying again…", true);
      await wait(Math.min(1000 * 2 ** turn, 10_000));
    }
  }
}

function clockSkew(theirs, asked, answered) {
  state.skew = new Date(theirs) - (asked + answered) / 2;
  banner("banner-clock", skewSentence(state.skew));
}

/** The device as the server, or this phone's memory, knows it. */
async function begin(device, { kept = false, renewed = false } = {}) {
  const first = at("gate").hidden;
  if (!kept) {
    if (first || state.device?.id !== device.id) clockSkew(device.now, Date.now(), Date.now());
    keep("device", device).catch(() => {});
  }
  if (state.device?.id !== device.id) counts.end();
  state.device = device;
  offline.use(device);
  const there = new Set(device.zones.map((zone) => zone.id));
  for (const id of state.zones.keys()) if (!there.has(id)) state.zones.delete(id);
  takeZones(device.zones);
  useTimeZone(device.time_zone);
  // The server's answer to what is shown already does not take a question away that was asked meanwhile.
  if (renewed && pairing.isOpen) return;
  at("pairing").hidden = true;
  at("gate").hidden = false;
  const chosen = state.gate?.id ?? (await read("gate"));
  const gate = device.gates.find((one) => one.id === chosen) || (device.gates.length === 1 ? device.gates[0] : null);
  if (gate) useGate(gate);
  else {
    state.gate = null;
    at("gate-title").textContent = device.gates.length ? "Choose a gate" : "No gate";
    at("gate-tag").textContent = "";
    at("gate-program").textContent = `${device.program} · ${device.name}`;
    if (device.gates.length) chooseGate();
    else sheets.say("This device has no gate. Give it one in the console.", true);
  }
  if (!first) return;
  const [wantsSound, camera_, id] = await Promise.all([read("sound"), read("camera"), read("cameraId")]);
  sound.turn(wantsSound !== false);
  at("menu-sound").checked = sound.isOn();
  camera.deviceId = id || "";
  if (camera_) camera.start();
  else cameraChanged();
  live.start();
  counts.send();
  scans.load();
  hush();
  const before = await scanner.left();
  if (before?.plate) run(async (onTrouble) => carVerdict(await scanner.resume(before, onTrouble), before.plate));
  else if (before) run((onTrouble) => scanner.resume(before, onTrouble), before.text);
}

async function refresh() {
  if (document.hidden || pairing.isOpen || !state.device) return;
  try {
    const device = await ask("GET", "");
    begin(device);
  } catch (error) {
    if (error instanceof Refused) keyRefused(error);
  }
}

async function keyRefused(error) {
  if (error.status !== 401 || pairing.isOpen || state.leaving) return;
  // What it did before it was removed is still taken, with this key.
  state.leaving = true;
  await offline.handInLast();
  state.leaving = false;
  leave(`This device was removed, or paired on another phone. Pair it again with a new code from the console. Counts that were not sent yet are kept.${keptWords()}`);
}

const keptWords = () => (offline.waiting ? ` ${many(offline.waiting, "scan is", "scans are")} kept, and handed in when this phone is paired again.` : "");

/** Hands in scans and counts while there is a key for them. Says what still waits, as in “60 scans were”, or "". */
async function handInAll() {
  const byHand = () => counts.waiting().catch(() => []);
  if (offline.waiting || (await byHand()).length) {
    // Where it fails, all of it still waits, which is what is said.
    const handing = Promise.all([offline.handInLast(), counts.send()]).catch(() => {});
    await Promise.race([handing, wait(PATIENCE)]);
  }
  const waiting = offline.entries;
  const scanned = waiting.filter((entry) => !entry.delta).length;
  const counted = waiting.length - scanned + (await byHand()).length;
  const parts = [scanned && many(scanned, "scan", "scans"), counted && many(counted, "count", "counts")].filter(Boolean);
  return parts.length ? `${parts.join(" and ")} ${scanned + counted === 1 ? "was" : "were"}` : "";
}

function leave(sentence) {
  live.end();
  counts.end();
  camera.stop();
  verdicts.close();
  for (const open of document.querySelectorAll("dialog[open]")) open.close();
  useKey("");
  Promise.all([offline.leave(), ...["key", "device"].map(forget)]).catch(() => {});
  Object.assign(state, { device: null, gate: null });
  scans.clear();
  pairing.show(sentence);
}

// ── Gate, way, counts ────────────────────────────────────────────────────

function useGate(gate) {
  const changed = state.gate?.id !== gate.id;
  state.gate = gate;
  at("gate-title").textContent = gate.name;
  at("gate-tag").textContent = gate.way === "both" ? "" : sheets.wayWords(gate);
  at("gate-tag").hidden = gate.way === "both";
  at("gate-program").textContent = `${state.device.program} · ${state.device.name}`;
  at("choose-gate").disabled = state.device.gates.length < 2;
  document.title = `${gate.name} · scanway gate`;
  at("way").hidden = gate.way !== "both";
  banner("banner-closed", !gate.is_open);
  if (changed) {
    keep("gate", gate.id).catch(() => {});
    read("way").then((way) => useWay(way || "auto"));
  }
  drawCount();
  drawRates();
}

function chooseGate() {
  sheets.chooseGate(state.device.gates, state.gate?.id, useGate);
}

function useWay(way) {
  state.way = way;
  presence.reset();
  for (const button of at("way").children) {
    button.setAttribute("aria-checked", String(button.dataset.way === way));
    button.tabIndex = button.dataset.way === way ? 0 : -1;
  }
}

/** What the server said of some zones, or of all. */
function takeZones(zones) {
  for (const zone of zones) state.zones.set(zone.id, { ...state.zones.get(zone.id), ...zone });
  offline.zonesChanged(zones);
  drawCount();
}

/** What the server said of who came and left at all gates. */
function takeRates(gates) {
  Object.assign(state, { rates: gates, ratesAt: now() });
  drawRates();
}

function drawRates() {
  sheets.drawGates(state.rates, state.gate?.id, state.ratesAt);
}

function drawCount() {
  const counted = state.zones.get(state.gate?.zone_id);
  if (!counted) return;
  const zone = { ...counted, inside: Math.max(0, counted.inside + offline.net(counted.id)) };
  const full = zone.level === "full";
  at("count").dataset.level = zone.level;
  at("count-number").textContent = zone.capacity === null ? grouped(zone.inside) : `${grouped(zone.inside)} / ${grouped(zone.capacity)}`;
  at("count-state").textContent = full ? "FULL" : zone.capacity === null ? "" : `${percent(zone)} %`;
  at("count-fill").setAttribute("width", `${Math.min(100, percent(zone))}%`);
  // A hall may have room while the venue around it has none.
  const outer = (zone.path || []).filter((id) => id !== zone.id).map((id) => state.zones.get(id)).find((one) => one && one.level !== "ok");
  at("count-outer").hidden = !outer;
  if (outer) at("count-outer").textContent = `${outer.name}: ${grouped(outer.inside)} / ${grouped(outer.capacity)}${outer.level === "full" ? " · FULL" : ` · ${percent(outer)} %`}`;
}

// ── Scans ────────────────────────────────────────────────────────────────

function seen(texts, taken) {
  const clock = performance.now();
  for (const text of texts) {
    if (!presence.takes(text, clock)) continue;
    const free = !verdicts.isOpen || (verdicts.kind === "ok" && verdicts.age > GLANCE);
    if (!free || isBusy() || document.querySelector("dialog[open]")) continue;
    presence.sent(text, clock);
    performance.mark("gate:picture", { startTime: taken });
    performance.mark("gate:decoded", { startTime: clock });
    return check(text);
  }
}

function typed(text) {
  sound.wake();
  if (pairing.isOpen) return pairing.typed(text);
  if (!state.device) return sheets.say("Still starting. Scan it once more.", true);
  if (isBusy()) return sheets.say(WAITS, true);
  performance.mark("gate:decoded");
  presence.sent(text, performance.now());
  check(text);
}

/** One text, from wherever it came. Spaces at its ends belong to it. */
function check(text, reason = "") {
  if (codeIn(text)) return void pairing.confirm(state.device.name, codeIn(text), () => { at("gate").hidden = false; });
  if (!state.gate) return chooseGate();
  const way = state.gate.way === "both" ? state.way : "";
  const send = (onTrouble) => scanner.check({ text, gateId: state.gate.id, way, override: reason, onTrouble });
  return run(send, text, send);
}

/** A car by its plate, which the server alone can look up. */
function checkCar(plate) {
  if (!state.gate) return chooseGate();
  const way = state.gate.way === "both" ? state.way : "";
  return run(async (onTrouble) => carVerdict(await scanner.car({ plate, gateId: state.gate.id, way, onTrouble }), plate));
}

const carVerdict = (answer, plate) => ({ ...answer, plate, found: null, earlier: null, refused_as: "", may_override: false });

/** The phone's own verdict, where it may decide: the server did not answer, now or already before. */
async function byItself(scan, tried) {
  if (scan.plate || offline.obstacle() || !(tried || offline.isDeciding)) return null;
  try {
    return await offline.scan({ text: scan.text, gateId: scan.gate_id, way: scan.way, override: scan.override, nonce: scan.nonce });
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    state.why = error.message;
    return null;
  }
}

async function thereIsRoom(verdict) {
  try {
    return await Promise.race([offline.makeRoom(verdict.zones), wait(PATIENCE)]);
  } catch {
    return false;
  }
}

/** `again`, where the answer may be another one a moment later. */
async function run(send, text = "", again = null) {
  running += 1;
  for (const sheet of document.querySelectorAll("dialog[open]")) sheet.close();
  const line = at("view-line");
  const slow = setTimeout(() => { line.textContent = "Checking…"; }, 250);
  try {
    let verdict = await send(trouble);
    takeZones(verdict.zones);
    if (verdict.reason === "full" && !verdict.offline && again && await thereIsRoom(verdict)) {
      verdict = await again(trouble);
      takeZones(verdict.zones);
    }
    if (!verdict.offline && !verdict.plate && state.gate) offline.learn({ text, gateId: state.gate.id, verdict, nonce: "", way: "" }).catch(() => {});
    if (verdict.plate) scans.load();
    else scans.add(verdict);
    refused = { text: text || "", verdict };
    show(verdict, text);
  } catch (error) {
    if (error.name === "AbortError") {
      verdicts.close();
      sheets.say(text ? "Given up. Whether that pass was counted is not known: scan it again, and the first answer is shown." : "Given up. Whether that car was counted is not known: enter its plate again, and it counts once.", true);
    } else if (error instanceof Refused) {
      verdicts.close();
      keyRefused(error);
      if (!pairing.isOpen) {
        verdicts.show({ kind: "unsure", word: "Not checked", sentence: error.message, lines: [] });
        if (error.field === "gate_id") refresh();
      }
    } else {
      verdicts.show({ kind: "unsure", word: "Not checked", sentence: "Something went wrong on this phone. Scan it again; if that does not help, reload the page.", lines: [] });
      throw error;
    }
  } finally {
    running -= 1;
    clearTimeout(slow);
    line.textContent = "Hold a pass before the camera";
  }
}

function trouble(error, turn) {
  const noNetwork = !navigator.onLine;
  const car = scanner.pending?.plate;
  const why = car ? "" : offline.obstacle() || state.why;
  verdicts.show({
    kind: "wait",
    word: error.answered ? "Wait" : "Not connected",
    sentence: error.answered ? `${error.message} Trying again…` : "Trying again…",
    lines: [
      [noNetwork ? `This phone has no network. ${car ? "Plates" : "Passes"} cannot be checked now.` : "Nobody is admitted before the server answers."],
      ...(why && !error.answered ? [[why]] : []),
      ...(car ? [["Only the server knows plates. While it is away, cars are counted by +1 and −1."]] : []),
      [`This ${car ? "plate" : "code"} is kept, and is sent once however often it is tried (${many(turn, "try", "tries")}).`],
    ],
  });
}

function show(verdict, text) {
  const supervisor = state.device.role === "supervisor";
  verdicts.show(describe(verdict, { now: now() }), {
    mayOverride: supervisor && verdict.may_override && !verdict.admitted && Boolean(text),
    onClose: (tapped) => {
      if (tapped && !verdict.admitted) presence.dismissed(performance.now());
      idle();
    },
  });
  requestAnimationFrame(() => setTimeout(() => {
    if (!performance.getEntriesByName("gate:decoded").length) return;
    performance.mark("gate:shown");
    performance.measure("gate:decoded→verdict", "gate:decoded", "gate:shown");
  }));
}

async function override() {
  verdicts.hold();
  const { text, verdict } = refused;
  const reason = await sheets.askReason(verdict.sentence);
  if (!reason) return;
  verdicts.close();
  presence.sent(text, performance.now());
  check(text, reason);
}

async function addCount(delta) {
  if (!offline.isDeciding) return counts.add(state.gate.id, delta, offline.mark(state.gate.zone_id));
  if (!await offline.count(state.gate.id, delta)) sheets.say("Not counted: no place is left that this phone may fill by itself.", true);
}

// ── Banners, sound, versions ─────────────────────────────────────────────

function banner(id, shown) {
  at(id).hidden = !shown;
  if (typeof shown === "string") at(id).querySelector("span").textContent = shown;
}

function connection() {
  const off = !navigator.onLine || !state.answered;
  offline.heard(!off);
  at("connection").dataset.state = !off ? "on" : offline.obstacle() ? "off" : "alone";
  at("connection").textContent = !off ? "Live" : offline.obstacle() ? "Not connected" : "Offline";
  drawOffline();
}

/** A line above the camera while this phone is by itself, or hands in what it did. */
function drawOffline() {
  const off = !navigator.onLine || !state.answered;
  const why = offline.obstacle();
  const shown = state.device && (off || offline.waiting > 0);
  const box = at("banner-offline");
  box.hidden = !shown;
  box.classList.toggle("banner-danger", Boolean(off && why));
  if (shown) box.querySelector("span").textContent = offlineWords({ off, why, since: offline.since, entries: offline.entries, left: state.gate && offline.left(state.gate) });
  drawCount();
  // Not each time: somebody may be about to undo one.
  if (offline.waiting !== state.drawn) scans.draw();
  state.drawn = offline.waiting;
}

/** What the server said of what this phone had decided. */
function handedIn(pairs) {
  const conflicts = pairs.filter(([, answer]) => answer.state === "conflict" || answer.state === "not_taken");
  scans.load();
  if (!conflicts.length) return;
  state.conflicts = [...state.conflicts, ...conflicts];
  banner("banner-conflicts", conflictWords(state.conflicts));
}

function hush() {
  banner("banner-sound", sound.isSilent());
}

function idle() {
  banner("banner-version", Boolean(state.useVersion) && !verdicts.isOpen && !isBusy());
}

watchAnswers((answered) => {
  state.answered = answered;
  connection();
});
addEventListener("online", connection);
addEventListener("offline", connection);
addEventListener("online", () => counts.send());
at("conflicts-seen").addEventListener("click", () => {
  state.conflicts = [];
  banner("banner-conflicts", "");
});
for (const touch of ["pointerdown", "keydown"]) addEventListener(touch, () => { if (sound.isSilent()) sound.wake().then(hush, () => {}); });
// A finger leaves the focus on what it touched, where a scanner's Enter would press it again.
addEventListener("pointerup", () => setTimeout(() => {
  const focused = document.activeElement;
  if (focused?.matches("button") && !focused.matches(":focus-visible") && !focused.closest("dialog, #verdict")) focused.blur();
}));

at("choose-gate").addEventListener("click", chooseGate);
at("way").addEventListener("click", (event) => {
  const way = event.target.closest("[data-way]")?.dataset.way;
  if (!way) return;
  keep("way", way).catch(() => {});
  useWay(way);
});
at("way").addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const ways = [...at("way").children];
  const next = ways[(ways.findIndex((one) => one.dataset.way === state.way) + step + ways.length) % ways.length];
  next.click();
  next.focus();
});
for (const button of document.querySelectorAll("[data-delta]")) {
  button.addEventListener("click", () => {
    if (!state.gate) return chooseGate();
    navigator.vibrate?.(20);
    button.classList.remove("bumped");
    void button.offsetWidth;
    button.classList.add("bumped");
    addCount(Number(button.dataset.delta)).catch((error) => sheets.say(`Not counted. ${error.message}`, true));
  });
}
at("open-last").addEventListener("click", () => { sheets.open("last"); scans.load(); });
at("open-enter").addEventListener("click", () => {
  at("enter-text").value = at("enter-plate").value = "";
  at("enter-car").hidden = !["parking", "season"].includes(state.device.kind);
  sheets.showError("enter-error", "");
  sheets.open("enter");
});
at("enter-text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  at("enter-form").requestSubmit();
});
at("enter-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = at("enter-text").value.replace(/[\r\n\t]/g, "");
  const plate = at("enter-plate").value.trim();
  if (!text.trim() && !plate) return sheets.showError("enter-error", at("enter-car").hidden ? "Enter the code first." : "Enter a code or a plate first.");
  if (text.trim() && plate) return sheets.showError("enter-error", "Enter a code or a plate, not both.");
  if (isBusy()) return sheets.showError("enter-error", WAITS);
  sheets.close("enter");
  performance.mark("gate:decoded");
  if (plate) checkCar(plate);
  else check(text);
});
at("open-menu").addEventListener("click", () => {
  at("menu-title").textContent = state.device.name;
  at("menu-about").textContent = [state.device.program, state.device.place, state.device.role === "supervisor" ? "Supervisor's device" : ""].filter(Boolean).join(" · ");
  at("menu-correct").hidden = state.device.role !== "supervisor";
  at("menu-forget").lastElementChild.textContent = "Unpair this phone";
  sheets.open("menu");
});
at("menu-gates").addEventListener("click", () => {
  sheets.close("menu");
  sheets.open("gates-now");
});
at("menu-sound").addEventListener("change", (event) => {
  sound.turn(event.target.checked);
  keep("sound", event.target.checked).catch(() => {});
  if (event.target.checked) sound.wake().then(() => { sound.ok(); hush(); });
  else hush();
});
at("menu-correct").addEventListener("click", () => {
  sheets.close("menu");
  sheets.correctCount([...state.zones.values()], state.gate?.zone_id, takeZones);
});
at("menu-forget").addEventListener("click", async () => {
  const words = at("menu-forget").lastElementChild;
  const handing = "Handing in what waits…";
  if (words.textContent === handing) return;
  if (words.textContent.startsWith("Unpair it?")) return leave(`This phone is not paired any more. Remove the device in the console too, if it is not used again.${keptWords()}`);
  words.textContent = handing;
  const waits = await handInAll();
  // Closed and opened meanwhile, the menu begins anew.
  if (words.textContent !== handing) return;
  words.textContent = waits ? `Unpair it? ${waits} not handed in yet and will stay on this phone until it is paired for the same program again.` : "Unpair it? It needs a new code then.";
});
at("clock-seen").addEventListener("click", () => banner("banner-clock", ""));
at("use-version").addEventListener("click", () => state.useVersion?.());

install({
  onNew: (use) => {
    state.useVersion = use;
    idle();
  },
  onInstallable: (prompt) => {
    at("menu-install").hidden = false;
    at("menu-install").onclick = () => { sheets.close("menu"); prompt(); };
  },
});
setInterval(refresh, REFRESH);
start().catch((error) => {
  // A sentence, where the page would stay blank.
  if (at("gate").hidden && !pairing.isOpen) pairing.show("Something went wrong when this page started. Reload it. Pair the phone anew only if that does not help.");
  throw error;
});
