// The map of the pictures of a run: points or pictures, kinds in colours, and the same as a list.
import "../style/common.css";
import "../style/explorer.css";
import "../style/map.css";

import { saveButtons, savePng } from "../common/download.js";
import { fill, h } from "../common/dom.js";
import { count, counted, second, utc } from "../common/format.js";
import { keyed } from "../common/keyed.js";
import { table } from "../common/table.js";
import { format, parse } from "../explorer/address.js";
import { about, registry } from "../explorer/data.js";
import { helpDialog } from "../explorer/help.js";
import { colour, onTheme } from "../explorer/theme.js";
import { colouring, parts, TITLES } from "./colouring.js";
import { FILTERS, filterBar, shownBy } from "./filters.js";
import { legend } from "./legend.js";
import { card, foreign, inWords, peopleOf, swatch, thumb } from "./parts.js";
import { pictureDialog } from "./picture.js";
import { load, METHODS, texts } from "./run.js";
import { inside, stage } from "./stage.js";
import { shell } from "./shell.js";

const GRAIN = 10_000; // of places in the address
const BACK = 42; // of 255: how much of a picture is there that is not picked
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
const HOW =
  "Drag moves the map, the wheel or two fingers zoom. Draw around pictures with “Draw around” or Shift, " +
  "or press R for a rectangle by keys. Arrow keys go from picture to picture, Enter or a click opens one.";
const NO_WEBGL =
  "This browser draws no WebGL, which the map needs, so here is a still one, coloured by group. " +
  "The legend and the filters choose what stands in the list.";

globalThis.CG = registry;
addEventListener("DOMContentLoaded", begin);

