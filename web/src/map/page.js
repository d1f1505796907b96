// The page of the map: what is chosen above it, the map and its legend, and the list.
import { saveButtons, savePng } from "../common/download.js";
import { fill, h } from "../common/dom.js";
import { count, counted } from "../common/format.js";
import { keyed } from "../common/keyed.js";
import { table } from "../common/table.js";
import { inside } from "./area.js";
import { packedArea, packedKeys, packedLook, unpackedKeys, unpackedLook } from "./chosen.js";
import { TITLES } from "./colouring.js";
import { FILTERS, filterBar } from "./filters.js";
import { how } from "./how.js";
import { legend } from "./legend.js";
import { listColumns } from "./list.js";
import { card, inWords } from "./parts.js";
import { pictureDialog } from "./picture.js";
import { METHODS } from "./run.js";
import { colourOf, shownOf } from "./scene.js";
import { stage } from "./stage.js";
import { still } from "./still.js";

const HOW =
  "Drag moves the map, the wheel or two fingers zoom. Draw around pictures with “Draw around” or Shift, " +
  "or press R for a rectangle by keys. Arrow keys go from picture to picture, Enter or a click opens one.";
const NO_WEBGL =
  "This browser draws no WebGL, which the map needs, so here is one that stands still. " +
  "The legend and the filters choose what stands in the list, and there every picture can be opened.";

/**
 * Fill the page.
 *
 * @param {import("./main.js").App} app
 * @param {{main: HTMLElement, at: (address: Object) => void}} frame
 * @param {{open: () => void}} help
 * @returns {{at: (address: Object, anew?: boolean) => void, heard: (texts: string[] | null) => void}}
 */
