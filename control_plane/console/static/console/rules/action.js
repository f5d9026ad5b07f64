/* What a rule does: the kind of action and its fields. */
import { STATUSES } from "./data.js";
import { field, h, icon, select } from "./dom.js";

const MAX_VARIANTS = 8;
const PLACES = "{code} {country} {lang} {placement} {click_id} in it are filled in for each scan.";

const KINDS = [
  ["redirect", "Redirect to"],
  ["split", "Split between several"],
  ["app", "Open an app or its store"],
  ["password", "Ask for the password"],
  ["notice", "Show a page with a message"],
  ["gone", "Say that it is over (410)"],
];
const FRESH = {
  redirect: () => ({ to: "" }),
  split: () => ({ variants: [{ to: "", weight: 1, name: "A" }, { to: "", weight: 1, name: "B" }] }),
  app: () => ({ to: "" }),
  password: () => ({}),
  notice: () => ({ title: "", text: "" }),
  gone: () => ({}),
};
const UTM = [["source", "poster"], ["medium", "print"], ["campaign", "spring"], ["term", ""], ["content", ""]];

/** The fields of `rule.then`. changed(): a value differs; redraw(focus): there are other fields now. */
export const actionFields = (rule, { changed, redraw, hasPassword }) => {
  const then = rule.then;
  const text = (name, label, { hint = "", optional = false, placeholder = "", kind = "url", area = false } = {}) => field(label, `then.${name}`,
    h(area ? "textarea" : "input", {
      class: area ? "textarea" : "input", value: then[name] ?? "", placeholder: rule.hints[name] ?? placeholder, autocomplete: "off", "data-focus": `then-${name}`,
      ...(area ? { rows: 3 } : { inputmode: kind, spellcheck: kind === "url" ? "false" : null, autocapitalize: kind === "url" ? "none" : null }),
      oninput: (event) => { then[name] = event.target.value; changed(); },
      onchange: (event) => { if (kind === "url" && !area) { then[name] = event.target.value = meant(event.target.value); changed(); } },
    }), { hint, optional });

  const options = () => {
    then.utm ??= {};
    const used = then.status || then.pass_query || Object.keys(then.utm).length;
    return h("details", { class: "disclosure", open: Boolean(used) }, h("summary", {}, "Query, UTM and status"),
      h("div", { class: "form-tight" },
        h("label", { class: "check small", "data-path": "then.pass_query" },
          h("input", { type: "checkbox", checked: Boolean(then.pass_query), onchange: (event) => { then.pass_query = event.target.checked; changed(); } }),
          h("span", {}, "Hand on the query of the scan", h("span", { class: "hint" }, "What the destination has already stays."))),
        h("div", { class: "fields-3", "data-path": "then.utm" }, UTM.map(([name, example]) => field(`utm_${name}`, `then.utm.${name}`, h("input", {
          class: "input", value: then.utm[name] ?? "", placeholder: example, autocomplete: "off",
          oninput: (event) => { const value = event.target.value.trim(); if (value) then.utm[name] = value; else delete then.utm[name]; changed(); },
        })))),
        field("Redirect status", "then.status", select(STATUSES, then.status ?? 0, { onchange: (event) => { then.status = Number(event.target.value); changed(); } }))));
  };

  const variants = () => {
    then.variants ??= [];
    const shares = [];
    const share = () => {
      const sum = then.variants.reduce((total, one) => total + (one.weight ?? 1), 0) || 1;
      then.variants.forEach((one, index) => { shares[index].textContent = `${Math.round((100 * (one.weight ?? 1)) / sum)} %`; });
    };
    const box = h("div", { class: "variants", "data-path": "then.variants" },
      then.variants.map((one, index) => {
        const path = `then.variants[${index}]`;
        const input = (name, label, props) => field(label, `${path}.${name}`, h("input", { class: "input", value: one[name] ?? "", autocomplete: "off", ...props }));
        shares[index] = h("output", { class: "variant-share number" });
        return h("div", { class: "variant", role: "group", "aria-label": `Variant ${index + 1}`, "data-path": path },
          input("name", "Name", { placeholder: String.fromCharCode(65 + index), oninput: (event) => { one.name = event.target.value; changed(); } }),
          input("to", "Address", { inputmode: "url", placeholder: "https://example.com/", spellcheck: "false", autocapitalize: "none", "data-focus": `variant-${index}`, oninput: (event) => { one.to = event.target.value; changed(); }, onchange: (event) => { one.to = event.target.value = meant(event.target.value); changed(); } }),
          input("weight", "Weight", { type: "number", min: 1, max: 1000, step: 1, inputmode: "numeric", value: one.weight ?? 1, oninput: (event) => { one.weight = Math.trunc(Number(event.target.value)) || 0; share(); changed(); } }),
          shares[index],
          h("button", { type: "button", class: "button button-icon button-small button-ghost", "aria-label": `Remove variant ${index + 1}`, title: "Remove", disabled: then.variants.length <= 2, onclick: () => { then.variants.splice(index, 1); redraw("variant-0"); } }, icon("x")));
      }),
      h("div", { class: "row row-wrap" },
        h("button", { type: "button", class: "button button-small", disabled: then.variants.length >= MAX_VARIANTS, onclick: () => { then.variants.push({ to: "", weight: 1, name: String.fromCharCode(65 + then.variants.length) }); redraw(`variant-${then.variants.length - 1}`); } }, icon("plus"), "Add a variant"),
        h("span", { class: "hint" }, "A visitor always gets the same one, without a cookie.")));
    share();
    return box;
  };

  const fields = {
    redirect: () => [text("to", "Address", { placeholder: "https://example.com/", hint: PLACES }), options()],
    split: () => [variants(), options()],
    app: () => [
      h("div", { class: "fields-2" },
        text("ios_link", "iPhone: link that opens the app", { optional: true, placeholder: "https://example.com/item or myapp://item" }),
        text("ios_store", "iPhone: App Store", { optional: true, placeholder: "https://apps.apple.com/app/id…" }),
        text("android_link", "Android: link that opens the app", { optional: true, placeholder: "https://example.com/item or myapp://item" }),
        text("android_package", "Android: package", { optional: true, placeholder: "com.example.shop", kind: "text" })),
      h("p", { class: "hint" }, "A link is https, or one of this workspace’s apps (Settings, Apps)."),
      text("android_store", "Android: store, where it is not Google Play", { optional: true, placeholder: "https://…" }),
      text("to", "Everywhere else", { placeholder: "https://example.com/", hint: "For computers, and where no store is known." })],
    password: () => [
      !hasPassword && h("div", { class: "notice notice-warn" }, icon("triangle-alert"), h("p", {}, "This link has no password yet. Set one under Edit, or this rule has nothing to ask for.")),
      text("to", "Then lead to", { optional: true, placeholder: "the link’s destination" })],
    notice: () => [
      text("title", "Title", { kind: "text", placeholder: "We are closed" }),
      text("text", "Message", { area: true, placeholder: "Come back tomorrow from 9:00." }),
      h("div", { class: "fields-2" }, text("button", "Button", { optional: true, kind: "text", placeholder: "See our hours" }), text("url", "Button leads to", { optional: true, placeholder: "https://example.com/hours" }))],
    gone: () => [h("p", { class: "hint" }, "Visitors read that this is over here. Search engines forget the address.")],
  };

  return h("div", { class: "form-tight", "data-path": "then" },
    select(KINDS, then.type, {
      "aria-label": "What happens", "data-focus": "then-type",
      onchange: (event) => {
        const kind = event.target.value;
        const to = then.to || then.variants?.[0]?.to || "";
        rule.then = { type: kind, ...FRESH[kind]() };
        if (to && "to" in rule.then) rule.then.to = to;
        if (to && kind === "split") rule.then.variants[0].to = to;
        redraw("then-type");
      },
    }),
    fields[then.type]?.() ?? h("p", { class: "hint" }, "This page does not know this action. Edit it as JSON below."));
};

/** A pasted or typed address without a scheme is meant as https. */
export const meant = (typed) => {
  const address = typed.trim();
  return /^[\w-]+(\.[\w-]+)+([/:?#]|$)/.test(address) && !address.includes("://") ? `https://${address}` : address;
};
