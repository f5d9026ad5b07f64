/* A pass on its holder's phone: draws its code, keeps the page for the time without a network, and asks now and
   then what the pass is worth. */

import { pathOf, symbol } from "./qr.js";
import { STEP, available, codeOf, keyOf, stepOf } from "./rotating.js";

const ASK_EVERY = 20_000; // ms, while somebody looks
const QUIET = 4; // modules around the code
const KEPT = "passes";
const CLOCK = "pass-clock";
const FAR_OFF = 20_000; // ms
const CIRCLE = 2 * Math.PI * 9; // of the ring, in its own units

const here = location.pathname.toLowerCase();
const $ = (name) => document.querySelector(`[data-${name}]`);
const say = (name, text) => { const place = $(name); if (place && place.textContent !== text) place.textContent = text; };

let data = JSON.parse(document.getElementById("pass-data").textContent);
let offset = storedOffset();
let key = null;
let drawn = "";
let awake = null;

const now = () => Date.now() + offset;

// The clock of this phone

function storedOffset() {
  try {
    const found = Number(localStorage.getItem(CLOCK));
    return Number.isFinite(found) ? found : 0;
  } catch {
    return 0; // storage is switched off
  }
}

const setClock = (server, sent, received) => {
  if (received - sent > 10_000) return; // too slow to tell
  offset = Math.round(server - (sent + received) / 2);
  try { localStorage.setItem(CLOCK, String(offset)); } catch { /* it is asked for again */ }
  showClock();
};

const showClock = () => {
  const place = $("clock");
  const off = Math.abs(offset);
  place.hidden = off <= FAR_OFF;
  if (place.hidden) return;
  const much = off < 120_000 ? `${Math.round(off / 1000)} seconds` : off < 7_200_000 ? `${Math.round(off / 60_000)} minutes` : "hours";
  say("clock-text", `This phone’s clock is ${much} ${offset > 0 ? "slow" : "fast"}. That is allowed for here, but let the phone set its time by itself.`);
};

// The code

const draw = (text) => {
  if (text === drawn) return;
  const rows = symbol(text);
  const side = rows.length + 2 * QUIET;
  $("qr").setAttribute("viewBox", `0 0 ${side} ${side}`);
  $("qr-path").setAttribute("d", pathOf(rows, QUIET));
  drawn = text;
};

const show = async () => {
  // Who is inside may leave, whatever the time is.
  const state = data.inside ? data.state : localState();
  $("pass").dataset.pass = data.inside ? "valid" : state;
  const [word, sentence] = state === data.state ? [data.word, data.sentence] : data.words[state];
  say("word", word);
  say("sentence", sentence);
  const panel = $("code");
  if (!panel) return;
  panel.hidden = !data.text || (state === "expired" && !data.inside);
  if (panel.hidden) return;
  if (!data.secret) {
    draw(data.text);
    return;
  }
  if (!available()) {
    $("qr").toggleAttribute("hidden", true);
    say("next", "The code of this pass changes, which this browser allows over https only. Open the link in another one.");
    return;
  }
  key ??= await keyOf(data.secret);
  const at = now();
  const step = stepOf(at);
  draw(data.text + (await codeOf(key, step)));
  const left = STEP - (at / 1000 - step * STEP);
  $("ring").setAttribute("stroke-dashoffset", String(CIRCLE * (1 - left / STEP)));
  say("next", `New code in ${Math.ceil(left)} s`);
};

/** What the server said, moved on by the clock. */
const localState = () => {
  if (data.until !== null && now() >= data.until && ["valid", "not_yet_valid", "held"].includes(data.state)) return "expired";
  return data.state === "not_yet_valid" && now() >= data.from ? "valid" : data.state;
};

// What the server knows

const refresh = async () => {
  const sent = Date.now();
  const answer = await fetch(here, { cache: "no-store", credentials: "omit" }).catch(() => null);
  if (answer && (answer.status === 404 || answer.status === 410)) {
    // The server took it back. What the phone kept is not shown again.
    if ("caches" in globalThis) await (await caches.open(KEPT)).delete(here);
    location.replace(here);
    return;
  }
  if (!answer?.ok || answer.redirected) {
    say("checked", navigator.onLine ? "Not checked just now: the server does not answer" : "Offline: as it was last seen here");
    $("net").dataset.net = "off";
    return;
  }
  const page = new DOMParser().parseFromString(await answer.clone().text(), "text/html");
  const fresh = JSON.parse(page.getElementById("pass-data")?.textContent ?? "null");
  if (!fresh) return; // some other page, from a network that wants something first
  setClock(fresh.now, sent, Date.now());
  if (fresh.version !== data.version) {
    $("pass").replaceWith(page.querySelector("[data-pass]"));
    [data, key, drawn] = [fresh, null, ""];
    showClock();
    offerHome();
  }
  await show();
  say("checked", `Checked at ${new Date(now()).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}`);
  $("net").dataset.net = "on";
  if ("caches" in globalThis && "serviceWorker" in navigator) {
    await (await caches.open(KEPT)).put(here, answer);
    const worker = (await navigator.serviceWorker.getRegistration("/p/"))?.active;
    $("saved").hidden = !worker;
  }
};

// The screen stays on, and the pass on the home screen

const stayAwake = async () => {
  if (document.visibilityState !== "visible" || awake) return;
  awake = await navigator.wakeLock?.request("screen").catch(() => null);
  awake?.addEventListener("release", () => { awake = null; });
};

let ask = null;
const offerHome = () => {
  const button = $("home");
  if (!button) return;
  button.hidden = !ask;
  button.addEventListener("click", () => { ask?.prompt(); ask = null; button.hidden = true; });
};
addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  ask = event;
  offerHome();
});

const look = () => {
  if (document.visibilityState !== "visible") return;
  stayAwake();
  refresh().catch(() => {});
};

if ("serviceWorker" in navigator) {
  // A pass that is looked at for the first time is kept as soon as there is somebody to keep it.
  navigator.serviceWorker.register("/p/sw.js", { scope: "/p/", updateViaCache: "none" })
    .then(() => navigator.serviceWorker.ready).then(look).catch(() => {});
  navigator.storage?.persist?.().catch(() => {});
}
showClock();
show();
setInterval(() => { if (document.visibilityState === "visible") show(); }, 500);
setInterval(look, ASK_EVERY);
document.addEventListener("visibilitychange", () => { show(); look(); });
addEventListener("online", look);
addEventListener("offline", look);
look();
