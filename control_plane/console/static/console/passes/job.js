/* How far a job is: asked every second while the page is seen. What has ended is another page. */
(() => {
  "use strict";
  const card = document.querySelector("[data-job]");
  if (!card) return;
  const EVERY = 1000; // ms
  const bar = card.querySelector("[data-job-progress]");
  const badge = card.querySelector("[data-job-state]");
  const said = card.querySelector("[data-job-said]");
  let shown = "";
  let quarter = 0; // as last said aloud
  let busy = false;

  const show = (state, text) => {
    badge.dataset.state = state;
    badge.textContent = text;
  };

  const ask = async () => {
    if (busy || document.hidden || document.querySelector("dialog[open]")) return;
    busy = true;
    try {
      const answer = await fetch(card.dataset.job, { credentials: "same-origin" });
      // Signed out or removed from the workspace: the next page says which.
      if (answer.redirected || answer.status === 403 || answer.status === 404) return location.reload();
      if (!answer.ok) throw new Error(answer.status);
      const { state, percent, html } = await answer.json();
      if (state !== card.dataset.state) return location.reload();
      if (html !== shown) bar.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
      shown = html;
      bar.setAttribute("aria-valuenow", percent);
      if (Math.floor(percent / 25) > quarter) {
        quarter = Math.floor(percent / 25);
        said.textContent = `${quarter * 25} percent are made.`;
      }
      show("live", state === "waiting" ? "Waiting for its turn" : "Live");
    } catch {
      show("polling", "No connection: this is the last known state");
    } finally {
      busy = false;
    }
  };
  setInterval(ask, EVERY);
  document.addEventListener("visibilitychange", ask);
  ask();
})();
