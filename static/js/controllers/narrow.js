// A search over what the page already has: hides the links of data-controller="narrow" that do not match.
// Groups without a match go too; Enter opens the first one.
import { fold } from "./combobox.js";

export default function narrow(root) {
  const field = root.querySelector("[type=search]");
  const none = root.querySelector("[data-none]");
  const links = [...root.querySelectorAll("[data-words]")];
  const apply = () => {
    const words = fold(field.value).split(/\s+/).filter(Boolean);
    for (const link of links) {
      const text = fold(`${link.textContent} ${link.dataset.words}`);
      link.hidden = !words.every((word) => text.includes(word));
    }
    for (const group of root.querySelectorAll("[data-group]")) group.hidden = !group.querySelector("[data-words]:not([hidden])");
    if (none) none.hidden = links.some((link) => !link.hidden);
  };
  field.addEventListener("input", apply);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") links.find((link) => !link.hidden)?.click();
  });
  apply();
}