export function page(app, frame, help) {
  const { run, address, change } = app;
  const file = (ending) => `${run.about.run}-map.${ending}`;
  let read = null; // text on the screen
  let now = null; // what is shown
  let method;
  const told = h("p", { class: "told", role: "status" });
  const said = h("p", { class: "unseen", role: "status" });
  const say = (text) => (said.textContent = text);
  const side = legend(
    (key, on) => pick((keys) => (on ? keys.add(key) : keys.delete(key))),
    () => change({ pick: "", area: "" }),
  );
  const bar = filterBar(run, change);
  const methods = buttons(
    "Placed by",
    run.about.methods.map((name) => [name, METHODS[name]]),
    (name) => change({ method: name, area: "", at: "" }),
  );
  const drawn = buttons(
    "Drawn as",
    [
      ["points", "Points"],
      ["images", "Pictures"],
    ],
    (as) => change({ as }),
  );
  const hand = buttons(
    "Dragging",
    [
      ["", "Moves"],
      ["draw", "Draws around"],
    ],
    (name) => holds(name),
  );
  const by = h(
    "select",
    { name: "colour", on: { change: () => change({ colour: by.value, pick: "" }) } },
    Object.entries(TITLES)
      .filter(([name]) => name !== "person" || run.people.person_id.length)
      .map(([value, title]) => h("option", { value }, title)),
  );
  const zoom = (text, label, act) =>
    h("button", { type: "button", class: "small zoom", "aria-label": label, on: { click: act } }, text);
  const zooms = h(
    "div",
    { class: "saves", role: "group", "aria-label": "Size of the map" },
    zoom("+", "Nearer", () => map.zoom(1.5)),
    zoom("−", "Further", () => map.zoom(1 / 1.5)),
    zoom("All", "Show all", () => map.all()),
  );
  const saves = saveButtons({ PNG: () => savePng(file("png"), map.canvas) }, "the map");
  const place = h("div", {
    ...{ class: "stage", tabindex: 0, role: "application", "aria-roledescription": "map" },
    ...{
      "aria-label": `A map of ${counted(run.n, "picture")}. The same stand in the list below.`,
      "aria-describedby": "map-keys",
    },
  });
  const list = table({
    ...{ label: "Pictures", of: ["picture", "pictures"], columns: listColumns(run, () => read, open), rows: 0 },
    ...{ file: file("csv"), rowHeight: 58, inSight: 9 },
  });
  const heading = h("h2", { id: "list" }, "The list");
  const dialog = pictureDialog(run, {
    go: (picture) => change({ open: run.placeOf(picture) }, { quietly: true }),
    close: () => address().options.open && change({ open: "" }),
    group: (group) => change({ colour: "", pick: String(group), area: "", open: "" }),
    list: () => list.rows(),
  });
  frame.main.append(
    h("div", { class: "headline" }, h("h1", {}, "The visual landscape"), h("div", {}, told)),
    h(
      "div",
      { class: "controls" },
      methods.element,
      drawn.element,
      h("label", { class: "field" }, h("span", {}, "Coloured by"), by),
      hand.element,
      zooms,
      saves,
    ),
    bar.element,
    h("figure", { class: "map" }, place, side.element),
    h("p", { id: "map-keys", class: "hint quiet" }, HOW),
    said,
    heading,
    list.element,
    how(run),
  );
  document.body.append(dialog.element);
  let map = null;
  try {
    map = stage(run, place, {
      card: (picture) => card(run, picture, now.kindOf(picture)),
      open,
      at: (picture) => say(inWords(run, picture)),
      area: (area) => change({ area: packedArea(area) }),
      camera: (camera) => change({ at: packedLook(camera) }, { quietly: true }),
      told: (area) => {
        const found = inside(area, now.scene.places.x, now.scene.places.y);
        return counted(
          found.reduce((sum, is, n) => sum + (is && now.scene.shown[n]), 0),
          "picture",
        );
      },
      say,
    });
  } catch (error) {
    console.info(`castgraph: ${error.message}`);
    without();
  }
  holds("");
  keyed({ "/": bar.focus, "?": help.open });

  function without() {
    for (const name of ["tabindex", "role", "aria-roledescription", "aria-label", "aria-describedby"])
      place.removeAttribute(name);
    place.classList.add("without");
    for (const each of [zooms, saves, hand.element, drawn.element]) each.hidden = true;
    document.querySelector("#map-keys").hidden = true;
  }

  function holds(name) {
    hand.at(name);
    map?.draws(name === "draw");
  }

  function open(picture) {
    change({ open: run.placeOf(picture) });
  }

  function pick(act) {
    const keys = unpackedKeys(address().options.pick);
    act(keys);
    change({ pick: packedKeys(keys) });
  }

  /** Show what an address says. */
  function at({ method: asked, options }, anew = false) {
    const before = now?.options ?? {};
    const others = (names) => anew || !now || names.some((name) => (before[name] ?? "") !== (options[name] ?? ""));
    const placedAnew = asked !== method;
    method = asked;
    if (placedAnew || others(["colour", "pick", "area", "as", ...FILTERS])) show(options, others(["colour"]));
    now.options = options;
    frame.at({ options }, help.open);
    document.title = [METHODS[method], run.about.run, "the visual landscape"].join(" · ");
    bar.at(options);
    if ((options.at ?? "") !== (before.at ?? "")) map?.look(unpackedLook(options.at));
    const picture = options.open ? run.pictureAt(options.open) : -1;
    if (picture >= 0) {
      map?.at(picture);
      dialog.show(picture);
    } else dialog.close();
  }

  function show(options, recoloured) {
    now = { ...shownOf(run, method, options, read, recoloured || !now ? undefined : now.coloured), options };
    const { any, n, listed, coloured, keys } = now;
    if (map) map.show(now.scene);
    else
      fill(
        place,
        h("p", {}, NO_WEBGL),
        still(now.scene, place.clientWidth || 700, `The pictures by ${METHODS[method]}`),
      );
    list.show(listed);
    side.show(TITLES[colourOf(options)], coloured, keys);
    methods.at(method);
    drawn.at(now.scene.images ? "images" : "points");
    by.value = colourOf(options);
    heading.textContent = any ? "The pictures picked" : "The pictures";
    const of = any ? n : n < run.n ? run.n : 0;
    fill(
      told,
      h("strong", {}, any ? `${counted(listed.length, "picture")} picked` : counted(n, "picture")),
      of ? ` of ${count(of)}` : ` of ${counted(run.about.counts.broadcasts, "broadcast")}`,
      of > 0 && h("button", { type: "button", class: "small", on: { click: all } }, "Show all"),
    );
  }

  function all() {
    change(Object.fromEntries([...FILTERS, "pick", "area"].map((each) => [each, ""])));
  }

  return {
    at,
    /** The text on the screen has come. */
    heard(found) {
      if (!found) return;
      read = found;
      if (address().options.text) at(address(), true);
    },
  };
}

function buttons(title, entries, act) {
  const all = entries.map(([value, text]) =>
    h("button", { type: "button", class: "small", "data-value": value, on: { click: () => act(value) } }, text),
  );
  return {
    element: h(
      "div",
      { class: "choice", role: "group", "aria-label": title },
      h("span", { "aria-hidden": "true" }, title),
      h("div", {}, all),
    ),
    at(value) {
      for (const button of all) button.setAttribute("aria-pressed", String(button.dataset.value === value));
    },
  };
}
