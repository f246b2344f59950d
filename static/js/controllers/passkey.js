// A form with a hidden `credential` field: its submit asks the browser for a passkey first.
//   data-options  where the challenge comes from      data-make  makes a new one
// Shown only where the browser has passkeys. The server answers the form like any other.
async function challenge(form) {
  const token = form.elements.csrfmiddlewaretoken.value;
  const answer = await fetch(form.dataset.options, { method: "POST", headers: { "X-CSRFToken": token, "HX-Request": "true" } });
  const elsewhere = answer.headers.get("HX-Redirect");
  if (elsewhere) location.assign(elsewhere);
  const options = await answer.json();
  if (!answer.ok) throw new Error(options.message);
  return options.publicKey;
}

export default function passkey(form) {
  // Where the browser cannot read the server's JSON there is still the other second step.
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) return;
  form.hidden = false;
  const error = form.querySelector("[data-error]");
  form.addEventListener("submit", async (event) => {
    const field = form.elements.credential;
    if (field.value) return;
    event.preventDefault();
    error.hidden = true;
    try {
      const options = await challenge(form);
      const made = "make" in form.dataset
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
      field.value = JSON.stringify(made);
      form.requestSubmit();
    } catch (problem) {
      error.textContent = problem instanceof DOMException || !problem.message ? error.dataset.failed : problem.message;
      error.hidden = false;
    }
  });
}
