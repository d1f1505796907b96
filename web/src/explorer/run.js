// The run that the page shows: the tables that every view needs, decoded once.
import { about, columns, has } from "./data.js";
import { countsAll, stretchOf } from "./filters.js";
import { framesOf, lowerBound, withoutReplays } from "./meetings.js";

const PEOPLE = [
  ...["person_id", "name", "name_from", "n_faces", "n_frames", "n_broadcasts", "screen_seconds", "airtime_share"],
  ...["first_seen", "last_seen", "n_outliers", "spread", "community", "degree", "strength", "pagerank"],
  ...["x", "y", "size", "colour", "portrait", "best_broadcast", "best_frame", "top", "right", "bottom", "left"],
];
const BROADCASTS = [
  ...["broadcast", "station", "show", "start", "status", "reason", "n_frames", "width", "height", "link", "timed"],
];
const EDGES = [
  ...["source", "target", "weight", "same_frame", "adjacent", "within", "same_broadcast", "n_broadcasts"],
  ...["first_seen", "last_seen", "broadcast", "frame", "expected", "ratio", "z", "p", "q", "kept", "without_hosts"],
];

/**
 * @typedef {Object} Run
 * @property {Object} about the manifest
 * @property {Object} people its columns; a person's number is a row
 * @property {Object} broadcasts its columns
 * @property {Object} edges its columns, strongest first
 * @property {(id: string) => number} personOf the number of a person ID; -1 where there is none
 * @property {(id: string) => number} broadcastOf the number of a broadcast ID
 * @property {(one: number, other: number) => number} edgeOf the row of a pair in edges; -1 where there is none
 * @property {() => Promise<import("./meetings.js").Faces>} faces all faces
 * @property {() => Promise<import("./meetings.js").Faces>} counted those that make meetings: without what
 *   does not count (`uncounted`)
 * @property {(options: Object) => Promise<import("./meetings.js").Stretch>} stretch what filters let count
 * @property {(broadcast: number, frame: number) => number} secondsOf seconds of a frame since the start; for
 *   broadcasts with a clock of their own right once `clocks` is there
 * @property {(broadcast: number, seconds: number) => number} frameAt the first frame at or after seconds since the
 *   start of its broadcast
 * @property {() => Promise<void>} clocks loads the moments of videos' frames, where there are videos
 */

/** @returns {Promise<Run>} */
export async function load() {
  const manifest = about();
  const [people, broadcasts, edges] = await Promise.all([
    columns("people", PEOPLE),
    columns("broadcasts", BROADCASTS),
    columns("edges", EDGES),
  ]);
  const persons = numbered(people.person_id);
  const ids = numbered(broadcasts.broadcast);
  const once = (make) => {
    let made;
    return () => (made ??= make());
  };
  let times; // {first, frame, seconds} of broadcasts with a clock of their own
  const clocks = once(async () => {
    if (has("times") && broadcasts.timed.some((timed) => timed)) times = await clocksOf(broadcasts.broadcast.length);
  });
  const faces = once(async () => {
    const { first, person, frame_step } = await columns("faces", ["first", "person", "frame_step"]);
    return { first, person, frame: framesOf(first, frame_step), people: people.person_id.length };
  });
  const counted = once(async () => {
    const table = uncounted(manifest);
    return table ? withoutReplays(await faces(), await columns(table, ["broadcast", "first", "last"])) : faces();
  });

  /** The first frame at or after seconds since the start of its broadcast. */
  function frameAt(broadcast, seconds) {
    if (!broadcasts.timed[broadcast] || !times)
      return Math.max(1, Math.ceil(seconds / manifest.frame_seconds - 1e-9) + 1);
    const end = times.first[broadcast + 1];
    const row = lowerBound(times.seconds, seconds, times.first[broadcast], end);
    return row < end ? times.frame[row] : broadcasts.n_frames[broadcast] + 1;
  }

  return {
    about: manifest,
    people,
    broadcasts,
    edges,
    personOf: (id) => persons.get(id) ?? -1,
    broadcastOf: (id) => ids.get(id) ?? -1,
    edgeOf: pairsOf(edges),
    frameAt,
    faces,
    counted,
    clocks,
    async stretch(options) {
      if (!countsAll(options)) await clocks();
      return stretchOf(options, broadcasts, frameAt);
    },
    secondsOf(broadcast, frame) {
      if (!broadcasts.timed[broadcast] || !times) return (frame - 1) * manifest.frame_seconds;
      const row = lowerBound(times.frame, frame, times.first[broadcast], times.first[broadcast + 1]);
      return times.frame[row] === frame ? times.seconds[row] : (frame - 1) * manifest.frame_seconds;
    },
  };
}

/** The table of what does not count; empty where everything does. */
export function uncounted({ count_replays }) {
  const table = has("uncounted") ? "uncounted" : count_replays === "once" ? "replays" : "";
  return table && has(table) ? table : "";
}

const numbered = (values) => new Map(values.map((value, n) => [value, n]));

async function clocksOf(n) {
  const { broadcast, frame, seconds } = await columns("times", ["broadcast", "frame", "seconds"]);
  const first = Array.from({ length: n + 1 }, (_, k) => lowerBound(broadcast, k, 0, broadcast.length));
  return { first, frame, seconds };
}

/** Make what finds the row of a pair, in whatever order its people are named; made when first asked. */
function pairsOf({ source, target }) {
  let slots;
  let mask;
  const place = (one, other) => {
    const [low, high] = one < other ? [one, other] : [other, one];
    const mixed = Math.imul(low, 0x9e3779b1) ^ Math.imul(high + 1, 0x85ebca6b);
    return mixed ^ (mixed >>> 15);
  };
  const is = (row, one, other) =>
    (source[row] === one && target[row] === other) || (source[row] === other && target[row] === one);
  return (one, other) => {
    if (!slots) {
      mask = (1 << Math.max(4, Math.ceil(Math.log2(2 * source.length + 1)))) - 1;
      slots = new Int32Array(mask + 1).fill(-1);
      for (let row = 0; row < source.length; row++) {
        let slot = place(source[row], target[row]) & mask;
        while (slots[slot] >= 0) slot = (slot + 1) & mask;
        slots[slot] = row;
      }
    }
    for (let slot = place(one, other) & mask; slots[slot] >= 0; slot = (slot + 1) & mask) {
      if (is(slots[slot], one, other)) return slots[slot];
    }
    return -1;
  };
}
