/* A rule in one sentence. Pure: JSON in, text out. */
import { DAY_NAMES, data, names } from "./data.js";
import { readable } from "./clock.js";

const SHOWN = 3;

const list = (values, word, name = String) => {
  const all = values.map(name);
  if (all.length > SHOWN + 1) all.splice(SHOWN, all.length, `${values.length - SHOWN} more`);
  return all.length < 2 ? all.join("") : `${all.slice(0, -1).join(", ")} ${word} ${all.at(-1)}`;
};
const any = (values, name) => (Array.isArray(values) && values.length ? list(values, "or", name) : "…");
const quoted = (text) => `“${text}”`;

const days = (chosen) => {
  const sorted = [...chosen].sort();
  const run = sorted.every((day, index) => !index || day === sorted[index - 1] + 1);
  if (run && sorted.length > 2) return `${DAY_NAMES[sorted[0]]} to ${DAY_NAMES[sorted.at(-1)]}`;
  return list(sorted, "or", names.day);
};

const time = (c) => {
  const when = [];
  if (Array.isArray(c.days) && c.days.length && c.days.length < 7) when.push(days(c.days));
  const [start, end] = [c.start || "00:00", c.end || "00:00"];
  if (start !== end) when.push(`${start} to ${end}`);
  return `${when.join(", ") || "any time"} in ${names.zone(c.zone || "…").split("/").at(-1)}`;
};

const dates = (c) => {
  const at = (text) => readable(text, data.zone);
  if (c.start && c.end) return `from ${at(c.start)} until ${at(c.end)}`;
  if (c.start) return `${at(c.start)} or later`;
  return c.end ? `before ${at(c.end)}` : "any date";
};

const ordinal = (number) => {
  const last = number % 10;
  const teen = number % 100 > 10 && number % 100 < 14;
  return `${number}${teen ? "th" : { 1: "st", 2: "nd", 3: "rd" }[last] ?? "th"}`;
};

const scan = (c, not) => {
  if (c.first) return `it is ${not}one of the first ${c.first} scans`;
  if (c.every) return `it is ${not}every ${ordinal(c.every)} scan`;
  return c.after ? `${not ? "no" : ""} more than ${c.after} scans came`.trim() : "the scan number is …";
};

const CONDITIONS = {
  os: (c, not) => `the system is ${not}${any(c.values, names.os)}`,
  device: (c, not) => `the device is ${not}a ${any(c.values, names.device)}`,
  in_app: (c, not) => (c.values?.length ? `it is ${not}opened inside ${any(c.values)}` : `it is ${not}opened inside an app`),
  country: (c, not) => `the country is ${not}${any(c.values, names.country)}`,
  region: (c, not) => `the region is ${not}${any(c.values)}`,
  city: (c, not) => `the city is ${not}${any(c.values)}`,
  continent: (c, not) => `the continent is ${not}${any(c.values, names.continent)}`,
  language: (c, not) => (c.accepted ? `the visitor ${not ? "does not read" : "reads"} ${any(c.values, names.language)}` : `the first language is ${not}${any(c.values, names.language)}`),
  time: (c, not) => `it is ${not}${time(c)}`,
  dates: (c, not) => `the date is ${not}${dates(c)}`,
  scan_number: scan,
  visitor: (c, not) => (Boolean(c.new) !== Boolean(not) ? "it is the visitor’s first scan today" : "the visitor scanned earlier today"),
  query: (c, not) => (c.values?.length ? `?${c.name || "…"} is ${not}${any(c.values, quoted)}` : `?${c.name || "…"} is ${not}there`),
  referrer: (c, not) => (c.values?.length ? `the visitor comes ${not}from ${any(c.values)}` : `the visitor comes ${not}from a site or app`),
  placement: (c, not) => (c.values?.length ? `the placement is ${not}${any(c.values)}` : `there is ${not ? "no" : "a"} placement`),
  ip: (c, not) => `the address is ${not}in ${any(c.values)}`,
  bot: (c, not) => `it is ${(c.is_bot !== false) !== Boolean(not) ? "a bot" : "a person"}`,
};

/** "the country is Germany or Austria"; a group inside another stands in brackets. */
export const condition = (json, nested = false) => {
  let not = "";
  let inner = json;
  if (json?.type === "not" && json.of) [not, inner] = ["not ", json.of];
  if (inner?.type === "all" || inner?.type === "any") {
    const parts = (inner.of ?? []).map((one) => condition(one, true));
    const text = parts.join(inner.type === "all" ? " and " : " or ") || (inner.type === "all" ? "always" : "never");
    if (not) return `not (${text})`;
    return nested && parts.length > 1 ? `(${text})` : text;
  }
  if (inner?.type === "not") return `not (${condition(inner)})`;
  return CONDITIONS[inner?.type]?.(inner, not) ?? "a condition this page does not know";
};

const bare = (url) => (url ? url.replace(/^https?:\/\//, "").replace(/\/$/, "") : "…");

const ACTIONS = {
  redirect: (then) => bare(then.to),
  split: (then) => {
    const sum = (then.variants ?? []).reduce((total, one) => total + (one.weight ?? 1), 0) || 1;
    return `split: ${(then.variants ?? []).map((one) => `${Math.round((100 * (one.weight ?? 1)) / sum)} % ${one.name || bare(one.to)}`).join(", ")}`;
  },
  app: (then) => `open the app, else its store; elsewhere ${bare(then.to)}`,
  password: (then) => `ask for the password, then ${then.to ? bare(then.to) : "the link’s destination"}`,
  notice: (then) => `show a page: ${then.title ? quoted(then.title) : "…"}`,
  gone: () => "say that it is over (410)",
};

export const action = (then) => ACTIONS[then.type]?.(then) ?? "an action this page does not know";

/** { when: "If the country is Germany", then: "example.com/de" }. */
export const sentence = (json) => ({ when: json.when ? `If ${condition(json.when)}` : "Always", then: action(json.then) });
