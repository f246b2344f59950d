// Places a popover beside the button that opened it, and walks it with the arrow keys. One that
// htmx fills is opened by what came.
let opener = null;
document.addEventListener("click", (event) => (opener = event.target.closest("[popovertarget], [hx-target]") ?? opener), true);

const GAP = 4;

function place(menu) {
  if (!opener || menu.matches(".at-rail, .sheet")) return;
  const from = opener.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const left = from.left + width > innerWidth - 2 * GAP ? from.right - width : from.left;
  const below = from.bottom + GAP;
  const top = below + height > innerHeight - GAP ? from.top - GAP - height : below;
  Object.assign(menu.style, { position: "fixed", inset: "auto", margin: "0", left: `${Math.max(2 * GAP, left)}px`, top: `${Math.max(GAP, top)}px` });
}

export default function menu(element) {
  const entries = () => [...element.querySelectorAll("a[href], button:not(:disabled)")];
  element.addEventListener("toggle", (event) => {
    if (event.newState !== "open") return;
    place(element);
    // Shows a ring only to who came by keyboard.
    entries()[0]?.focus();
  });
  element.addEventListener("htmx:afterSwap", (e) => e.target === element && element.togglePopover(true));
  const across = Number(element.dataset.columns ?? 1);
  element.addEventListener("keydown", (event) => {
    const step = { ArrowDown: across, ArrowUp: -across, ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = entries();
    all.at((all.indexOf(document.activeElement) + step) % all.length)?.focus();
  });
  element.addEventListener("click", (event) => {
    if (event.target.closest("a, button:not([data-stay], [aria-pressed])")) element.hidePopover();
  });
}
