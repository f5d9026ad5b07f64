/* One condition as a row: which fact, whether it is or is not, and the values. */
import { COUNTRIES, CONTINENTS, DAYS, DEVICES, LANGUAGES, SYSTEMS, data, names } from "./data.js";
import { toLocal, toOffset } from "./clock.js";
import { field, h, icon, select } from "./dom.js";
import { chips, tokens } from "./inputs.js";

const IS = ["is", "is not"];
const host = (text) => text.toLowerCase().replace(/^https?:\/\//, "").replace(/^www\./, "").replace(/\/.*$/, "");

const values = (make) => (cond, changed) => {
  cond.values ??= [];
  return make(cond, changed);
};
const oneOf = (label, options) => values((cond, changed) => chips(label, options, cond.values, changed));
const typed = (label, options) => values((cond, changed) => tokens(label, cond.values, changed, options));
const note = (text) => h("p", { class: "hint" }, text);

const time = (cond, changed) => {
  cond.days ??= [];
  const set = (name) => (event) => { cond[name] = event.target.value; changed(); };
  const clock = (name, label) => field(label, `.${name}`, h("input", { class: "input", type: "time", value: cond[name] || "00:00", onchange: set(name) }));
  const zones = !cond.zone || data.zones.includes(cond.zone) ? data.zones : [cond.zone, ...data.zones];
  return h("div", { class: "form-tight" },
    h("div", { "data-path": ".days" }, chips("Weekdays", DAYS, cond.days, changed)),
    h("div", { class: "fields-3" }, clock("start", "From"), clock("end", "Until"),
      field("On the clocks of", ".zone", select(zones.map((zone) => [zone, names.zone(zone)]), cond.zone, { onchange: set("zone") }))),
    note("No weekday pressed: every day. The same time twice: all day. Until may be earlier than from: then it goes past midnight."));
};

const dates = (cond, changed) => {
  const when = (name, label) => field(label, `.${name}`, h("input", {
    class: "input", type: "datetime-local", value: toLocal(cond[name], data.zone),
    onchange: (event) => { cond[name] = toOffset(event.target.value, data.zone); changed(); },
  }), { optional: true });
  return h("div", { class: "form-tight" }, h("div", { class: "fields-2" }, when("start", "From"), when("end", "Until before")),
    note(`On the clocks of ${names.zone(data.zone)}. Empty is open.`));
};

const scanNumber = (cond, changed) => {
  const kinds = { first: "one of the first", every: "every so many, the", after: "after the first" };
  let kind = Object.keys(kinds).find((name) => cond[name]) ?? "first";
  const number = h("input", { class: "input", type: "number", min: 1, step: 1, inputmode: "numeric", value: cond[kind] || "", placeholder: "100", "aria-label": "Number of scans" });
  const put = () => {
    for (const name of Object.keys(kinds)) delete cond[name];
    cond[kind] = Math.trunc(Number(number.value)) || 0;
    changed();
  };
  number.addEventListener("input", put);
  return h("div", { class: "row number-row" },
    select(Object.entries(kinds), kind, { "aria-label": "Which scans", onchange: (event) => { kind = event.target.value; put(); } }), number, h("span", { class: "muted small" }, "scans"));
};

const query = (cond, changed) => {
  cond.values ??= [];
  return h("div", { class: "fields-2" },
    field("Parameter", ".name", h("input", { class: "input", value: cond.name ?? "", placeholder: "ref", autocomplete: "off", autocapitalize: "none", spellcheck: "false", oninput: (event) => { cond.name = event.target.value.trim(); changed(); } })),
    h("div", { class: "field", "data-path": ".values" }, h("span", { class: "legend", "aria-hidden": "true" }, "Values"), tokens("Values of the parameter", cond.values, changed, { placeholder: "any value" })));
};

/** label: in the menu. ops: what "is" and "is not" are called here. fresh: a new one. input: its values. */
export const FACTS = {
  os: { label: "System", ops: IS, fresh: { values: [] }, input: oneOf("Systems", SYSTEMS) },
  device: { label: "Device", ops: IS, fresh: { values: [] }, input: oneOf("Devices", DEVICES) },
  in_app: { label: "Opened in an app", ops: ["is opened in", "is not opened in"], fresh: {}, input: typed("Apps", { options: data.in_apps.map((app) => [app, app]), kind: "apps", strict: true, placeholder: "any app" }) },
  bot: { label: "Bot or person", ops: ["is", "is not"], fresh: { is_bot: true }, input: (cond, changed) => select([["true", "a bot"], ["false", "a person"]], cond.is_bot !== false, { "aria-label": "Bot or person", onchange: (event) => { cond.is_bot = event.target.value === "true"; changed(); } }) },
  country: { label: "Country", ops: IS, fresh: { values: [] }, input: typed("Countries", { options: COUNTRIES, kind: "countries", strict: true, placeholder: "Germany" }) },
  region: { label: "Region", ops: IS, fresh: { values: [] }, input: typed("Regions", { placeholder: "Bavaria" }) },
  city: { label: "City", ops: IS, fresh: { values: [] }, input: typed("Cities", { placeholder: "Munich" }) },
  continent: { label: "Continent", ops: IS, fresh: { values: [] }, input: oneOf("Continents", CONTINENTS) },
  language: {
    label: "Language", ops: IS, fresh: { values: [] },
    input: values((cond, changed) => h("div", { class: "form-tight" },
      tokens("Languages", cond.values, changed, { options: LANGUAGES, kind: "languages", name: names.language, placeholder: "German, or a tag such as de-at", clean: (text) => text.toLowerCase().replaceAll("_", "-") }),
      h("label", { class: "check small" }, h("input", { type: "checkbox", checked: Boolean(cond.accepted), onchange: (event) => { cond.accepted = event.target.checked; changed(); } }), h("span", {}, "Also where it is not the visitor’s first choice")))),
  },
  time: { label: "Weekday and time", ops: ["is within", "is outside of"], fresh: { zone: data.zone, days: [1, 2, 3, 4, 5], start: "09:00", end: "18:00" }, input: time },
  dates: { label: "Date", ops: ["is within", "is outside of"], fresh: {}, input: dates },
  scan_number: { label: "Scan number", ops: IS, fresh: { first: 100 }, input: scanNumber },
  visitor: { label: "New or returning", ops: ["is", "is not"], fresh: { new: true }, input: (cond, changed) => select([["true", "the visitor’s first scan today"], ["false", "a visitor who scanned earlier today"]], Boolean(cond.new), { "aria-label": "New or returning", onchange: (event) => { cond.new = event.target.value === "true"; changed(); } }) },
  query: { label: "Query parameter", ops: IS, fresh: { name: "" }, input: query },
  referrer: { label: "Comes from", ops: ["is", "is not"], fresh: {}, input: typed("Sites", { placeholder: "any site, or example.com", clean: host }) },
  placement: { label: "Placement", ops: IS, fresh: {}, input: typed("Placements", { placeholder: "any, or door" }) },
  ip: { label: "Network", ops: ["is in", "is not in"], fresh: { values: [] }, input: typed("Networks", { placeholder: "192.0.2.0/24" }) },
};

const MENU = [
  ["Device", ["os", "device", "in_app", "bot"]],
  ["Place", ["country", "region", "city", "continent", "ip"]],
  ["Person", ["language", "visitor", "referrer"]],
  ["Time", ["time", "dates"]],
  ["Scan", ["placement", "query", "scan_number"]],
].map(([title, facts]) => [title, facts.map((fact) => [fact, FACTS[fact].label])]);

// Their inputs need the whole width, below the question.
const BROAD = new Set(["time", "dates", "query", "scan_number"]);

/** A row. changed(): a value differs; redraw(focus): the row itself does; remove(): take it away. */
export const conditionRow = (item, word, { changed, redraw, remove }) => {
  const fact = FACTS[item.cond.type];
  if (!fact) return null;
  const control = fact.input(item.cond, changed);
  for (const part of [control, ...control.querySelectorAll("[data-path]")]) {
    if (part.dataset.path) part.dataset.path = item.path + part.dataset.path;
  }
  return h("div", { class: `condition${BROAD.has(item.cond.type) ? " condition-broad" : ""}`, role: "group", "aria-label": `Condition: ${fact.label}`, "data-path": item.path, "data-item": item.id },
    h("span", { class: "condition-word" }, word),
    select(MENU, item.cond.type, {
      "aria-label": "What is asked", class: "select condition-fact", "data-focus": `fact-${item.id}`,
      onchange: (event) => { item.cond = { type: event.target.value, ...structuredClone(FACTS[event.target.value].fresh) }; redraw(`fact-${item.id}`); },
    }),
    select([["is", fact.ops[0]], ["not", fact.ops[1]]], item.not ? "not" : "is", {
      "aria-label": "Is or is not", class: "select condition-op", "data-focus": `op-${item.id}`,
      onchange: (event) => { item.not = event.target.value === "not"; redraw(`op-${item.id}`); },
    }),
    h("div", { class: "condition-values", "data-path": `${item.path}.values` }, control),
    h("button", { type: "button", class: "button button-icon button-small button-ghost condition-remove", "aria-label": `Remove the condition ${fact.label}`, title: "Remove", onclick: remove }, icon("x")));
};
