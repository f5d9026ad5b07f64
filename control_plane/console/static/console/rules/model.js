/* A rule as the editor holds it, from the one JSON form and back to it.

   A condition of the JSON is a tree. The editor shows a list that is joined by "all" or "any", with one level of
   groups in it; each line can be turned round. What is deeper is kept as it came, and edited as JSON. */
import { newId } from "./dom.js";

const GROUPS = new Set(["all", "any"]);

export const leaf = (cond, not = false) => ({ kind: "leaf", id: newId("c"), not, cond, path: "" });
export const group = (match, items, not = false) => ({ kind: "group", id: newId("g"), not, match, items, path: "" });
const raw = (json) => ({ kind: "raw", id: newId("r"), json, path: "" });

// What has a field that we do not know, or of another kind, stays raw: the server says that it is wrong, we do
// not hide it.
const isOnly = (json, ...fields) => Object.keys(json).every((name) => fields.includes(name));

const hasLists = (cond) => [cond.values, cond.days].every((one) => one === undefined || Array.isArray(one));

const line = (json, nested) => {
  let not = false;
  let inner = json;
  if (json?.type === "not" && json.of && isOnly(json, "type", "of")) [not, inner] = [true, json.of];
  if (!inner || typeof inner !== "object" || inner.type === "not") return raw(json);
  if (!GROUPS.has(inner.type)) return hasLists(inner) ? leaf(structuredClone(inner), not) : raw(json);
  if (nested || !Array.isArray(inner.of) || !inner.of.length || !isOnly(inner, "type", "of")) return raw(json);
  const items = inner.of.map((one) => line(one, true));
  return items.some((one) => one.kind === "raw") ? raw(json) : group(inner.type, items, not);
};

/** The editor's form of one rule of the JSON. Throws where there is no action to show. */
export const read = (json, open = false) => {
  const { name = "", when = null, then = { type: "redirect", to: "" }, ...rest } = json;
  if (!then || typeof then !== "object") throw new Error("“then” has to be an object");
  const rule = { id: newId("rule"), open, name: String(name), match: "all", items: [], then: structuredClone(then), rest, errors: [], hints: {} };
  if (when && GROUPS.has(when.type) && Array.isArray(when.of) && when.of.length && isOnly(when, "type", "of")) {
    rule.match = when.type;
    rule.items = when.of.map((one) => line(one, false));
  } else if (when && !(when.type === "all" && when.of?.length === 0)) {
    rule.items = [line(when, false)];
  }
  return rule;
};

const isEmpty = (value) => value === "" || value === false || value === 0 || value === null || (Array.isArray(value) && !value.length) || (typeof value === "object" && value && !Object.keys(value).length);
const REQUIRED = { os: ["values"], device: ["values"], country: ["values"], region: ["values"], city: ["values"], continent: ["values"], language: ["values"], ip: ["values"], time: ["zone"], visitor: ["new"], query: ["name"], bot: ["is_bot"], in_app: [], dates: [], scan_number: [], referrer: [], placement: [], password: [], gone: [], redirect: ["to"], split: ["variants"], app: ["to"], notice: ["title", "text"] };

/** Without what says nothing; of `days`, all seven are none. */
export const tidy = (object) => {
  if (!(object.type in REQUIRED)) return object; // of a newer version: not ours to touch
  const kept = Object.fromEntries(Object.entries(object).filter(([name, value]) => name === "type" || REQUIRED[object.type]?.includes(name) || !isEmpty(value)));
  if (object.type === "time" && object.days?.length === 7) delete kept.days;
  if (object.type === "bot" && object.is_bot !== false) delete kept.is_bot;
  if (object.type === "split") kept.variants = (object.variants ?? []).map(({ to = "", weight = 1, name, ...rest }) => ({ to, ...(weight !== 1 && { weight }), ...(name && { name }), ...rest }));
  return kept;
};

const written = (item, path) => {
  item.path = item.not ? `${path}.of` : path;
  const inner = item.kind === "raw" ? item.json
    : item.kind === "leaf" ? tidy(item.cond)
    : { type: item.match, of: item.items.map((one, index) => written(one, `${item.path}.of[${index}]`)) };
  return item.not ? { type: "not", of: inner } : inner;
};

/** The JSON of a rule. Also sets the path of each of its parts, as the server names it in an error. */
export const write = (rule) => {
  const json = {};
  if (rule.name.trim()) json.name = rule.name.trim();
  const items = rule.items.filter((item) => item.kind !== "group" || item.items.length);
  if (items.length === 1) json.when = written(items[0], "when");
  else if (items.length) json.when = { type: rule.match, of: items.map((item, index) => written(item, `when.of[${index}]`)) };
  json.then = tidy(rule.then);
  return { ...json, ...rule.rest };
};

/** A copy that shares nothing with the rule. */
export const copy = (rule) => ({ ...read(write(rule), true), name: rule.name ? `${rule.name} (copy)` : "" });
