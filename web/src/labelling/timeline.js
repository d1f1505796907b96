// How alike stations are, day by day: a chart of up to thousands of days, which can be zoomed.
import { fill, h } from "../common/dom.js";
import { saveButtons, saveCsv, savePng, saveSvg } from "../common/download.js";
import { count, counted, dayInWords } from "../common/format.js";
import { bucketed, nearest, ticks } from "./days.js";

/**
 * @typedef {Object} Given
 * @property {number[]} days since 1970, in order; days without any number may be missing
 * @property {{name: string, values: (number | null)[]}[]} series a value for each of the days
 * @property {{station: string, first: number, last: number, r: number, usual: number}[]} dips
 * @property {string} file the name of what is saved, without an ending
 */

const HEIGHT = 260; // of the plot, pixels
const OVER = 54; // of the overview
const LEFT = 40;
const RIGHT = 12;
const TOP = 24; // room for what names the dips
const AXIS = 40; // between the plot and the overview
const LEAST = 4; // days that are shown at least
const AROUND = 1.5; // times its length is shown on both sides of what is looked at
const BROKEN = 5; // days without a number that break a line
const POINTED = 9; // pixels a day, from which on days are points
const WIDE = 24; // pixels of a day that is wide
const SLOT = 4; // pixels of a step of a line that stands for several days
const DASHES = ["", "7 4", "2 3", "10 3 2 3", "1 4", "12 5"];
const LOOKS = 6;

