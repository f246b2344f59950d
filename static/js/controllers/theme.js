// Light, dark or what the system says. The cookie lets the server draw the next page right at once.
import { remember, saveForPerson } from "./preference.js";

export default function theme(group) {
  group.addEventListener("click", (event) => {
    const chosen = event.target.closest("[data-theme-value]");
    if (!chosen) return;
    const value = chosen.dataset.themeValue;
    remember("theme", value);
    for (const button of group.querySelectorAll("[data-theme-value]")) button.ariaPressed = button === chosen;
    saveForPerson(group.dataset.save, { theme: value || "system" });
  });
}
