/* Ready-made beginnings. What is left empty has to be filled in before it can be saved. */
import { data } from "./data.js";
import { read } from "./model.js";

const made = (json, hints = {}) => ({ ...read(json, true), hints });

export const EXAMPLES = {
  store: () => [
    made({ name: "iPhone and iPad", when: { type: "os", values: ["ios"] }, then: { type: "redirect", to: "" } }, { to: "https://apps.apple.com/app/id…" }),
    made({ name: "Android", when: { type: "os", values: ["android"] }, then: { type: "redirect", to: "" } }, { to: "https://play.google.com/store/apps/details?id=…" }),
  ],
  language: () => [
    made({ name: "German", when: { type: "language", values: ["de"] }, then: { type: "redirect", to: "" } }, { to: "https://example.com/de" }),
    made({ name: "French", when: { type: "language", values: ["fr"] }, then: { type: "redirect", to: "" } }, { to: "https://example.com/fr" }),
  ],
  hours: () => [
    made({
      name: "Closed",
      when: { type: "not", of: { type: "time", zone: data.zone, days: [1, 2, 3, 4, 5], start: "09:00", end: "18:00" } },
      then: { type: "notice", title: "We are closed", text: "We are here Monday to Friday, from 9:00 to 18:00." },
    }),
  ],
};
