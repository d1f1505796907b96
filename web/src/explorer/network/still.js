// The network as SVG: what is saved, and what is shown where there is no WebGL.
import { h } from "../../common/dom.js";
import { nameOf, pairHref, ringOf } from "../parts/names.js";
import { lineColour, thickness } from "./drawn.js";

/**
 * Draw the network.
 *
 * @param {import("../main.js").App} app
 * @param {import("./drawn.js").Drawn} drawn
 * @param {Object} look
 * @param {number} look.width
 * @param {number} look.height
 * @param {{paper: string, ink: string, grey: string, card: string}} look.colours "#rrggbb"
 * @param {Map<number, string>} look.portraits data addresses; a disc where somebody has none
 * @param {(person: number) => {x: number, y: number, size: number}} [look.place] pixels; else all fit in
 * @param {boolean} [look.links] whether people and pairs lead to their views
 * @param {Set<number>} [look.named] who is named; else as many as there is room for, those of most ties first
 */
export function still(
  app,
  drawn,
  { width, height, colours, portraits, place = fitted(drawn, width, height), links = false, named },
) {
  const { run } = app;
  const { source, target } = drawn.pairs.columns;
  const places = new Map(drawn.people.map((person) => [person, place(person)]));
  const linked = (href, drawn) => (links ? h("svg:a", { href, tabindex: "-1" }, drawn) : drawn);
  const lines = Array.from(drawn.rows)
    .reverse()
    .map((row) => {
      const [one, other] = [places.get(source[row]), places.get(target[row])];
      const line = h("svg:line", {
        ...{ x1: round(one.x), y1: round(one.y), x2: round(other.x), y2: round(other.y) },
        ...{
          stroke: lineColour(run, drawn, row, colours),
          "stroke-width": round(thickness(drawn, row)),
          "stroke-linecap": "round",
        },
      });
      return linked(pairHref(app, source[row], target[row]), line);
    });
  const bySize = [...drawn.people].sort((a, b) => places.get(a).size - places.get(b).size);
  const people = bySize.map((person) => {
    const { x, y, size } = places.get(person);
    const picture = portraits.get(person);
    const inner = size * 0.87;
    return linked(
      app.href("person", [run.people.person_id[person]]),
      h(
        "svg:g",
        {},
        h("svg:title", {}, nameOf(run, person)),
        h("svg:circle", { cx: round(x), cy: round(y), r: round(size), fill: ringOf(run, person) }),
        picture
          ? h("svg:image", {
              ...{ x: round(x - inner), y: round(y - inner), width: round(2 * inner), height: round(2 * inner) },
              ...{ href: picture, style: { "clip-path": "circle(50%)" }, preserveAspectRatio: "xMidYMid slice" },
            })
          : h("svg:circle", { cx: round(x), cy: round(y), r: round(inner), fill: colours.card }),
      ),
    );
  });
  const names = namesThatFit(run, drawn, places, width, height, named).map(({ person, x, y }) =>
    h(
      "svg:text",
      {
        ...{
          x: round(x),
          y: round(y),
          "text-anchor": "middle",
          "font-size": 12,
          "font-family": "system-ui, sans-serif",
        },
        ...{
          fill: colours.ink,
          stroke: colours.paper,
          "stroke-width": 3,
          "paint-order": "stroke",
          "stroke-linejoin": "round",
        },
      },
      nameOf(run, person),
    ),
  );
  const svg = h("svg:svg", { width, height, viewBox: `0 0 ${width} ${height}`, class: "still" });
  svg.append(h("svg:rect", { width, height, fill: colours.paper }), ...lines, ...people, ...names);
  return svg;
}

const round = (value) => Math.round(10 * value) / 10;

/** Places that all fit in, y upwards as in the network. */
export function fitted(drawn, width, height) {
  const all = [...drawn.at.values()];
  const lowX = Math.min(...all.map((each) => each.x));
  const highX = Math.max(...all.map((each) => each.x));
  const lowY = Math.min(...all.map((each) => each.y));
  const highY = Math.max(...all.map((each) => each.y));
  const margin = 60;
  const scale = Math.min((width - 2 * margin) / (highX - lowX || 1), (height - 2 * margin) / (highY - lowY || 1));
  return (person) => {
    const { x, y, size } = drawn.at.get(person);
    return { x: width / 2 + scale * (x - (lowX + highX) / 2), y: height / 2 - scale * (y - (lowY + highY) / 2), size };
  };
}

/** Names under the portraits, of those of most ties first, as long as none lies on another. */
function namesThatFit(run, drawn, places, width, height, named) {
  const taken = [];
  const found = [];
  for (const person of [...drawn.people].sort((a, b) => places.get(b).size - places.get(a).size || a - b)) {
    if (named && !named.has(person)) continue;
    const { x, y, size } = places.get(person);
    if (x < 0 || y < 0 || x > width || y > height) continue;
    const half = 3.4 * nameOf(run, person).length + 3;
    const box = [x - half, y + size, x + half, y + size + 16];
    if (
      !named &&
      taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])
    )
      continue;
    taken.push(box);
    found.push({ person, x, y: y + size + 12 });
  }
  return found;
}