/** @param {Given} given */
export function timeline({ days, series, dips, file }) {
  const whole = [days[0] - 1, days.at(-1) + 2];
  let [from, to] = whole;
  let at = -1; // the place of the day that is looked at
  let nth = 0; // the series
  let drag; // what is dragged: {kind, x, from, to}
  let size; // of the plot
  const on = series.map(() => true);

  const svg = h("svg:svg", { class: "timeline-svg", "aria-hidden": "true" });
  const layers = Object.fromEntries(
    ["dips", "grid", "lines", "over", "marks"].map((name) => [name, h("svg:g", { class: name })]),
  );
  svg.append(...Object.values(layers));
  const tip = h("div", { class: "tip", hidden: true });
  const spoken = h("p", { class: "unseen", role: "status" });
  const plot = h(
    "div",
    {
      class: "plot",
      tabindex: 0,
      role: "application",
      "aria-roledescription": "chart",
      "aria-label": `How alike stations are on each day: ${series.map(({ name }) => name).join(", ")}. ${counted(days.length, "day")}. Arrows left and right go from day to day, up and down from line to line, plus and minus zoom, Page Up and Page Down go on, D goes to the next dip, Escape shows all.`,
    },
    svg,
    tip,
  );
  const toggles = h(
    "div",
    { class: "lines-on", role: "group", "aria-label": "Which lines are drawn" },
    series.map(({ name }, k) =>
      h(
        "button",
        {
          type: "button",
          class: "small",
          "aria-pressed": "true",
          on: {
            click({ currentTarget }) {
              on[k] = !on[k];
              currentTarget.setAttribute("aria-pressed", String(on[k]));
              if (on[k]) nth = k;
              draw();
            },
          },
        },
        sample(k),
        h("bdi", {}, name),
      ),
    ),
  );
  const tool = (title, label, act) =>
    h("button", { type: "button", class: "small", "aria-label": label, on: { click: act } }, title);
  const tools = h(
    "div",
    { class: "zooms", role: "group", "aria-label": "What is shown" },
    tool("+", "Zoom in", () => zoom(0.5)),
    tool("−", "Zoom out", () => zoom(2)),
    tool("◀", "Earlier", () => go(-0.5)),
    tool("▶", "Later", () => go(0.5)),
    tool("All days", "All days", () => show(...whole)),
    dips.length > 0 && tool("Next dip", "Next dip", nextDip),
  );
  const told = h("p", { class: "quiet span" });

  /** Show days from one to another, both included. */
  function show(first, last, around = 0) {
    const beside = around * (last - first + 1);
    set(first - beside, last + 1 + beside);
  }

  function set(first, last) {
    const span = Math.min(Math.max(last - first, LEAST), whole[1] - whole[0]);
    const middle = (first + last) / 2;
    from = Math.min(Math.max(middle - span / 2, whole[0]), whole[1] - span);
    to = from + span;
    draw();
  }

  function zoom(times, around = at >= 0 && inSight(days[at]) ? days[at] + 0.5 : (from + to) / 2) {
    set(around - (around - from) * times, around + (to - around) * times);
  }

  const go = (spans) => set(from + spans * (to - from), to + spans * (to - from));
  const inSight = (day) => day >= from && day < to;

  function nextDip() {
    if (!dips.length) return;
    const middle = (from + to) / 2;
    const next = dips.find(({ first, last }) => (first + last + 1) / 2 > middle + 0.5 || from === whole[0]) ?? dips[0];
    at = nearest(days, next.first);
    const naming = series.findIndex(({ name }) => name.split(" – ").includes(next.station));
    if (naming >= 0) nth = naming;
    show(next.first, next.last, AROUND);
  }

  const x = (day) => LEFT + ((day - from) / (to - from)) * size.plot;
  const overX = (day) => LEFT + ((day - whole[0]) / (whole[1] - whole[0])) * size.plot;
  const dayAt = (pixel) => from + ((pixel - LEFT) / size.plot) * (to - from);
  const overDayAt = (pixel) => whole[0] + ((pixel - LEFT) / size.plot) * (whole[1] - whole[0]);

  function draw() {
    if (!size) return;
    const { width, plot: wide } = size;
    const bottom = TOP + HEIGHT;
    const shown = series.flatMap(({ values }, k) => (on[k] ? values : []));
    const least = Math.min(0, ...shown.filter((value) => value !== null));
    const low = Math.max(-1, Math.floor(least * 5) / 5);
    const y = (value) => bottom - (HEIGHT * (value - low)) / (1 - low);
    const high = bottom + AXIS + OVER;
    size.y = y;
    svg.setAttribute("width", width);
    svg.setAttribute("height", high + 4);
    svg.setAttribute("viewBox", `0 0 ${width} ${high + 4}`);

    const levels = Array.from({ length: Math.round((1 - low) * 5) + 1 }, (_, k) => low + k / 5);
    const middle = size.plot / (to - from) >= WIDE ? 0.5 : 0; // under its day, where that is wide
    const named = ticks(from, to, Math.max(2, Math.floor(wide / 76)));
    fill(
      layers.grid,
      levels.map((level) => [
        h("svg:line", { class: Math.abs(level) < 1e-9 ? "base" : "rule", x1: LEFT, x2: width - RIGHT, y1: y(level), y2: y(level) }),
        text(LEFT - 6, y(level) + 4, Math.abs(level) < 1e-9 ? "0" : level.toFixed(1), { "text-anchor": "end" }),
      ]),
      named.map(({ day, label }) => [
        h("svg:line", { class: "base", x1: x(day), x2: x(day), y1: bottom, y2: bottom + 5 }),
        text(x(day + middle), bottom + 18, label, { "text-anchor": "middle" }),
      ]),
    );
    fill(
      layers.dips,
      dips.map((dip) => {
        if (dip.last + 1 < from || dip.first > to) return null;
        const [left, right] = [Math.max(LEFT, x(dip.first)), Math.min(width - RIGHT, x(dip.last + 1))];
        const room = 7 * dip.station.length + 8;
        return [
          h("svg:rect", { class: "dip", x: left, width: Math.max(2, right - left), y: TOP, height: HEIGHT }),
          (right - left > room || to - from < (whole[1] - whole[0]) / 2 || dips.length < 4) &&
            text(Math.min(Math.max((left + right) / 2, LEFT + room / 2), width - RIGHT - room / 2), TOP - 7, dip.station, {
              "text-anchor": "middle",
              class: "named",
            }),
        ];
      }),
    );
    const each = wide / (to - from); // pixels of a day
    const step = each >= SLOT ? 1 : SLOT / each;
    fill(
      layers.lines,
      h("svg:clipPath", { id: "timeline-in" }, h("svg:rect", { x: LEFT, y: TOP - 4, width: wide, height: HEIGHT + 8 })),
      h(
        "svg:g",
        { "clip-path": "url(#timeline-in)" },
        series.map(({ values }, k) => on[k] && line(k, bucketed(days, values, from, to, step), step, each, y)),
      ),
    );
    const overY = (value) => high - ((OVER - 8) * (value - low)) / (1 - low);
    const few = (whole[1] - whole[0]) / (wide / 2);
    fill(
      layers.over,
      h("svg:rect", { class: "ground", x: LEFT, y: high - OVER, width: wide, height: OVER }),
      dips.map(({ first, last }) =>
        h("svg:rect", { class: "dip", x: overX(first), width: Math.max(2, overX(last + 1) - overX(first)), y: high - OVER, height: OVER }),
      ),
      series.map(
        ({ values }, k) =>
          on[k] &&
          h("svg:path", { class: `line thin look-${k % LOOKS}`, d: path(bucketed(days, values, ...whole, few), overX, overY, few) }),
      ),
      h("svg:rect", { class: "window", x: overX(from), y: high - OVER, width: Math.max(3, overX(to) - overX(from)), height: OVER }),
    );
    size.over = [high - OVER, high];
    const [first, last] = [Math.ceil(from), Math.ceil(to) - 1].map((day) => Math.min(Math.max(day, days[0]), days.at(-1)));
    const here = days.filter(inSight).length;
    told.textContent = `${dayInWords(86400 * first)} to ${dayInWords(86400 * last)}, ${counted(here, "day")} of ${count(days.length)}${step > 1 ? `; a step of a line is the median of about ${counted(Math.round(step), "day")}` : ""}`;
    mark();
  }

  function line(k, points, step, each, y) {
    const dotted = each >= POINTED;
    return [
      k === nth &&
        step > 1 &&
        h("svg:path", { class: `spread look-${k % LOOKS}`, d: area(points, x, y, step) }),
      h("svg:path", {
        class: `line look-${k % LOOKS}${k === nth ? " here" : ""}`,
        "stroke-dasharray": DASHES[k % LOOKS] || null,
        d: path(points, x, y, step),
      }),
      dotted &&
        points.map(({ day, middle }) =>
          h("svg:circle", { class: `point look-${k % LOOKS}`, cx: r(x(day)), cy: r(y(middle)), r: 2.6 }),
        ),
    ];
  }

  /** Show where one is: a line through the day, rings at its numbers, and these in words. */
  function mark() {
    if (!size) return;
    if (at < 0 || !inSight(days[at])) {
      tip.hidden = true;
      return layers.marks.replaceChildren();
    }
    const middle = x(days[at] + 0.5);
    const dipped = dips.filter(({ first, last }) => first <= days[at] && days[at] <= last);
    fill(
      layers.marks,
      h("svg:line", { class: "cursor", x1: middle, x2: middle, y1: TOP, y2: TOP + HEIGHT }),
      series.map(
        ({ values }, k) =>
          on[k] &&
          values[at] !== null &&
          h("svg:circle", { class: `ring look-${k % LOOKS}`, cx: middle, cy: size.y(values[at]), r: k === nth ? 6 : 4 }),
      ),
    );
    fill(
      tip,
      h("strong", {}, dayInWords(86400 * days[at])),
      series.map(({ name, values }, k) =>
        on[k] ? h("div", { class: k === nth && series.length > 1 ? "here" : "" }, sample(k), h("bdi", {}, name), " ", h("b", {}, number(values[at]))) : null,
      ),
      dipped.map(({ station, r: low, usual }) =>
        h("div", {}, h("bdi", {}, station), ` departs: ${number(low)}, usually ${number(usual)}`),
      ),
    );
    tip.hidden = false;
    const right = middle > size.width / 2;
    tip.style.setProperty("left", right ? "auto" : `${middle + 12}px`);
    tip.style.setProperty("right", right ? `${size.width - middle + 12}px` : "auto");
    return undefined;
  }

  function say() {
    if (at < 0) return;
    const dipped = dips.filter(({ first, last }) => first <= days[at] && days[at] <= last);
    spoken.textContent = `${dayInWords(86400 * days[at])}: ${series[nth].name} ${number(series[nth].values[at])}${dipped.length ? `; ${dipped.map(({ station }) => station).join(" and ")} departs` : ""}`;
  }

  const inOver = (down) => size.over && down >= size.over[0] - 4 && down <= size.over[1] + 4;

  function point(event) {
    const { across, down } = placeOf(event);
    if (drag) return dragged(across);
    if (across < LEFT || across > size.width - RIGHT || down < TOP || down > TOP + HEIGHT) return leave();
    at = nearest(days, Math.floor(dayAt(across)));
    let least = Infinity;
    series.forEach(({ values }, k) => {
      const away = on[k] && values[at] !== null ? Math.abs(size.y(values[at]) - down) : Infinity;
      if (away < least) [least, nth] = [away, k];
    });
    return mark();
  }

  function placeOf(event) {
    const box = svg.getBoundingClientRect();
    return { across: event.clientX - box.left, down: event.clientY - box.top };
  }

  function press(event) {
    if (event.button) return;
    const { across, down } = placeOf(event);
    if (across < LEFT || across > size.width - RIGHT) return;
    if (inOver(down)) {
      const day = overDayAt(across);
      const inside = day >= from && day <= to;
      const span = to - from;
      if (!inside) set(day - span / 2, day + span / 2);
      drag = { kind: "window", day, from, to };
    } else if (down >= TOP && down <= TOP + HEIGHT) {
      drag = { kind: "span", x: across, day: dayAt(across) };
    } else return;
    plot.setPointerCapture(event.pointerId);
  }

  function dragged(across) {
    if (drag.kind === "window") {
      const moved = overDayAt(across) - drag.day;
      set(drag.from + moved, drag.to + moved);
      return;
    }
    const inside = Math.min(Math.max(across, LEFT), size.width - RIGHT);
    drag.end = dayAt(inside);
    const [left, right] = [drag.x, inside].sort((a, b) => a - b);
    fill(layers.marks, h("svg:rect", { class: "chosen", x: left, width: right - left, y: TOP, height: HEIGHT }));
    tip.hidden = true;
  }

  function release(event) {
    const { kind, x: begin, day, end } = drag ?? {};
    drag = undefined;
    if (kind === "span" && end !== undefined && Math.abs(placeOf(event).across - begin) > 6) {
      set(...[day, end].sort((a, b) => a - b));
    } else if (kind) point(event);
  }

  function leave() {
    if (drag) return;
    at = -1;
    mark();
  }

  function wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return; // else the page is scrolled
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, dayAt(placeOf(event).across));
  }

  /** Go some days on, and let what is shown follow. */
  function step(by) {
    at = at < 0 || !inSight(days[at]) ? nearest(days, Math.round((from + to) / 2)) : at + by;
    at = Math.min(Math.max(at, 0), days.length - 1);
    if (!inSight(days[at])) set(from + (days[at] < from ? days[at] - from : days[at] + 1 - to), to + (days[at] < from ? days[at] - from : days[at] + 1 - to));
    mark();
    say();
  }

  function other(by) {
    for (let k = 1; k <= series.length; k++) {
      const next = (nth + by * k + series.length * k) % series.length;
      if (on[next]) {
        nth = next;
        break;
      }
    }
    if (at < 0) at = nearest(days, Math.round((from + to) / 2));
    draw();
    say();
  }

  function keys(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const acts = {
      ArrowRight: () => step(1),
      ArrowLeft: () => step(-1),
      ArrowDown: () => other(1),
      ArrowUp: () => other(-1),
      "+": () => zoom(0.5),
      "=": () => zoom(0.5),
      "-": () => zoom(2),
      PageDown: () => go(1),
      PageUp: () => go(-1),
      Home: () => ((at = 0), set(whole[0], whole[0] + (to - from)), say()),
      End: () => ((at = days.length - 1), set(whole[1] - (to - from), whole[1]), say()),
      d: () => (nextDip(), say()),
      D: () => (nextDip(), say()),
      Escape: () => ((at = -1), show(...whole)),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  }

  plot.addEventListener("pointermove", point);
  plot.addEventListener("pointerdown", press);
  plot.addEventListener("pointerup", release);
  plot.addEventListener("pointercancel", () => (drag = undefined));
  plot.addEventListener("pointerleave", leave);
  // What was pressed may be drawn anew before it is let go, and then there is no double click.
  plot.addEventListener("mousedown", ({ detail }) => detail === 2 && show(...whole));
  plot.addEventListener("wheel", wheel, { passive: false });
  plot.addEventListener("keydown", keys);
  plot.addEventListener("blur", leave);
  new ResizeObserver(() => {
    const width = Math.max(260, Math.round(plot.clientWidth || 640));
    size = { ...size, width, plot: width - LEFT - RIGHT };
    draw();
  }).observe(plot);

  const csv = () =>
    saveCsv(
      `${file}.csv`,
      ["day", ...series.map(({ name }) => name)],
      days
        .map((day, k) => [new Date(86_400_000 * day).toISOString().slice(0, 10), ...series.map(({ values }) => values[k])])
        .filter((_, k) => inSight(days[k])),
    );
  const element = h(
    "div",
    { class: "timeline" },
    series.length > 1 && toggles,
    tools,
    told,
    plot,
    spoken,
    h("p", { class: "quiet span" }, "Drag over the chart to look closer, double-click for all days."),
    saveButtons(
      {
        CSV: csv,
        PNG: () => (leave(), savePng(`${file}.png`, svg)),
        SVG: () => (leave(), saveSvg(`${file}.svg`, svg)),
      },
      "what is shown",
    ),
  );
  return { element, show: (first, last) => (show(first, last, AROUND), plot.focus()) };
}

