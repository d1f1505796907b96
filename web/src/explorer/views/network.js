// Who is seen with whom: portraits and lines, what weighs and what is drawn of it, and the same as tables.
import { saveButtons, saveCsv, savePng, saveSvg } from "../../common/download.js";
import { fill, h } from "../../common/dom.js";
import { count, counted } from "../../common/format.js";
import { countsAll } from "../filters.js";
import { portraitsOf } from "../network/atlas.js";
import { beside } from "../network/beside.js";
import { COUNTS, drawnOf, otherOf, strongestOf, towards } from "../network/drawn.js";
import { legend } from "../network/legend.js";
import { slider } from "../network/slider.js";
import { stage } from "../network/stage.js";
import { still } from "../network/still.js";
import { twins } from "../network/twins.js";
import { choose } from "../pairs.js";
import { nameOf, pairHref } from "../parts/names.js";
import { colour, onTheme } from "../theme.js";

export const title = "Network";
export const filters = ["from", "to", "station", "show", "layer", "significant", "hosts"];
export const keys = [
  ["Arrows", "At the picture: to the neighbour that lies there"],
  ["Enter", "Open the person"],
  ["Space", "Mark the person; with a second one marked, open the pair"],
  ["+ − 0", "Nearer, further, all"],
  ["Esc", "Let go"],
  ["Shift + click", "On two people: open the pair"],
];

const MOST_PORTRAITS = 600; // of a still picture on the page
const DIRECTIONS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const LAYERS = { ...COUNTS, within: "Within", same_broadcast: "Same broadcast" };
const HOW =
  "Arrow keys go from person to person, Enter opens one. " +
  "Click a person or a line; Shift + click on two people opens the pair.";
const ANEW =
  "Counted here from the frames that the filters leave. What is more than chance is that of the whole run, " +
  "as are places, colours and communities.";

