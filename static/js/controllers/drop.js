// Shows that a file may be let go here, and which one was chosen; the input itself takes it.
export default function drop(area) {
  const input = area.querySelector("input[type=file]");
  const note = area.querySelector("[data-chosen]");
  for (const name of ["dragenter", "dragover", "dragleave", "drop"]) area.addEventListener(name, (event) => { event.preventDefault(); area.classList.toggle("over", name.endsWith("r")); });
  area.addEventListener("drop", (event) => {
    if (!input || !event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    htmx.trigger(input, "change");
  });
  input?.addEventListener("change", () => { if (note) note.textContent = [...input.files].map((file) => file.name).join(", "); });
}
