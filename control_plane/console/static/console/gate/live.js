/* Counts as they change: one stream of Server-Sent Events, read with fetch because it needs a header; and a
   hello every 15 s. While the stream is down, the hello brings the counts, every 2 s. */

import { ask, authorization, Refused } from "./api.js";

const HELLO = 15_000;
const POLL = 2000;
const SILENCE = 40_000; // ms without a byte: the stream is dead, whatever the phone thinks

export class Live {
  #onZones;
  #onGates;
  #onRefused;
  #stop = null;
  #timer = null;
  #streaming = false;

  /** onZones(zones) with those that are known now; onGates(gates) with who came and left at each lately;
      onRefused(error) where the key is refused. */
  constructor({ onZones, onGates, onRefused }) {
    this.#onZones = onZones;
    this.#onGates = onGates;
    this.#onRefused = onRefused;
    const again = () => { if (this.#stop) this.start(); };
    addEventListener("online", again);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) again(); });
  }

  start() {
    this.end();
    this.#stop = new AbortController();
    this.#follow(this.#stop.signal);
    this.#greet(this.#stop.signal);
  }

  end() {
    this.#stop?.abort();
    this.#stop = null;
    clearTimeout(this.#timer);
  }

  async #follow(signal) {
    for (let failures = 0; !signal.aborted;) {
      try {
        await this.#stream(signal);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Refused) return this.#onRefused(error);
        failures += 1;
      }
      this.#streaming = false;
      await new Promise((done) => setTimeout(done, failures ? Math.min(500 * 2 ** failures, 10_000) : 100));
    }
  }

  async #stream(signal) {
    const stop = new AbortController();
    const onward = () => stop.abort();
    signal.addEventListener("abort", onward);
    let watchdog = setTimeout(onward, SILENCE);
    try {
      const answer = await fetch("/gate/live", { headers: authorization(), cache: "no-store", credentials: "omit", signal: stop.signal });
      if (answer.status === 401) throw new Refused(401, (await answer.json()).detail);
      if (!answer.ok || !answer.body) throw new Error(`The stream answered ${answer.status}.`);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        clearTimeout(watchdog);
        watchdog = setTimeout(onward, SILENCE);
        this.#streaming = true;
        text += value;
        const events = text.split("\n\n");
        text = events.pop();
        for (const event of events) this.#take(event);
      }
    } finally {
      clearTimeout(watchdog);
      signal.removeEventListener("abort", onward);
      stop.abort();
    }
  }

  #take(event) {
    const fields = Object.fromEntries(event.split("\n").filter((line) => line && !line.startsWith(":")).map((line) => {
      const at = line.indexOf(":");
      return [line.slice(0, at), line.slice(at + 1).trimStart()];
    }));
    if (fields.event === "zones") this.#onZones(JSON.parse(fields.data));
    if (fields.event === "removed") throw new Refused(401, "This device was removed.");
  }

  async #greet(signal) {
    if (!document.hidden) {
      try {
        const { zones, gates } = await ask("POST", "/seen", { battery: await charge() }, { signal });
        this.#onZones(zones);
        this.#onGates(gates);
      } catch (error) {
        if (error instanceof Refused && error.status === 401) return void this.#onRefused(error);
      }
    }
    if (!signal.aborted) this.#timer = setTimeout(() => this.#greet(signal), this.#streaming ? HELLO : POLL);
  }
}

let battery = null;
/** Percent, where the browser tells. */
const charge = async () => {
  try {
    battery ??= await navigator.getBattery?.();
  } catch {
    battery = null;
  }
  return battery ? Math.round(battery.level * 100) : null;
};