export async function show(place, address, app) {
  const { run } = app;
  let options = address.options;
  let drawn;
  let at = null; // whom the keyboard is at
  let marked = null; // the first of a pair
  let ended = false;

  const file = (what, ending = "csv") => `${run.about.run}-${run.about.clustering}-${what}.${ending}`;
  const told = h("p", { class: "told", role: "status" });
  const busy = h("span", { class: "quiet", hidden: true }, " Counting anew…");
  const said = h("p", { class: "unseen", role: "status" });
  const inWords = h("p", { class: "quiet counted" });
  const canvas = h("div", {
    ...{ class: "stage", tabindex: 0, role: "application", "aria-roledescription": "network" },
    ...{ "aria-label": "The network. The same stands in the tables below.", "aria-describedby": "network-keys" },
    on: { keydown: move, blur: () => look(null), focus: () => look(at) },
  });
  const side = beside(app, () => drawn);
  const communities = legend(app);
  const tables = twins(app, () => drawn, file);
  const all = () => drawn.pairs.rows;
  const top = slider(
    "top",
    "Pairs drawn",
    () => all().length,
    (value) => app.change({ top: value }),
  );
  const heaviest = () => drawn.pairs.weight[all()[0]] ?? 1;
  const least = slider("weight", "Least weight", heaviest, (value) => app.change({ weight: value > 1 ? value : "" }));
  const button = (text, label, act) =>
    h("button", { type: "button", class: "small zoom", "aria-label": label, on: { click: act } }, text);

  place.append(
    h("div", { class: "headline" }, h("h1", {}, "Who is seen with whom"), h("div", {}, told, busy)),
    h(
      "div",
      { class: "controls" },
      top.element,
      least.element,
      h(
        "div",
        { class: "saves", role: "group", "aria-label": "Size of the picture" },
        button("+", "Nearer", () => picture?.zoom(0.7)),
        button("−", "Further", () => picture?.zoom(1.4)),
        button("All", "Show all", () => picture?.reset()),
      ),
      saveButtons(
        {
          PNG: async () => savePng(file("network", "png"), await drawing()),
          SVG: async () => saveSvg(file("network", "svg"), await drawing()),
          CSV: savePairs,
        },
        "the network",
      ),
    ),
    h("figure", { class: "network" }, canvas, side.element),
    h("p", { id: "network-keys", class: "hint quiet" }, HOW),
    communities.element,
    inWords,
    said,
    tables.element,
  );

  const picture = staged();
  const noTheme = onTheme(() => (picture ? picture.recolour() : drawStill()));
  await update();

  function staged() {
    try {
      return stage(app, canvas, {
        point: (person) => look(person ?? at),
        person: clicked,
        line: (row) => (row === null ? look(at) : side.pair(row)),
        pair: (one, other) => (location.hash = pairHref(app, one, other)),
      });
    } catch {
      fill(canvas); // no WebGL here
      canvas.classList.add("without");
      return null;
    }
  }

  async function update() {
    const mine = options;
    busy.hidden = false;
    // Counting takes a moment: what is there is painted first.
    if (!countsAll(options)) await painted();
    const pairs = await choose(run, options);
    if (mine !== options || ended) return;
    const begin = performance.now();
    drawn = drawnOf(run, pairs, options, canvas.clientWidth || 900);
    if (!drawn.at.has(at)) at = null;
    marked = null;
    // First the picture, which asks for its size: the page would be laid out twice.
    if (picture) picture.draw(drawn);
    else drawStill();
    tell();
    performance.measure("castgraph:filter", { start: begin });
    busy.hidden = true;
    look(at);
    setTimeout(() => ended || mine !== options || tables.show());
  }

  function tell() {
    const n = `${count(drawn.rows.length)} of ${count(all().length)} pairs drawn`;
    fill(told, h("strong", {}, n), `, ${counted(drawn.people.length, "person", "people")}; weight: ${weighs()}`);
    top.set(drawn.rows.length);
    least.set(Number(options.weight) || 1);
    const left = run.about.counts.pairs_left_out;
    fill(
      inWords,
      drawn.pairs.anew ? ANEW : "Counted over the whole run.",
      left > 0
        ? ` ${counted(left, "pair")}, the weakest or of people who are left out, ${left === 1 ? "is" : "are"} not here.`
        : null,
      picture ? null : " This browser draws no WebGL: the picture is a still one.",
    );
    communities.show(drawn, options);
  }

  function weighs() {
    if (options.layer) return (LAYERS[options.layer] ?? options.layer).toLowerCase();
    const layers = Object.entries(run.about.weights).filter(([, weight]) => weight);
    return layers.map(([layer, weight]) => `${weight} × ${LAYERS[layer].toLowerCase()}`).join(" + ");
  }

  /** Show whose ties they are, in the picture and beside it. */
  function look(person) {
    if (ended || !drawn) return; // what leaves the page loses the focus
    const shown = person ?? marked;
    const there = shown !== null && drawn.at.has(shown);
    picture?.focus(there ? shown : null);
    if (there) side.person(shown, marked);
    else side.nobody();
  }

  function clicked(person, event) {
    if (person === null) {
      marked = at = null;
      look(null);
    } else if (event?.shiftKey) mark(person);
    // A finger cannot point: the first touch shows the ties, the second opens.
    else if (event?.type?.startsWith("touch") && at !== person) go(person);
    else open(person);
  }

  function open(person) {
    app.go("person", [run.people.person_id[person]]);
  }

  function mark(person) {
    if (marked !== null && marked !== person) {
      location.hash = pairHref(app, marked, person);
      return;
    }
    marked = marked === person ? null : person;
    const name = nameOf(run, person);
    said.textContent = `${name} is ${marked === null ? "no longer marked." : "marked; mark another to open the pair."}`;
    look(person);
  }

  function go(person) {
    at = person;
    picture?.seek(person);
    look(person);
    const [first, ...more] = drawn.ties.get(person);
    const strongest = nameOf(run, otherOf(drawn, first, person));
    said.textContent = `${nameOf(run, person)}, ${counted(more.length + 1, "tie")}, the strongest with ${strongest}.`;
  }

  function move(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !drawn?.people.length) return;
    const direction = DIRECTIONS[event.key];
    if (direction) go(at === null ? strongestOf(drawn) : towards(drawn, at, direction));
    else if (event.key === "Enter" && at !== null) open(at);
    else if (event.key === " " && at !== null) mark(at);
    else if (event.key === "+" || event.key === "=") picture?.zoom(0.7);
    else if (event.key === "-") picture?.zoom(1.4);
    else if (event.key === "0") picture?.reset();
    else if (event.key === "Escape") clicked(null);
    else return;
    event.preventDefault();
  }

  async function drawStill() {
    const width = Math.max(320, canvas.clientWidth || 900);
    const height = Math.max(320, Math.round(0.62 * width));
    const portraits = await portraitsOf(run, drawn.people.slice(0, MOST_PORTRAITS));
    if (!ended) fill(canvas, still(app, drawn, { width, height, colours: colours(), portraits, links: true }));
  }

  async function drawing() {
    const { width, height } = picture ? picture.size() : { width: 1200, height: 760 };
    const portraits = await portraitsOf(run, drawn.people);
    const view = picture ? { place: picture.place, named: picture.named() } : {};
    return still(app, drawn, { width, height, colours: colours(), portraits, ...view });
  }

  function savePairs() {
    const { columns, weight } = drawn.pairs;
    const ids = run.people.person_id;
    const counts = Object.keys(COUNTS);
    const line = (row) => [
      ...[columns.source[row], columns.target[row]].flatMap((person) => [ids[person], nameOf(run, person)]),
      weight[row],
      ...counts.map((name) => columns[name][row]),
    ];
    const head = ["source", "source_name", "target", "target_name", "weight", ...counts];
    saveCsv(file("pairs"), head, Array.from(drawn.rows, line));
  }

  return {
    change(next) {
      options = next.options;
      return update();
    },
    end() {
      ended = true;
      noTheme();
      picture?.end();
    },
  };
}

const painted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
const colours = () => Object.fromEntries(["paper", "card", "ink", "grey"].map((name) => [name, colour(name)]));
