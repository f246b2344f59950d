// The composer: what htmx cannot do for it. Each file is a small form that uploads itself.
export default function composer(section, signal) {
  const find = (selector) => section.querySelector(selector);
  const form = find("#composer-form");
  const field = form.elements.text;
  const thread = section.closest("#thread");
  let sent, recorder;

  const changed = () => htmx.trigger(field, "input");
  function attach(files, voice = "") {
    for (const file of files) {
      const row = find("template").content.firstElementChild.cloneNode(true);
      const carrier = new DataTransfer();
      carrier.items.add(file);
      row.elements.file.files = carrier.files;
      row.elements.voice.value = voice;
      row.querySelector("bdi").textContent = file.name;
      find(".files").append(row);
      htmx.process(row);
    }
  }
  async function record(button) {
    if (recorder) return recorder.stop();
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      recorder = new MediaRecorder(stream);
      recorder.ondataavailable = ({ data }) => signal.aborted || attach([new File([data], "voice", { type: data.type })], 1);
      recorder.onstop = () => {
        clearInterval(clock);
        time.textContent = "";
        for (const track of stream.getTracks()) track.stop();
        recorder = undefined;
        button.classList.remove("danger");
      };
      const began = Date.now(), time = button.lastChild;
      const clock = setInterval(() => (time.textContent = new Date(Date.now() - began).toISOString().slice(14, 19)), 500);
      recorder.start();
      button.classList.add("danger");
    } catch ({ name }) {
      htmx.trigger(button, "toast", { message: button.dataset[name.toLowerCase()] ?? button.dataset.missing, level: "bad" });
    }
  }
  const acts = {
    record,
    insert(button) {
      field.setRangeText(button.textContent, field.selectionStart, field.selectionEnd, "end");
      field.focus();
      changed();
    },
    remove(button) {
      const part = button.closest("[data-part]");
      htmx.trigger(part, "htmx:abort");
      part.remove();
      changed();
    },
  };

  section.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-act]");
    if (button) acts[button.dataset.act](button);
  });
  find("[type=file]").addEventListener("change", ({ target }) => { attach(target.files); target.value = ""; });
  field.addEventListener("paste", (event) => {
    attach(event.clipboardData.files);
    if (event.clipboardData.files.length) event.preventDefault();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  section.addEventListener("submit", (event) => {
    if (event.target !== form) return;
    const held = find(".files :is(form, .bad)");
    if (held) htmx.trigger(form, "toast", { message: form.dataset.held, level: "warn" });
    else if (field.value.trim() || find("[name=uploads]")) return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
  // The text leaves the field at once, so that the next can be begun; a refusal brings it back.
  form.addEventListener("htmx:beforeSend", ({ target }) => { if (target === form) [sent, field.value] = [field.value, ""]; });
  form.addEventListener("htmx:afterRequest", ({ target, detail: { xhr } }) => {
    if (target !== form) return;
    if (xhr.status === 200) thread.querySelector(".scroll").scrollTop = 0;
    else field.value = [sent, field.value].filter(Boolean).join("\n");
    field.focus();
  });
  section.addEventListener("htmx:xhr:progress", ({ target, detail }) => target.querySelector("rect")?.setAttribute("width", `${100 * detail.loaded / detail.total}%`));
  section.addEventListener("htmx:afterSwap", ({ target }) => {
    find("fieldset").disabled = Boolean(find("[data-refused]"));
    if (target.closest("#quoted")) field.focus();
    if (target.closest("#parts")) changed();
  });
  thread.addEventListener("keydown", (event) => {
    const button = event.key === "r" && !event.ctrlKey && event.target.closest(".msg")?.querySelector("[data-quote]");
    if (button) htmx.ajax("GET", button.dataset.quote, "#quoted");
  });
  addEventListener("pagehide", () => navigator.sendBeacon(form.dataset.draft, new FormData(form)), { signal });
  return () => recorder?.stop();
}
