// A chart over days, weeks or months, with what was read of the airtime as a band below.
//
// It is drawn once, as SVG: that is what the page shows, what is printed, and what is saved as SVG and PNG.
import { fill, h } from "../../common/dom.js";
import { saveButtons, saveCsv, savePng, saveSvg } from "../../common/download.js";
import { count, counted, duration, share } from "../../common/format.js";
import { table } from "../../common/table.js";
import { shortened } from "./layout.js";

/**
 * @typedef {Object} Series
 * @property {string} name
 * @property {string} [key] of its columns in the CSV; without it the name
 * @property {Float64Array} frames of each period
 * @property {"bar" | "line" | "step"} kind
 * @property {number} [look] which colour, dash and marker: 0 to 5; without it its place
 * @property {(period: number) => void} [open] shows the frames of a period
 */

const HEIGHT = 250; // of the plot, pixels
const BAND = 34; // of what was read, below it
const LEFT = 46;
const RIGHT = 14;
const LINE = 17; // of text
const APART = 62; // pixels between two labels of the axis, at least
const WIDEST = 64; // pixels of a bar
const MARKED = 70; // points of a series that have markers, at most
const MOST_LETTERS = 34; // of a name in the legend

const DASHES = ["", "7 4", "2 3", "10 3 2 3", "1 4", "12 5"];
const MARKERS = ["circle", "square", "triangle", "diamond", "cross", "ring"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const EACH = { day: "a day", week: "a week", month: "a month" };

let charts = 0;

/**
 * Make a chart.
 *
 * @param {Object} given
 * @param {string} given.title such as "Minutes on the screen a day"
 * @param {string} given.file the name of what is saved, without an ending
 * @param {ReturnType<import("./periods.js").divide>} given.periods
 * @param {Series[]} given.series
 * @param {"time" | "share"} [given.as] seconds, or their share of what was read
 * @param {Object} given.about the manifest
 * @param {string} [given.counts] what is counted, for the footer; "frames" where it says nothing
 * @returns {{element: HTMLElement, end: () => void}}
 */
export function chart({ title, file, periods, series, as = "time", about, counts = "frames" }) {
  const id = `chart-${charts++}`;
  const n = periods.labels.length;
  const still = about.frame_seconds;
  const looks = series.map((one, nth) => one.look ?? nth);
  const readSeconds = periods.read.map((frames) => frames * still);
  const value = ({ frames }, k) =>
    periods.read[k] ? (as === "share" ? frames[k] / periods.read[k] : frames[k] * still) : NaN;
  const written = (seconds, k) =>
    as === "share" ? `${share(seconds)} (${duration(seconds * readSeconds[k])})` : duration(seconds);
  const footer = footerOf(periods, series, about, counts);

  const svg = h("svg:svg", { class: "chart-svg", "aria-hidden": "true" });
  const tip = h("div", { class: "tip", role: "status", hidden: true });
  const plot = h(
    "div",
    {
      class: "plot",
      tabindex: 0,
      role: "application",
      "aria-roledescription": "chart",
      "aria-label": `${title}: ${series.map((one) => one.name).join(", ")}. ${counted(n, periods.by)}. Arrows left and right go from ${periods.by} to ${periods.by}, up and down from line to line, Enter opens the frames.`,
    },
    svg,
    tip,
  );
  let at = -1; // the period that is looked at
  let nth = 0; // the series
  let layout; // of what is drawn
  let marks; // the group that shows where one is

  function draw() {
    const width = Math.max(280, Math.round(plot.clientWidth || 640));
    layout = arrange(width, { title, series, footer, periods });
    const { top, slot, legend } = layout;
    const bottom = top + HEIGHT;
    const most = Math.max(0, ...series.flatMap((one) => Array.from({ length: n }, (_, k) => value(one, k) || 0)));
    const scale = as === "share" ? shares(most) : times(most);
    const y = (amount) => bottom - (HEIGHT * amount) / scale.top;
    const x = (k) => LEFT + (k + 0.5) * slot;
    layout.x = x;
    layout.y = y;
    const bandTop = bottom + 26;
    const mostRead = Math.max(...readSeconds, 0);
    const gaps = runs(n, (k) => !periods.read[k]);

    svg.setAttribute("width", width);
    svg.setAttribute("height", layout.height);
    svg.setAttribute("viewBox", `0 0 ${width} ${layout.height}`);
    const text = (x_, y_, what, of = {}) => h("svg:text", { x: x_, y: y_, ...of }, what);
    fill(
      svg,
      h("svg:title", {}, title),
      h(
        "svg:defs",
        {},
        h(
          "svg:pattern",
          { id: `${id}-hatch`, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
          h("svg:line", { class: "hatch", x1: 0, y1: 0, x2: 0, y2: 6 }),
        ),
      ),
      layout.titles.map((line, k) => text(0, LINE * (k + 1) - 3, line, { class: "chart-title" })),
      legend.map(({ x: x_, y: y_, look, kind, name }) =>
        h(
          "svg:g",
          { transform: `translate(${x_} ${y_})` },
          sample(kind, look),
          text(30, 4, name, { class: "chart-legend" }),
        ),
      ),
      layout.gapAt &&
        h(
          "svg:g",
          { transform: `translate(${layout.gapAt[0]} ${layout.gapAt[1]})` },
          h("svg:rect", { x: 0, y: -6, width: 24, height: 12, fill: `url(#${id}-hatch)`, class: "gap-edge" }),
          text(30, 4, "nothing read", { class: "chart-legend" }),
        ),
      scale.ticks.map((tick) => [
        h("svg:line", { class: tick ? "grid" : "base", x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick) }),
        text(LEFT - 6, y(tick) + 4, scale.label(tick), { class: "chart-tick", "text-anchor": "end" }),
      ]),
      gaps.map(([first, last]) =>
        h("svg:rect", {
          class: "gap",
          fill: `url(#${id}-hatch)`,
          x: LEFT + first * slot,
          width: (last - first + 1) * slot,
          y: top,
          height: bandTop + BAND - top,
        }),
      ),
      series.map((one, k) => drawn(one, looks[k], (period) => value(one, period), n, x, y, slot, bottom)),
      text(LEFT, bandTop - 6, `Airtime read ${EACH[periods.by]}, up to ${duration(mostRead)}`, {
        class: "chart-tick halo",
      }),
      h("svg:path", {
        class: "band",
        d: Array.from(readSeconds, (seconds, k) => {
          const high = mostRead ? (BAND * seconds) / mostRead : 0;
          const wide = Math.max(1, slot > 4 ? slot - 1 : slot);
          return high ? `M${r(x(k) - wide / 2)} ${r(bandTop + BAND - high)}h${r(wide)}v${r(high)}h${r(-wide)}z` : "";
        }).join(""),
      }),
      h("svg:line", { class: "base", x1: LEFT, x2: width - RIGHT, y1: bandTop + BAND, y2: bandTop + BAND }),
      ticksOf(periods, slot).map(({ period, lines }) => [
        h("svg:line", { class: "base", x1: x(period), x2: x(period), y1: bandTop + BAND, y2: bandTop + BAND + 4 }),
        lines.map((line, k) =>
          text(x(period), bandTop + BAND + 16 + 13 * k, line, { class: "chart-tick", "text-anchor": "middle" }),
        ),
      ]),
      layout.footer.map((line, k) =>
        text(0, layout.height - 13 * (layout.footer.length - 1 - k) - 3, line, { class: "chart-foot" }),
      ),
      (marks = h("svg:g", { class: "marks" })),
    );
    layout.bandBottom = bandTop + BAND;
    mark();
  }

  /** Show where one is: a line through the period, a ring at the point, and the numbers in words. */
  function mark() {
    if (!layout) return; // a key before the chart has its place: drawing it marks what it chose
    if (at < 0) {
      tip.hidden = true;
      return marks.replaceChildren();
    }
    const { x, y, top, bandBottom } = layout;
    const here = value(series[nth], at);
    fill(
      marks,
      h("svg:line", { class: "cursor", x1: x(at), x2: x(at), y1: top, y2: bandBottom }),
      here === here && h("svg:circle", { class: `ring look-${looks[nth]}`, cx: x(at), cy: y(here), r: 6 }),
    );
    fill(
      tip,
      h("strong", {}, periodInWords(periods, at)),
      series.map((one, k) =>
        h(
          "div",
          { class: k === nth && series.length > 1 ? "here" : "" },
          h(
            "svg:svg",
            { width: 26, height: 12, "aria-hidden": "true" },
            h("svg:g", { transform: "translate(1 6)" }, sample(one.kind, looks[k])),
          ),
          h("bdi", {}, one.name),
          " ",
          h("b", {}, periods.read[at] ? written(value(one, at), at) : "–"),
        ),
      ),
      h("div", { class: "quiet" }, readInWords(periods, at, still)),
    );
    tip.hidden = false;
    const right = x(at) > plot.clientWidth / 2;
    tip.style.setProperty("left", right ? "auto" : `${x(at) + 12}px`);
    tip.style.setProperty("right", right ? `${plot.clientWidth - x(at) + 12}px` : "auto");
    tip.style.setProperty("top", `${top}px`);
    return undefined;
  }

  function point(event) {
    const box = svg.getBoundingClientRect();
    const across = event.clientX - box.left;
    const down = event.clientY - box.top;
    if (across < LEFT || down < layout.top || down > layout.bandBottom + 20) return leave();
    at = Math.min(n - 1, Math.max(0, Math.floor((across - LEFT) / layout.slot)));
    let least = Infinity;
    series.forEach((one, k) => {
      const away = Math.abs(layout.y(value(one, at) || 0) - down);
      if (away < least) [least, nth] = [away, k];
    });
    return mark();
  }

  function leave() {
    at = -1;
    mark();
  }

  const can = () => (at >= 0 && series[nth].frames[at] > 0 ? series[nth].open : undefined);
  function keys(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const acts = {
      ArrowRight: () => (at = Math.min(n - 1, at + 1)),
      ArrowLeft: () => (at = at < 0 ? n - 1 : Math.max(0, at - 1)),
      ArrowDown: () => (nth = (nth + 1) % series.length),
      ArrowUp: () => (nth = (nth + series.length - 1) % series.length),
      Home: () => (at = 0),
      End: () => (at = n - 1),
      Escape: () => (at = -1),
      Enter: () => can()?.(at),
      " ": () => can()?.(at),
    };
    if (!acts[event.key] || !n) return;
    event.preventDefault();
    acts[event.key]();
    mark();
  }

  plot.addEventListener("pointermove", point);
  plot.addEventListener("pointerleave", leave);
  plot.addEventListener("click", (event) => {
    point(event);
    can()?.(at);
  });
  plot.addEventListener("keydown", keys);
  plot.addEventListener("blur", leave);

  const watch = new ResizeObserver(() => draw());
  const numbers = twin({ title, file, periods, series, about });
  const element = h(
    "figure",
    { class: "chart-figure" },
    plot,
    h(
      "figcaption",
      {},
      saveButtons(
        {
          CSV: numbers.save,
          PNG: () => (leave(), savePng(`${file}.png`, svg)),
          SVG: () => (leave(), saveSvg(`${file}.svg`, svg)),
        },
        title,
      ),
      numbers.element,
    ),
  );
  if (!n) fill(element, h("p", { class: "quiet" }, "Nothing was read of what counts here."));
  else watch.observe(plot);
  return { element, end: () => watch.disconnect() };
}

/** The numbers of a chart as a table, and as CSV. */
function twin({ title, file, periods, series, about }) {
  const still = about.frame_seconds;
  const number = (one) => ({
    name: `${one.key ?? one.name} seconds`,
    title: one.name,
    value: (period) => (periods.read[period] ? one.frames[period] * still : NaN),
    cell: (period) =>
      one.open && one.frames[period]
        ? h(
            "button",
            { type: "button", class: "link", on: { click: () => one.open(period) } },
            duration(one.frames[period] * still),
          )
        : periods.read[period]
          ? duration(one.frames[period] * still)
          : "–",
  });
  const shareOf = (one) => ({
    name: `${one.key ?? one.name} share`,
    title: "share",
    help: `${one.name}: share of the airtime read`,
    wide: true,
    value: (period) => (periods.read[period] ? one.frames[period] / periods.read[period] : NaN),
    cell: (period) => share(periods.read[period] ? one.frames[period] / periods.read[period] : NaN),
  });
  const columns = [
    {
      name: periods.by,
      title: periods.by[0].toUpperCase() + periods.by.slice(1),
      text: true,
      value: (period) => periods.labels[period],
    },
    ...series.flatMap((one) => [number(one), shareOf(one)]),
    {
      name: "read_seconds",
      title: "Airtime read",
      value: (period) => periods.read[period] * still,
      cell: (period) => duration(periods.read[period] * still),
    },
    { name: "broadcasts", title: "Broadcasts", wide: true, value: (period) => periods.broadcasts[period] },
    { name: "broadcasts_not_there", title: "Not there", wide: true, value: (period) => periods.missed[period] },
  ];
  const n = periods.labels.length;
  const save = () =>
    saveCsv(
      `${file}.csv`,
      columns.map((column) => column.name),
      Array.from({ length: n }, (_, period) => columns.map((column) => column.value(period))),
    );
  const place = h("div");
  const element = h("details", { class: "numbers", on: { toggle } }, h("summary", {}, "The numbers as a table"), place);
  function toggle() {
    if (!element.open || place.firstChild) return;
    const { element: made } = table({
      label: `${title}: numbers`,
      of: [periods.by, `${periods.by}s`],
      columns,
      rows: n,
      inSight: 10,
    });
    made.style.setProperty("--least", `${8 + 7 * columns.length}rem`);
    place.append(made);
  }
  return { element, save };
}

/** "One still = 4 s · 277 frames · 97.3 % of the airtime read · data 0123456789ab" */
function footerOf(periods, series, about, counts) {
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const read = sum(periods.read);
  const frames = sum(periods.frames);
  const seen = series.length === 1 ? `${count(sum(series[0].frames))} ${counts} · ` : "";
  const broadcasts = periods.n_read + sum(periods.missed);
  return `One still = ${duration(about.frame_seconds)} · ${seen}${count(periods.n_read)} of ${counted(broadcasts, "broadcast")} read, ${share(frames ? read / frames : NaN)} of their ${counted(frames, "frame")} · data ID ${about.data_id}`;
}

/** "Week of 2 January 2024" */
export function periodInWords({ by, labels, begins }, k) {
  const moment = new Date(1000 * begins[k]);
  const words = `${moment.getUTCDate()} ${MONTHS[moment.getUTCMonth()]} ${moment.getUTCFullYear()}`;
  if (by === "day") return words;
  return by === "week" ? `${labels[k]}, from ${words}` : `${MONTHS[moment.getUTCMonth()]} ${moment.getUTCFullYear()}`;
}

function readInWords({ read, frames, broadcasts, missed }, k, still) {
  const not = missed[k] ? `${counted(missed[k], "broadcast")} not there` : "";
  if (!frames[k]) return not || "no broadcast";
  if (!read[k]) return "nothing could be read";
  const part = read[k] < frames[k] ? `, ${share(read[k] / frames[k])} of what was on air` : "";
  return `${duration(read[k] * still)} read of ${counted(broadcasts[k], "broadcast")}${part}${not && `; ${not}`}`;
}

/** Where title, legend and plot lie. A legend of one line would say what the title says. */
function arrange(width, { title, series, footer, periods }) {
  const titles = wrapped(title, width, 7.6);
  const legend = [];
  let x = 0;
  let y = LINE * titles.length + 12;
  let placed = false;
  const put = (wide) => {
    if (x && x + wide > width) {
      x = 0;
      y += LINE + 2;
    }
    const place = [x, y];
    x += wide + 18;
    placed = true;
    return place;
  };
  if (series.length > 1) {
    series.forEach((one, nth) => {
      const name = shortened(one.name, MOST_LETTERS);
      const [x_, y_] = put(34 + textWidth(name));
      legend.push({ x: x_, y: y_, name, kind: one.kind, look: one.look ?? nth });
    });
  }
  const gapAt = periods.read.some((frames) => !frames) ? put(34 + textWidth("nothing read")) : null;
  const top = placed ? y + 20 : y + 6;
  const lines = wrapped(footer, width, 5.9);
  const slot = (width - LEFT - RIGHT) / Math.max(1, periods.labels.length);
  return {
    titles,
    legend,
    gapAt,
    top,
    slot,
    footer: lines,
    height: top + HEIGHT + 26 + BAND + 40 + 13 * lines.length + 4,
  };
}

let measure;
function textWidth(text) {
  measure ??= h("canvas").getContext("2d");
  measure.font = '12.5px system-ui, "DejaVu Sans", sans-serif';
  return measure.measureText(text).width;
}

function wrapped(text, width, letter) {
  const most = Math.max(20, Math.floor(width / letter));
  const lines = [];
  for (const word of text.split(" ")) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && longer.length <= most) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

const r = (value) => Math.round(10 * value) / 10;

/** Ticks of seconds, in the largest unit of which there are some. */
function times(most) {
  const unit = most > 3 * 3600 ? [3600, "h"] : most > 180 ? [60, "min"] : [1, "s"];
  const { top, step } = nice(most / unit[0]);
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, k) => k * step * unit[0]);
  const label = (tick) => `${Number((tick / unit[0]).toFixed(2))}${tick ? ` ${unit[1]}` : ""}`;
  return { top: top * unit[0], ticks, label };
}

