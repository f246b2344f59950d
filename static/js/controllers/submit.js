// A form is sent once: its buttons wait for the answer. Focus goes to the first field at fault.
function hold(form, yes) {
  for (const button of form.querySelectorAll("button:not([type=button]), input[type=submit]")) {
    if (!yes && !button.ariaBusy) continue;
    button.ariaBusy = yes || null;
    button.disabled = yes;
  }
}

export default function submit() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method === "dialog" || form.method === "get" || form.target === "_blank") return;
    // Later, because a disabled button's own name and value would not be sent.
    setTimeout(() => hold(form, true));
  });
  document.body.addEventListener("htmx:beforeRequest", ({ detail: { elt } }) => { if (elt.matches("form[hx-post]")) hold(elt, true); });
  document.body.addEventListener("htmx:afterRequest", ({ detail: { elt } }) => { if (elt.matches("form")) hold(elt, false); });
  document.body.addEventListener("htmx:afterSettle", ({ detail: { xhr, target } }) => { if (xhr?.status === 422) target.querySelector("[aria-invalid=true]")?.focus(); });
  document.querySelector("[aria-invalid=true]")?.focus();
  addEventListener("pageshow", (event) => { if (event.persisted) for (const form of document.forms) hold(form, false); });
}
