/* Rules are also moved by dragging their number. Buttons and keys do the same without a mouse. */

/** move(from, to): places from 0. */
export const startDragging = (list, move) => {
  const at = (card) => [...list.children].indexOf(card);
  let dragged = null;

  // Only the number is a handle: text in the card stays selectable.
  list.addEventListener("pointerdown", (event) => {
    const card = event.target.closest(".rule-number")?.closest(".rule");
    if (card && event.pointerType === "mouse") card.draggable = true;
  });
  list.addEventListener("dragstart", (event) => {
    dragged = event.target.closest(".rule");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.querySelector(".rule-text").textContent);
    dragged.classList.add("dragged");
  });
  list.addEventListener("dragover", (event) => {
    if (!dragged) return;
    event.preventDefault();
    const over = event.target.closest(".rule");
    for (const card of list.children) card.classList.toggle("drop", card === over && card !== dragged);
  });
  list.addEventListener("drop", (event) => {
    event.preventDefault();
    const over = event.target.closest(".rule");
    if (dragged && over && over !== dragged) move(at(dragged), at(over));
  });
  list.addEventListener("dragend", () => {
    for (const card of list.children) card.classList.remove("drop", "dragged");
    if (dragged) dragged.draggable = false;
    dragged = null;
  });
};
