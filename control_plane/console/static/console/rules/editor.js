/* The editor of a link's rules: a list of cards over one JSON field, which is what is saved. */
import { ruleCard } from "./card.js";
import { data } from "./data.js";
import { say } from "./dom.js";
import { startDragging } from "./drag.js";
import { EXAMPLES } from "./examples.js";
import { copy, read, write } from "./model.js";
import { startPanels } from "./panels.js";

const form = document.querySelector("form[data-rules]");
const area = form.querySelector("textarea[name=rules]");
const list = document.querySelector("[data-rules-list]");
const empty = document.querySelector("[data-rules-empty]");
const state = document.querySelector("[data-rules-state]");
const problem = document.querySelector("[data-rules-json-error]");
const { readonly, limits } = data;
let rules = [];
let saved = "";
let leaving = false;
let typing;
const TYPING = 400; // ms after the last key

const json = () => rules.map(write);
const text = () => JSON.stringify(json(), null, 2);

const noticed = () => {
  if (state) state.textContent = area.value !== saved || data.draft ? "Not saved yet" : "";
  document.dispatchEvent(new CustomEvent("scanway:draft"));
};
const changed = () => {
  clearTimeout(typing);
  area.value = text();
  problem.hidden = true;
  area.removeAttribute("aria-invalid");
  noticed();
};

const draw = () => {
  list.replaceChildren(...rules.map((rule, index) => ruleCard(rule, index, rules.length, { changed, act, readonly, hasPassword: data.has_password })));
  empty.hidden = rules.length > 0;
  for (const part of document.querySelectorAll("[data-not-empty]")) part.hidden = !rules.length;
  for (const button of document.querySelectorAll("[data-add-rule]")) button.disabled = rules.length >= limits.rules;
  const count = document.querySelector("[data-rules-count]");
  if (count) count.textContent = rules.length ? `${rules.length} of at most ${limits.rules}` : "";
  for (const part of document.querySelectorAll("[data-needs-cards]")) part.hidden = false;
};
const cardOf = (rule) => document.getElementById(rule.id);

const move = (at, to, focus = "toggle") => {
  if (to < 0 || to >= rules.length) return;
  const [rule] = rules.splice(at, 1);
  rules.splice(to, 0, rule);
  draw();
  cardOf(rule).focusOn(focus);
  say(`Rule ${at + 1} is now rule ${to + 1} of ${rules.length}.`);
  changed();
};

const act = (name, rule, focus = name) => {
  const at = rules.indexOf(rule);
  if (name === "up" || name === "down") {
    return move(at, at + (name === "up" ? -1 : 1), focus);
  } else if (name === "duplicate") {
    if (rules.length >= limits.rules) return say(`A link has at most ${limits.rules} rules.`);
    const twin = copy(rule);
    rules.splice(at + 1, 0, twin);
    draw();
    cardOf(twin).focusOn("toggle");
    say(`Rule ${at + 2} is a copy of rule ${at + 1}.`);
  } else {
    rules.splice(at, 1);
    draw();
    const next = rules[Math.min(at, rules.length - 1)];
    if (next) cardOf(next).focusOn("toggle");
    else document.querySelector("[data-add-rule]")?.focus();
    say(`Rule ${at + 1} is taken away.`, "Undo", () => {
      rules.splice(at, 0, rule);
      draw();
      changed();
      cardOf(rule).focusOn("toggle");
    });
  }
  changed();
};

const add = (fresh) => {
  const room = fresh.slice(0, limits.rules - rules.length);
  rules.push(...room);
  draw();
  changed();
  if (room[0]) {
    cardOf(room[0]).scrollIntoView({ block: "nearest" });
    cardOf(room[0]).focusOn(room[0].items.length && room[0].hints.to ? "then-to" : "toggle");
  }
};

/** Errors as the server names them: "rules[1].when.of[0].values" goes to the second card. */
const place = (errors) => {
  for (const { path, message } of errors) {
    const found = /^rules\[(\d+)\]\.?(.*)$/.exec(path);
    const rule = found && rules[Number(found[1])];
    if (!rule) continue;
    rule.errors.push({ path: found[2], message });
    rule.open = true;
  }
};

const parsed = () => {
  const given = JSON.parse(area.value || "[]");
  if (!Array.isArray(given) || given.some((one) => !one || typeof one !== "object" || Array.isArray(one))) throw new Error("it has to be a list of rules");
  if (given.length > limits.rules) throw new Error(`a link has at most ${limits.rules} rules, and these are ${given.length}`);
  return given.map((one) => read(one));
};

/** The cards from the JSON; the text itself stays as it is typed. False where the cards cannot show it: then
    they stay as they were, and so do the rules behind them. */
const follow = (errors = []) => {
  clearTimeout(typing);
  const before = rules;
  try {
    rules = parsed();
    place(errors);
    draw();
  } catch (error) {
    rules = before;
    problem.textContent = `The cards cannot follow this text: ${error.message}.`;
    problem.hidden = false;
    area.setAttribute("aria-invalid", "true");
    form.querySelector("[data-rules-json]").open = true;
    return false;
  }
  noticed();
  return true;
};

saved = JSON.stringify(data.saved.map((one) => write(read(one))), null, 2);
if (follow(data.errors)) changed();
else noticed();
for (const part of document.querySelectorAll("[data-needs-script]")) part.hidden = false;
document.querySelector(".rule [aria-invalid]")?.focus();

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-add-rule], [data-example]");
  if (!button || readonly) return;
  if (button.dataset.example) return add(EXAMPLES[button.dataset.example]());
  if ("addRule" in button.dataset) add([read({ when: { type: "country", values: [] }, then: { type: "redirect", to: "" } }, true)]);
});

// While typing and not when the field is left: then the page would move away under a click on the button.
area.addEventListener("input", () => {
  problem.hidden = true;
  area.removeAttribute("aria-invalid");
  clearTimeout(typing);
  typing = setTimeout(follow, TYPING);
});

// Saving is for the button: Enter in a field of a rule would publish half of it.
list.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("input")) event.preventDefault();
});
form.addEventListener("submit", (event) => {
  leaving = area.value === text() || follow();
  if (leaving) return;
  event.preventDefault();
  area.focus();
});
addEventListener("beforeunload", (event) => { if (!leaving && !readonly && area.value !== saved) event.preventDefault(); });

if (!readonly) startDragging(list, move);
startPanels({ draft: () => area.value, form });
