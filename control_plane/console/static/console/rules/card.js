/* One rule as a card: a sentence while it is closed, its fields while it is open. */
import { actionFields } from "./action.js";
import { h, icon } from "./dom.js";
import { write } from "./model.js";
import { whenFields } from "./when.js";
import { sentence } from "./words.js";

/** The smallest part of the card that a path names: "when.of[0].values" itself, or what it lies in. */
const placeOf = (card, path) => {
  for (let at = path; at; at = at.replace(/(\.[^.[\]]+|\[\d+\]|^[^.[\]]+)$/, "")) {
    const found = [...card.querySelectorAll("[data-path]")].filter((one) => one.dataset.path === at).at(-1);
    if (found) return found;
  }
  return null;
};

/** Shows each error at the field it names; gives back the sentences that have no place. */
const showErrors = (card, rule) => {
  const rest = [];
  rule.errors.forEach(({ path, message }, index) => {
    const place = placeOf(card, path);
    if (!place) return rest.push(message);
    const line = h("div", { class: "error", id: `${rule.id}-error-${index}`, "data-error": path }, icon("circle-alert"), h("span", {}, message));
    place.append(line);
    const control = place.querySelector("input, select, textarea, [role=group]");
    if (control?.matches("input, select, textarea")) control.setAttribute("aria-invalid", "true");
    control?.setAttribute("aria-describedby", [control.getAttribute("aria-describedby"), line.id].filter(Boolean).join(" "));
  });
  return rest;
};

/** The card of a rule.

    changed(): a value differs. act(name, rule, focus): up, down, duplicate or delete, then the focus goes there.
    readonly: the member may not write. hasPassword: the link has one to ask for. */
export const ruleCard = (rule, index, count, { changed, act, readonly, hasPassword }) => {
  const card = h("li", { class: "rule card", "data-rule": index + 1, id: rule.id });

  const button = (name, glyph, label, disabled = false) => h("button", {
    type: "button", class: "button button-icon button-small button-ghost", "aria-label": `${label}: rule ${index + 1}`, title: label, disabled, "data-focus": name,
    onclick: () => act(name, rule),
  }, icon(glyph));

  const text = h("span", { class: "rule-sentence" });
  const title = h("span", { class: "rule-name" });
  const say = () => {
    const { when, then } = sentence(write(rule));
    title.textContent = rule.name;
    title.hidden = !rule.name;
    text.replaceChildren(h("span", {}, when), " ", h("span", { class: "rule-arrow", "aria-hidden": "true" }, "→"), " ", h("span", { class: "only-read" }, "then"), " ", h("span", { class: "rule-then" }, then));
  };

  const draw = (focus = "") => {
    say();
    const edited = (event) => {
      if (event?.target) {
        const path = event.target.closest?.("[data-path]");
        path?.querySelectorAll(":scope > [data-error]").forEach((one) => one.remove());
        event.target.removeAttribute?.("aria-invalid");
        if (path) rule.errors = rule.errors.filter((one) => card.querySelector(`[data-error="${CSS.escape(one.path)}"]`) || !one.path);
      }
    };
    const toggle = h("button", {
      type: "button", class: "rule-toggle", "aria-expanded": String(rule.open), "aria-controls": rule.open ? `${rule.id}-body` : null, "data-focus": "toggle",
      onclick: () => { rule.open = !rule.open; draw("toggle"); },
    }, h("span", { class: "rule-number", "aria-hidden": "true" }, String(index + 1)), h("span", { class: "only-read" }, `Rule ${index + 1}: `), h("span", { class: "rule-text" }, title, text), icon("chevron-down"));
    const head = h("div", { class: "rule-head" }, toggle,
      !readonly && h("div", { class: "rule-tools" },
        button("up", "arrow-up", "Move up", index === 0), button("down", "arrow-down", "Move down", index === count - 1),
        button("duplicate", "copy-plus", "Duplicate"), button("delete", "trash-2", "Delete")));
    const parts = { changed: () => { write(rule); say(); changed(); }, redraw: (to) => { rule.errors = []; changed(); draw(to); }, hasPassword };
    const body = rule.open && h("div", { class: "rule-body", id: `${rule.id}-body`, oninput: edited, onchange: edited, onclick: (event) => { if (event.target.closest(".chip")) edited(event); } },
      h("fieldset", { disabled: readonly, class: "form-tight" },
        h("div", { class: "rule-part" }, h("h3", {}, "When"), whenFields(rule, parts)),
        h("div", { class: "rule-part" }, h("h3", {}, "Then"), actionFields(rule, parts)),
        h("div", { class: "rule-part" }, h("h3", {}, "Name"), h("div", { class: "field", "data-path": "name" },
          h("input", { class: "input", "aria-label": "Name of the rule, optional", value: rule.name, maxlength: 80, placeholder: "optional; for you and your statistics", autocomplete: "off", oninput: (event) => { rule.name = event.target.value; parts.changed(); } })))));
    card.classList.toggle("open", rule.open);
    card.classList.toggle("bad", rule.errors.length > 0);
    card.replaceChildren(...[head, body].filter(Boolean));
    if (rule.errors.length) {
      const rest = rule.open ? showErrors(card, rule) : rule.errors.map((one) => one.message);
      if (rest.length) card.append(h("div", { class: "error rule-error", role: "alert" }, icon("circle-alert"), h("span", {}, rest.join(" "))));
    }
    if (focus) card.querySelector(`[data-focus="${focus}"]`)?.focus();
  };

  card.addEventListener("keydown", (event) => {
    // Only in its head: in a list, a date or a field with suggestions these keys open what can be chosen.
    if (!event.altKey || event.ctrlKey || event.metaKey || readonly || !event.target.closest(".rule-head")) return;
    if (event.key === "ArrowUp" && index > 0) { event.preventDefault(); act("up", rule, "toggle"); }
    if (event.key === "ArrowDown" && index < count - 1) { event.preventDefault(); act("down", rule, "toggle"); }
  });
  card.focusOn = (name) => (card.querySelector(`[data-focus="${name}"]:not(:disabled)`) ?? card.querySelector("[data-focus=toggle]"))?.focus();
  draw();
  return card;
};
