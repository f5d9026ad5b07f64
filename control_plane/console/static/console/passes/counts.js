/* Live counts: every 2 s, while the page is seen, the parts that changed are swapped in place. */
(() => {
  "use strict";
  const box = document.querySelector("[data-counts]");
  if (!box) return;
  const EVERY = 2000; // ms
  const badge = document.querySelector("[data-counts-state]");
  const said = document.querySelector("[data-counts-said]");
  const shown = new Map();
  let known; // level of each zone, as last said aloud
  let timer;
  let busy = false;

  const show = (state, text) => {
    badge.dataset.state = state;
    badge.textContent = text;
  };

  const say = ({ full, warning }) => {
    const levels = new Map([...warning.map((name) => [name, "nearly full"]), ...full.map((name) => [name, "full"])]);
    const news = [...levels].filter(([name, level]) => known && known.get(name) !== level);
    known = levels;
    if (news.length) said.textContent = news.map(([name, level]) => `${name} is ${level}.`).join(" ");
  };

  const swap = (name, html) => {
    if (shown.get(name) === html) return;
    shown.set(name, html);
    const part = box.querySelector(`[data-part="${name}"]`);
    const active = part.contains(document.activeElement) && document.activeElement;
    const focused = active && active.getAttribute("href");
    const before = [...part.querySelectorAll("details")];
    const summary = before.findIndex((one) => active && active.parentElement === one && active.matches("summary"));
    part.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
    const after = part.querySelectorAll("details");
    before.forEach((one, index) => { if (one.open && after[index]) after[index].open = true; });
    if (summary >= 0) after[summary]?.querySelector("summary")?.focus({ preventScroll: true });
    if (focused) part.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  };

  const ask = async () => {
    if (busy || document.hidden) return;
    busy = true;
    try {
      const answer = await fetch(box.dataset.counts, { credentials: "same-origin", signal: AbortSignal.timeout(8000) });
      // Signed out or removed from the workspace: the next page says which.
      if (answer.redirected || answer.status === 403 || answer.status === 404) return location.reload();
      if (!answer.ok) throw new Error(answer.status);
      const found = await answer.json();
      for (const [name, html] of Object.entries(found.parts)) swap(name, html);
      say(found);
      show("live", "Live");
      box.dispatchEvent(new CustomEvent("counts", { detail: found }));
    } catch {
      show("polling", "No connection: these are the last known numbers");
    } finally {
      busy = false;
    }
  };

  const start = () => {
    clearInterval(timer);
    timer = setInterval(ask, EVERY);
    ask();
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { clearInterval(timer); show("waiting", "Paused"); } else start();
  });
  addEventListener("pagehide", () => clearInterval(timer));
  addEventListener("pageshow", (event) => { if (event.persisted) start(); });
  start();
})();
