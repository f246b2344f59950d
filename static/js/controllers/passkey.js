// A form with a hidden `credential` field: its submit asks the browser for a passkey first.
//   data-options  where the challenge comes from      data-make  makes a new one
// Shown only where the browser has passkeys. The server answers the form like any other.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function decoded(options) {
  const key = options.publicKey;
  key.challenge = bytes(key.challenge);
  if (key.user) key.user.id = bytes(key.user.id);
  for (const list of [key.excludeCredentials, key.allowCredentials]) {
    for (const one of list ?? []) one.id = bytes(one.id);
  }
  return options;
}

function encoded({ id, rawId, type, response, authenticatorAttachment, ...rest }, extensions) {
  const given = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) given[name] = text(response[name]);
  }
  return JSON.stringify({ id, rawId: text(rawId), type, response: given, authenticatorAttachment, clientExtensionResults: extensions });
}

async function challenge(form) {
  const token = form.elements.csrfmiddlewaretoken.value;
  const answer = await fetch(form.dataset.options, { method: "POST", headers: { "X-CSRFToken": token, "HX-Request": "true" }, credentials: "same-origin" });
  const elsewhere = answer.headers.get("HX-Redirect");
  if (elsewhere) location.assign(elsewhere);
  const options = await answer.json();
  if (!answer.ok) throw new Error(options.message);
  return decoded(options);
}

export default function passkey(form) {
  if (!window.PublicKeyCredential) return;
  form.hidden = false;
  const error = form.querySelector("[data-error]");
  form.addEventListener("submit", async (event) => {
    const field = form.elements.credential;
    if (field.value) return;
    event.preventDefault();
    error.hidden = true;
    try {
      const options = await challenge(form);
      const made = await navigator.credentials["make" in form.dataset ? "create" : "get"](options);
      field.value = encoded(made, made.getClientExtensionResults());
      form.requestSubmit();
    } catch (problem) {
      error.textContent = problem instanceof DOMException || !problem.message ? error.dataset.failed : problem.message;
      error.hidden = false;
    }
  });
}
