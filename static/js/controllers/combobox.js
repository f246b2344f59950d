// Text field with a list: options are in the page and filtered here, or fetched by the field's own hx-get.
export const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

export default function combobox(box) {
  const field = box.querySelector("[role=combobox]");
  const list = box.querySelector("[role=listbox]");
  const value = box.querySelector("input[type=hidden]");
  const options = () => [...list.querySelectorAll("[role=option]:not([hidden])")];
  let current = -1;

  function open(yes) {
    list.hidden = !yes || !options().length;
    field.ariaExpanded = !list.hidden;
    if (list.hidden) mark(-1);
  }
  function mark(index) {
    options().forEach((option, at) => (option.ariaSelected = at === index));
    current = index;
    const option = options()[index];
    option?.scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", option?.id ?? "");
  }
  function choose(option) {
    value.value = option.dataset.value;
    field.value = option.dataset.label ?? option.textContent.trim();
    open(false);
    htmx.trigger(value, "change");
  }
  function filter() {
    if (!field.hasAttribute("hx-get")) {
      const wanted = fold(field.value);
      for (const option of list.querySelectorAll("[role=option]")) option.hidden = !fold(option.textContent).includes(wanted);
    }
    value.value = "";
    open(true);
    mark(options().length ? 0 : -1);
  }

  field.addEventListener("input", filter);
  field.addEventListener("focus", () => open(true));
  field.addEventListener("blur", () => setTimeout(() => open(false), 150));
  list.addEventListener("htmx:afterSwap", () => open(true));
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => { const option = event.target.closest("[role=option]"); if (option) choose(option); });
  field.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const all = options();
    if (step && all.length) {
      event.preventDefault();
      open(true);
      mark((current + step + all.length) % all.length);
    } else if (event.key === "Enter" && !list.hidden && all[current]) {
      event.preventDefault();
      choose(all[current]);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      open(false);
    }
  });
}
