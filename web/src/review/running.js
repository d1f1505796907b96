// The workflow, from this page or by hand.

import { fill, h } from "../common/dom.js";
import { button, show } from "./dialog.js";
import { duration } from "./words.js";

const EVERY = 1000; // milliseconds
const STATES = { none: "It has not run from this page.", running: "It runs.", done: "It is done.", failed: "It has failed." };

export function runningDialog(app) {
  const { backend, store } = app;
  const state = h("p", { role: "status" });
  const log = h("pre", { class: "log", tabindex: 0, role: "region", "aria-label": "What it says" });
  const command = h("code", {}, store.state.doc.command);
  let timer = 0;
  let open = true;
  let asks = 0;
  let wasRunning = false;

  const draw = (found) => {
    const words = `${STATES[found.state] ?? found.state}${found.state === "none" ? "" : ` ${duration(found.seconds ?? 0)}`}${found.state === "failed" ? ` (it ended with ${found.code})` : ""}`;
    if (found.state === "running") {
      // A clock is nothing to be read out every second.
      state.setAttribute("aria-live", "off");
    } else state.setAttribute("aria-live", "polite");
    fill(state, h("b", {}, words));
    const isDown = log.scrollHeight - log.scrollTop - log.clientHeight < 30;
    log.hidden = !found.lines?.length;
    log.textContent = (found.lines ?? []).join("\n");
    if (isDown) log.scrollTop = log.scrollHeight;
    start.setAttribute("aria-disabled", String(found.state === "running" || store.state.pending.length > 0));
    if (found.command) command.textContent = found.command;
  };
  const poll = async () => {
    clearTimeout(timer);
    const mine = ++asks;
    try {
      const found = await backend.run();
      if (mine !== asks) return;
      draw(found);
      if (found.state === "running") wasRunning = true;
      else if (found.changed || wasRunning) {
        wasRunning = false;
        app.tell(found.state === "failed" ? "The workflow has failed." : "The workflow is done: these are the new results.");
        await store.load();
      }
      if (found.state === "running") timer = setTimeout(poll, open ? EVERY : 5 * EVERY);
    } catch (error) {
      fill(state, `The server does not tell: ${error.message}`);
      if (open) timer = setTimeout(poll, 3 * EVERY);
    }
  };
  const start = button("Run the workflow now", async () => {
    if (start.getAttribute("aria-disabled") === "true") return;
    start.setAttribute("aria-disabled", "true");
    try {
      draw(await backend.start());
    } catch (error) {
      fill(state, h("b", {}, error.message));
    }
    poll();
  }, { main: true });

  show(
    "Run the workflow",
    (close) => [
      h("p", {}, "It applies the decisions and makes everything behind them anew: people, network, report. You can go on meanwhile; it does not end with this page."),
      h("p", { class: "buttons" }, start, button("Close", close, { key: "Esc" })),
      state,
      log,
      h("h3", {}, "By hand"),
      h("p", { class: "command" }, command, app.copyButton(() => command.textContent)),
    ],
    { wide: true, closed: () => { open = false; } },
  );
  poll();
}
