// A page from a file: what was answered becomes a file that castgraph brings in.

import { fill, h } from "../common/dom.js";
import { save } from "../common/download.js";
import { button, field, show } from "./dialog.js";
import { counted, fault, oneLine } from "./words.js";
import { corrections } from "./yaml.js";

const PLACE = "castgraph-review-by";
let handle = null; // of the file that was chosen, for the next time

const today = () => {
  const now = new Date();
  const two = (value) => String(value).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
};

/** The text of the file. */
export function fileOf(app, by) {
  const { doc } = app.store.state;
  const entries = app.backend.entries();
  const decisions = entries.flatMap((entry) => entry.decisions).map((each) => ({ ...each, by, on: today() }));
  const unsure = entries.filter((entry) => entry.answer === "unsure").map((entry) => `unsure: ${entry.question}`);
  return corrections([`Decisions about the run ${doc.run}, ${doc.clustering}, from its review page.`], decisions, unsure);
}

async function write(name, text) {
  const blob = new Blob([text], { type: "application/yaml" });
  if (globalThis.showSaveFilePicker) {
    handle ??= await showSaveFilePicker({ suggestedName: name, types: [{ description: "YAML", accept: { "application/yaml": [".yaml"] } }] });
    const file = await handle.createWritable();
    await file.write(blob);
    await file.close();
    return `Saved into ${handle.name}.`;
  }
  save(name, blob);
  return `Downloaded as ${name}.`;
}

export function savingDialog(app) {
  const { doc } = app.store.state;
  const name = `corrections-${doc.run}.yaml`;
  const n = app.backend.entries().flatMap((entry) => entry.decisions).length;
  let by = doc.by;
  try {
    by ||= localStorage.getItem(PLACE) ?? "";
  } catch {
    // It is typed each time.
  }
  show(
    "Save the answers",
    () => {
      const who = field("Your name", { value: by }, "may stay empty; it stands beside each decision");
      const state = h("p", { role: "status" });
      const saveAs = async () => {
        const given = oneLine(who.input.value);
        if (!who.say(given ? fault(given, "name") : "")) return;
        try {
          localStorage.setItem(PLACE, given);
        } catch {
          // see above
        }
        try {
          fill(state, await write(name, fileOf(app, given)));
          app.saved();
        } catch (error) {
          handle = null;
          fill(state, error.name === "AbortError" ? "Nothing was saved." : `It cannot be saved: ${error.message}`);
        }
      };
      const forget = () => {
        if (!confirm("Take all answers out of this browser? What is saved in a file stays.")) return;
        app.backend.clear();
        app.saved();
        app.store.load();
        fill(state, "The browser has no answers any more.");
      };
      const bring = doc.bring || `uv run castgraph people add results/${doc.run} ${name}`;
      return [
        h("p", {}, `This page keeps ${counted(n, "decision")} in this browser, and sends nothing anywhere. Save them into a file, and bring that into the run:`),
        who.element,
        h("p", { class: "buttons" }, button(globalThis.showSaveFilePicker ? "Save as…" : "Download", saveAs, { main: true }), button("Forget the answers", forget)),
        state,
        h("p", { class: "command" }, h("code", {}, bring), app.copyButton(() => bring)),
      ];
    },
    { wide: true },
  );
}
