// Who is seen with whom among the most connected: a square, in which each cell is a pair.
import { saveButtons, savePng, saveSvg, saveCsv } from "../../common/download.js";
import { fill, h } from "../../common/dom.js";
import { amount, counted } from "../../common/format.js";
import { nameOf, pairHref, ringOf } from "../parts/names.js";
import { choose } from "../pairs.js";
import { between } from "../network/drawn.js";
import { colour, onTheme } from "../theme.js";

export const title = "Matrix";
export const filters = ["from", "to", "station", "show", "layer", "significant", "hosts"];
export const keys = [
  ["Arrows", "In the matrix: from cell to cell"],
  ["Enter", "Open the pair or the person"],
];

const MOST = 30;
const ORDERS = { weight: "Weight of ties", name: "Name", community: "Community" };

export async function show(place, address, app) {
  const { run } = app;
  let options = address.options;
  let matrix;
  const told = h("p", { class: "told", role: "status" });
  const order = h(
    "select",
    { name: "order", on: { change: () => app.change({ order: order.value === "weight" ? "" : order.value }) } },
    Object.entries(ORDERS).map(([value, text]) => h("option", { value }, text)),
  );
  const square = h("div", {
    class: "scroll square",
    role: "region",
    tabindex: 0,
    "aria-label": "Matrix",
    on: { keydown: move },
  });
  place.append(
    h("div", { class: "headline" }, h("h1", {}, "The most connected, each with each"), told),
    h(
      "div",
      { class: "controls" },
      h("label", { class: "field" }, h("span", {}, "Order"), order),
      saveButtons(
        {
          PNG: () => savePng(file("png"), drawing()),
          SVG: () => saveSvg(file("svg"), drawing()),
          CSV: () =>
            saveCsv(
              file("csv"),
              ["person", ...matrix.people.map((person) => run.people.person_id[person])],
              matrix.people.map((one) => [
                nameOf(run, one),
                ...matrix.people.map((other) => (one === other ? null : matrix.weight(one, other))),
              ]),
            ),
        },
        "the matrix",
      ),
    ),
    h(
      "p",
      { class: "quiet" },
      "Each cell is a pair: the larger and the stronger its square, the more the two are seen together. The number is the weight. Open a cell for all frames of the pair.",
    ),
    square,
  );
  const noTheme = onTheme(draw);
  await update();

  async function update() {
    const mine = options;
    const pairs = await choose(run, options);
    if (mine !== options) return;
    matrix = matrixOf(run, pairs, options.order);
    order.value = matrix.order;
    draw();
  }

  function draw() {
    if (!matrix) return;
    const { people, weight, heaviest } = matrix;
    fill(
      told,
      people.length
        ? `The ${counted(people.length, "person", "people")} of the heaviest ties`
        : "No pair is left by the filters.",
    );
    const colours = { paper: colour("paper"), ink: colour("first") };
    fill(
      square,
      h(
        "table",
        { class: "matrix" },
        h("caption", { class: "unseen" }, "Weights of the pairs of the people who are tied most"),
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("td", {}),
            people.map((person, n) => h("th", { scope: "col" }, h("span", {}, nameOf(run, person)))),
          ),
        ),
        h(
          "tbody",
          {},
          people.map((one, row) =>
            h(
              "tr",
              {},
              h(
                "th",
                { scope: "row" },
                h(
                  "a",
                  { href: app.href("person", [run.people.person_id[one]]), tabindex: row ? -1 : 0 },
                  h("span", { class: "dot", style: { background: ringOf(run, one) } }),
                  nameOf(run, one),
                ),
              ),
              people.map((other) => cell(one, other, weight(one, other), heaviest, colours)),
            ),
          ),
        ),
      ),
    );
  }

  function cell(one, other, weight, heaviest, colours) {
    if (one === other) return h("td", { class: "self" });
    if (!weight) return h("td", {}, h("span", { class: "unseen" }, "0"));
    const share = Math.sqrt(weight / heaviest);
    const said = `${nameOf(run, one)} and ${nameOf(run, other)}: ${amount(weight)}`;
    return h(
      "td",
      {},
      h(
        "a",
        {
          href: pairHref(app, one, other),
          tabindex: -1,
          "aria-label": said,
          title: said,
          style: { "--part": share.toFixed(3), "--fill": between(colours.paper, colours.ink, 0.15 + 0.45 * share) },
        },
        h("span", { "aria-hidden": "true" }, short(weight)),
      ),
    );
  }

  /** Arrows go over the square: column 0 is the people, the others their pairs. */
  function move(event) {
    const to = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    if (!to || event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = [...square.querySelectorAll("tbody tr")];
    if (!rows.length) return;
    let row = rows.findIndex((each) => each.contains(document.activeElement));
    let column = row < 0 ? 0 : [...rows[row].children].findIndex((each) => each.contains(document.activeElement));
    if (row < 0) row = -to[0];
    for (;;) {
      row += to[0];
      column += to[1];
      const place = rows[row]?.children[column];
      if (!place) break;
      const link = place.querySelector("a");
      if (!link) continue; // who is never seen with each other has no pair to open
      link.focus();
      break;
    }
    event.preventDefault();
  }

  /** The same as a drawing that stands alone. */
  function drawing() {
    const { people, weight, heaviest } = matrix;
    const [size, left, top] = [26, 170, 150];
    const width = left + size * people.length + 20;
    const height = top + size * people.length + 20;
    const colours = { paper: colour("paper"), ink: colour("first"), text: colour("ink"), rule: colour("rule") };
    const text = { fill: colours.text, "font-size": 11, "font-family": "system-ui, sans-serif" };
    const svg = h(
      "svg:svg",
      { width, height, viewBox: `0 0 ${width} ${height}` },
      h("svg:rect", { width, height, fill: colours.paper }),
    );
    people.forEach((one, row) => {
      const y = top + size * row;
      svg.append(
        h("svg:text", { ...text, x: left - 8, y: y + size / 2 + 4, "text-anchor": "end" }, nameOf(run, one)),
        h(
          "svg:text",
          { ...text, transform: `translate(${left + size * row + size / 2 + 4} ${top - 8}) rotate(-55)` },
          nameOf(run, one),
        ),
        h("svg:line", { x1: left, x2: left + size * people.length, y1: y, y2: y, stroke: colours.rule }),
      );
      people.forEach((other, column) => {
        const share = one === other ? 0 : Math.sqrt(weight(one, other) / heaviest);
        if (!share) return;
        const side = size * (0.3 + 0.7 * share) - 2;
        svg.append(
          h(
            "svg:rect",
            {
              x: left + size * column + (size - side) / 2,
              y: y + (size - side) / 2,
              width: side,
              height: side,
              fill: between(colours.paper, colours.ink, 0.25 + 0.75 * share),
            },
            h("svg:title", {}, `${nameOf(run, one)} and ${nameOf(run, other)}: ${amount(weight(one, other))}`),
          ),
        );
      });
    });
    return svg;
  }

  const file = (ending) => `${run.about.run}-${run.about.clustering}-matrix.${ending}`;

  return {
    change(next) {
      options = next.options;
      return update();
    },
    end: noTheme,
  };
}

