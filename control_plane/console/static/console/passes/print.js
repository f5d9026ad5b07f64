/* The PDF comes while the page stays; what is wrong is shown at its field. Without this it is a plain download. */
(() => {
  "use strict";
  const label = document.querySelector("[data-print-button]");
  if (!label) return;

  const save = (blob, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };

  const send = async (event) => {
    event.preventDefault();
    const form = event.target;
    const button = event.submitter;
    const said = form.querySelector("[data-print-said]");
    button.setAttribute("aria-busy", "true");
    said.textContent = "The PDF is being made.";
    try {
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form), credentials: "same-origin" });
      if (answer.headers.get("Content-Type")?.startsWith("application/pdf")) {
        const name = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? "passes.pdf";
        save(await answer.blob(), name);
        said.textContent = `${name} is in your downloads.`;
        return;
      }
      // Signed out or removed from the workspace: the next page says which.
      if (answer.redirected || answer.status === 403 || answer.status === 404) return location.reload();
      if (answer.status !== 422) {
        said.textContent = "The PDF could not be made. Try again, or print fewer passes at once.";
        return;
      }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-print]");
      form.replaceWith(fresh);
      listen(fresh);
      fresh.querySelector("[aria-invalid], .choice-card input")?.focus();
    } catch {
      said.textContent = "The server does not answer. Try again.";
    } finally {
      button.removeAttribute("aria-busy");
    }
  };
  const listen = (form) => form.addEventListener("submit", send);
  listen(document.querySelector("[data-print]"));
})();
