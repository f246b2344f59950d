// The three panes: which conversation is open, and a list that never moves under the pointer.
export default function inbox(main, signal) {
  // Looked up each time: tabs and filters replace the whole list.
  const list = () => main.querySelector("#items");
  const form = main.querySelector("form[role=search]");
  const rows = (root) => [...root.querySelectorAll("[data-item]")];
  let fetching = false, again = false;

  function select(id) {
    for (const item of rows(list())) item.toggleAttribute("aria-current", item.id === id);
  }
  function mark() {
    const open = main.querySelector("#thread")?.dataset.conversation ?? "";
    select(`c-${open}`);
    main.dataset.pane = open ? "thread" : "list";
  }
  function announce(count) {
    const news = main.querySelector("#news");
    news.hidden = !count;
    news.textContent = (count === 1 ? news.dataset.one : news.dataset.many).replace("%(n)d", count);
  }
  const disturbs = () => list().scrollTop > 4 || list().matches(":hover, :has(:focus-visible)");
  // Tabs are links and filters are fields, of one and the same list.
  function follow() {
    const wanted = new URL(list().dataset.url, location).searchParams;
    for (const field of form.elements) {
      if (!field.name || field === document.activeElement) continue;
      if (field.type === "checkbox") field.checked = wanted.has(field.name);
      else field.value = wanted.get(field.name) ?? "";
    }
    form.querySelector("[popovertarget]").ariaPressed = wanted.size > 0;
  }

  // How many rows now stand above one that stands above them here.
  function risen(fresh) {
    const here = new Map(rows(list()).map((row, index) => [row.id, index]));
    let lowest = here.size ? Infinity : -1;
    return fresh.reduceRight((count, row) => {
      const place = here.get(row.id) ?? Infinity;
      const rose = place > lowest;
      lowest = Math.min(lowest, place);
      return count + rose;
    }, 0);
  }
  // Rows are drawn again where they are; their order waits for the person.
  function apply(page) {
    const fresh = rows(page);
    const items = list();
    const tabs = page.querySelector("#tabs");
    if (tabs) main.querySelector("#tabs")?.replaceWith(tabs);
    const moved = risen(fresh);
    if (moved && !disturbs()) {
      const shown = items.querySelector("#items-page");
      shown.replaceChildren(...page.querySelector("#items-page").childNodes);
      htmx.process(shown);
      announce(0);
    } else {
      for (const row of fresh) {
        const old = items.querySelector(`[id="${row.id}"]`);
        if (!old || old === document.activeElement) continue;
        old.replaceWith(row);
        htmx.process(row);
      }
      announce(moved);
    }
    mark();
  }
  async function refresh() {
    if (fetching) return void (again = true);
    fetching = true;
    try {
      const answer = await fetch(list().dataset.url, { headers: { "HX-Request": "true", "HX-Target": "items" } });
      if (answer.ok) apply(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      // The live controller tells that the line is down; the next hint tries again.
    }
    fetching = false;
    if (again) { again = false; refresh(); }
  }

  const onSwap = ({ detail }) => {
    if (detail.target?.id === "thread") mark();
    if (detail.target?.id === "items") { follow(); mark(); }
  };
  const onBeforeSwap = ({ detail }) => {
    if (detail.target?.id === "thread" && detail.shouldSwap) main.querySelector("#panel")?.remove();
  };
  const onRequest = ({ detail }) => { if (detail.elt.matches("[data-item]")) select(detail.elt.id); };
  const listeners = { "live:messages": refresh, "live:resync": refresh, "htmx:afterSwap": onSwap, "htmx:beforeRequest": onRequest, "htmx:beforeSwap": onBeforeSwap };
  for (const [name, act] of Object.entries(listeners)) document.body.addEventListener(name, act, { signal });
  list().querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
}
