// Keeps what was typed: a form comes back filled after a reload, and leaving it asks first.
export default function keep(form, signal) {
  const key = `keep:${form.id || location.pathname}`;
  const fields = () => [...form.elements].filter((field) => field.name && !/hidden|password|file|submit|button/.test(field.type));
  const kept = JSON.parse(sessionStorage.getItem(key));
  let changed = Boolean(kept);
  for (const field of kept ? fields() : []) {
    const values = kept[field.name];
    if (!values) continue;
    if (/checkbox|radio/.test(field.type)) field.checked = values.includes(field.value);
    else field.value = values[0] ?? "";
  }
  form.addEventListener("input", () => {
    changed = true;
    const typed = new FormData(form);
    sessionStorage.setItem(key, JSON.stringify(Object.fromEntries(fields().map(({ name }) => [name, typed.getAll(name)]))));
  });
  const forget = () => { changed = false; sessionStorage.removeItem(key); };
  form.addEventListener("submit", () => { if (!form.hasAttribute("hx-post")) forget(); });
  form.addEventListener("htmx:afterRequest", (event) => event.target === form && event.detail.successful && forget());
  addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); }, { signal });
}
