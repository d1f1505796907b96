// Who is seen with whom: portraits and lines, what weighs and what is drawn of it, and the same as tables.
import { saveButtons, saveCsv, savePng, saveSvg } from "../../common/download.js";
import { fill, h } from "../../common/dom.js";
import { amount, count, counted, duration } from "../../common/format.js";
import { table } from "../../common/table.js";
import { portraitsOf } from "../network/atlas.js";
import { drawnOf, otherOf, usualTop } from "../network/drawn.js";
import { stage } from "../network/stage.js";
import { still } from "../network/still.js";
import { nameOf, pairHref, pairLink, personLink, portrait, ringOf } from "../parts/names.js";
import { choose } from "../pairs.js";
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

export async function show(place, address, app) {
  const { run } = app;
  let options = address.options;
  let pairs;
  let drawn;
  let at = null; // whom the keyboard is at
  let marked = null; // the first of a pair
  let ended = false;

  const told = h("p", { class: "told", role: "status" });
  const busy = h("span", { class: "quiet", hidden: true }, " Counting anew…");
  const said = h("p", { class: "unseen", role: "status" });
  const canvas = h("div", {
    ...{ class: "stage", tabindex: 0, role: "application", "aria-roledescription": "network", "aria-describedby": "network-keys" },
    ...{ "aria-label": "The network. The same stands in the tables below.", on: { keydown: move, blur: () => look(null), focus: () => look(at) } },
  });
  const side = h("aside", { class: "beside", "aria-label": "Ties" });
  const top = slider("top", "Pairs drawn", () => pairs.rows.length, (value) => app.change({ top: value }));
  const weight = slider("weight", "Least weight", () => pairs.weight[pairs.rows[0]] ?? 1, (value) => app.change({ weight: value > 1 ? value : "" }));
  const legend = h("ul", { class: "communities" });
  const inWords = h("p", { class: "quiet counted" });
  const pairTable = table({
    ...{ label: "Pairs drawn", of: ["pair", "pairs"], rows: 0, file: file("pairs"), rowHeight: 40, inSight: 10 },
    columns: [
      { name: "pair", title: "Pair", text: true, value: (row) => `${nameOf(run, source(row))} and ${nameOf(run, target(row))}`, cell: (row) => pairLink(app, source(row), target(row)) },
      { name: "source", title: "ID", text: true, wide: true, width: "4.2rem", value: (row) => run.people.person_id[source(row)] },
      { name: "target", title: "ID", text: true, wide: true, width: "4.2rem", value: (row) => run.people.person_id[target(row)] },
      { name: "weight", title: "Weight", width: "4.8rem", value: (row) => pairs.weight[row], cell: (row) => amount(pairs.weight[row]) },
      ...["same_frame", "adjacent", "n_broadcasts"].map((name) => ({ name, title: TITLES[name], width: name === "n_broadcasts" ? "6rem" : "5rem", wide: name !== "same_frame", value: (row) => pairs.columns[name][row], cell: (row) => count(pairs.columns[name][row]) })),
    ],
  });
  const peopleTable = table({
    ...{ label: "People drawn", of: ["person", "people"], rows: 0, file: file("people"), rowHeight: 40, inSight: 10 },
    columns: [
      { name: "name", title: "Person", text: true, value: (person) => nameOf(run, person), cell: (person) => personLink(app, person) },
      { name: "person_id", title: "ID", text: true, wide: true, width: "4.2rem", value: (person) => run.people.person_id[person] },
      { name: "community", title: "Community", width: "6rem", wide: true, value: (person) => (run.people.community[person] >= 0 ? run.people.community[person] + 1 : NaN), cell: (person) => (run.people.community[person] >= 0 ? run.people.community[person] + 1 : "–") },
      { name: "ties", title: "Ties drawn", width: "4.2rem", value: (person) => drawn.ties.get(person).length },
      { name: "strength", title: "Weight of ties", width: "5rem", value: (person) => strength(person), cell: (person) => amount(strength(person)) },
      { name: "strongest", title: "Strongest tie", text: true, wide: true, value: (person) => nameOf(run, strongest(person)), cell: (person) => personLink(app, strongest(person), { picture: false }) },
    ],
  });
  const source = (row) => pairs.columns.source[row];
  const target = (row) => pairs.columns.target[row];
  const strength = (person) => drawn.ties.get(person).reduce((sum, row) => sum + pairs.weight[row], 0);
  const strongest = (person) => otherOf(drawn, drawn.ties.get(person)[0], person);

  const controls = h(
    "div",
    { class: "controls" },
    top.element,
    weight.element,
    h(
      "div",
      { class: "saves", role: "group", "aria-label": "Size of the picture" },
      [
        ["+", "Nearer", () => picture?.zoom(0.7)],
        ["−", "Further", () => picture?.zoom(1.4)],
        ["All", "Show all", () => picture?.reset()],
      ].map(([text, label, act]) => h("button", { type: "button", class: "small zoom", "aria-label": label, on: { click: act } }, text)),
    ),
    saveButtons({ PNG: () => saved(savePng, "png"), SVG: () => saved(saveSvg, "svg"), CSV: () => savePairs() }, "the network"),
  );
  const figure = h("figure", { class: "network" }, canvas, side);
  place.append(
    h("div", { class: "headline" }, h("h1", {}, "Who is seen with whom"), h("div", {}, told, busy)),
    controls,
    figure,
    h("p", { id: "network-keys", class: "hint quiet" }, "Arrow keys go from person to person, Enter opens one. Click a person or a line; Shift + click on two people opens the pair."),
    legend,
    inWords,
    said,
    h("section", { class: "twins" }, h("div", {}, h("h2", {}, "Pairs drawn"), pairTable.element), h("div", {}, h("h2", {}, "People drawn"), peopleTable.element)),
  );

  let picture = null;
  try {
    picture = stage(app, canvas, { point: (person) => look(person ?? at), person: clicked, pair: (one, other) => (location.hash = pairHref(app, one, other)) });
  } catch {
    fill(canvas); // no WebGL here
  }
  if (!picture) canvas.classList.add("without");
  const noTheme = onTheme(() => (picture ? picture.recolour() : drawStill()));

  await update();

  async function update() {
    const mine = options;
    busy.hidden = false;
    // Counting takes a moment: what is there is painted first.
    if (options.from || options.to || options.station || options.show) await painted();
    const found = await choose(run, options);
    if (mine !== options || ended) return;
    const begin = performance.now();
    pairs = found;
    drawn = drawnOf(run, pairs, options, canvas.clientWidth || 900);
    at = drawn.at.has(at) ? at : null;
    marked = null;
    tell();
    if (picture) picture.draw(drawn);
    else drawStill();
    performance.measure("castgraph:filter", { start: begin });
    busy.hidden = true;
    look(at);
    setTimeout(() => {
      if (ended || mine !== options) return;
      pairTable.show(drawn.rows);
      peopleTable.show(drawn.people);
    });
  }

  function tell() {
    const weighs = options.layer ? `weight: ${TITLES[options.layer]?.toLowerCase() ?? options.layer}` : `weight: ${Object.entries(run.about.weights).filter(([, each]) => each).map(([layer, each]) => `${each} × ${TITLES[layer].toLowerCase()}`).join(" + ")}`;
    fill(told, h("strong", {}, `${count(drawn.rows.length)} of ${count(pairs.rows.length)} pairs drawn`), `, ${counted(drawn.people.length, "person", "people")}; ${weighs}`);
    top.set(drawn.rows.length);
    weight.set(Number(options.weight) || 1);
    fill(
      inWords,
      pairs.anew
        ? "Counted here from the frames that the filters leave. What is more than chance is that of the whole run, as are places, colours and communities."
        : "Counted over the whole run.",
      picture ? "" : " This browser draws no WebGL: the picture is a still one.",
    );
    communities();
  }

  function communities() {
    const { community } = run.people;
    const of = new Map();
    for (const person of drawn.people) if (community[person] >= 0) of.set(community[person], [...(of.get(community[person]) ?? []), person]);
    const chosen = Number(options.community) || 0;
    const all = [...of].sort(([a], [b]) => a - b).slice(0, 10);
    fill(
      legend,
      all.map(([number, people]) => {
        const strong = [...people].sort((a, b) => strength(b) - strength(a)).slice(0, 3);
        const on = chosen === number + 1;
        return h(
          "li",
          {},
          h(
            "button",
            { type: "button", class: "small", "aria-pressed": String(on), on: { click: () => app.change({ community: on ? "" : number + 1 }) } },
            h("span", { class: "dot", style: { background: ringOf(run, people[0]) } }),
            `${number + 1} `,
            h("span", { class: "quiet" }, `${strong.map((person) => nameOf(run, person)).join(", ")}${people.length > 3 ? ` and ${count(people.length - 3)} more` : ""}`),
          ),
        );
      }),
    );
  }

  /** Show whose ties they are, in the picture and beside it. */
  function look(person) {
    const shown = person ?? marked;
    picture?.focus(shown);
    if (shown === null || !drawn?.at.has(shown)) {
      fill(side, h("p", { class: "quiet" }, marked === null ? "Point at a person, or go there with the arrow keys, to see whom they are seen with." : ""));
      return;
    }
    const ties = drawn.ties.get(shown);
    fill(
      side,
      h("p", { class: "who" }, personLink(app, shown, { size: 56 })),
      h("p", { class: "quiet" }, `${counted(ties.length, "tie")} drawn · ${duration(run.people.screen_seconds[shown])} on screen`),
      marked !== null && marked !== shown ? h("p", {}, `Marked: ${nameOf(run, marked)}.`) : null,
      h(
        "ol",
        {},
        ties.slice(0, 8).map((row) => {
          const other = otherOf(drawn, row, shown);
          return h("li", {}, portrait(run, other, 24), h("a", { href: pairHref(app, shown, other) }, nameOf(run, other)), h("span", { class: "quiet" }, amount(pairs.weight[row])));
        }),
      ),
      ties.length > 8 ? h("p", { class: "quiet" }, `and ${count(ties.length - 8)} more`) : null,
    );
  }

  function clicked(person, event) {
    if (person === null) {
      marked = at = null;
      return look(null);
    }
    if (event?.shiftKey) return mark(person);
    // A finger cannot point: the first touch shows the ties, the second opens.
    if (event?.type?.startsWith("touch") && at !== person) return go(person);
    return app.go("person", [run.people.person_id[person]]);
  }

  function mark(person) {
    if (marked !== null && marked !== person) {
      location.hash = pairHref(app, marked, person);
      return;
    }
    marked = marked === person ? null : person;
    said.textContent = marked === null ? "Not marked." : `${nameOf(run, person)} is marked; mark another to open the pair.`;
    look(person);
  }

  function go(person) {
    at = person;
    picture?.seek(person);
    look(person);
    const ties = drawn.ties.get(person);
    said.textContent = `${nameOf(run, person)}, ${counted(ties.length, "tie")}, the strongest with ${nameOf(run, otherOf(drawn, ties[0], person))}.`;
  }

  function move(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !drawn.people.length) return;
    const to = DIRECTIONS[event.key];
    if (to) go(at === null ? [...drawn.people].sort((a, b) => strength(b) - strength(a))[0] : neighbour(to));
    else if (event.key === "Enter" && at !== null) app.go("person", [run.people.person_id[at]]);
    else if (event.key === " " && at !== null) mark(at);
    else if (event.key === "+" || event.key === "=") picture?.zoom(0.7);
    else if (event.key === "-") picture?.zoom(1.4);
    else if (event.key === "0") picture?.reset();
    else if (event.key === "Escape") {
      marked = at = null;
      look(null);
    } else return;
    event.preventDefault();
  }

  /** Of those who are tied to whom the keyboard is at, the one that lies most in a direction. */
  function neighbour([right, up]) {
    const here = drawn.at.get(at);
    let best = at;
    let most = 0.2; // about 78 degrees off at most
    for (const row of drawn.ties.get(at)) {
      const other = otherOf(drawn, row, at);
      const { x, y } = drawn.at.get(other);
      const far = Math.hypot(x - here.x, y - here.y) || 1;
      const straight = (right * (x - here.x) + up * (y - here.y)) / far;
      // Of two that lie alike the nearer one.
      if (straight > 0.2 && straight / far ** 0.5 > (best === at ? 0 : most)) [best, most] = [other, straight / far ** 0.5];
    }
    return best;
  }

  async function drawStill() {
    const width = Math.max(320, canvas.clientWidth || 900);
    const height = Math.max(320, Math.round(width * 0.62));
    const portraits = await portraitsOf(run, drawn.people.slice(0, MOST_PORTRAITS));
    if (ended) return;
    fill(canvas, still(app, drawn, { width, height, colours: pageColours(), portraits, links: true }));
  }

  async function drawing() {
    const { width, height } = picture ? picture.size() : { width: 1200, height: 760 };
    const portraits = await portraitsOf(run, drawn.people);
    const view = picture ? { place: (person) => picture.place(person), named: picture.named() } : {};
    return still(app, drawn, { width, height, colours: pageColours(), portraits, ...view });
  }

  async function saved(save, ending) {
    await save(file("network", ending), await drawing());
  }

  function savePairs() {
    const names = ["source", "source_name", "target", "target_name", "weight", "same_frame", "adjacent", "n_broadcasts"];
    const ids = run.people.person_id;
    saveCsv(
      file("pairs"),
      names,
      (function* () {
        for (const row of drawn.rows) {
          const { same_frame, adjacent, n_broadcasts } = pairs.columns;
          yield [ids[source(row)], nameOf(run, source(row)), ids[target(row)], nameOf(run, target(row)), pairs.weight[row], same_frame[row], adjacent[row], n_broadcasts[row]];
        }
      })(),
    );
  }

  function file(what, ending = "csv") {
    return `${run.about.run}-${run.about.clustering}-${what}.${ending}`;
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

const TITLES = {
  same_frame: "Same frame",
  adjacent: "Adjacent",
  within: "Within",
  same_broadcast: "Same broadcast",
  n_broadcasts: "Broadcasts",
};
const DIRECTIONS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

const painted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
const pageColours = () => Object.fromEntries(["paper", "card", "ink", "grey"].map((name) => [name, colour(name)]));

/** A slider whose steps grow with the number: as much of it is between 1 and 10 as between 1,000 and 10,000. */
function slider(name, title, most, change) {
  const STEPS = 400;
  const number = h("strong", { "aria-hidden": "true" });
  const input = h("input", { type: "range", name, min: 0, max: STEPS, step: 1, "aria-label": title });
  const value = () => Math.round(Math.max(most(), 1) ** (input.value / STEPS));
  let waiting;
  input.addEventListener("input", () => {
    number.textContent = count(value());
    input.setAttribute("aria-valuetext", count(value()));
    clearTimeout(waiting);
    waiting = setTimeout(() => change(value()), 60);
  });
  return {
    element: h("label", { class: "slider" }, h("span", {}, title, " ", number), input),
    set(to) {
      number.textContent = count(to);
      input.setAttribute("aria-valuetext", count(to));
      if (document.activeElement === input && waiting) return;
      input.value = Math.max(most(), 2) > 1 ? Math.round((STEPS * Math.log(Math.max(to, 1))) / Math.log(Math.max(most(), 2))) : 0;
    },
  };
}
