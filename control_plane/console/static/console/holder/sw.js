/* Keeps the passes that were opened on this phone, and the files they need. VERSION and SHELL are put in front by
   the server. A pass is asked for first, since it may have changed; what is kept is shown where that fails, or
   takes too long. */
"use strict";

const NAME = `pass-shell-${VERSION}`;
const KEPT = "passes";
const PATIENCE = 2500; // ms
const PASS = /^\/p\/[a-z2-7]{48}$/i;

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(NAME).then((store) => store.addAll(SHELL.map((address) => new Request(address, { cache: "reload", credentials: "omit" })))));
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith("pass-shell-") && name !== NAME).map((name) => caches.delete(name)));
    await self.clients.claim();
  })());
});

const asked = async (request, path, store) => {
  const answer = await fetch(request);
  if (answer.ok) await store.put(path, answer.clone());
  else if (answer.status === 404 || answer.status === 410) await store.delete(path);
  return answer;
};

const opened = async (event, path) => {
  const store = await caches.open(KEPT);
  const kept = await store.match(path);
  const answer = asked(event.request, path, store);
  if (!kept) return answer;
  event.waitUntil(answer.catch(() => {}));
  const late = new Promise((resolve) => { setTimeout(resolve, PATIENCE, kept); });
  // A redirect is a network that wants something first; an error of the server is no news of the pass.
  const useful = answer.then((got) => (got.ok || got.status === 404 || got.status === 410 ? got : kept), () => kept);
  return Promise.race([useful, late]);
};

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== location.origin) return;
  if (request.mode === "navigate") {
    if (PASS.test(address.pathname)) event.respondWith(opened(event, address.pathname.toLowerCase()));
    return;
  }
  if (SHELL.includes(address.pathname)) {
    event.respondWith(caches.open(NAME).then((store) => store.match(address.pathname)).then((kept) => kept || fetch(request)));
  }
});
