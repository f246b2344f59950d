// Binds data-controller="name …" to the modules below, for the page and for what htmx swaps in.
// A controller is a function of its element and of a signal that ends its listeners elsewhere; it
// may return a function that undoes the rest.
import ago from "./controllers/ago.js";
import autosubmit from "./controllers/autosubmit.js";
import combobox from "./controllers/combobox.js";
import composer from "./controllers/composer.js";
import confirm from "./controllers/confirm.js";
import copy from "./controllers/copy.js";
import count from "./controllers/count.js";
import countdown from "./controllers/countdown.js";
import dialog from "./controllers/dialog.js";
import drop from "./controllers/drop.js";
import inbox from "./controllers/inbox.js";
import keep from "./controllers/keep.js";
import live from "./controllers/live.js";
import menu from "./controllers/menu.js";
import mixed from "./controllers/mixed.js";
import narrow from "./controllers/narrow.js";
import passkey from "./controllers/passkey.js";
import preference from "./controllers/preference.js";
import print from "./controllers/print.js";
import shortcuts from "./controllers/shortcuts.js";
import submit from "./controllers/submit.js";
import theme from "./controllers/theme.js";
import thread from "./controllers/thread.js";
import toasts from "./controllers/toasts.js";

const controllers = { ago, autosubmit, combobox, composer, confirm, copy, count, countdown, dialog, drop, inbox, keep, live, menu, mixed, narrow, passkey, preference, print, theme, thread, toasts };
const bound = new WeakMap();

function bind(root) {
  const found = root.querySelectorAll("[data-controller]");
  for (const element of root.matches("[data-controller]") ? [root, ...found] : found) {
    if (bound.has(element)) continue;
    const over = new AbortController();
    const undo = element.dataset.controller.split(/\s+/).map((name) => controllers[name]?.(element, over.signal));
    bound.set(element, [() => over.abort(), ...undo]);
  }
}

shortcuts();
submit();
bind(document.body);
document.body.addEventListener("htmx:load", (event) => bind(event.target));
document.body.addEventListener("htmx:beforeCleanupElement", (event) => {
  for (const undo of bound.get(event.target) ?? []) undo?.();
  bound.delete(event.target);
});
