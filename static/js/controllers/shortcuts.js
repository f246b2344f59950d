// One key each: [data-shortcut="/"] is focused or clicked, j and k walk the [data-item] of [data-list].
const shown = (element) => element.checkVisibility();
const typing = (element) => element.matches?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

function walk(step) {
  const list = [...document.querySelectorAll("[data-list]")].find(shown);
  const items = list ? [...list.querySelectorAll("[data-item]")].filter(shown) : [];
  const here = items.findIndex((item) => item === document.activeElement);
  const from = here < 0 ? items.findIndex((item) => item.hasAttribute("aria-current")) : here;
  const next = items[from < 0 ? 0 : Math.min(Math.max(from + step, 0), items.length - 1)];
  next?.focus();
  return Boolean(next);
}

function act(key) {
  if (key === "j" || key === "k") return walk(key === "j" ? 1 : -1);
  const target = [...document.querySelectorAll(`[data-shortcut="${CSS.escape(key)}"]`)].find(shown);
  if (!target) return false;
  if (!typing(target)) target.click();
  else { target.focus(); if (!target.matches("textarea")) target.select?.(); }
  return true;
}

function explain(list) {
  const rows = [...document.querySelectorAll("[data-shortcut]")].filter(shown).map((element) => [
    element.dataset.shortcut,
    element.dataset.shortcutLabel ?? element.ariaLabel ?? element.textContent.trim(),
  ]);
  if (document.querySelector("[data-list]")) rows.unshift(["j", list.dataset.next], ["k", list.dataset.previous]);
  if (!rows.some(([key]) => key === "Escape")) rows.push(["Esc", list.dataset.close]);
  const cells = rows.flatMap(([key, words]) => {
    const term = document.createElement("dt");
    term.append(Object.assign(document.createElement("kbd"), { textContent: key }));
    return [term, Object.assign(document.createElement("dd"), { textContent: words })];
  });
  list.replaceChildren(...cells);
}

export default function shortcuts() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") {
      // Dialogs and popovers close themselves; they are on top.
      if (document.querySelector("dialog[open], .menu:popover-open")) return;
      if (typing(event.target)) event.target.blur();
      else act("Escape");
    } else if (!typing(event.target) && !document.querySelector("dialog[open]") && act(event.key)) event.preventDefault();
  });
  const help = document.getElementById("shortcuts-help");
  help?.addEventListener("dialog:open", () => explain(help.querySelector("[data-shortcut-list]")));
}
