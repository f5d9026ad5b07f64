/* The service worker and the home screen. A new version is never taken by itself: somebody is at work. */

/** onNew(use) where a new version waits; onInstallable(ask) where the phone can put the app on its home screen. */
export const install = ({ onNew, onInstallable }) => {
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    onInstallable(() => event.prompt());
  });
  if (!("serviceWorker" in navigator)) return;
  const first = !navigator.serviceWorker.controller;
  let chosen = false;
  const offer = (registration) => onNew(() => {
    chosen = true;
    registration.waiting?.postMessage("use");
  });
  navigator.serviceWorker.addEventListener("controllerchange", () => { if (chosen) location.reload(); });
  navigator.serviceWorker.register("/gate/sw.js", { updateViaCache: "none" }).then((registration) => {
    if (registration.waiting && !first) offer(registration);
    registration.addEventListener("updatefound", () => {
      const worker = registration.installing;
      worker.addEventListener("statechange", () => {
        if (worker.state === "installed" && navigator.serviceWorker.controller) offer(registration);
      });
    });
    setInterval(() => registration.update().catch(() => {}), 15 * 60_000);
  }).catch(() => {
    // Without it the app works as long as there is a network.
  });
};
