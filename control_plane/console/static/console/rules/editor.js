/* The editor of a link's rules: a list of cards over one JSON field, which is what is saved. */
import { ruleCard } from "./card.js";
import { data } from "./data.js";
import { say } from "./dom.js";
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

const json = () => rules.map(write);
const text = () => JSON.stringify(json(), null, 2);

const changed = () => {
  area.value = text();
  const dirty = area.value !== saved || data.draft;
  if (state) state.textContent = dirty ? "Not saved yet" : "";
  document.dispatchEvent(new CustomEvent("scanway:draft"));
};

const draw = () => {
  list.replaceChildren(...rules.map((rule, index) => ruleCard(rule, index, rules.length, { changed, act, readonly, hasPassword: data.has_password })));
  empty.hidden = rules.length > 0;
  for (const part of document.querySelectorAll("[data-not-empty]")) part.hidden = !rules.length;
  for (const button of document.querySelectorAll("[data-add-rule]")) button.disabled = rules.length >= limits.rules;
  const count = document.querySelector("[data-rules-count]");
  if (count) count.textContent = rules.length ? `${rules.length} of at most ${limits.rules}` : "";
};
const cardOf = (rule) => document.getElementById(rule.id);

const act = (name, rule, focus = name) => {
  const at = rules.indexOf(rule);
  if (name === "up" || name === "down") {
    const to = at + (name === "up" ? -1 : 1);
    if (to < 0 || to >= rules.length) return;
    rules.splice(at, 1);
    rules.splice(to, 0, rule);
    draw();
    cardOf(rule).focusOn(focus);
    say(`Rule ${at + 1} is now rule ${to + 1} of ${rules.length}.`);
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

const load = (given) => { rules = given.map((one) => read(one)); };

load(data.rules);
saved = JSON.stringify(data.saved.map((one) => write(read(one))), null, 2);
place(data.errors);
draw();
changed();
for (const part of document.querySelectorAll("[data-needs-script]")) part.hidden = false;
document.querySelector(".rule [aria-invalid]")?.focus();

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-add-rule], [data-example]");
  if (!button || readonly) return;
  if (button.dataset.example) return add(EXAMPLES[button.dataset.example]());
  if ("addRule" in button.dataset) add([read({ when: { type: "country", values: [] }, then: { type: "redirect", to: "" } }, true)]);
});

area.addEventListener("change", () => {
  try {
    const given = JSON.parse(area.value || "[]");
    if (!Array.isArray(given) || given.some((one) => !one || typeof one !== "object")) throw new Error("it has to be a list of rules");
    load(given);
    problem.hidden = true;
    area.removeAttribute("aria-invalid");
    draw();
    changed();
    say("The cards show the rules from the JSON.");
  } catch (error) {
    problem.textContent = `This cannot be read, so the cards stay as they were: ${error.message}`;
    problem.hidden = false;
    area.setAttribute("aria-invalid", "true");
  }
});

// Saving is for the button: Enter in a field of a rule would publish half of it.
list.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("input")) event.preventDefault();
});
form.addEventListener("submit", (event) => {
  if (problem.hidden === false) {
    event.preventDefault();
    form.querySelector("[data-rules-json]").open = true;
    area.focus();
    return;
  }
  leaving = true;
});
addEventListener("beforeunload", (event) => { if (!leaving && !readonly && area.value !== saved) event.preventDefault(); });

startPanels({ draft: text, form });
