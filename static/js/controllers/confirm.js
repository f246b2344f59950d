// Asks before what cannot be undone: hx-confirm, or data-confirm on a plain form.
// The element may add data-confirm-title and data-confirm-yes, which name the object and the act.
export default function confirm(dialog) {
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
  const onHtmx = (event) => {
    if (!event.detail.question) return;
    event.preventDefault();
    ask(event.detail.elt, event.detail.question, () => event.detail.issueRequest(true));
  };
  const onSubmit = (event) => {
    const form = event.target.closest("form[data-confirm]");
    if (!form || form.dataset.confirmed) return;
    event.preventDefault();
    event.stopPropagation();
    ask(form, form.dataset.confirm, () => {
      form.dataset.confirmed = "1";
      form.requestSubmit(event.submitter);
    });
  };
  document.body.addEventListener("htmx:confirm", onHtmx);
  document.addEventListener("submit", onSubmit, true);
  return () => {
    document.body.removeEventListener("htmx:confirm", onHtmx);
    document.removeEventListener("submit", onSubmit, true);
  };
}
