/* Elements, icons and what is said to people who listen. */

/** h("button", { class: "x", onclick: f, "aria-label": "…" }, "text", node, …); false, null and undefined are left out. */
export const h = (tag, props = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return element;
};

/** An icon that the page brought with it. */
export const icon = (name) => {
  const found = document.getElementById("icons")?.content.querySelector(`[data-icon="${name}"] svg`);
  return found ? found.cloneNode(true) : "";
};

export const select = (options, value, props = {}) => {
  const box = h("select", { class: "select", ...props }, options.map(([key, label]) =>
    Array.isArray(label)
      ? h("optgroup", { label: key }, label.map(([inner, text]) => h("option", { value: inner }, text)))
      : h("option", { value: key }, label)));
  box.value = String(value);
  return box;
};

let counter = 0;
export const newId = (prefix) => `${prefix}-${(counter += 1)}`;

/** A control with its label above and a hint below, found again by the path that an error names. */
export const field = (label, path, control, { hint = "", optional = false } = {}) => {
  const id = control.id || newId("f");
  control.id = id;
  if (hint) control.setAttribute("aria-describedby", `${id}-hint`);
  return h("div", { class: "field", "data-path": path },
    h("label", { for: id }, label, optional && h("span", { class: "optional" }, " optional")),
    control,
    hint && h("div", { class: "hint", id: `${id}-hint` }, hint));
};

/** Read out by a screen reader, and shown where there is a way back. */
export const say = (text, action = "", act = null) => {
  const line = document.querySelector("[data-rules-said]");
  if (!line) return;
  line.replaceChildren(h("span", {}, text));
  line.classList.toggle("only-read", !act);
  if (act) line.append(h("button", { type: "button", class: "button button-small", onclick: () => { line.replaceChildren(); line.classList.add("only-read"); act(); } }, icon("undo-2"), action));
};
