// A form is sent once: its buttons wait for the answer. Focus goes to the first field at fault.
const buttons = (form) => form.querySelectorAll("button:not([type=button]), input[type=submit]");

function hold(form) {
  for (const button of buttons(form)) {
    button.setAttribute("aria-busy", "true");
    button.disabled = true;
  }
}
function free(form) {
  for (const button of buttons(form)) {
    if (button.getAttribute("aria-busy") !== "true") continue;
    button.removeAttribute("aria-busy");
    button.disabled = false;
  }
}

export default function submit() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method === "dialog" || form.method === "get" || form.target === "_blank") return;
    // Later, because a disabled button's own name and value would not be sent.
    setTimeout(() => hold(form));
  });
  document.body.addEventListener("htmx:beforeRequest", ({ detail: { elt } }) => { if (elt.matches("form") && elt.matches("[hx-post], [hx-put], [hx-patch], [hx-delete]")) hold(elt); });
  document.body.addEventListener("htmx:afterRequest", ({ detail: { elt } }) => { if (elt.matches("form")) free(elt); });
  document.body.addEventListener("htmx:afterSettle", ({ detail: { xhr, target } }) => { if (xhr?.status === 422) target.querySelector("[aria-invalid=true]")?.focus(); });
  document.querySelector("[aria-invalid=true]")?.focus();
  addEventListener("pageshow", (event) => { if (event.persisted) document.querySelectorAll("form").forEach(free); });
}
