/* Keeps the app on the phone, so that it starts without a network. VERSION and SHELL are put in front by the
   server: a new version is fetched whole into a store of its own, and waits until somebody chooses it. */
"use strict";

const NAME = `gate-${VERSION}`;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(NAME).then((store) => store.addAll(SHELL.map((address) => new Request(address, { cache: "reload", credentials: "omit" })))));
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith("gate-") && name !== NAME).map((name) => caches.delete(name)));
    await self.clients.claim();
  })());
});

self.addEventListener("message", (event) => {
  if (event.data === "use") self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  if (event.request.method !== "GET" || address.origin !== location.origin) return;
  const path = event.request.mode === "navigate" && address.pathname === SHELL[0] ? SHELL[0] : address.pathname;
  if (!SHELL.includes(path)) return;
  event.respondWith(caches.open(NAME).then((store) => store.match(path)).then((kept) => kept || fetch(event.request)));
});