function shares(most) {
  const { top, step } = nice(100 * most);
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, k) => (k * step) / 100);
  return { top: top / 100, ticks, label: (tick) => `${Number((100 * tick).toFixed(2))}${tick ? " %" : ""}` };
}

/** A round number not below the most, in three to five round steps. */
function nice(most) {
  if (!(most > 0)) return { top: 1, step: 1 };
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= rough - 1e-9);
  return { top: step * Math.ceil(most / step - 1e-9), step };
}

/** Runs of places of which something is true: [first, last]. */
function runs(n, is) {
  const found = [];
  for (let k = 0; k < n; k++) {
    if (!is(k)) continue;
    if (found.at(-1)?.[1] === k - 1) found.at(-1)[1] = k;
    else found.push([k, k]);
  }
  return found;
}

/** Which periods have a label: all, or Mondays, or beginnings of months, quarters, years, as far apart as need be. */
function ticksOf({ by, begins }, slot) {
  const n = begins.length - 1;
  const moments = Array.from({ length: n }, (_, k) => new Date(1000 * begins[k]));
  const before = (k) => moments[k - 1] ?? new Date(moments[0] - 86_400_000 * { day: 1, week: 7, month: 28 }[by]);
  const newMonth = (k, every) => monthsOf(moments[k], every) !== monthsOf(before(k), every);
  // Each way with whether its labels name days.
  const ways = [
    [() => true, by !== "month"],
    ...(by === "day" ? [[(k) => moments[k].getUTCDay() === 1, true]] : []),
    [(k) => newMonth(k, 1), false],
    [(k) => newMonth(k, 3), false],
    [(k) => newMonth(k, 12), false],
    [(k) => newMonth(k, 60), false],
  ];
  const apart = (places) => places.slice(1).every((place, k) => (place - places[k]) * slot >= APART);
  const all = ways.map(([is, days]) => ({ places: moments.map((_, k) => k).filter((k) => is(k)), days }));
  const { places, days } = all.find((way) => way.places.length && apart(way.places)) ?? { places: [0], days: true };
  return places.map((period, k) => {
    const moment = moments[period];
    const month = MONTHS[moment.getUTCMonth()];
    const first = k === 0 || moment.getUTCFullYear() !== moments[places[k - 1]].getUTCFullYear();
    return {
      period,
      lines: [days ? `${moment.getUTCDate()} ${month}` : month, ...(first ? [String(moment.getUTCFullYear())] : [])],
    };
  });
}

