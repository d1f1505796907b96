// Search over people, broadcasts and shows: "/", a few letters, arrows, Enter.
import MiniSearch from "minisearch";

import { fill, h } from "../common/dom.js";
import { counted, duration, minute } from "../common/format.js";
import { nameOf, portrait } from "./parts/names.js";

const MOST = 12;
/** Letters without their marks, so that "Jose" finds "José". */
const folded = (term) => term.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

export function search(app) {
  const { run } = app;
  let index;
  let found = [];
  let at = -1;

  const list = h("ul", { id: "found", role: "listbox", "aria-label": "Found", hidden: true });
  const status = h("p", { class: "unseen", role: "status" });
  const input = h("input", {
    type: "search",
    role: "combobox",
    "aria-label": "Search people, broadcasts, shows",
    "aria-controls": "found",
    "aria-expanded": "false",
    "aria-autocomplete": "list",
    placeholder: "Search people, broadcasts, shows  /",
    autocomplete: "off",
    spellcheck: "false",
    on: { input: look, keydown: move, focus: () => (index ??= made(run)), blur: close },
  });

  function look() {
    const text = input.value.trim();
    index ??= made(run);
    found = text ? index.search(text).slice(0, MOST) : [];
    at = found.length ? 0 : -1;
    draw();
    status.textContent = text ? `${counted(found.length, "result")}${found.length === MOST ? " or more" : ""}` : "";
  }

  function draw() {
    const open = input.value.trim() !== "";
    list.hidden = !open;
    input.setAttribute("aria-expanded", String(open && found.length > 0));
    if (at >= 0) input.setAttribute("aria-activedescendant", `found-${at}`);
    else input.removeAttribute("aria-activedescendant");
    fill(
      list,
      found.map((one, n) =>
        h(
          "li",
          {
            id: `found-${n}`,
            role: "option",
            "aria-selected": String(n === at),
            on: { mousedown: (event) => event.preventDefault(), click: () => go(one) },
          },
          told(app, one),
        ),
      ),
      !found.length &&
        h(
          "li",
          { role: "option", "aria-disabled": "true", "aria-selected": "false", class: "quiet" },
          "Nothing by this name",
        ),
    );
    list.children[at]?.scrollIntoView({ block: "nearest" });
  }

  function move(event) {
    if (event.key === "Escape") {
      if (!input.value) input.blur();
      input.value = "";
      close();
    } else if (event.key === "Enter" && found[at]) go(found[at]);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!found.length) return;
      at = (at + (event.key === "ArrowDown" ? 1 : -1) + found.length) % found.length;
      draw();
    } else return;
    event.preventDefault();
  }

  function go(one) {
    input.value = "";
    close();
    input.blur();
    const [kind, n] = one.id.split(":");
    if (kind === "person") app.go("person", [run.people.person_id[n]]);
    else if (kind === "broadcast") app.go("broadcast", [run.broadcasts.broadcast[n]]);
    else app.go("network", [], { show: one.name });
  }

  function close() {
    found = [];
    at = -1;
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  return { element: h("div", { class: "search", role: "search" }, input, list, status), focus: () => input.focus() };
}

function made(run) {
  const index = new MiniSearch({
    fields: ["name", "id_"],
    storeFields: ["name"],
    processTerm: folded,
    searchOptions: {
      prefix: true,
      fuzzy: (term) => (term.length > 4 ? 0.2 : false),
      boost: { name: 2 },
      combineWith: "AND",
    },
  });
  const { people, broadcasts } = run;
  const shows = new Set(broadcasts.show.filter(Boolean));
  index.addAll([
    ...people.person_id.map((id, n) => ({ id: `person:${n}`, name: nameOf(run, n), id_: id })),
    ...broadcasts.broadcast.map((id, n) => ({
      id: `broadcast:${n}`,
      name: `${broadcasts.show[n]} ${broadcasts.station[n]} ${minute(broadcasts.start[n])}`,
      id_: id.replaceAll("_", " "),
    })),
    ...[...shows].map((show, n) => ({ id: `show:${n}`, name: show, id_: "" })),
  ]);
  return index;
}

function told({ run }, { id, name }) {
  const [kind, number] = id.split(":");
  const n = Number(number);
  if (kind === "person") {
    const { screen_seconds, n_broadcasts } = run.people;
    return [
      portrait(run, n, 32),
      h(
        "span",
        {},
        nameOf(run, n),
        h(
          "small",
          {},
          `${run.people.person_id[n]} · ${duration(screen_seconds[n])} in ${counted(n_broadcasts[n], "broadcast")}`,
        ),
      ),
    ];
  }
  if (kind === "broadcast") {
    const { show, station, start, n_frames, broadcast } = run.broadcasts;
    return [
      h("span", { class: "kind" }, "on air"),
      h(
        "span",
        {},
        show[n] || broadcast[n],
        h("small", {}, `${station[n]} · ${minute(start[n])} · ${counted(n_frames[n], "frame")}`),
      ),
    ];
  }
  const n_broadcasts = run.broadcasts.show.filter((show) => show === name).length;
  return [
    h("span", { class: "kind" }, "show"),
    h("span", {}, name, h("small", {}, `the network of its ${counted(n_broadcasts, "broadcast")}`)),
  ];
}
