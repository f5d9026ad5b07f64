/* The screen on the wall: it stays awake, has a clock, and says in words when its numbers are old. */
const STALE_AFTER = 15_000; // ms without news
const HIDE_AFTER = 4000; // ms: pointer and buttons go when nobody moves

const wall = document.querySelector("[data-counts]");
const clock = wall.querySelector("[data-clock]");
const stale = wall.querySelector("[data-stale]");
const full = wall.querySelector("[data-full]");
const time = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: wall.dataset.zone,
});

let news = Date.now();
let at = wall.dataset.at;

const tick = () => {
  clock.textContent = time.format(new Date());
  const old = Date.now() - news > STALE_AFTER;
  stale.hidden = !old;
  wall.toggleAttribute("data-old", old);
  const text = `No news since ${at}. The numbers are from then.`;
  if (old && stale.textContent !== text) stale.textContent = text;
};
wall.addEventListener("counts", (event) => {
  news = Date.now();
  at = event.detail.at;
  tick();
});
setInterval(tick, 1000);
tick();

// A screen that sleeps shows nothing. The lock is lost with the page's visibility.
const wake = async () => {
  if (document.visibilityState !== "visible") return;
  try {
    await navigator.wakeLock?.request("screen");
  } catch { /* Not allowed here, on low battery for instance: the screen's own setting decides. */ }
};
document.addEventListener("visibilitychange", wake);
wake();

if (document.documentElement.requestFullscreen) {
  full.hidden = false;
  full.addEventListener("click", () => document.documentElement.requestFullscreen().catch(() => {}));
  document.addEventListener("fullscreenchange", () => { full.hidden = Boolean(document.fullscreenElement); });
}

let hiding;
const moved = () => {
  wall.removeAttribute("data-idle");
  clearTimeout(hiding);
  hiding = setTimeout(() => wall.setAttribute("data-idle", ""), HIDE_AFTER);
};
for (const kind of ["pointermove", "pointerdown", "keydown"]) addEventListener(kind, moved);
moved();
