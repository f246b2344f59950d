// A switch kept in a cookie and as an attribute of <html>: density, pinned menu.
const YEAR = 365 * 24 * 3600;

export function remember(name, value) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${value}; Path=/; Max-Age=${value ? YEAR : 0}; SameSite=Lax${secure}`;
  if (value) document.documentElement.dataset[name] = value;
  else delete document.documentElement.dataset[name];
}

export function saveForPerson(url, values) {
  if (url) htmx.ajax("POST", url, { values, swap: "none", source: document.body });
}

export default function preference(button) {
  button.addEventListener("click", () => {
    const on = button.ariaPressed !== "true";
    remember(button.dataset.name, on ? button.dataset.value : "");
    button.ariaPressed = on;
  });
}
