/* The "When" of a rule: its conditions, joined by all or any, with one level of groups. */
import { conditionRow } from "./condition.js";
import { h, icon, newId, select } from "./dom.js";
import { group, leaf } from "./model.js";
import { condition } from "./words.js";

const fresh = () => leaf({ type: "country", values: [] });
const JOIN = [["all", "all of these hold"], ["any", "one or more of these hold"]];

/** In the order of the rule. `redraw(focus)` draws the card again; `changed()` only its sentence. */
export const whenFields = (rule, { changed, redraw }) => {
  const rows = (holder, inside) => holder.items.map((item, index) => {
    const word = index === 0 ? "If" : holder.match === "all" ? "and" : "or";
    const remove = () => {
      holder.items.splice(index, 1);
      redraw(holder.items.length ? `fact-${holder.items[Math.min(index, holder.items.length - 1)].id}` : inside ? `add-${holder.id}` : "add");
    };
    if (item.kind === "leaf") return conditionRow(item, word, { changed, redraw, remove }) ?? rawRow(item, word, remove);
    return item.kind === "group" ? groupRow(item, word, remove) : rawRow(item, word, remove);
  });

  const groupRow = (item, word, remove) => h("fieldset", { class: "condition-group", "data-path": item.path },
    h("legend", { class: "only-read" }, "Group of conditions"),
    h("div", { class: "condition-group-head" },
      h("span", { class: "condition-word" }, word),
      select([["is", "it holds that"], ["not", "it does not hold that"]], item.not ? "not" : "is", { "aria-label": "The group holds or does not", "data-focus": `not-${item.id}`, onchange: (event) => { item.not = event.target.value === "not"; redraw(`not-${item.id}`); } }),
      select(JOIN, item.match, { "aria-label": "All or one of the group", "data-focus": `match-${item.id}`, onchange: (event) => { item.match = event.target.value; redraw(`match-${item.id}`); } }),
      h("button", { type: "button", class: "button button-icon button-small button-ghost condition-remove", "aria-label": "Remove this group", title: "Remove", onclick: remove }, icon("x"))),
    rows(item, true),
    h("div", {}, h("button", { type: "button", class: "button button-small button-ghost", "data-focus": `add-${item.id}`, onclick: () => { const one = fresh(); item.items.push(one); redraw(`fact-${one.id}`); } }, icon("plus"), "Condition in this group")));

  const rawRow = (item, word, remove) => {
    const json = item.kind === "raw" ? item.json : item.cond;
    const id = newId("raw");
    const problem = h("p", { class: "error", id: `${id}-error`, hidden: true });
    const area = h("textarea", {
      class: "textarea mono", id, rows: 6, spellcheck: "false", value: JSON.stringify(json, null, 2), "aria-describedby": `${id}-error`,
      onchange: () => {
        try {
          const typed = JSON.parse(area.value);
          condition(typed); // what has no words is not taken over
          item.kind = "raw";
          item.json = typed;
          problem.hidden = true;
          area.removeAttribute("aria-invalid");
          changed();
        } catch (error) {
          problem.textContent = `This cannot be read, so the condition stays as it was: ${error.message}.`;
          problem.hidden = false;
          area.setAttribute("aria-invalid", "true");
        }
      },
    });
    return h("div", { class: "condition-raw", "data-path": item.path, "data-item": item.id },
      h("span", { class: "condition-word" }, word),
      h("p", { class: "grow" }, condition(json)),
      h("button", { type: "button", class: "button button-icon button-small button-ghost condition-remove", "aria-label": "Remove this condition", title: "Remove", onclick: remove }, icon("x")),
      h("details", { class: "disclosure condition-json" }, h("summary", {}, "Advanced: not what these rows can show; edit it as JSON"), h("label", { class: "only-read", for: id }, "Condition as JSON"), area, problem));
  };

  return h("div", { class: "form-tight", "data-path": "when" },
    rule.items.length > 1 && h("div", { class: "row row-wrap" }, h("span", { class: "small muted" }, "It matches when"),
      select(JOIN, rule.match, { class: "select select-inline", "aria-label": "All or one of the conditions", "data-focus": "match", onchange: (event) => { rule.match = event.target.value; redraw("match"); } })),
    rule.items.length ? rows(rule, false) : h("p", { class: "hint" }, "Always: it takes every scan that no rule above it has taken."),
    h("div", { class: "row row-wrap" },
      h("button", { type: "button", class: "button button-small", "data-focus": "add", onclick: () => { const one = fresh(); rule.items.push(one); redraw(`fact-${one.id}`); } }, icon("plus"), "Condition"),
      h("button", { type: "button", class: "button button-small button-ghost", "data-focus": "add-group", onclick: () => { const one = fresh(); rule.items.push(group(rule.match === "all" ? "any" : "all", [one, fresh()])); redraw(`fact-${one.id}`); } }, icon("layers"), "Group")));
};
