/* A new or edited link: each field is checked by the server when the person leaves it. */
(() => {
  "use strict";
  const form = document.querySelector("form[data-check]");
  if (!form) return;
  const touched = new Set();

  const paint = (name, sentence) => {
    const field = form.querySelector(`[data-field="${name}"]`);
    const control = field?.querySelector("input, select, textarea");
    if (!control) return;
    let line = field.querySelector(".error");
    const id = `${control.id}-error`;
    const described = (control.getAttribute("aria-describedby") ?? "").split(" ").filter((part) => part && part !== id);
    if (sentence) {
      if (!line) {
        line = document.createElement("div");
        line.className = "error";
        line.id = id;
        field.append(line);
      }
      line.textContent = sentence;
      described.push(id);
      control.setAttribute("aria-invalid", "true");
    } else {
      line?.remove();
      control.removeAttribute("aria-invalid");
    }
    if (described.length) control.setAttribute("aria-describedby", described.join(" "));
    else control.removeAttribute("aria-describedby");
  };

  form.addEventListener("focusout", async (event) => {
    const control = event.target;
    if (!control.name || control.type === "submit" || control.name === "csrfmiddlewaretoken") return;
    if (!control.value && !touched.has(control.name)) return;
    touched.add(control.name);
    const answer = await fetch(form.dataset.check, { method: "POST", body: new FormData(form) }).catch(() => null);
    if (!answer?.ok) return;
    const { errors } = await answer.json();
    for (const name of touched) paint(name, errors[name]?.join(" ") ?? "");
  });

  // A pasted or typed address without a scheme is meant as https.
  const destination = form.elements.namedItem("destination");
  destination?.addEventListener("change", () => {
    const text = destination.value.trim();
    if (/^[\w-]+(\.[\w-]+)+([/:?#]|$)/.test(text) && !text.includes("://")) destination.value = `https://${text}`;
  });
})();
