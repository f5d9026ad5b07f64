/* What every page has: theme, toasts, menus, dialogs, copying, shortcuts. No library, no inline handler. */
(() => {
  "use strict";
  const root = document.documentElement;
  const app = document.querySelector(".app");

  // Theme: kept in a cookie so that the server renders the right one and nothing flashes.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-set-theme]");
    if (!button) return;
    const theme = button.dataset.setTheme;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `theme=${theme}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    root.dataset.theme = theme;
    for (const other of document.querySelectorAll("[data-set-theme]")) {
      other.setAttribute("aria-pressed", String(other.dataset.setTheme === theme));
    }
    document.dispatchEvent(new CustomEvent("scanway:theme"));
  });

  // Toasts: leave by themselves, except errors, which wait for the person.
  const toasts = document.querySelector(".toasts");
  const leave = (toast) => {
    toast.classList.add("leaving");
    setTimeout(() => toast.remove(), 250);
  };
  const arm = (toast) => {
    if (toast.classList.contains("toast-error")) return;
    let timer = setTimeout(() => leave(toast), 6000);
    toast.addEventListener("pointerenter", () => clearTimeout(timer));
    toast.addEventListener("pointerleave", () => { timer = setTimeout(() => leave(toast), 2500); });
  };
  toasts?.querySelectorAll(".toast").forEach(arm);
  const say = (text) => {
    const toast = document.createElement("div");
    toast.className = "toast";
    const line = document.createElement("p");
    line.textContent = text;
    toast.append(line);
    toasts?.append(toast);
    arm(toast);
  };

  // Copying. Without a secure context there is no clipboard API: a LAN address over http is one such case.
  const copy = async (text) => {
    if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "only-read";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("copying was refused");
  };
  document.addEventListener("click", async (event) => {
    const dismiss = event.target.closest("[data-dismiss]");
    if (dismiss) return leave(dismiss.closest(".toast"));
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    event.preventDefault();
    try {
      await copy(button.dataset.copy);
      button.dataset.copied = "";
      setTimeout(() => delete button.dataset.copied, 1600);
      say("Copied.");
    } catch {
      say(`Your browser refused to copy. The text is: ${button.dataset.copy}`);
    }
  });

  // Menus close on a click elsewhere and on Escape.
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    const opener = event.target.closest("[data-opens]");
    if (opener) {
      opener.closest("details.menu")?.removeAttribute("open");
      document.getElementById(opener.dataset.opens)?.showModal();
    }
    if (event.target.matches?.("dialog")) event.target.close();
    if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
  });

  // Forms: one submit, a busy button, and filters that apply themselves.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method === "dialog" || event.defaultPrevented) return;
    document.querySelector(".progress")?.setAttribute("data-busy", "");
    event.submitter?.setAttribute("aria-busy", "true");
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    document.querySelector(".progress")?.removeAttribute("data-busy");
    document.querySelectorAll("[aria-busy]").forEach((busy) => busy.removeAttribute("aria-busy"));
  });
  document.addEventListener("change", (event) => {
    if (event.target.closest("[data-autosubmit]")) event.target.form?.requestSubmit();
  });

  // Shortcuts.
  let before = "";
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      for (const menu of document.querySelectorAll("details.menu[open]")) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest?.("input, textarea, select, [contenteditable], dialog")) return;
    const pair = before + event.key;
    before = event.key === "g" ? "g" : "";
    const go = (url) => { if (url) { event.preventDefault(); location.assign(url); } };
    if (pair === "go") return go(app?.dataset.linksUrl?.replace(/links\/$/, ""));
    if (pair === "gl") return go(app?.dataset.linksUrl);
    if (event.key === "c") return go(app?.dataset.newUrl);
    if (event.key === "y") { document.querySelector("[data-copy-main]")?.click(); return; }
    if (event.key === "?") { event.preventDefault(); document.getElementById("help")?.showModal(); return; }
    if (event.key === "/") {
      event.preventDefault();
      const search = document.querySelector("input[type=search]");
      if (search) { search.focus(); search.select(); } else go(app && app.dataset.linksUrl && `${app.dataset.linksUrl}?focus=search`);
    }
  });
  if (new URLSearchParams(location.search).get("focus") === "search") document.querySelector("input[type=search]")?.focus();
})();
