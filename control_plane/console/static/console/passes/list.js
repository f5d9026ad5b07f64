/* Ticking passes: all of the page at once, and how many are chosen. */
(() => {
  "use strict";
  const form = document.querySelector("[data-selection]");
  const all = form?.querySelector("[data-all]");
  if (!all) return;
  const boxes = [...form.querySelectorAll("input[name=n]")];
  const text = form.querySelector("[data-chosen-text]");
  const buttons = form.querySelectorAll("[data-chosen] button");
  const show = () => {
    const count = boxes.filter((box) => box.checked).length;
    all.checked = count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
    text.textContent = count ? `${count} selected` : "Tick passes to print or change them.";
    for (const button of buttons) button.disabled = count === 0;
  };
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    show();
  });
  form.addEventListener("change", show);
  addEventListener("pageshow", show);
  show();
})();
