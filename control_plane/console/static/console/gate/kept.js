/* What this phone keeps for the time without a network: its rules, its lent places, and its journal. A database of
   its own, or memory where a browser forbids that (then nothing outlives the page). */

let opened = null;
const memory = { state: new Map(), journal: new Map(), next: 1 };

const open = () => {
  opened ??= new Promise((resolve) => {
    try {
      const request = indexedDB.open("scanway-gate-offline", 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore("state");
        request.result.createObjectStore("journal", { keyPath: "seq", autoIncrement: true });
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
    } catch {
      resolve(null);
    }
  });
  return opened;
};

const run = async (shelf, mode, work) => {
  const db = await open();
  return new Promise((resolve, reject) => {
    // Strict: what was admitted survives a battery that ends in this moment.
    const transaction = db.transaction(shelf, mode, { durability: "strict" });
    const request = work(transaction.objectStore(shelf));
    transaction.oncomplete = () => resolve(request?.result);
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
};

export const readState = async (name) => ((await open()) ? run("state", "readonly", (shelf) => shelf.get(name)) : memory.state.get(name));
export const keepState = async (name, value) => ((await open()) ? run("state", "readwrite", (shelf) => shelf.put(value, name)) : void memory.state.set(name, value));
export const dropState = async (name) => ((await open()) ? run("state", "readwrite", (shelf) => shelf.delete(name)) : void memory.state.delete(name));

/** All entries, oldest first. */
export const readJournal = async () => ((await open()) ? run("journal", "readonly", (shelf) => shelf.getAll()) : [...memory.journal.values()]);

/** The entry with its number in the journal. */
export const addEntry = async (entry) => {
  const seq = (await open()) ? await run("journal", "readwrite", (shelf) => shelf.add(entry)) : memory.next++;
  const kept = { ...entry, seq };
  if (!(await open())) memory.journal.set(seq, kept);
  return kept;
};

export const putEntries = async (entries) => {
  if (!(await open())) return entries.forEach((entry) => memory.journal.set(entry.seq, entry));
  return run("journal", "readwrite", (shelf) => entries.map((entry) => shelf.put(entry)).at(-1));
};

export const dropEntries = async (numbers) => {
  if (!(await open())) return numbers.forEach((seq) => memory.journal.delete(seq));
  return run("journal", "readwrite", (shelf) => numbers.map((seq) => shelf.delete(seq)).at(-1));
};
