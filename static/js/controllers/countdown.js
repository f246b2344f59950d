// Counts a code's seconds from what the server wrote: data-count 1 up, -1 down; the ring empties.
export default function countdown(box) {
  const began = Date.now(), ring = box.querySelector(".v"), { left, life } = box.dataset;
  const all = [...box.querySelectorAll("[data-count]")].map((one) => [one, +one.textContent]);
  const timer = setInterval(() => {
    const s = Math.round((Date.now() - began) / 1000);
    for (const [one, first] of all) one.textContent = Math.max(0, first + s * one.dataset.count);
    ring.setAttribute("stroke-dashoffset", Math.min(1, 1 - (left - s) / life));
  }, 1000);
  return () => clearInterval(timer);
}
