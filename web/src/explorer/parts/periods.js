// Days, weeks and months: what of them was read, and how much of that shows somebody. All in UTC.
import { lowerBound } from "../meetings.js";

export const PERIODS = ["day", "week", "month"];

const DAY = 86400;
const MONDAY = 3; // 1970-01-01 was a Thursday

const monthOf = (seconds) => {
  const moment = new Date(1000 * seconds);
  return 12 * moment.getUTCFullYear() + moment.getUTCMonth();
};

/** The number of the day, week or month of a moment; those that follow each other have numbers that do. */
export function periodOf(by, seconds) {
  if (by === "month") return monthOf(seconds);
  const day = Math.floor(seconds / DAY);
  return by === "week" ? Math.floor((day + MONDAY) / 7) : day;
}

/** Seconds since 1970 of the beginning of a day, week or month. */
export function beginOf(by, period) {
  if (by === "month") return Date.UTC(Math.floor(period / 12), period % 12) / 1000;
  return DAY * (by === "week" ? 7 * period - MONDAY : period);
}

/** As `screen_time.parquet` names it: "2024-01-03", "2024-W01", "2024-01". */
export function labelOf(by, period) {
  const begin = beginOf(by, period);
  if (by !== "week") return new Date(1000 * begin).toISOString().slice(0, by === "day" ? 10 : 7);
  const thursday = begin + 3 * DAY; // the year of a week is that of its Thursday
  const year = new Date(1000 * thursday).getUTCFullYear();
  const week = 1 + Math.floor((thursday - Date.UTC(year, 0, 1) / 1000) / DAY / 7);
  return `${year}-W${String(week).padStart(2, "0")}`;
}

/** Count frames of a stretch of a broadcast that were read. `unread` is by broadcast and first frame. */
export function readIn(unread, broadcast, from, to) {
  let n = Math.max(0, to - from + 1);
  let row = lowerBound(unread.broadcast, broadcast, 0, unread.broadcast.length);
  for (; unread.broadcast[row] === broadcast && unread.first[row] <= to; row++) {
    n -= Math.max(0, Math.min(to, unread.last[row]) - Math.max(from, unread.first[row]) + 1);
  }
  return n;
}

/**
 * Divide what counts into periods.
 *
 * @param {string} by day, week or month
 * @param {import("../run.js").Run} run
 * @param {import("./counting.js").Counting} facts
 * @returns {{by: string, labels: string[], begins: number[], read: Float64Array, frames: Float64Array,
 *   broadcasts: Float64Array, missed: Float64Array, n_read: number, of: {period: number, first: number, last: number}[][]}}
 *   `read` and `frames`: of each period how many frames were read, and are; `broadcasts` and `missed`: of how many
 *   some were read, and of how many there are none; `n_read`: broadcasts that were read, each once; `of`: of each
 *   broadcast its parts, `period` a place in `labels`
 */
export function divide(by, run, { stretch, left, missed }) {
  const { start, n_frames } = run.broadcasts;
  const of = Array.from(start, (begin, broadcast) => {
    const parts = [];
    const to = Math.min(stretch.to[broadcast], n_frames[broadcast]);
    for (let first = Math.max(1, stretch.from[broadcast]); first <= to;) {
      const period = periodOf(by, begin + run.secondsOf(broadcast, first));
      const after = run.frameAt(broadcast, beginOf(by, period + 1) - begin);
      const last = Math.max(first, Math.min(to, after - 1));
      parts.push({ period, first, last });
      first = last + 1;
    }
    return parts;
  });
  const without = missed.map((broadcast) => periodOf(by, start[broadcast]));
  const all = [...of.flat().map((part) => part.period), ...without];
  const least = all.reduce((a, b) => Math.min(a, b), Infinity);
  const n = all.length ? all.reduce((a, b) => Math.max(a, b)) - least + 1 : 0;
  const none = () => new Float64Array(n);
  const divided = {
    by,
    labels: Array.from({ length: n }, (_, k) => labelOf(by, least + k)),
    begins: Array.from({ length: n + 1 }, (_, k) => beginOf(by, least + k)),
    read: none(),
    frames: none(),
    broadcasts: none(),
    missed: none(),
    n_read: 0,
    of,
  };
  for (const period of without) divided.missed[period - least]++;
  of.forEach((parts, broadcast) => {
    let any = false;
    for (const part of parts) {
      part.period -= least;
      const read = readIn(left, broadcast, part.first, part.last);
      divided.read[part.period] += read;
      divided.frames[part.period] += part.last - part.first + 1;
      divided.broadcasts[part.period] += read > 0;
      any ||= read > 0;
    }
    divided.n_read += any;
  });
  return divided;
}

/** Count frames by period. `frames` is a list of rising numbers a broadcast. */
export function countIn(divided, frames) {
  const counts = new Float64Array(divided.labels.length);
  divided.of.forEach((parts, broadcast) => {
    for (const { period, first, last } of parts) {
      const end = frames[broadcast].length;
      const begin = lowerBound(frames[broadcast], first, 0, end);
      counts[period] += lowerBound(frames[broadcast], last + 1, begin, end) - begin;
    }
  });
  return counts;
}

/** List the frames of one period: [broadcast, frame]. */
export function framesIn(divided, frames, period) {
  return divided.of.flatMap((parts, broadcast) =>
    parts
      .filter((part) => part.period === period)
      .flatMap(({ first, last }) =>
        frames[broadcast].filter((frame) => frame >= first && frame <= last).map((frame) => ({ broadcast, frame })),
      ),
  );
}

/** Join stretches of frames that do not count: columns broadcast, first, last, sorted, none touching another. */
export function union(...tables) {
  const rows = tables.flatMap(({ broadcast, first, last }) =>
    Array.from(broadcast, (of, row) => [of, first[row], last[row]]),
  );
  rows.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const joined = { broadcast: [], first: [], last: [] };
  for (const [broadcast, first, last] of rows) {
    const row = joined.broadcast.length - 1;
    if (joined.broadcast[row] === broadcast && first <= joined.last[row] + 1) {
      joined.last[row] = Math.max(joined.last[row], last);
    } else {
      joined.broadcast.push(broadcast);
      joined.first.push(first);
      joined.last.push(last);
    }
  }
  return joined;
}

/**
 * Join frames that show somebody over small gaps, as `appearances.parquet` does.
 *
 * @param {number[]} frames rising
 * @param {(frame: number) => number} secondsOf
 * @returns {{first: number, last: number, n: number}[]}
 */
export function stretchesOf(frames, secondsOf, frameSeconds, gapSeconds) {
  const found = [];
  for (const frame of frames) {
    const before = found.at(-1);
    if (before && secondsOf(frame) - secondsOf(before.last) - frameSeconds <= gapSeconds + 1e-6) {
      before.last = frame;
      before.n++;
    } else found.push({ first: frame, last: frame, n: 1 });
  }
  return found;
}

/** Seconds over which sightings are joined to one appearance, as the run's settings say. */
export const gapSeconds = (about) => Number(/^\s*gap_seconds:\s*([\d.]+)\s*$/m.exec(about.settings)?.[1] ?? 12);
