// The map of the pictures of a run: points or pictures, kinds in colours, and the same as a list.
import "../style/common.css";
import "../style/explorer.css";
import "../style/map.css";

import { h } from "../common/dom.js";
import { format, parse } from "../explorer/address.js";
import { about, registry } from "../explorer/data.js";
import { helpDialog } from "../explorer/help.js";
import { onTheme } from "../explorer/theme.js";
import { page } from "./page.js";
import { load, texts } from "./run.js";
import { shell } from "./shell.js";

const KEYS = [
  ["Arrows", "At the map: to the nearest picture that lies there"],
  ["Page ↑ ↓ Home End", "The picture before or after it in time, the first, the last"],
  ["Enter", "Open the picture; in it ← and → walk the list"],
  ["R", "A rectangle: arrows move it, Shift and arrows change its size, Enter takes what is in it"],
  ["Shift + arrows", "Move the map"],
  ["+ − 0", "Nearer, further, all"],
  ["Esc", "Let go of what was drawn around"],
  ["Shift + drag", "Draw around pictures"],
];

globalThis.CG = registry;
addEventListener("DOMContentLoaded", begin);

/**
 * What the page gets.
 *
 * @typedef {Object} App
 * @property {import("./run.js").Run} run
 * @property {() => {method: string, options: Object<string, string>}} address where the page is
 * @property {(options: Object, how?: {quietly: boolean}) => void} change sets options of the address, and `method`; ""
 *   takes one away. Back goes back before it, unless it is done quietly
 */

async function begin() {
  if (!about()) {
    document.body.append(
      h("p", { role: "alert" }, "The data of this page is not there: is the folder “map” beside it?"),
    );
    return;
  }
  const run = await load();
  const frame = shell(run, () => change({ id: "" }), sharedAddress);
  const help = helpDialog({ address }, { map: { title: "The map", keys: KEYS } });
  document.body.append(help.element);
  if (!run.n) {
    frame.main.append(
      h("h1", {}, "The visual landscape"),
      h("p", {}, "There is no picture to be shown: of no frame of this run was an embedding made."),
    );
    frame.at({ options: {} }, help.open);
    return;
  }
  const usual = run.about.methods.includes("tsne") ? "tsne" : run.about.methods[0];
  const filled = page({ run, address, change }, frame, help);
  addEventListener("hashchange", () => filled.at(address()));
  onTheme(() => filled.at(address(), true));
  filled.at(address());
  performance.measure("castgraph:first-view", { start: 0 });
  texts().then((found) => filled.heard(found));

  function address() {
    const { view, options } = parse(location.hash);
    return { view: "map", method: run.about.methods.includes(view) ? view : usual, options };
  }

  function sharedAddress() {
    const { method, options } = address();
    return format({ view: method, options: { ...options, id: run.about.data_id } });
  }

  function change({ method, ...options }, { quietly = false } = {}) {
    const here = address();
    const next = format({ view: method ?? here.method, options: { ...here.options, ...options } });
    if (next === location.hash) return;
    if (!quietly) {
      location.hash = next;
      return;
    }
    history.replaceState(null, "", next);
    filled.at(address());
  }
}
