/* What this phone keeps: its key, its choices, and what was not answered yet. IndexedDB, or memory where a
   browser forbids that (then nothing outlives the page). */

const memory = { kept: new Map(), counts: new Map() };
let opened = null;

const open = () => {
  opened ??= new Promise((resolve) => {
    try {
      const request = indexedDB.open("scanway-gate", 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore("kept");
        request.result.createObjectStore("counts");
      };
      request.onsuccess = () => {
        const db = request.result;
        // A browser may close it at any time: the next use opens it again.
        db.onclose = db.onversionchange = () => {
          db.close();
          opened = null;
        };
        resolve(db);
      };
      request.onerror = () => resolve(null);
      request.onblocked = () => resolve(null);
    } catch {
      resolve(null);
    }
  });
  return opened;
};

const run = async (shelf, mode, work, instead) => {
  const db = await open();
  if (!db) return instead(memory[shelf]);
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(shelf, mode);
    const request = work(transaction.objectStore(shelf));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
};

export const keeps = async () => Boolean(await open());
export const read = (name) => run("kept", "readonly", (shelf) => shelf.get(name), (map) => map.get(name));
export const keep = (name, value) => run("kept", "readwrite", (shelf) => shelf.put(value, name), (map) => map.set(name, value));
export const forget = (name) => run("kept", "readwrite", (shelf) => shelf.delete(name), (map) => map.delete(name));

/** Counts by hand that wait to be sent: {nonce, gate_id, delta, at}, oldest first. */
export const waitingCounts = async () =>
  (await run("counts", "readonly", (shelf) => shelf.getAll(), (map) => [...map.values()])).sort((a, b) => a.at - b.at);
export const keepCount = (count) => run("counts", "readwrite", (shelf) => shelf.put(count, count.nonce), (map) => map.set(count.nonce, count));
export const dropCount = (nonce) => run("counts", "readwrite", (shelf) => shelf.delete(nonce), (map) => map.delete(nonce));