/** The people of the largest weight of all ties, and the weight of each two of them. */
function matrixOf(run, pairs, wanted) {
  const { source, target } = pairs.columns;
  const strength = new Float64Array(run.people.person_id.length);
  for (const row of pairs.rows) {
    strength[source[row]] += pairs.weight[row];
    strength[target[row]] += pairs.weight[row];
  }
  const most = Array.from(strength.keys())
    .filter((person) => strength[person] > 0)
    .sort((a, b) => strength[b] - strength[a] || a - b)
    .slice(0, MOST);
  const within = new Map(most.map((person, n) => [person, n]));
  const weights = new Float64Array(most.length * most.length);
  let heaviest = 0;
  for (const row of pairs.rows) {
    const [one, other] = [within.get(source[row]), within.get(target[row])];
    if (one === undefined || other === undefined) continue;
    weights[most.length * one + other] = weights[most.length * other + one] = pairs.weight[row];
    heaviest = Math.max(heaviest, pairs.weight[row]);
  }
  const order = wanted in ORDERS ? wanted : "weight";
  const people = [...most];
  const { community } = run.people;
  const last = (number) => (number < 0 ? Infinity : number);
  if (order === "name") people.sort((a, b) => nameOf(run, a).localeCompare(nameOf(run, b), "en", { numeric: true }));
  if (order === "community")
    people.sort((a, b) => last(community[a]) - last(community[b]) || strength[b] - strength[a]);
  return {
    order,
    people,
    heaviest,
    weight: (one, other) => weights[most.length * within.get(one) + within.get(other)],
  };
}

/** A number of at most four signs. */
const short = (value) =>
  value < 1000
    ? String(Math.round(value))
    : value < 10_000
      ? `${(value / 1000).toFixed(1)}k`
      : `${Math.round(value / 1000)}k`;
