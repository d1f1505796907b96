// The file of corrections was changed elsewhere: what came and went, and the answer again.

import { h } from "../common/dom.js";
import { show } from "./dialog.js";

const blocks = (title, found) =>
  found?.length > 0 && [
    h("h3", {}, title),
    found.slice(0, 20).map((each) => h("pre", { tabindex: 0, role: "region", "aria-label": title }, each)),
    found.length > 20 && h("p", {}, `and ${found.length - 20} more`),
  ];

export function conflictDialog(app) {
  const { entry, came, went, error } = app.store.state.conflict;
  let done = false;
  const settle = (close, giveAgain) => {
    done = true;
    close();
    app.store.settle(giveAgain);
  };
  show(
    "The file was changed elsewhere",
    (close) => [
      h("p", {}, error || "Somebody has edited the file of corrections, or another tab has written into it."),
      came || went ? [blocks("What came", came), blocks("What went", went)] : h("p", {}, "What has changed cannot be told."),
      h("p", {}, "Your answer is not written yet: ", h("b", {}, entry.words || "undo")),
      h(
        "p",
        { class: "buttons" },
        h("button", { type: "button", class: "main", on: { click: () => settle(close, true) } }, "Give it again"),
        h("button", { type: "button", on: { click: () => settle(close, false) } }, "Let it go"),
      ),
    ].flat(3).filter(Boolean),
    // Closing confirms nothing.
    { closed: () => done || app.store.settle(false) },
  );
}
