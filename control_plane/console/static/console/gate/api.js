/* Requests to the server. Each write carries a nonce, so that asking again never counts twice. */

const BASE = "/api/v1/gate";
const FIRST = 4000; // ms until a request counts as unanswered
const PAUSES = [300, 600, 1200, 2500, 5000];

/** The server answered, and said no: `message` is its sentence. */
export class Refused extends Error {
  constructor(status, detail, field = "") {
    super(detail);
    this.status = status;
    this.field = field;
  }
}

/** Nothing was answered, or nothing that says whether it was done. */
export class NoAnswer extends Error {
  constructor(message, { wait = 0, answered = false } = {}) {
    super(message);
    this.wait = wait;
    this.answered = answered;
  }
}

let key = "";
export const useKey = (text) => { key = text; };
export const authorization = () => ({ Authorization: `Bearer ${key}` });

const watchers = new Set();
/** watch(f): f(true) after each answer, f(false) after each request without one. */
export const watchAnswers = (watcher) => { watchers.add(watcher); };
const tell = (answered) => { for (const watcher of watchers) watcher(answered); };

/** One request. Raises Refused, NoAnswer; AbortError where `signal` was given and fired. */
export const ask = async (method, path, body = undefined, { signal, within = FIRST } = {}) => {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), within);
  const onward = () => stop.abort();
  signal?.addEventListener("abort", onward);
  try {
    const answer = await fetch(BASE + path, {
      method,
      headers: { Accept: "application/json", ...(body ? { "Content-Type": "application/json" } : {}), ...(key ? authorization() : {}) },
      body: body ? JSON.stringify(body) : undefined,
      cache: "no-store",
      credentials: "omit",
      signal: stop.signal,
    });
    const said = await answer.json();
    if (answer.ok) {
      tell(true);
      return said;
    }
    const wait = 1000 * Number(answer.headers.get("Retry-After") || 0);
    if (answer.status === 429 || answer.status >= 500) throw new NoAnswer(said.detail, { wait, answered: true });
    tell(true);
    throw new Refused(answer.status, said.detail || "The server refused this.", said.errors?.[0]?.field);
  } catch (error) {
    if (error instanceof Refused || error instanceof NoAnswer) throw error;
    if (signal?.aborted) throw new DOMException("Given up.", "AbortError");
    tell(false);
    throw new NoAnswer(navigator.onLine ? "The server does not answer." : "This phone has no network.");
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onward);
  }
};

/** The same request until it is answered. onTrouble(error, try number) after each time it was not. */
export const deliver = async (path, body, { signal, onTrouble = () => {} } = {}) => {
  for (let turn = 0; ; turn += 1) {
    try {
      return await ask("POST", path, body, { signal });
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      onTrouble(error, turn + 1);
      await pause(Math.max(PAUSES[Math.min(turn, PAUSES.length - 1)], Math.min(error.wait, 10_000)), signal);
    }
  }
};

/** Shorter where the network comes back meanwhile. */
const pause = (length, signal) => new Promise((resolve, reject) => {
  const end = () => {
    clearTimeout(timer);
    removeEventListener("online", end);
    signal?.removeEventListener("abort", stop);
    resolve();
  };
  const stop = () => { end(); reject(new DOMException("Given up.", "AbortError")); };
  const timer = setTimeout(end, length);
  addEventListener("online", end);
  if (signal?.aborted) stop();
  else signal?.addEventListener("abort", stop);
});

/** A version 4 UUID. crypto.randomUUID is missing on plain http. */
export const newNonce = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
};
