/* Notices when the phone has used its pairing code, or its link. */
(() => {
  "use strict";
  const card = document.querySelector("[data-pairing]");
  if (!card) return;
  const EVERY = 2000; // ms
  const VALID = Number(card.dataset.valid ?? 3600000); // ms: a pairing code has an hour, as the server has it
  const since = Date.now();
  const timer = setInterval(async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(card.dataset.pairing, { credentials: "same-origin" });
      if (!answer.ok) return;
      if ((await answer.json()).paired) {
        clearInterval(timer);
        card.querySelector("[data-waiting]").hidden = true;
        const paired = card.querySelector("[data-paired]");
        paired.hidden = false;
        paired.querySelector("h2").focus();
        return;
      }
    } catch {
      return; // offline: asked again
    }
    if (Date.now() - since > VALID) {
      clearInterval(timer);
      const state = card.querySelector("[data-pairing-state]");
      state.dataset.state = "polling";
      state.textContent = card.dataset.over ?? "This code has run out. Make a new one in the list of devices.";
    }
  }, EVERY);
})();
