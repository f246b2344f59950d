// One open conversation: new and changed bubbles come in by key, so nothing else is drawn again.
const FAR_PX = 120;

export default function thread(section, signal) {
  const keys = [section.dataset.conversation, section.dataset.key];
  const log = section.querySelector("[role=log]");
  const scroller = log.closest(".scroll");
  const more = section.querySelector("[data-more]");

  const shown = ({ id }) => id && log.querySelector(`[id="${id}"]`);
  function merge(fresh) {
    let last = null, added = 0, changed = false;
    if (!fresh.some(shown)) log.replaceChildren();
    for (const node of fresh) {
      const here = shown(node);
      if (!node.id || (here && node.id === "unread")) continue;
      if (!here) {
        if (last) last.after(node); else log.append(node);
        added += node.matches(".msg");
        htmx.process(node);
        last = node;
      } else if (here.dataset.v === node.dataset.v || here.querySelector(":is(audio, video):focus")) last = here;
      else {
        const held = here.contains(document.activeElement);
        here.replaceWith(node);
        htmx.process(node);
        if (held) node.querySelector("[data-quote]")?.focus({ preventScroll: true });
        changed = true;
        last = node;
      }
    }
    return { added, changed };
  }

  async function refresh() {
    if (section.dataset.latest !== "true") return void (more.hidden = false);
    const far = scroller.scrollTop < -FAR_PX;
    const answer = await fetch(section.dataset.tailUrl, { headers: { "HX-Request": "true" } });
    if (!answer.ok || !section.isConnected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const { added } = merge([...page.body.children].filter((node) => node.id !== "older"));
    if (added && far) more.hidden = false;
    if (added) seen();
  }
  // Reading is an intent: only what is on a visible page, at its end, counts as read.
  function seen() {
    const reader = section.querySelector("form[data-reader]");
    if (!reader || document.hidden || scroller.scrollTop < -FAR_PX) return;
    reader.elements.ate.value = [...log.querySelectorAll(".msg > .meta time")].at(-1)?.dateTime ?? "";
    htmx.trigger(reader, "seen");
  }
  section.addEventListener("click", (event) => {
    const link = event.target.closest("[data-jump]");
    const bubble = link && log.querySelector(new URL(link.href).hash);
    if (!bubble) return;
    event.preventDefault();
    event.stopPropagation();
    log.querySelector(".is-target")?.classList.remove("is-target");
    bubble.classList.add("is-target");
    bubble.scrollIntoView({ block: "center" });
  }, true);
  more.addEventListener("click", (event) => {
    if (section.dataset.latest !== "true") return;
    event.preventDefault();
    scroller.scrollTop = 0;
    more.hidden = true;
    seen();
  });
  // An older page repeats the day line that stood on top.
  log.addEventListener("htmx:afterSwap", () => {
    const days = new Set();
    for (const day of log.querySelectorAll(".day")) { if (days.has(day.id)) day.remove(); days.add(day.id); }
  });
  document.body.addEventListener("live:messages", ({ detail: { ids } }) => keys.some((key) => ids.includes(key)) && refresh(), { signal });
  document.body.addEventListener("live:resync", refresh, { signal });
  document.addEventListener("visibilitychange", seen, { signal });
  log.querySelector(".is-target")?.scrollIntoView({ block: "center" });
}
