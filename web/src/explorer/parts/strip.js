// A broadcast as a strip: when somebody is seen in it, what of it could not be read, what was on air before.
import { h } from "../../common/dom.js";
import { lowerBound } from "../meetings.js";

/** Rows of a table with columns broadcast, first, last that are of one broadcast. */
export function rowsOf(table, broadcast) {
  const begin = lowerBound(table.broadcast, broadcast, 0, table.broadcast.length);
  const rows = [];
  for (let row = begin; table.broadcast[row] === broadcast; row++) rows.push(row);
  return rows;
}

/** Join numbers that follow each other: [first, last]. */
export function runsOf(frames) {
  const runs = [];
  for (const frame of frames) {
    if (runs.at(-1)?.[1] === frame - 1) runs.at(-1)[1] = frame;
    else runs.push([frame, frame]);
  }
  return runs;
}

/**
 * Draw a strip.
 *
 * @param {number} n frames of the broadcast
 * @param {{look: number, runs: [number, number][]}[]} lanes one below the other
 * @param {Object} beside
 * @param {[number, number][]} beside.gaps not read
 * @param {[number, number][]} beside.replays
 * @param {string} label what it shows, in words
 */
export function strip(n, lanes, { gaps, replays }, label) {
  const percent = (frames) => `${(100 * frames) / n}%`;
  const over =
    (kind) =>
    ([first, last]) =>
      h("span", { class: kind, style: { left: percent(first - 1), width: percent(last - first + 1) } });
  const least = n / 400; // what is shorter would not be seen
  return h(
    "span",
    { class: "strip", role: "img", "aria-label": label },
    gaps.map(over("hatch")),
    replays.map(over("again")),
    lanes.map(({ look, runs }, lane) =>
      h(
        "svg:svg",
        {
          viewBox: `0 0 ${n} 1`,
          preserveAspectRatio: "none",
          "aria-hidden": "true",
          style: { top: `${(100 * lane) / lanes.length}%`, height: `${100 / lanes.length}%` },
        },
        h("svg:path", {
          class: `area look-${look}`,
          d: runs
            .map(([first, last]) => `M${first - 1} .1h${Math.max(least, last - first + 1)}v.8H${first - 1}z`)
            .join(""),
        }),
      ),
    ),
  );
}
