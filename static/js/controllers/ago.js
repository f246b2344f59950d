// "3 min ago" stays true: the words come from <body data-ago>, in the language of the page.
const [MINUTE, HOUR, DAY] = [60, 3600, 86400];
const all = new Set();
const words = JSON.parse(document.body.dataset.ago ?? "[]");

function say(element) {
  const seconds = Math.max(0, (Date.now() - Date.parse(element.dateTime)) / 1000);
  const [form, size] = seconds < MINUTE ? [0, 1] : seconds < HOUR ? [1, MINUTE] : seconds < DAY ? [2, HOUR] : seconds < 2 * DAY ? [3, DAY] : [4, DAY];
  if (seconds < 30 * DAY) element.textContent = words[form].replace("%(n)d", Math.floor(seconds / size));
}
if (words.length) setInterval(() => all.forEach(say), 20000);

export default function ago(element) {
  all.add(element);
  return () => all.delete(element);
}
