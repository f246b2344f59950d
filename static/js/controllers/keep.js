// Keeps what was typed: a form comes back filled after a reload, and leaving it asks first.
export default function keep(form) {
  const key = `keep:${form.id || location.pathname}`;
  const fields = () => [...form.elements].filter((field) => field.name && !/hidden|password|file|submit|button/.test(field.type) && field.name !== "csrfmiddlewaretoken");
  const kept = JSON.parse(sessionStorage.getItem(key) ?? "null");
  let changed = false, sent = false;
  if (kept) {
    for (const field of fields()) {
      if (!(field.name in kept)) continue;
      if (/checkbox|radio/.test(field.type)) field.checked = kept[field.name].includes(field.value);
      else field.value = kept[field.name][0] ?? "";
    }
    changed = true;
  }
  form.addEventListener("input", () => {
    changed = true;
    const values = {};
    for (const [name, value] of new FormData(form)) if (typeof value === "string") (values[name] ??= []).push(value);
    const allowed = new Set(fields().map((field) => field.name));
    sessionStorage.setItem(key, JSON.stringify(Object.fromEntries(Object.entries(values).filter(([name]) => allowed.has(name)))));
  });
  const forget = () => { sent = true; changed = false; sessionStorage.removeItem(key); };
  form.addEventListener("submit", () => { if (!form.hasAttribute("hx-post")) forget(); });
  form.addEventListener("htmx:afterRequest", (event) => event.target === form && event.detail.successful && forget());
  const leaving = (event) => { if (changed && !sent) event.preventDefault(); };
  addEventListener("beforeunload", leaving);
  return () => removeEventListener("beforeunload", leaving);
}
