/* +1 and −1 for people without a pass. Kept before they are sent, so that a reload or an empty battery loses
   none; each has its nonce, so that none counts twice. */

import { ask, deliver, newNonce, Refused } from "./api.js";
import { dropCount, keepCount, waitingCounts } from "./store.js";

export class Counts {
  #sending = null;
  #hooks;

  /** onWaiting(number), onZones(zones), onRefused(error, count), onKeyRefused(error); isOurs(count) where this device
      may send it. */
  constructor(hooks) {
    this.#hooks = hooks;
  }

  /** mark: see Offline.mark. */
  async add(gateId, delta, mark) {
    await keepCount({ nonce: newNonce(), gate_id: gateId, delta, at: Date.now(), ...mark });
    this.send();
  }

  async waiting() {
    return (await waitingCounts()).filter(this.#hooks.isOurs);
  }

  /** The key is another one from now on. What was under way is sent again when its own program is back. */
  end() {
    this.#sending?.abort();
    this.#sending = null;
  }

  async send() {
    if (this.#sending) return;
    const stop = (this.#sending = new AbortController());
    try {
      for (let left = await this.waiting(); left.length && !stop.signal.aborted; left = await this.waiting()) {
        this.#hooks.onWaiting(left.length);
        const [{ nonce, gate_id, delta }] = left;
        try {
          const { zones } = await deliver("/counts", { nonce, gate_id, delta }, { signal: stop.signal, onTrouble: async () => this.#hooks.onWaiting((await this.waiting()).length) });
          this.#hooks.onZones(zones);
        } catch (error) {
          if (error.name === "AbortError") return;
          if (!(error instanceof Refused)) throw error;
          if (error.status === 401) return this.#hooks.onKeyRefused(error);
          this.#hooks.onRefused(error, left[0]);
        }
        await dropCount(nonce);
      }
      if (!stop.signal.aborted) this.#hooks.onWaiting(0);
    } finally {
      if (this.#sending === stop) this.#sending = null;
    }
  }
}
