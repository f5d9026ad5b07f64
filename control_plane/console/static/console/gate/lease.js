/* Places that this phone may fill without the network: by the rules at the top of passes/leases.py. */

import { dropState, keepState, readState } from "./kept.js";

export class Lease {
  #kept = { version: "", until: 0, places: {} };

  async load() {
    this.#kept = (await readState("lease")) || this.#kept;
  }

  places(zone) { return Date.now() < this.#kept.until ? this.#kept.places[zone] ?? 0 : 0; }
  get isAny() { return Object.values(this.#kept.places).some((places) => places > 0); }

  /** Only when all was handed in. Where there are fewer now, the server hears at once that this was understood. */
  async renew(ask) {
    let zones;
    for (let turn = 0; turn < 2; turn += 1) {
      const before = this.#kept.places;
      const answer = await ask("POST", "/leases", { version: this.#kept.version, held: before });
      await this.#keep({ version: answer.version, until: Date.parse(answer.until), places: answer.places });
      zones = answer.zones;
      if (!Object.keys(before).some((zone) => (answer.places[zone] ?? 0) < before[zone])) break;
    }
    return zones;
  }

  /** Entries were taken by the server, which now keeps so many places for this phone. */
  async settle(entries, kept) {
    const places = { ...this.#kept.places };
    for (const { ins, outs } of entries) {
      for (const zone of ins) places[zone] = (places[zone] ?? 0) - 1;
      for (const zone of outs) places[zone] = (places[zone] ?? 0) + 1;
    }
    for (const zone of Object.keys(places)) places[zone] = Math.max(0, Math.min(places[zone], kept[zone] ?? 0));
    await this.#keep({ ...this.#kept, places });
  }

  async drop() {
    this.#kept = { version: "", until: 0, places: {} };
    await dropState("lease");
  }

  async #keep(lease) {
    await keepState("lease", lease);
    this.#kept = lease;
  }
}