const monthsOf = (moment, every) => Math.floor((12 * moment.getUTCFullYear() + moment.getUTCMonth()) / every);

/** What a line of the legend shows of a series, 24 pixels wide, around 0. */
function sample(kind, look) {
  if (kind === "bar") return h("svg:rect", { class: `area look-${look}`, x: 3, y: -6, width: 16, height: 12 });
  return [
    h("svg:line", {
      class: `line look-${look}`,
      x1: 0,
      x2: 24,
      y1: 0,
      y2: 0,
      "stroke-dasharray": DASHES[look] || null,
    }),
    kind === "line" && h("svg:path", { class: `point look-${look} ${MARKERS[look]}`, d: marker(look, 12, 0) }),
  ];
}

function drawn({ kind }, look, value, n, x, y, slot, bottom) {
  if (kind === "bar") {
    const wide = Math.min(WIDEST, Math.max(1, slot > 3 ? slot * 0.72 : slot));
    const bars = Array.from({ length: n }, (_, k) => {
      const top = y(value(k) || 0);
      return bottom - top > 0.01
        ? `M${r(x(k) - wide / 2)} ${r(Math.min(top, bottom - 1))}h${r(wide)}V${r(bottom)}h${r(-wide)}z`
        : "";
    });
    return h("svg:path", { class: `area look-${look}`, d: bars.join("") });
  }
  const line = [];
  for (let k = 0; k < n; k++) {
    const amount = value(k);
    if (amount !== amount) continue; // a gap breaks the line
    const begins = k === 0 || Number.isNaN(value(k - 1));
    if (kind === "step") line.push(`${begins ? "M" : "L"}${r(x(k) - slot / 2)} ${r(y(amount))}H${r(x(k) + slot / 2)}`);
    else line.push(`${begins ? "M" : "L"}${r(x(k))} ${r(y(amount))}`);
  }
  const alone = (k) => Number.isNaN(value(k - 1) ?? NaN) && Number.isNaN(value(k + 1) ?? NaN);
  const points =
    kind === "line"
      ? Array.from({ length: n }, (_, k) => k).filter((k) => value(k) === value(k) && (n <= MARKED || alone(k)))
      : [];
  return [
    h("svg:path", { class: `line look-${look}`, d: line.join(""), "stroke-dasharray": DASHES[look] || null }),
    points.length > 0 &&
      h("svg:path", {
        class: `point look-${look} ${MARKERS[look]}`,
        d: points.map((k) => marker(look, x(k), y(value(k)))).join(""),
      }),
  ];
}

/** The path of a marker: shapes differ, so that no series is told by its colour alone. */
function marker(look, x, y) {
  const shapes = {
    circle: (s) => `M${r(x - s)} ${r(y)}a${s} ${s} 0 1 0 ${2 * s} 0a${s} ${s} 0 1 0 ${-2 * s} 0z`,
    ring: (s) => `M${r(x - s)} ${r(y)}a${s} ${s} 0 1 0 ${2 * s} 0a${s} ${s} 0 1 0 ${-2 * s} 0z`,
    square: (s) => `M${r(x - s)} ${r(y - s)}h${2 * s}v${2 * s}h${-2 * s}z`,
    triangle: (s) => `M${r(x)} ${r(y - s - 1)}l${s + 1} ${2 * s}h${-2 * (s + 1)}z`,
    diamond: (s) => `M${r(x)} ${r(y - s - 1)}l${s + 1} ${s + 1}l${-s - 1} ${s + 1}l${-s - 1} ${-s - 1}z`,
    cross: (s) => `M${r(x - s)} ${r(y - s)}l${2 * s} ${2 * s}M${r(x - s)} ${r(y + s)}l${2 * s} ${-2 * s}`,
  };
  return shapes[MARKERS[look]](3.2);
}
