/* Which codes the camera already gave us: one that is held before it counts once. Pure. */

const GONE = 2000; // ms out of the picture, then it is a new scan
const AGAIN = 700; // ms after a refusal was tapped away

export class Presence {
  #last = ""; // the text that was sent last
  #seen = 0;
  #open = Infinity; // from when on the same text may be sent though it never left

  /** True where this text is to be sent now. */
  takes(text, now) {
    const new_ = text !== this.#last || now - this.#seen > GONE || now >= this.#open;
    if (text === this.#last) this.#seen = now;
    return new_;
  }

  sent(text, now) {
    this.#last = text;
    this.#seen = now;
    this.#open = Infinity;
  }

  /** A steward tapped a refusal away: what is still held there may be tried again. */
  dismissed(now) {
    this.#open = now + AGAIN;
  }

  /** Another gate or way: everything is new. */
  reset() {
    this.#last = "";
  }
}
