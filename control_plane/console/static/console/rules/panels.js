/* Beside the editor: one made-up scan, and a day of real ones, both against the rules as they are typed. */
import { data } from "./data.js";
import { h, icon } from "./dom.js";
import { toOffset } from "./clock.js";

const WAIT = 500; // ms after the last change

/** Posts a form with the draft; gives back the fragment, or a sentence. */
const ask = async (form, more) => {
  const body = new FormData(form);
  for (const [name, value] of Object.entries(more)) body.set(name, value);
  const answer = await fetch(form.action, { method: "POST", body, credentials: "same-origin" }).catch(() => null);
  if (!answer) return { problem: "The server did not answer. Look at your connection, then try again." };
  if (answer.redirected) return location.reload();
  if (!answer.ok && answer.status !== 422) return { problem: "This did not work. Load the page again, then try once more." };
  return { html: await answer.text() };
};

const show = (box, { html, problem }) => {
  if (problem) box.replaceChildren(h("div", { class: "notice notice-danger", role: "alert" }, icon("circle-alert"), h("p", {}, problem)));
  else box.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
};

const highlight = (box) => {
  const decided = box.querySelector("[data-decided]")?.dataset.decided;
  for (const card of document.querySelectorAll("[data-rules-list] > .rule, [data-otherwise]")) {
    card.classList.toggle("matched", card.dataset.rule === decided);
  }
};

/** draft(): the rules as JSON text. */
export const startPanels = ({ draft, form: main }) => {
  const token = () => main.querySelector("[name=csrfmiddlewaretoken]")?.value ?? document.querySelector("[data-try] [name=csrfmiddlewaretoken]")?.value ?? "";

  const wire = (name, { more = () => ({}), after = () => {} }) => {
    const form = document.querySelector(`form[data-${name}]`);
    if (!form) return null;
    const box = document.querySelector(`[data-${name}-result]`);
    let number = 0;
    const run = async () => {
      const mine = (number += 1);
      box.setAttribute("aria-busy", "true");
      form.querySelector("button:not([type=button])")?.setAttribute("aria-busy", "true");
      const answer = await ask(form, { rules: draft(), csrfmiddlewaretoken: token(), ...more(form) });
      if (mine !== number) return; // a later question is under way
      box.removeAttribute("aria-busy");
      form.querySelector("button:not([type=button])")?.removeAttribute("aria-busy");
      document.querySelector(".progress")?.removeAttribute("data-busy");
      if (answer) show(box, answer);
      after(box);
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      run();
    });
    return { form, box, run };
  };

  const simulator = wire("try", {
    more: (form) => ({ at: toOffset(form.elements.namedItem("local").value, data.zone) }),
    after: highlight,
  });
  if (simulator) {
    // Once somebody has tried, the answer follows what is typed on either side.
    let timer;
    let asked = false;
    const soon = () => {
      clearTimeout(timer);
      if (asked) timer = setTimeout(simulator.run, WAIT);
    };
    simulator.form.addEventListener("submit", () => { asked = true; });
    simulator.form.addEventListener("input", soon);
    document.addEventListener("scanway:draft", soon);
    const agent = simulator.form.elements.namedItem("preset");
    const custom = simulator.form.querySelector("[data-custom-agent]");
    const fit = () => { custom.hidden = agent.value !== "custom"; };
    agent.addEventListener("change", fit);
    fit();
  }

  const shadow = wire("shadow", {});
  if (shadow) {
    document.addEventListener("scanway:draft", () => {
      const answer = shadow.box.querySelector("[data-shadow-answer]");
      if (answer && !shadow.box.querySelector("[data-stale]")) answer.before(h("p", { class: "hint", "data-stale": true, role: "status" }, "The rules changed since. Compare again."));
    });
  }
};
