/* A holder is for one pass: with more of them its fields step back. The button says what it does. */
(() => {
  "use strict";
  const form = document.querySelector("[data-issue]");
  if (!form) return;
  const count = form.elements.count;
  const holder = form.querySelector("[data-holder]");
  const button = form.querySelector("[data-issue-button]");
  const show = () => {
    const many = Number(count.value);
    const wrong = holder.querySelector("[aria-invalid]");
    holder.hidden = many > 1 && !wrong && ![...holder.querySelectorAll("input")].some((input) => input.value);
    button.textContent = many > 1 ? `Issue ${many.toLocaleString("en")} passes` : "Issue pass";
  };
  form.addEventListener("input", show);
  show();
})();
