// Asks before what cannot be undone: hx-confirm, or data-confirm on a plain form.
// The element may add data-confirm-title and data-confirm-yes, which name the object and the act.
export default function confirm(dialog, signal) {
  const ask = (source, question, go) => {
    dialog.querySelector("h2").textContent = source.dataset.confirmTitle ?? question;
    dialog.querySelector("[data-text]").textContent = source.dataset.confirmTitle ? question : "";
    const yes = dialog.querySelector("[data-yes]");
    yes.dataset.usual ??= yes.textContent;
    yes.textContent = source.dataset.confirmYes ?? yes.dataset.usual;
    dialog.returnValue = "";
    dialog.addEventListener("close", () => dialog.returnValue === "yes" && go(), { once: true });
    dialog.showModal();
  };
  document.body.addEventListener("htmx:confirm", (event) => {
    if (!event.detail.question) return;
    event.preventDefault();
    ask(event.detail.elt, event.detail.question, () => event.detail.issueRequest(true));
  }, { signal });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-confirm]");
    if (!form || form.dataset.confirmed) return;
    event.preventDefault();
    event.stopPropagation();
    ask(form, form.dataset.confirm, () => {
      form.dataset.confirmed = "1";
      form.requestSubmit(event.submitter);
    });
  }, { capture: true, signal });
}
