// A counter that arrives as a fragment: its twin on the phone, the title "(3) …" and the favicon follow.
export default function count(element) {
  const plain = document.title;
  const icon = document.querySelector("link[rel=icon]");
  const usual = icon?.getAttribute("href");
  function follow() {
    const text = element.textContent.trim();
    for (const twin of document.querySelectorAll(`[data-count-of="${element.dataset.countOf}"]`)) if (twin !== element) twin.textContent = text;
    if (!("title" in element.dataset)) return;
    document.title = text ? `(${text}) ${plain}` : plain;
    if (icon?.dataset.dot) icon.href = text ? icon.dataset.dot : usual;
  }
  const observer = new MutationObserver(follow);
  observer.observe(element, { childList: true, characterData: true, subtree: true });
  follow();
  return () => observer.disconnect();
}