const r = (value) => Math.round(10 * value) / 10;
const number = (value) => (value === null ? "undefined" : value.toFixed(2));
const text = (x, y, what, { class: kind = "tick", ...of } = {}) => h("svg:text", { x, y, class: kind, ...of }, what);

const sample = (k) =>
  h(
    "svg:svg",
    { width: 26, height: 12, "aria-hidden": "true" },
    h("svg:line", { class: `line look-${k % LOOKS}`, x1: 1, x2: 25, y1: 6, y2: 6, "stroke-dasharray": DASHES[k % LOOKS] || null }),
  );

/** The line through the middles of points; one that follows too late begins a new one. */
function path(points, x, y, step) {
  const apart = Math.max(BROKEN, 2.5 * step);
  return points
    .map(({ day, middle }, k) => {
      const begins = k === 0 || day - points[k - 1].day > apart;
      const alone = begins && (k + 1 === points.length || points[k + 1].day - day > apart);
      return `${begins ? "M" : "L"}${r(x(day))} ${r(y(middle))}${alone ? "h0.1" : ""}`;
    })
    .join("");
}

/** What lies between the smallest and the largest of points. */
function area(points, x, y, step) {
  const apart = Math.max(BROKEN, 2.5 * step);
  const runs = [];
  points.forEach((each, k) => {
    if (k === 0 || each.day - points[k - 1].day > apart) runs.push([]);
    runs.at(-1).push(each);
  });
  return runs
    .map((run) => {
      const over = run.map(({ day, most }) => `${r(x(day))} ${r(y(most))}`);
      const under = run.toReversed().map(({ day, least }) => `${r(x(day))} ${r(y(least))}`);
      return `M${[...over, ...under].join("L")}z`;
    })
    .join("");
}
