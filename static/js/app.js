// Binds data-controller="name …" to the modules below, for the page and for what htmx swaps in.
// A controller is a function of its element; it may return a function that undoes it.
const controllers = {};
const bound = new WeakMap();

function bind(root) {
  const found = root.querySelectorAll("[data-controller]");
  for (const element of root.matches?.("[data-controller]") ? [root, ...found] : found) {
    if (bound.has(element)) continue;
    const undo = element.dataset.controller.split(/\s+/).map((name) => controllers[name]?.(element));
    bound.set(element, undo.filter(Boolean));
  }
}

bind(document.body);
document.body.addEventListener("htmx:load", (event) => bind(event.target));
document.body.addEventListener("htmx:beforeCleanupElement", (event) => {
  for (const undo of bound.get(event.target) ?? []) undo();
  bound.delete(event.target);
});