async function begin() {
  if (!about()) {
    document.body.append(h("p", { role: "alert" }, "The data of this page is not there: is the folder “map” beside it?"));
    return;
  }
  const run = await load();
  const frame = shell(run, () => change({ id: "" }), sharedAddress);
  const help = helpDialog({ address }, { map: { title: "The map", keys: KEYS } });
  document.body.append(help.element);
  if (!run.n) {
    frame.main.append(h("h1", {}, "The visual landscape"), h("p", {}, "There is no picture to be shown: of no frame of this run was an embedding made."));
    frame.at({ options: {} }, help.open);
    return;
  }
  const usual = run.about.methods.includes("tsne") ? "tsne" : run.about.methods[0];
  const app = page(run, frame, help);
  addEventListener("hashchange", () => app.at(address()));
  onTheme(() => app.at(address(), true));
  app.at(address());
  performance.measure("castgraph:first-view", { start: 0 });
  texts().then((found) => app.heard(found));

  function address() {
    const { view, options } = parse(location.hash);
    return { view: "map", method: run.about.methods.includes(view) ? view : usual, options };
  }

  function sharedAddress() {
    const { method, options } = address();
    return format({ view: method, options: { ...options, id: run.about.data_id } });
  }

  /** Change the address: a step that Back goes back, or quietly. */
  function change({ method, ...options }, { quietly = false } = {}) {
    const here = address();
    const next = format({ view: method ?? here.method, options: { ...here.options, ...options } });
    if (next === location.hash) return;
    if (!quietly) {
      location.hash = next;
      return;
    }
    history.replaceState(null, "", next);
    app.at(address());
  }

  function page(run, frame, help) {
    const first = roomOrder(run);
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
    const methods = buttons("Placed by", run.about.methods.map((name) => [name, METHODS[name]]), (name) => change({ method: name, area: "", at: "" }));
    const drawn = buttons("Drawn as", [["points", "Points"], ["images", "Pictures"]], (as) => change({ as }));
    const hand = buttons("Dragging", [["", "Moves"], ["draw", "Draws around"]], (name) => holds(name));
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
      ...{ "aria-label": `A map of ${counted(run.n, "picture")}. The same stand in the list below.`, "aria-describedby": "map-keys" },
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
        area: (area) => change({ area: packed(area) }),
        camera: ({ x, y, zoom: by_ }) =>
          change({ at: by_ === 1 && !x && !y ? "" : [...[x, y].map((value) => Math.round(GRAIN * value)), Math.round(100 * by_)].join("_") }, { quietly: true }),
        told: (area) => {
          const found = inside(area, now.places.x, now.places.y);
          return counted(found.reduce((sum, is, n) => sum + (is && now.shown[n]), 0), "picture");
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
      for (const name of ["tabindex", "role", "aria-roledescription", "aria-label", "aria-describedby"]) place.removeAttribute(name);
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
      change({ pick: [...keys].map(encodeURIComponent).join(",") });
    }

    /** Show what an address says. */
    function at({ method: asked, options }, anew = false) {
      const before = now?.options ?? {};
      const others = (names) => anew || !now || names.some((name) => (before[name] ?? "") !== (options[name] ?? ""));
      const placedAnew = asked !== method;
      method = asked;
      if (placedAnew || others(["colour", "pick", "area", "as", ...FILTERS])) scene(options, others(["colour"]));
      now.options = options;
      frame.at({ options }, help.open);
      document.title = [METHODS[method], run.about.run, "the visual landscape"].join(" · ");
      bar.at(options);
      if (map && (options.at ?? "") !== (before.at ?? "")) look(options.at);
      const picture = options.open ? run.pictureAt(options.open) : -1;
      if (picture >= 0) {
        map?.at(picture);
        dialog.show(picture);
      } else dialog.close();
    }

    function look(text = "") {
      const [x, y, by_] = text.split("_").map(Number);
      map.look(by_ > 0 ? { x: x / GRAIN, y: y / GRAIN, zoom: by_ / 100 } : { x: 0, y: 0, zoom: 1 });
    }

    function scene(options, recoloured) {
      const name = options.colour in TITLES ? options.colour : "group";
      const coloured = !recoloured && now ? now.coloured : colouring(run, name);
      const keys = unpackedKeys(options.pick);
      const area = unpacked(options.area);
      const places = run.placed(method);
      const shown = shownBy(run, options, read);
      const picked = coloured.kinds.filter(({ key }) => keys.has(key));
      const within = area.length ? inside(area, places.x, places.y) : null;
      const any = keys.size > 0 || within !== null;
      const state = new Uint8Array(run.n).fill(any ? 0 : 1);
      const kindOf = (n) => picked.find((kind) => kind.has(n)) ?? coloured.kinds[coloured.of[n]];
      const images = options.as === "images";
      const colours = new Uint8Array(4 * run.n);
      const looks = new Float32Array(2 * run.n);
      const listed = [];
      const link = colour("link");
      const rgb = new Map(coloured.kinds.map((kind) => [kind, parts(kind.colour)]));
      const marked = parts(link);
      for (let n = 0; n < run.n; n++) {
        const chosen = any && shown[n] && (!keys.size || picked.some((kind) => kind.has(n))) && (!within || within[n]);
        if (chosen) state[n] = 2;
        if (shown[n] && (chosen || !any)) listed.push(n);
        const kind = kindOf(n);
        // What has no colour of its own has one while it is picked.
        colours.set(chosen && keys.size && kind.plain ? marked : rgb.get(kind), 4 * n);
        colours[4 * n + 3] = any && !chosen ? BACK : kind.shape < 0 && !images ? 150 : 255;
        looks.set([chosen ? Math.max(kind.shape, 0) : kind.shape, state[n]], 2 * n);
      }
      now = { options, coloured, kindOf, places, shown };
      map?.show({ places, colours, looks, shown, state, first, images, area });
      if (!map) still();
      list.show(listed);
      side.show(TITLES[name], coloured, keys);
      methods.at(method);
      drawn.at(images ? "images" : "points");
      by.value = name;
      const n = shown.reduce((sum, is) => sum + is, 0);
      fill(
        told,
        h("strong", {}, any ? `${counted(listed.length, "picture")} picked` : counted(n, "picture")),
        any ? ` of ${count(n)}` : n < run.n ? ` of ${count(run.n)}` : ` of ${counted(run.about.counts.broadcasts, "broadcast")}`,
        (any || n < run.n) &&
          h(
            "button",
            { type: "button", class: "small", on: { click: () => change(Object.fromEntries([...FILTERS, "pick", "area"].map((each) => [each, ""]))) } },
            "Show all",
          ),
      );
      heading.textContent = any ? "The pictures picked" : "The pictures";
      return coloured;
    }

    function still() {
      const image = h("img", {
        src: `map_${method}.png`,
        alt: `The pictures of the run by ${METHODS[method]}: points, coloured by group.`,
      });
      image.addEventListener("error", () => image.remove());
      fill(place, h("p", {}, NO_WEBGL), image);
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
}

/** In which order pictures find room: those in the middle of their groups, then as if by chance, always the same. */
function roomOrder(run) {
  const mixed = (n) => (Math.imul(n + 1, 0x9e3779b1) ^ (Math.imul(n + 7, 0x85ebca6b) >>> 13)) >>> 0;
  const first = new Set(Array.from(run.groups.picture).filter((picture) => picture >= 0));
  for (const n of Array.from({ length: run.n }, (_, k) => k).sort((a, b) => mixed(a) - mixed(b) || a - b)) first.add(n);
  return Uint32Array.from(first);
}

const unpackedKeys = (text) => new Set((text ?? "").split(",").filter(Boolean).map(decoded));

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const packed = (area) => area.map((corner) => corner.map((value) => Math.round(GRAIN * value)).join("_")).join(".");

function unpacked(text) {
  const corners = (text ?? "").split(".").map((corner) => corner.split("_").map((value) => Number(value || NaN) / GRAIN));
  const good = corners.length > 2 && corners.length <= 200 && corners.every((each) => each.length === 2 && each.every(Number.isFinite));
  return good ? corners : [];
}

function buttons(title, entries, act) {
  const all = entries.map(([value, text]) =>
    h("button", { type: "button", class: "small", "data-value": value, on: { click: () => act(value) } }, text),
  );
  return {
    element: h("div", { class: "choice", role: "group", "aria-label": title }, h("span", { "aria-hidden": "true" }, title), h("div", {}, all)),
    at(value) {
      for (const button of all) button.setAttribute("aria-pressed", String(button.dataset.value === value));
    },
  };
}

function listColumns(run, read, open) {
  const { pictures, broadcasts } = run;
  const of = (name) => (n) => broadcasts[name][pictures.broadcast[n]];
  const text = (value) => (n) => foreign(value(n));
  const people = (n) => peopleOf(run, n).join("; ");
  const labels = (n) => run.labelsOf(n).map(({ name }) => name).join("; ");
  const show = (n) => of("show")(n) || of("broadcast")(n);
  return [
    {
      ...{ name: "show", title: "Picture", text: true, value: show },
      cell: (n) =>
        h(
          "button",
          { type: "button", class: "row-picture", on: { click: () => open(n) } },
          thumb(run, n, 88),
          h("span", {}, foreign(show(n)), h("small", { class: "quiet" }, of("station")(n))),
        ),
    },
    { name: "broadcast", title: "Broadcast", text: true, value: of("broadcast"), saved: true },
    { name: "station", title: "Station", text: true, value: of("station"), saved: true },
    { name: "frame", title: "Frame", value: (n) => pictures.frame[n], width: "4.5rem", wide: true },
    {
      ...{ name: "time", title: "Time (UTC)", text: true, width: "9.9rem" },
      ...{ value: (n) => utc(pictures.time[n]), cell: (n) => second(pictures.time[n]) },
    },
    { name: "group", title: "Group", value: (n) => (pictures.group[n] < 0 ? NaN : pictures.group[n]), cell: (n) => (pictures.group[n] < 0 ? "none" : count(pictures.group[n])), width: "4.5rem" },
    { name: "n_faces", title: "Faces", value: (n) => pictures.n_faces[n], width: "4.2rem", wide: true },
    { name: "n_frames", title: "Frames alike", value: (n) => pictures.n_frames[n], width: "5rem", wide: true },
    { name: "people", title: "People", text: true, value: people, cell: text(people), wide: true },
    { name: "person_ids", title: "IDs", text: true, value: (n) => run.peopleIn(n).map((person) => run.people.person_id[person]).join("; "), saved: true },
    { name: "labels", title: "Labels", text: true, value: labels, cell: text(labels), wide: true },
    { name: "text", title: "Text", text: true, value: (n) => read()?.[n] ?? "", saved: true },
    { name: "link", title: "Link", text: true, value: (n) => run.link(n), saved: true },
  ];
}

function how(run) {
  const { counts, embedder, seed, clustering } = run.about;
  const sampled = counts.placed < counts.pictures;
  return h(
    "details",
    { class: "how" },
    h("summary", {}, "How to read it, and what it does not tell"),
    h("p", {}, `Each point is a picture: frames of a broadcast that are nearly the same are one. ${counted(counts.frames, "frame")} are ${counted(counts.pictures, "picture")}${sampled ? `, of which ${count(counts.placed)}, drawn by chance and always the same, are on the map` : ""}. They are near each other where the network “${embedder}” holds them to be alike (seed ${seed}).`),
    h("p", {}, "By t-SNE and UMAP only what is nearest means something: empty space and the size of clouds mean nothing. By PCA what is far apart differs, but much that differs lies on top of each other. Groups are found before they are placed, from all numbers of the embedding."),
    h("p", {}, `Labels are guesses of the network. People are those of ${clustering}; who is not named there, ignored or forgotten is not told of here. A frame without a person may show one whose face was not found.`),
  );
}
