// Short notes: those that the page came with, those in an answer's HX-Trigger, and failures.
const READ_MS = 6000;
const UNDO_MS = 10000;

export default function toasts(region) {
  const shapes = document.getElementById("toast-shapes").content;

  function leave(toast, after) {
    setTimeout(() => (toast.matches(":hover, :focus-within") ? leave(toast, 1500) : toast.remove()), after);
  }

  function show({ message, level = "ok", note = "", undo_url: undo, undo_label: label }) {
    const toast = (shapes.querySelector(`[data-level="${level}"]`) ?? shapes.querySelector(".toast")).cloneNode(true);
    const text = toast.querySelector("[data-text]");
    text.textContent = message;
    if (note) text.append(Object.assign(document.createElement("small"), { textContent: note }));
    if (undo) {
      const button = Object.assign(document.createElement("button"), { className: "btn ghost sm", type: "button", textContent: label });
      button.addEventListener("click", () => { toast.remove(); htmx.ajax("POST", undo, { swap: "none", source: document.body }); });
      text.after(button);
    }
    region.append(toast);
    // Shown anew, it lies above a dialog.
    region.hidePopover();
    region.showPopover();
    // A failure stays until it was read and closed.
    if (level !== "bad") leave(toast, undo ? UNDO_MS : READ_MS);
  }

  region.addEventListener("click", (event) => event.target.closest("[data-dismiss]")?.closest(".toast").remove());
  for (const toast of region.querySelectorAll('.toast:not([data-level="bad"])')) leave(toast, READ_MS);
  const { body } = document;
  body.addEventListener("toast", (event) => show(event.detail));
  body.addEventListener("htmx:responseError", ({ detail: { xhr, elt } }) => {
    if (xhr.status === 401 || elt.matches("[data-live]")) return;
    show({ message: region.dataset.failed, level: "bad", note: xhr.getResponseHeader("X-Request-Id") ?? String(xhr.status) });
  });
  const lost = ({ detail: { elt } }) => elt.matches("[data-live]") || show({ message: region.dataset.offline, level: "bad" });
  body.addEventListener("htmx:sendError", lost);
  body.addEventListener("htmx:timeout", lost);
}
