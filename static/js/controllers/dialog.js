// <dialog>: opened by [data-open="id"] or at once with data-now; a click outside closes it.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-open]");
  const dialog = button && document.getElementById(button.dataset.open);
  if (!dialog || dialog.open) return;
  event.preventDefault();
  dialog.dispatchEvent(new CustomEvent("dialog:open"));
  dialog.showModal();
});

export default function dialog(element) {
  let pressedOutside = false;
  // A press that began inside (selecting text) must not close on release outside.
  element.addEventListener("pointerdown", (event) => (pressedOutside = event.target === element));
  element.addEventListener("click", (event) => {
    if ((event.target === element && pressedOutside) || event.target.closest("[data-close]")) element.close();
  });
  if ("now" in element.dataset) element.showModal();
}
