// Copies data-text, or the value of the field before it, and says so on the button.
const SAID_MS = 2000;

export default function copy(button) {
  button.addEventListener("click", async () => {
    const field = button.parentElement.querySelector("input, textarea");
    try {
      await navigator.clipboard.writeText(button.dataset.text ?? field.value);
    } catch {
      // Plain http on another host has no clipboard: select it, so that Ctrl+C is enough.
      field?.select();
      return;
    }
    const use = button.querySelector("use");
    const [link, label] = [use?.getAttribute("href"), button.ariaLabel];
    use?.setAttribute("href", link.replace(/#.*/, "#check"));
    if (button.dataset.copied) button.ariaLabel = button.dataset.copied;
    setTimeout(() => {
      use?.setAttribute("href", link);
      if (label) button.ariaLabel = label;
    }, SAID_MS);
  });
}
