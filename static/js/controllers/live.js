// Keeps the page true. The stream carries a kind and ids only; regions fetch themselves again:
//   <div hx-get="…" hx-trigger="refresh" data-live="messages:<conversation id> contacts">
// Each hint is also a DOM event on <body>, `live:<kind>`. Without a stream the page polls.
const KINDS = ["messages", "contacts", "connections", "raw", "pairing"];
const SILENCE_MS = 45000;
const POLL_MS = 10000;
const FLUSH_MS = 400;
const HIDDEN_FLUSH_MS = 5000;
const MOST_WAIT_MS = 30000;

export default function live(body) {
  const bar = document.getElementById("live-bar");
  const waiting = new Map();
  let source, cursor = body.dataset.cursor ?? "", heard = Date.now(), failures = 0, retry, poll, flushing, over = false;

  const announce = (name, detail) => body.dispatchEvent(new CustomEvent(`live:${name}`, { detail }));
  const refresh = (wanted) => {
    for (const region of document.querySelectorAll("[data-live]")) {
      if (wanted(region.dataset.live.split(/\s+/)) && !region.querySelector(":popover-open")) htmx.trigger(region, "refresh");
    }
  };
  function resync() {
    announce("resync", {});
    refresh(() => true);
  }

  function flush() {
    flushing = undefined;
    const hints = [...waiting];
    waiting.clear();
    for (const [kind, ids] of hints) announce(kind, { ids: [...ids] });
    refresh((names) => names.some((name) => {
      const [kind, id] = name.split(":");
      return hints.some(([said, ids]) => said === kind && (!id || ids.has(id)));
    }));
  }
  // Gathers bursts, so that a busy minute costs a few fetches, and never waits for a pause.
  function hint(kind, data) {
    const ids = waiting.get(kind) ?? new Set();
    for (const value of Object.values(data).flat()) ids.add(String(value));
    waiting.set(kind, ids);
    flushing ??= setTimeout(flush, document.hidden ? HIDDEN_FLUSH_MS : FLUSH_MS);
  }

  function up() {
    heard = Date.now();
    failures = 0;
    clearInterval(poll);
    poll = undefined;
    bar.hidden = true;
  }
  function down() {
    source?.close();
    source = undefined;
    failures += 1;
    if (failures > 1) {
      bar.hidden = false;
      poll ??= setInterval(() => document.hidden || resync(), POLL_MS);
    }
    again(Math.min(1000 * 2 ** failures, MOST_WAIT_MS));
  }
  function again(wait) {
    clearTimeout(retry);
    // Spread, so that a restarted server is not met by every browser at once.
    if (!over) retry = setTimeout(connect, wait * (0.5 + Math.random()));
  }

  async function connect() {
    try {
      const answer = await fetch(body.dataset.url, { headers: { "HX-Request": "true" } });
      if (answer.status === 401 || answer.status === 404) return location.reload();
      if (!answer.ok) return down();
      listen((await answer.json()).url);
    } catch {
      down();
    }
  }
  function listen(url) {
    source = new EventSource(cursor ? `${url}&cursor=${encodeURIComponent(cursor)}` : url);
    const on = (name, act) => source.addEventListener(name, (event) => {
      cursor = event.lastEventId || cursor;
      up();
      act?.(event);
    });
    on("hello");
    on("beat");
    on("resync", resync);
    for (const kind of KINDS) on(kind, (event) => hint(kind, JSON.parse(event.data)));
    source.addEventListener("bye", () => { source.close(); again(500); });
    source.addEventListener("error", down);
  }

  // Nobody asked for this (polls have no event): a forgotten page keeps no log-in alive.
  body.addEventListener("htmx:configRequest", ({ detail }) => {
    if (/refresh|undef/.test(detail.triggeringEvent?.type)) detail.headers["X-Live"] = "1";
  });
  const watchdog = setInterval(() => {
    if (Date.now() - heard < SILENCE_MS) return;
    heard = Date.now();
    failures += 1;
    down();
  }, 5000);
  addEventListener("online", () => again(0));
  addEventListener("pagehide", () => { over = true; source?.close(); });
  addEventListener("pageshow", (event) => { if (event.persisted) { over = false; resync(); again(0); } });
  connect();
  return () => { over = true; source?.close(); clearInterval(watchdog); clearInterval(poll); };
}
