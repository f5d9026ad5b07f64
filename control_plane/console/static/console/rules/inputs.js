/* Inputs for several values: chips that are pressed, and a field that turns what is typed into tokens. */
import { h, icon, newId } from "./dom.js";

/** One button per value; `chosen` is changed in place. Numbers stay numbers. */
export const chips = (label, options, chosen, changed) => h("div", { class: "chips", role: "group", "aria-label": label },
  options.map(([value, text]) => h("button", {
    type: "button", class: "chip", "aria-pressed": String(chosen.includes(value)), "data-focus": `chip-${value}`,
    onclick: (event) => {
      const at = chosen.indexOf(value);
      if (at < 0) chosen.push(value);
      else chosen.splice(at, 1);
      event.currentTarget.setAttribute("aria-pressed", String(at < 0));
      changed();
    },
  }, text)));

/** The suggestions of a kind, once in the page. */
const suggestions = (kind, options) => {
  const id = `suggest-${kind}`;
  if (!document.getElementById(id)) {
    document.body.append(h("datalist", { id }, options.map(([value, text]) => h("option", { value: text }, value))));
  }
  return id;
};

const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().trim();

/** Tokens with a field to type more. `options` are [value, name] pairs; with `strict` nothing else is taken.

    Enter, a comma, a choice from the list or leaving the field adds; Backspace in an empty field takes the last
    away. `clean` turns what was typed into the value. */
export const tokens = (label, chosen, changed, { options = [], kind = "", strict = false, placeholder = "", clean = (text) => text, name = null, inputmode = "text" } = {}) => {
  const shown = name ?? ((value) => options.find(([key]) => key === value)?.[1] ?? value);
  const problem = h("div", { class: "error", id: newId("t"), hidden: true });
  const input = h("input", {
    class: "tokens-input", type: "text", "aria-label": label, autocomplete: "off", autocapitalize: "none", spellcheck: "false", inputmode,
    list: options.length ? suggestions(kind, options) : null, "aria-describedby": problem.id, "data-focus": "tokens",
  });
  const box = h("div", { class: "tokens" });

  const draw = () => {
    input.placeholder = chosen.length ? "" : placeholder;
    box.replaceChildren(...chosen.map((value, index) => h("span", { class: "token" }, shown(value), h("button", {
      type: "button", "aria-label": `Remove ${shown(value)}`,
      onclick: () => { chosen.splice(index, 1); draw(); changed(); input.focus(); },
    }, icon("x")))), input);
  };
  const complain = (text) => {
    problem.hidden = !text;
    problem.replaceChildren(text);
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  const meant = (text) => {
    const wanted = fold(text);
    const found = options.find(([value, named]) => fold(named) === wanted || value.toLowerCase() === wanted);
    if (found) return found[0];
    const starts = strict ? options.filter(([, named]) => fold(named).startsWith(wanted)) : [];
    if (starts.length === 1) return starts[0][0];
    return strict ? null : clean(text.trim());
  };
  const add = (focus = true) => {
    const texts = input.value.split(/[,;\n]/).map((text) => text.trim()).filter(Boolean);
    const unknown = [];
    for (const text of texts) {
      const value = meant(text);
      if (value === null) unknown.push(text);
      else if (value && !chosen.includes(value)) chosen.push(value);
    }
    input.value = unknown.join(", ");
    complain(unknown.length ? `“${unknown[0]}” is not in the list. Type a name, such as ${options[0][1]}, and choose it.` : "");
    if (texts.length > unknown.length) {
      draw();
      changed();
      if (focus) input.focus();
    }
  };
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter" || event.key === ",") {
      if (!input.value.trim() && event.key === "Enter") return event.preventDefault();
      event.preventDefault();
      add();
    } else if (event.key === "Backspace" && !input.value && chosen.length) {
      chosen.pop();
      draw();
      changed();
      input.focus();
    }
  });
  input.addEventListener("input", (event) => {
    complain("");
    // A choice from the list comes as one replacement.
    if (event.inputType === "insertReplacementText" || !event.inputType) {
      if (options.some(([, named]) => named === input.value)) add();
    }
  });
  input.addEventListener("paste", () => setTimeout(() => { if (/[,;\n]/.test(input.value)) add(); }));
  input.addEventListener("blur", () => add(false));
  box.addEventListener("click", (event) => { if (event.target === box) input.focus(); });
  draw();
  return h("div", { class: "field" }, box, problem);
};
