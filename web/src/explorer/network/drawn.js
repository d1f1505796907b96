// What is drawn of the network: which pairs, which people, where they stand and how large they are.

/** What is told of a pair beside its weight, by the columns. */
export const COUNTS = { same_frame: "Same frame", adjacent: "Adjacent", n_broadcasts: "Broadcasts" };

/** How many pairs are drawn where the network of the run has more. */
const USUAL = 2000;

/**
 * @typedef {Object} Drawn
 * @property {import("../pairs.js").Pairs} pairs
 * @property {Uint32Array} rows of the pairs' columns that are drawn, heaviest first
 * @property {number[]} people numbers of those who are drawn, by rank
 * @property {Map<number, {x: number, y: number, size: number}>} at where each is; sizes in pixels
 * @property {Map<number, number[]>} ties of each person the rows drawn, heaviest first
 * @property {Map<number, number>} strength of each person the weight of the ties drawn
 * @property {number} heaviest weight of a pair drawn
 */

/** How many pairs are drawn at first: those of the network as it was configured, as far as that can be seen. */
export function usualTop(run, pairs) {
  if (!pairs.configured) return Math.min(USUAL, Math.max(run.about.counts.edges || USUAL, 1));
  return Math.min(USUAL, run.edges.kept.reduce((n, kept) => n + kept, 0) || USUAL);
}

/**
 * @param {number} [width] pixels there are: portraits are smaller on a phone
 * @returns {Drawn}
 */
export function drawnOf(run, pairs, options, width = 900) {
  const least = Number(options.weight) || 0;
  const top = Number(options.top) || usualTop(run, pairs);
  const kept = run.edges.kept;
  // As configured the network is told by the run: the published one, for instance, is not the heaviest pairs.
  const own = pairs.configured && !options.top && !least && kept.some((each) => each);
  const all = own ? pairs.rows.filter((row) => kept[row]) : pairs.rows;
  const rows = (least ? all.filter((row) => pairs.weight[row] >= least) : all).subarray(0, top);
  const { source, target } = pairs.columns;
  const ties = new Map();
  const tie = (person, row) => {
    const of = ties.get(person);
    if (of) of.push(row);
    else ties.set(person, [row]);
  };
  let heaviest = 0;
  for (const row of rows) {
    tie(source[row], row);
    tie(target[row], row);
    heaviest = Math.max(heaviest, pairs.weight[row]);
  }
  const people = [...ties.keys()].sort((a, b) => a - b);
  const worth = (of) => of.reduce((sum, row) => sum + pairs.weight[row], 0);
  const strength = new Map(people.map((person) => [person, worth(ties.get(person))]));
  const drawn = { pairs, rows, people, ties, strength, heaviest };
  return { ...drawn, at: places(run, drawn, width) };
}

/** Of those who are tied to a person, the one who lies most in a direction; the person where nobody does. */
export function towards(drawn, person, [right, up]) {
  const here = drawn.at.get(person);
  let best = person;
  let most = 0;
  for (const row of drawn.ties.get(person)) {
    const other = otherOf(drawn, row, person);
    const { x, y } = drawn.at.get(other);
    const far = Math.hypot(x - here.x, y - here.y) || 1;
    const straight = (right * (x - here.x) + up * (y - here.y)) / far;
    if (straight < 0.2) continue; // nearly 80 degrees off
    const worth = straight / Math.sqrt(far); // of two that lie alike the nearer one
    if (worth > most) [best, most] = [other, worth];
  }
  return best;
}

/** Who has the heaviest ties. */
export const strongestOf = ({ people, strength }) =>
  people.reduce((best, person) => (strength.get(person) > strength.get(best) ? person : best), people[0]);

/** The other person of a pair. */
export const otherOf = ({ pairs: { columns } }, row, person) =>
  columns.source[row] === person ? columns.target[row] : columns.source[row];

/** Places of the run; who has none stands by the mean of the neighbours that have one. */
function places(run, { pairs, people, ties, strength }, width) {
  const { x, y } = run.people;
  const { source, target } = pairs.columns;
  const strongest = Math.max(...strength.values(), 1e-9);
  const largest = 36 * Math.min(1, width / 800) ** 0.6 * Math.min(1, (40 / Math.max(people.length, 1)) ** 0.2);
  const size = (person) => Math.max(4, largest * (0.34 + 0.66 * (strength.get(person) / strongest) ** 0.35));
  const found = new Map();
  const spread = Math.max(...extent(x), ...extent(y)) || 1;
  for (const person of people)
    if (x[person] === x[person]) found.set(person, { x: x[person], y: y[person], size: size(person) });
  const homeless = people.filter((person) => !found.has(person));
  for (const [n, person] of homeless.entries()) {
    const near = ties.get(person).flatMap((row) => found.get(source[row] === person ? target[row] : source[row]) ?? []);
    const angle = 2.399963 * n; // golden, so that no two stand in one place
    const [cx, cy, far] = near.length
      ? [mean(near.map((each) => each.x)), mean(near.map((each) => each.y)), 0.04 * spread]
      : [mean(x.filter(Number.isFinite)) || 0, mean(y.filter(Number.isFinite)) || 0, 0.6 * spread];
    found.set(person, { x: cx + far * Math.cos(angle), y: cy + far * Math.sin(angle), size: size(person) });
  }
  return found;
}

const mean = (values) => values.reduce((sum, each) => sum + each, 0) / values.length;

/** How wide some numbers lie, as a list of one. */
function extent(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return high >= low ? [high - low] : [0];
}

/** Thickness of a pair's line in pixels. */
export const thickness = (drawn, row) =>
  0.6 + 5.4 * Math.sqrt(drawn.pairs.weight[row] / drawn.heaviest) * Math.min(1, (200 / drawn.rows.length) ** 0.25);

/** A colour between two, both "#rrggbb": at 0 the first. */
export function between(one, other, share) {
  const part = (colour, at) => parseInt(colour.slice(at, at + 2), 16);
  return `#${[1, 3, 5]
    .map((at) =>
      Math.round(part(one, at) + share * (part(other, at) - part(one, at)))
        .toString(16)
        .padStart(2, "0"),
    )
    .join("")}`;
}

/** The colour of a pair's line: opaque, since lines over lines would else come out white; heavier ones are darker. */
export function lineColour(run, drawn, row, { paper, grey }) {
  const { source, target } = drawn.pairs.columns;
  const { community, colour } = run.people;
  const one = community[source[row]];
  const same = one >= 0 && one === community[target[row]];
  const share = 0.2 + 0.55 * (drawn.pairs.weight[row] / drawn.heaviest) ** 0.35;
  return between(paper, same ? colour[source[row]] : grey, same ? share : 0.75 * share);
}
