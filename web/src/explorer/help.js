// The dialog that lists all keys.
import { fill, h } from "../common/dom.js";

const EVERYWHERE = [
  ["/", "Search people, broadcasts and shows"],
  ["?", "This list"],
  ["Esc", "Close what is open"],
  ["Tab", "Go on to the next link, button or table"],
  ["↑ ↓ Page ↑ ↓ Home End", "In a table: go from row to row"],
  ["Enter", "Open what has the focus"],
];
const KEY = "castgraph-keys";

export function helpDialog(app, views) {
  const list = h("div");
  const letters = h("input", {
    type: "checkbox",
    checked: kept() !== "off",
    on: { change: () => keep(letters.checked) },
  });
  const close = h("button", {}, "Close");
  const element = h(
    "dialog",
    { "aria-labelledby": "help-title" },
    h("h2", { id: "help-title" }, "Keys"),
    list,
    h("label", { class: "check" }, letters, " Keys of one letter (/ and ?) are heeded"),
    h("form", { method: "dialog" }, close),
  );
  keep(letters.checked);

  function open() {
    const here = views[app.address().view];
    fill(list, keyTable("Everywhere", EVERYWHERE), here?.keys && keyTable(here.title, here.keys));
    element.showModal();
    close.focus();
  }

  return { element, open };
}

const keyTable = (title, keys) => [
  h("h3", {}, title),
  h(
    "table",
    { class: "plain" },
    h(
      "tbody",
      {},
      keys.map(([key, what]) => h("tr", {}, h("th", { scope: "row" }, h("kbd", {}, key)), h("td", {}, what))),
    ),
  ),
];

function keep(on) {
  document.documentElement.dataset.keys = on ? "on" : "off";
  try {
    localStorage.setItem(KEY, on ? "on" : "off");
  } catch {
    // kept for this page only
  }
}

function kept() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
