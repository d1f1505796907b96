// What counts under the filters of the address: stretches of broadcasts, faces, and what was not read.
import { h } from "../../common/dom.js";
import { counted as counted_ } from "../../common/format.js";
import { columns, has } from "../data.js";
import { beginOf, countsAll } from "../filters.js";
import { countPairs, lowerBound } from "../meetings.js";
import { uncounted } from "../run.js";
import { union } from "./periods.js";

const NONE = { broadcast: [], first: [], last: [], status: [], kind: [], earlier_broadcast: [], earlier_first: [] };
const tableOf = (name, names) => (has(name) ? columns(name, names) : NONE);

/**
 * @typedef {Object} Counting
 * @property {boolean} all whether nothing is filtered
 * @property {import("../meetings.js").Stretch} stretch
 * @property {import("../meetings.js").Faces} faces all of them
 * @property {import("../meetings.js").Faces} counted those that make meetings
 * @property {Object} unread columns broadcast, first, last, status
 * @property {Object} replays columns broadcast, first, last, earlier_broadcast, earlier_first, kind
 * @property {number[]} missed broadcasts that the filters let count and of which there are no frames
 * @property {Object} left what is no airtime read: unread, and what does not count
 */

/** @returns {Promise<Counting>} */
export async function counting(run, options) {
  const [out, unread, replays, faces, counted] = await Promise.all([
    tableOf(uncounted(run.about), ["broadcast", "first", "last"]),
    tableOf("unread", ["broadcast", "first", "last", "status"]),
    tableOf("replays", ["broadcast", "first", "last", "earlier_broadcast", "earlier_first", "kind"]),
    run.faces(),
    run.counted(),
    run.clocks(),
  ]);
  const left = union(unread, out);
  const stretch = await run.stretch(options);
  const missed = missedOf(run.broadcasts, options);
  return { all: countsAll(options), stretch, missed, faces, counted, unread, replays, left };
}

/** Broadcasts without frames: of them it is known only when they began. */
function missedOf({ start, station, show, n_frames }, options) {
  const [from, to] = [beginOf(options.from), beginOf(options.to) + 86400];
  const counts = (broadcast) =>
    !n_frames[broadcast] &&
    !(options.station && station[broadcast] !== options.station) &&
    !(options.show && show[broadcast] !== options.show) &&
    !(start[broadcast] < from) &&
    !(start[broadcast] >= to);
  return Array.from(start, (_, broadcast) => broadcast).filter(counts);
}

/**
 * List whom a person is seen with, strongest first.
 *
 * @returns {{other: number, weight: number, same_frame: number, adjacent: number, within: number,
 *   same_broadcast: number, n_broadcasts: number, edge: number}[]} `edge`: the row in edges, -1 for none
 */
export function partnersOf(run, { all, stretch, counted }, one) {
  const { edges, about } = run;
  if (all) {
    const found = [];
    for (let edge = 0; edge < edges.source.length; edge++) {
      if (edges.source[edge] !== one && edges.target[edge] !== one) continue;
      const names = ["weight", "same_frame", "adjacent", "within", "same_broadcast", "n_broadcasts"];
      const other = edges.source[edge] === one ? edges.target[edge] : edges.source[edge];
      found.push({ other, edge, ...Object.fromEntries(names.map((name) => [name, edges[name][edge]])) });
    }
    return found;
  }
  const weight = (name) => about.weights[name] ?? 0;
  const shared = sharedBroadcasts(counted, stretch, one);
  const pairs = countPairs(counted, stretch, about.layers.includes("within") ? about.within : 0);
  const found = new Map();
  const row = (other) => {
    if (!found.has(other)) {
      const none = { same_frame: 0, adjacent: 0, within: 0, n_broadcasts: 0, same_broadcast: shared[other] };
      found.set(other, { other, edge: run.edgeOf(one, other), ...none });
    }
    return found.get(other);
  };
  for (let k = 0; k < pairs.source.length; k++) {
    if (pairs.source[k] !== one && pairs.target[k] !== one) continue;
    const { same_frame, adjacent, within, broadcasts } = pairs;
    const other = pairs.source[k] === one ? pairs.target[k] : pairs.source[k];
    const counts = { same_frame: same_frame[k], adjacent: adjacent[k], within: within[k], n_broadcasts: broadcasts[k] };
    Object.assign(row(other), counts);
  }
  if (weight("same_broadcast")) shared.forEach((n, other) => n && other !== one && row(other));
  for (const each of found.values()) {
    each.weight = ["same_frame", "adjacent", "within", "same_broadcast"].reduce(
      (sum, name) => sum + weight(name) * each[name],
      0,
    );
  }
  return [...found.values()].sort((a, b) => b.weight - a.weight || a.other - b.other);
}

/** In how many broadcasts each person is seen that show one person. */
function sharedBroadcasts({ first, person, frame, people }, stretch, one) {
  const shared = new Uint32Array(people);
  for (let broadcast = 0; broadcast + 1 < first.length; broadcast++) {
    const begin = lowerBound(frame, stretch.from[broadcast], first[broadcast], first[broadcast + 1]);
    const end = lowerBound(frame, stretch.to[broadcast] + 1, begin, first[broadcast + 1]);
    const there = new Set(person.subarray(begin, end));
    if (there.has(one)) for (const other of there) shared[other]++;
  }
  return shared;
}

/** What does not count, a paragraph each. */
export function notCounted({ count_replays, suspects }, where = "") {
  const out = [
    count_replays === "once" && `What was on air before does not count${where}, as in the network.`,
    suspects?.left_out &&
      suspects.broadcast.length > 0 &&
      `${counted_(suspects.broadcast.length, "broadcast that is a suspect does", "broadcasts that are suspects do")} not count${where}, as in the network.`,
  ];
  return out.filter(Boolean).map((text) => h("p", { class: "quiet" }, text));
}

/** How a pair compares with chance, in words; see docs/reading-results.md. */
export function verdict(edges, edge) {
  const q = edge < 0 ? NaN : edges.q[edge];
  if (!Number.isFinite(q)) return { text: "not compared with chance", more: false };
  if (q <= 0.001) return { text: "clearly more than chance", more: true };
  if (q <= 0.05) return { text: "more than chance", more: true };
  return { text: "no more than chance may do", more: false };
}
