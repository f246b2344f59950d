// A filter form that applies itself; without script its button in <noscript> does.
const PAUSE_MS = 300;

export default function autosubmit(form) {
  let timer;
  const send = (wait) => {
    clearTimeout(timer);
    timer = setTimeout(() => form.requestSubmit(), wait);
  };
  form.addEventListener("change", (event) => event.target.matches("[type=search], [type=text]") || send(0));
  form.addEventListener("input", (event) => event.target.matches("[type=search], [type=text]") && send(PAUSE_MS));
}
