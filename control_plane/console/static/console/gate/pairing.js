/* The first screen: a code from the console makes this phone a gate's device. */

import { ask, NoAnswer, Refused, useKey } from "./api.js";
import { Camera } from "./camera.js";
import { keep, read } from "./store.js";

const FORM = /swp_[0-9a-z]{12}_[A-Za-z0-9_-]{43}/;
const at = (id) => document.getElementById(id);

/** The pairing code within a text or an address, or "". */
export const codeIn = (text) => text.match(FORM)?.[0] || "";

/** The code of the address, which forgets it at once: it shall be in no history. */
export const codeOfAddress = () => {
  let code = "";
  try {
    code = codeIn(decodeURIComponent(location.hash));
  } catch {
    // No text at all, as “#%” is none.
  }
  if (location.hash) history.replaceState(null, "", location.pathname);
  return code;
};

export class Pairing {
  #onPaired;
  #handIn;
  #camera;
  #busy = false;

  /** handIn(): hands in what waits, and says what still does, as in “60 scans were”, or "". */
  constructor({ onPaired, handIn }) {
    this.#onPaired = onPaired;
    this.#handIn = handIn;
    this.#camera = new Camera(at("pairing-video"), {
      onTexts: (texts) => {
        const code = texts.map(codeIn).find(Boolean);
        if (code) this.pair(code);
        else if (texts.length) this.#trouble("This is no pairing code. Hold the code of the device's page in the console before the camera.");
      },
      onChange: (trouble) => {
        at("pairing-view").hidden = !this.#camera?.isOn;
        at("pairing-scan").hidden = Boolean(this.#camera?.isOn);
        at("pairing-camera-trouble").hidden = !trouble;
        at("pairing-camera-trouble").textContent = trouble || "";
      },
    });
    at("pairing-scan").addEventListener("click", () => this.#camera.start());
    at("pairing-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.typed(at("pairing-code").value);
    });
  }

  get isOpen() { return !at("pairing").hidden; }

  show(trouble = "") {
    at("gate").hidden = true;
    at("pairing").hidden = false;
    at("pairing-again").hidden = true;
    at("pairing-ways").hidden = false;
    this.#trouble(trouble);
  }

  typed(text) {
    const code = codeIn(text);
    if (code) this.pair(code);
    else this.#trouble(text.trim() ? "This is no pairing code. It begins with swp_ and is shown once in the console." : "Paste the code first.");
  }

  /** A phone that is paired is not given to others by a link somebody sent. */
  confirm(name, code, keepIt) {
    at("gate").hidden = true;
    at("pairing").hidden = false;
    at("pairing-ways").hidden = true;
    at("pairing-again").hidden = false;
    at("pairing-again").querySelector("p").textContent = `This phone is paired as “${name}”. Pair it anew with the code you opened?`;
    const go = at("pairing-go");
    go.hidden = false;
    let told = false;
    go.onclick = async () => {
      if (go.hasAttribute("aria-busy")) return;
      if (!told) {
        go.setAttribute("aria-busy", "true");
        const waits = await this.#handIn().finally(() => go.removeAttribute("aria-busy"));
        if (!this.isOpen || at("pairing-again").hidden) return;
        told = true;
        if (waits) {
          at("pairing-again").querySelector("p").textContent = `${waits} not handed in yet and will stay on this phone until it is paired for the same program again. Pair it anew with the code you opened?`;
          return;
        }
      }
      this.show();
      await this.pair(code);
      if (!this.isOpen) return;
      at("pairing-again").hidden = false;
      at("pairing-go").hidden = true;
      at("pairing-again").querySelector("p").textContent = `This phone is still paired as “${name}”.`;
    };
    at("pairing-keep").onclick = () => {
      at("pairing").hidden = at("pairing-again").hidden = true;
      keepIt();
    };
    at("pairing-go").focus();
  }

  async pair(code) {
    if (this.#busy) return;
    this.#busy = true;
    this.#camera.stop();
    this.#trouble("");
    const button = at("pairing-send");
    button.setAttribute("aria-busy", "true");
    button.textContent = "Pairing…";
    try {
      const { key, device } = await ask("POST", "/pair", { code }, { within: 10_000 });
      await keep("key", key);
      useKey(key);
      at("pairing-code").value = "";
      at("pairing").hidden = true;
      await this.#onPaired(device);
    } catch (error) {
      if (error instanceof NoAnswer) {
        this.#trouble(`${error.message} Try again. If the code is then said to be used, make a new one in the console.`);
        at("pairing-code").value = code;
      } else if (error instanceof Refused) {
        this.#trouble(error.status === 401 ? "This pairing code was used, or has run out after an hour. Make a new one in the console, on the device's page." : error.message);
      } else throw error;
    } finally {
      this.#busy = false;
      button.removeAttribute("aria-busy");
      button.textContent = "Pair";
    }
  }

  #trouble(text) {
    at("pairing-trouble").hidden = !text;
    at("pairing-trouble").querySelector("p").textContent = text;
  }
}

export const keptKey = () => read("key");
