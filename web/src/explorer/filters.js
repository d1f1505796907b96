// What of the run counts: dates, a station, a show. They are in the address under these names.

export const FILTERS = ["from", "to", "station", "show"];
/** What goes along when one changes the view. */
export const CARRIED = [...FILTERS, "layer", "significant", "hosts"];

const DAY = 86400;

/** Seconds since 1970 of the beginning of a day (UTC) such as "2022-05-01"; NaN where it is none. */
export const beginOf = (day) => (/^\d{4}-\d\d-\d\d$/.test(day ?? "") ? Date.parse(`${day}T00:00:00Z`) / 1000 : NaN);

/** Whether all of the run counts. */
export const countsAll = (options) => FILTERS.every((name) => !options[name]);

/**
 * Tell which frames of each broadcast count.
 *
 * @param {Object<string, string>} options of the address
 * @param {Object} broadcasts columns start, n_frames, station, show
 * @param {(broadcast: number, seconds: number) => number} frameAt the first frame at or after seconds since the start
 * @returns {import("./meetings.js").Stretch}
 */
export function stretchOf(options, broadcasts, frameAt) {
  const n = broadcasts.start.length;
  const from = new Int32Array(n).fill(1);
  const to = new Int32Array(n);
  const begin = beginOf(options.from);
  const end = beginOf(options.to) + DAY;
  for (let k = 0; k < n; k++) {
    to[k] = broadcasts.n_frames[k];
    if (options.station && broadcasts.station[k] !== options.station) to[k] = 0;
    if (options.show && broadcasts.show[k] !== options.show) to[k] = 0;
    if (begin > broadcasts.start[k]) from[k] = frameAt(k, begin - broadcasts.start[k]);
    if (end === end) to[k] = Math.min(to[k], frameAt(k, end - broadcasts.start[k]) - 1);
  }
  return { from, to };
}
