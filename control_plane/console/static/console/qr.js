/* The QR card: the options change preview and download addresses; the server's sentence is shown where they
   cannot be printed. */
(() => {
  "use strict";
  const card = document.querySelector("[data-qr]");
  if (!card) return;
  const form = card.querySelector("form");
  const image = card.querySelector("img");
  const error = card.querySelector("[data-qr-error]");
  const base = card.dataset.qr.replace(/svg$/, "");
  let timer;

  const update = async () => {
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
    const preview = `${base}svg?${query}`;
    const answer = await fetch(preview).catch(() => null);
    if (!answer) return;
    error.hidden = answer.ok;
    if (answer.ok) {
      image.src = preview;
      query.set("download", "1");
      for (const link of card.querySelectorAll("[data-format]")) link.href = `${base}${link.dataset.format}?${query}`;
    } else {
      error.textContent = await answer.text();
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(update, 250);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    update();
  });
})();
