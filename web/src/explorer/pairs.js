// Which pairs count under the filters of an address, and how much: as the run counted them, or counted anew.
import { countsAll, FILTERS } from "./filters.js";
import { countPairs, lowerBound } from "./meetings.js";

/** The q up to which a pair is more than chance, where the run asks for none. */
export const USUAL_Q = 0.05;

/**
 * @typedef {Object} Pairs
 * @property {Object} columns source, target, same_frame, adjacent, within, same_broadcast, n_broadcasts: of all pairs
 * @property {ArrayLike<number>} weight of all pairs, by what the layers weigh or by the one that is chosen
 * @property {Uint32Array} rows those that the filters leave, heaviest first
 * @property {boolean} anew whether they were counted here, from the frames that the filters leave
 * @property {boolean} configured whether no filter is set, so that the network is the one of the run
 */

/** Whether only pairs count that are more than chance: as the address says, else as the run does. */
export const onlySignificant = (about, options) =>
  options.significant ? options.significant === "1" : about.significant != null;

/** Whether the options leave the network that the run was configured to have. */
export const asConfigured = ({ about }, options) =>
  countsAll(options) &&
  !options.layer &&
  options.hosts !== "0" &&
  !options.community &&
  onlySignificant(about, options) === (about.significant != null);

/**
 * Choose pairs.
 *
 * @param {import("./run.js").Run} run
 * @param {Object<string, string>} options of the address: filters, layer, significant, hosts, community
 * @returns {Promise<Pairs>}
 */
export async function choose(run, options) {
  const anew = !countsAll(options);
  const columns = anew ? await recounted(run, options) : run.edges;
  const begin = performance.now();
  const weight = anew || options.layer ? weights(run, columns, options.layer) : columns.weight;
  const rows = chosen(run, columns, weight, options);
  performance.measure("castgraph:choose", { start: begin });
  return { columns, weight, rows, anew, configured: asConfigured(run, options) };
}

let last = { key: null, columns: null };

/** Count all pairs of the frames that the filters leave; those counted last are kept. */
async function recounted(run, options) {
  const { about } = run;
  const weighs = (layer) => options.layer === layer || (!options.layer && about.weights[layer] > 0);
  const within = weighs("within") ? about.within : 0;
  const key = JSON.stringify([FILTERS.map((name) => options[name]), within, weighs("same_broadcast")]);
  if (last.key === key) return last.columns;
  const faces = await run.counted();
  const stretch = await run.stretch(options);
  const begin = performance.now();
  const pairs = countPairs(faces, stretch, within);
  const columns = weighs("same_broadcast")
    ? withBroadcasts(run, faces, stretch, pairs)
    : { ...pairs, n_broadcasts: pairs.broadcasts };
  performance.measure("castgraph:recompute", { start: begin });
  last = { key, columns };
  return columns;
}

/**
 * Count in how many broadcasts each pair of the run is, too, and put the other counts beside.
 *
 * Where that weighs anything, the run has all pairs that share a broadcast, and no filter makes new ones.
 */
function withBroadcasts(run, faces, stretch, pairs) {
  const words = Math.ceil((faces.first.length - 1) / 32);
  const on = new Uint32Array(words * faces.people);
  for (let broadcast = 0; broadcast + 1 < faces.first.length; broadcast++) {
    const end = faces.first[broadcast + 1];
    for (
      let row = lowerBound(faces.frame, stretch.from[broadcast], faces.first[broadcast], end);
      row < end && faces.frame[row] <= stretch.to[broadcast];
      row++
    ) {
      on[words * faces.person[row] + (broadcast >>> 5)] |= 1 << (broadcast & 31);
    }
  }
  const { source, target } = run.edges;
  const columns = { source, target, same_broadcast: new Uint32Array(source.length) };
  for (let row = 0; row < source.length; row++) {
    let n = 0;
    for (let word = 0; word < words; word++) n += bits(on[words * source[row] + word] & on[words * target[row] + word]);
    columns.same_broadcast[row] = n;
  }
  const counts = { same_frame: "same_frame", adjacent: "adjacent", within: "within", n_broadcasts: "broadcasts" };
  for (const name of Object.keys(counts)) columns[name] = new Uint32Array(source.length);
  for (let pair = 0; pair < pairs.source.length; pair++) {
    const row = run.edgeOf(pairs.source[pair], pairs.target[pair]);
    for (const [name, from] of Object.entries(counts)) columns[name][row] = pairs[from][pair];
  }
  return columns;
}

function bits(word) {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function weights({ about }, columns, layer) {
  if (layer) return columns[layer] ?? new Uint32Array(columns.source.length);
  const weight = new Float64Array(columns.source.length);
  for (const [name, each] of Object.entries(about.weights)) {
    const counts = columns[name];
    if (each && counts) for (let row = 0; row < weight.length; row++) weight[row] += each * counts[row];
  }
  return weight;
}

function chosen(run, columns, weight, options) {
  const { about, people, edges } = run;
  const { source, target } = columns;
  const out = new Uint8Array(people.person_id.length);
  if (about.mode !== "as_published") for (const person of about.excluded) out[person] = 1;
  if (options.hosts === "0") for (const person of about.hosts) out[person] = 1;
  if (options.community)
    for (let person = 0; person < out.length; person++)
      if (people.community[person] !== Number(options.community) - 1) out[person] = 1;
  const most = onlySignificant(about, options) ? (about.significant ?? USUAL_Q) : Infinity;
  const found = [];
  for (let row = 0; row < source.length; row++) {
    if (!(weight[row] > 0) || out[source[row]] || out[target[row]]) continue;
    if (most !== Infinity) {
      const edge = columns === edges ? row : run.edgeOf(source[row], target[row]);
      if (!(edges.q[edge] <= most)) continue;
    }
    found.push(row);
  }
  return columns === edges && weight === edges.weight ? Uint32Array.from(found) : heaviestFirst(found, weight);
}

/** Sort rows by weight; equal ones stay in their order. There are far fewer weights than rows, so they are what is sorted. */
function heaviestFirst(rows, weight) {
  const n = new Map(); // of each weight
  for (const row of rows) n.set(weight[row], (n.get(weight[row]) ?? 0) + 1);
  let next = 0;
  for (const each of Float64Array.from(n.keys()).sort().reverse()) {
    const begin = next;
    next += n.get(each);
    n.set(each, begin); // from now on where the next row of this weight goes
  }
  const sorted = new Uint32Array(rows.length);
  for (const row of rows) {
    const place = n.get(weight[row]);
    sorted[place] = row;
    n.set(weight[row], place + 1);
  }
  return sorted;
}
