/* Scanners that type: letters in quick succession, ended by Enter, anywhere on the page. */

const GAP = 1000; // ms between two letters; a slow Bluetooth scanner needs about 50, and may stutter
const PERSON = 80; // ms after which a lone space was a person's
const LEAST = 6; // characters

/** onText(text) for what a scanner typed, with the spaces at either end: a Base45 text may begin with one. */
export const listen = (onText) => {
  let typed = "";
  let at = 0;
  let space = null;

  const editable = (node) => node?.closest?.("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]");

  addEventListener("keydown", (event) => {
    if (editable(event.target) || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const now = event.timeStamp;
    if (now - at > GAP) typed = "";
    if (event.key === "Enter") {
      const text = typed;
      typed = "";
      if (text.length < LEAST) return;
      event.preventDefault();
      event.stopPropagation();
      onText(text);
      return;
    }
    if (event.key.length !== 1) return;
    clearTimeout(space);
    typed += event.key;
    at = now;
    if (event.key !== " ") return;
    // On a button a space is a click, and elsewhere it scrolls; which of them, the next letter tells.
    event.preventDefault();
    const target = event.target.closest?.("button, summary, [role=button], [role=radio]");
    if (target && typed === " ") space = setTimeout(() => target.click(), PERSON);
  }, true);

  addEventListener("keyup", (event) => {
    if (event.key === " " && !editable(event.target)) event.preventDefault();
  }, true);
};
