/* +1 and −1 for people without a pass. Kept before they are sent, so that a reload or an empty battery loses
   none; each has its nonce, so that none counts twice. */

import { ask, deliver, newNonce, Refused } from "./api.js";
import { dropCount, keepCount, waitingCounts } from "./store.js";

export class Counts {
  #sending = false;
  #hooks;

  /** onWaiting(number), onZones(zones), onRefused(error, count), onKeyRefused(error) */
  constructor(hooks) {
    this.#hooks = hooks;
  }

  async add(gateId, delta) {
    await keepCount({ nonce: newNonce(), gate_id: gateId, delta, at: Date.now() });
    this.send();
  }

  async send() {
    if (this.#sending) return;
    this.#sending = true;
    try {
      for (let left = await waitingCounts(); left.length; left = await waitingCounts()) {
        this.#hooks.onWaiting(left.length);
        const [{ nonce, gate_id, delta }] = left;
        try {
          const { zones } = await deliver("/counts", { nonce, gate_id, delta }, { onTrouble: async () => this.#hooks.onWaiting((await waitingCounts()).length) });
          this.#hooks.onZones(zones);
        } catch (error) {
          if (!(error instanceof Refused)) throw error;
          if (error.status === 401) return this.#hooks.onKeyRefused(error);
          this.#hooks.onRefused(error, left[0]);
        }
        await dropCount(nonce);
      }
      this.#hooks.onWaiting(0);
    } finally {
      this.#sending = false;
    }
  }
}
