/* Live numbers: the server says by SSE that there are new scans, the page asks for its parts again and
   swaps them in place. Where the stream fails it asks every 5 s instead. */
(() => {
  "use strict";
  const box = document.querySelector("[data-live]");
  if (!box) return;
  const badge = document.querySelector("[data-live-state]");
  const PAUSE = 300; // ms between two refreshes, however fast scans come
  const POLL = 5000;
  const RETRY = 10000;

  const show = (state, text) => {
    if (!badge) return;
    badge.dataset.state = state;
    badge.textContent = text;
  };

  // Tabs keep their choice when the panel below is renewed.
  const chosen = new Map();
  const select = (card, id) => {
    for (const tab of card.querySelectorAll("[role=tab]")) {
      const on = tab.id === id;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !on;
    }
  };
  document.addEventListener("click", (event) => {
    const tab = event.target.closest("[data-tabs] [role=tab]");
    if (!tab) return;
    const card = tab.closest("[data-tabs]");
    chosen.set(card.dataset.tabs, tab.id);
    select(card, tab.id);
  });
  document.addEventListener("keydown", (event) => {
    const tab = event.target.closest?.("[data-tabs] [role=tab]");
    if (!tab || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    const tabs = [...tab.parentElement.children];
    const next = tabs[(tabs.indexOf(tab) + (event.key === "ArrowRight" ? 1 : -1) + tabs.length) % tabs.length];
    next.focus();
    next.click();
  });

  const apply = (page) => {
    const seen = new Set([...box.querySelectorAll("[data-key]")].map((item) => item.dataset.key));
    const values = new Map([...box.querySelectorAll("[data-value]")].map((item) => [item.dataset.value, item.textContent]));
    const charts = Boolean(box.querySelector("[data-chart]"));
    if (charts !== Boolean(page.querySelector("[data-chart]"))) return location.reload();
    const focused = document.activeElement?.id;
    for (const part of box.querySelectorAll("[data-part]")) {
      const fresh = page.querySelector(`[data-part="${part.dataset.part}"]`);
      if (!fresh) continue;
      const open = part.querySelector("details")?.open;
      part.replaceChildren(...fresh.childNodes);
      if (open) part.querySelector("details").open = true;
    }
    for (const [key, id] of chosen) {
      const card = box.querySelector(`[data-tabs="${key}"]`);
      if (card && document.getElementById(id)) select(card, id);
    }
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    for (const item of box.querySelectorAll("[data-key]")) if (seen.size && !seen.has(item.dataset.key)) item.classList.add("new");
    for (const item of box.querySelectorAll("[data-value]")) {
      if (values.has(item.dataset.value) && values.get(item.dataset.value) !== item.textContent) item.classList.add("bump");
    }
    document.dispatchEvent(new CustomEvent("scanway:refreshed"));
  };

  let busy = false;
  let again = false;
  const refresh = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(box.dataset.refresh, { headers: { "X-Requested-With": "scanway-live" }, credentials: "same-origin" });
      // Signed out or removed from the workspace: the next page says which.
      if (answer.redirected || answer.status === 403 || answer.status === 404) return location.reload();
      if (answer.ok) apply(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      // Offline: the next tick, poll or return to this tab asks again.
    } finally {
      await new Promise((wait) => setTimeout(wait, PAUSE));
      busy = false;
      if (again) { again = false; refresh(); }
    }
  };

  let stream;
  let poll;
  let retry;
  const close = () => {
    stream?.close();
    stream = undefined;
    clearInterval(poll);
    clearTimeout(retry);
    poll = undefined;
  };
  const open = () => {
    close();
    stream = new EventSource(box.dataset.live);
    stream.addEventListener("ready", () => {
      clearInterval(poll);
      poll = undefined;
      show("live", "Live");
      refresh(); // what came between the page and the stream
    });
    stream.addEventListener("tick", refresh);
    stream.addEventListener("bye", () => { close(); open(); });
    stream.onerror = () => {
      show("polling", "Updating every 5 s");
      poll ??= setInterval(refresh, POLL);
      if (stream?.readyState === EventSource.CLOSED) {
        clearTimeout(retry);
        retry = setTimeout(open, RETRY);
      }
    };
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { close(); show("waiting", "Paused"); } else { refresh(); open(); }
  });
  addEventListener("pagehide", close);
  // The window moves on also when nobody scans.
  setInterval(() => { if (!document.hidden) refresh(); }, 60000);
  open();
})();
