// An issuer's phone: the stepper, sharing, a screen that stays awake. The pages work without it.

// A form that comes back from the browser's memory has the nonce of the pass it made: it is asked for anew.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

for (const stepper of document.querySelectorAll("[data-stepper]")) {
  const input = stepper.querySelector("input");
  const steps = stepper.querySelector(".desk-steps");
  const form = input.form;
  const one = form.querySelector("[data-one]");
  const word = form.querySelector("[data-make-button] span");
  const [least, most] = [Number(input.min), Number(input.max)];
  const show = () => {
    const count = Number(input.value);
    for (const button of steps.children) {
      const next = count + Number(button.dataset.step);
      button.disabled = next < least || next > most;
    }
    // A name or plate is for one pass.
    one.hidden = count > 1;
    for (const field of one.querySelectorAll("input")) field.disabled = count > 1;
    word.textContent = count > 1 ? `Make ${count}` : "Make it";
  };
  steps.hidden = false;
  steps.addEventListener("click", (event) => {
    const button = event.target.closest("[data-step]");
    if (!button) return;
    const count = Math.trunc(Number(input.value)) || least;
    input.value = Math.min(most, Math.max(least, count + Number(button.dataset.step)));
    show();
  });
  input.addEventListener("input", show);
  show();
}

for (const button of document.querySelectorAll("[data-share]")) {
  button.hidden = false;
  const given = { title: button.dataset.shareTitle, url: button.dataset.share };
  if (!navigator.share) {
    // The page's own script copies.
    button.dataset.copy = given.url;
    button.querySelector("span").textContent = "Copy the link";
    continue;
  }
  button.addEventListener("click", async () => {
    try {
      await navigator.share(given);
    } catch (error) {
      if (error.name !== "AbortError") button.dataset.copy = given.url;
    }
  });
}

if (document.querySelector("[data-awake]")) {
  const stay = () => {
    if (!document.hidden) navigator.wakeLock?.request("screen").catch(() => {});
  };
  document.addEventListener("visibilitychange", stay);
  stay();
}
