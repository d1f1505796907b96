// A broadcast: a lane a person over its frames, with what could not be read and what was on air before.
import { fill, h } from "../../common/dom.js";
import { saveButtons, savePng, saveSvg } from "../../common/download.js";
import { clock, count, counted, dayInWords, duration, minute, second, share, utc } from "../../common/format.js";
import { FILTERS } from "../filters.js";
import { lowerBound } from "../meetings.js";
import { counting } from "../parts/counting.js";
import { choice, figures, isolated, missing, put, sections, shortened, tableOf } from "../parts/layout.js";
import { nameOf, personLink } from "../parts/names.js";
import { gapSeconds, readIn, stretchesOf } from "../parts/periods.js";
import { momentOf, openFrames, outside, pictures } from "../parts/picture.js";
import { rowsOf, runsOf } from "../parts/strip.js";

export const title = "Broadcast";
export const filters = FILTERS;
export const keys = [
  ["↑ ↓", "From person to person"],
  ["← →", "From one appearance to the next"],
  ["Shift ← →", "From frame to frame"],
  ["Enter", "The frame, large"],
];

const FEW = 40; // lanes at first
const LANE = 26; // pixels
const TOP = 40; // of the axis and of what was on air before
const ZOOMS = { 1: "Whole", 2: "2 ×", 4: "4 ×", 8: "8 ×" };
const SORTS = { time: "By time on the screen", first: "By first appearance", name: "By name" };
const STEPS = [10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400]; // seconds between labels of the axis

export async function show(place, address, app) {
  const { run } = app;
  const broadcast = run.broadcastOf(address.of[0]);
  if (broadcast < 0)
    return missing(
      place,
      app,
      `No broadcast ${address.of[0] ?? ""}`,
      "The run that this page shows has no broadcast of this ID.",
    );
  const { about, broadcasts } = run;
  const all = await pictures(run);
  const facts = await counting(run, {});
  const { faces, unread, replays } = facts;
  const id = broadcasts.broadcast[broadcast];
  const n = broadcasts.n_frames[broadcast];
  const start = broadcasts.start[broadcast];
  const still = about.frame_seconds;
  const name = broadcasts.show[broadcast] || id;
  const ranges = (rows, columns, ...more) =>
    rows.map((row) => [columns.first[row], columns.last[row], ...more.map((one) => columns[one][row])]);
  const gaps = ranges(rowsOf(unread, broadcast), unread, "status");
  const again = ranges(rowsOf(replays, broadcast), replays, "earlier_broadcast", "earlier_first", "kind");
  const read = readIn(unread, broadcast, 1, n);
  document.title = `${name}, ${minute(start)} · ${about.run}`;

  const seen = new Map(); // person → frames
  for (let row = faces.first[broadcast]; row < faces.first[broadcast + 1]; row++) {
    const frames = seen.get(faces.person[row]) ?? [];
    if (frames.at(-1) !== faces.frame[row]) frames.push(faces.frame[row]);
    seen.set(faces.person[row], frames);
  }
  const lanes = [...seen].map(([person, frames]) => ({
    person,
    frames,
    runs: runsOf(frames),
    name: isolated(nameOf(run, person)),
  }));
  const open = (frame, person) => {
    app.change({ frame });
    show_(frame, person);
  };
  let dialog;
  function show_(frame, person) {
    dialog?.close();
    const list = person === undefined ? [frame] : seen.get(person);
    const given = list.includes(frame) ? list : [frame];
    const heading = person === undefined || given.length === 1 ? name : `${isolated(nameOf(run, person))} in ${name}`;
    dialog = openFrames(app, all, {
      title: heading,
      of: person === undefined ? [] : [person],
      frames: given.map((each) => ({ broadcast, frame: each })),
      at: given.indexOf(frame),
    });
  }

  const span = n
    ? `${minute(start).slice(11)} to ${minute(start + run.secondsOf(broadcast, n) + still).slice(11)} UTC`
    : `${minute(start).slice(11)} UTC`;
  put(
    place,
    h("p", { class: "kicker" }, "Broadcast"),
    h("h1", {}, h("bdi", {}, name)),
    h(
      "p",
      { class: "quiet" },
      `${broadcasts.station[broadcast]} · ${dayInWords(start)}, ${span} · ${id} · `,
      h("span", { class: `status status-${broadcasts.status[broadcast]}` }, broadcasts.status[broadcast]),
    ),
    broadcasts.reason[broadcast] && h("p", { class: "callout" }, h("bdi", {}, broadcasts.reason[broadcast])),
    suspicion(run.about, broadcast),
    figures([
      [count(lanes.length), lanes.length === 1 ? "person" : "people"],
      [duration(n * still), "long"],
      [counted(n, "frame"), n ? `${share(read / n)} read` : "nothing read"],
      gaps.length > 0 && [
        duration(gaps.reduce((sum, [first, last]) => sum + last - first + 1, 0) * still),
        "not read or not there",
      ],
      again.length > 0 && [
        duration(again.reduce((sum, [first, last]) => sum + last - first + 1, 0) * still),
        "on air before",
      ],
    ]),
    n > 0 && h("p", {}, outside(all, { broadcast, frame: 1 }, "The broadcast at the archive")),
  );
  const out = h("p", { class: "callout", hidden: true });
  put(place, out);
  if (!n) return undefined;

  const drawing = laneChart({ app, all, broadcast, n, lanes, gaps, again, open, about, name, id });
  const how = {
    sort: SORTS,
    zoom: ZOOMS,
    ...(lanes.length > FEW && { lanes: { few: `First ${FEW}`, all: `All ${count(lanes.length)}` } }),
  };
  const labels = { sort: "Order of people", zoom: "How wide", lanes: "How many people" };
  const options = h(
    "div",
    { class: "choices" },
    Object.entries(how).map(([option, values]) => choice(app, option, labels[option], values)),
  );
  sections(place, [
    ["Who is seen when", options, drawing.element],
    lanes.length > 0 && ["The same as a table", laneTable(app, broadcast, lanes, read, open)],
    again.length > 0 && ["On air before", replayTable(app, broadcast, again, open)],
    gaps.length > 0 && ["Not read", gapTable(app, broadcast, gaps)],
  ]);

  let frame = "";
  async function change({ options: now }) {
    const set = Object.fromEntries(
      Object.entries(how).map(([option, values]) => [
        option,
        now[option] in values ? now[option] : Object.keys(values)[0],
      ]),
    );
    for (const button of options.querySelectorAll("button")) {
      const [option, value] = button.dataset.choice.split("=");
      button.setAttribute("aria-pressed", String(set[option] === value));
    }
    const stretch = await run.stretch(now);
    const inside = [stretch.from[broadcast], Math.min(n, stretch.to[broadcast])];
    const whole = inside[0] <= 1 && inside[1] >= n;
    out.hidden = whole;
    fill(
      out,
      inside[1] < inside[0]
        ? "The filters leave this broadcast out; it is shown all the same."
        : `The filters let only frames ${count(inside[0])} to ${count(inside[1])} count; the others are pale.`,
    );
    const at = Number(now.frame) || 0;
    drawing.draw({
      sort: set.sort,
      zoom: Number(set.zoom),
      few: set.lanes === "few",
      frame: at >= 1 && at <= n ? at : 0,
      inside,
    });
    if (now.frame !== frame && at >= 1 && at <= n && !dialog?.open) {
      drawing.reveal(at);
      show_(at);
    }
    frame = now.frame;
  }
  await change(address);
  return {
    change,
    end() {
      dialog?.close();
      drawing.end();
    },
  };
}

function sorted(lanes, sort) {
  const by = {
    time: (a, b) => b.frames.length - a.frames.length || a.frames[0] - b.frames[0],
    first: (a, b) => a.frames[0] - b.frames[0] || b.frames.length - a.frames.length,
    name: (a, b) => a.name.localeCompare(b.name, "en", { numeric: true }),
  };
  return lanes.toSorted(by[sort]);
}

/** The lanes: names on the left, which stay, and frames on the right, which are scrolled where they are wide. */
function laneChart({ app, broadcast, n, lanes, gaps, again, open, about, name, id }) {
  const { run } = app;
  const names = h("div", { class: "lane-names" });
  const scroll = h("div", { class: "lane-scroll" });
  const tip = h("div", { class: "tip", role: "status", hidden: true });
  const plot = h(
    "div",
    {
      class: "lane-plot",
      tabindex: 0,
      role: "application",
      "aria-roledescription": "chart",
      "aria-label": `Who is seen when in ${name}: ${counted(lanes.length, "person", "people")}. Arrows up and down go from person to person, left and right from one appearance to the next, Enter opens the frame.`,
    },
    scroll,
    tip,
  );
  const note = footerOf(run, broadcast, n, lanes, about);
  const element = h(
    "figure",
    { class: "lane-figure" },
    h(
      "p",
      { class: "legend" },
      h("span", {}, h("span", { class: "swatch fill-0" }), "seen"),
      h("span", {}, h("span", { class: "swatch hatch" }), "not read or not there"),
      h("span", {}, h("span", { class: "swatch again" }), "on air before"),
    ),
    h("div", { class: "lanes" }, names, plot),
    h(
      "figcaption",
      {},
      h("span", { class: "quiet" }, note),
      saveButtons(
        {
          PNG: () => savePng(`${id}-lanes.png`, whole()),
          SVG: () => saveSvg(`${id}-lanes.svg`, whole()),
        },
        "the lanes",
      ),
    ),
  );
  let state = { sort: "time", zoom: 1, few: true, frame: 0, inside: [1, n] };
  let order = lanes;
  let svg;
  let per = 1; // pixels a frame
  let lane = -1;
  let at = 0;

  function draw(given) {
    state = given ?? state;
    order = sorted(lanes, state.sort).slice(0, state.few ? FEW : undefined);
    const width = Math.max(200, Math.round((scroll.clientWidth || 640) * state.zoom));
    per = width / n;
    fill(
      names,
      order.map((each) => h("div", { class: "lane-name" }, personLink(app, each.person, { size: 20 }))),
      order.length < lanes.length &&
        h("div", { class: "lane-name quiet" }, `and ${count(lanes.length - order.length)} more`),
    );
    svg = laneSvg(run, broadcast, n, order, gaps, again, width, 0, state);
    fill(scroll, svg);
    mark();
  }

  /** The same with names in it, to be saved. */
  function whole() {
    const label = 190;
    const width = Math.max(900, scroll.clientWidth) * state.zoom;
    const made = laneSvg(run, broadcast, n, order, gaps, again, width, label, state);
    const high = Number(made.getAttribute("height"));
    made.setAttribute("height", high + 44);
    made.setAttribute("viewBox", `0 0 ${width + label} ${high + 44}`);
    made.append(
      h(
        "svg:text",
        { class: "chart-title", x: 0, y: high + 18 },
        `${name}, ${minute(run.broadcasts.start[broadcast])} UTC`,
      ),
      h("svg:text", { class: "chart-foot", x: 0, y: high + 36 }, note),
    );
    const holder = h("div", { class: "unseen" }, made); // so that the styles of the page hold
    document.body.append(holder);
    setTimeout(() => holder.remove(), 5000);
    return made;
  }

  function mark() {
    svg?.querySelector(".marks")?.replaceChildren();
    tip.hidden = true;
    if (!at) return;
    const marks = svg.querySelector(".marks");
    const x = (at - 0.5) * per;
    marks.append(h("svg:line", { class: "cursor", x1: x, x2: x, y1: 0, y2: TOP + LANE * order.length }));
    if (lane >= 0)
      marks.append(
        h("svg:rect", { class: "lane-here", x: 0, y: TOP + LANE * lane + 1, width: n * per, height: LANE - 2 }),
      );
    const there = order.filter((each) => has(each.frames, at)).map((each) => each.name);
    const bad = gaps.find(([first, last]) => first <= at && at <= last);
    const replay = again.find(([first, last]) => first <= at && at <= last);
    fill(
      tip,
      h("strong", {}, `Frame ${count(at)}, ${clock(run.secondsOf(broadcast, at))} in`),
      h("div", { class: "quiet" }, second(momentOf(run, { broadcast, frame: at }))),
      bad && h("div", {}, bad[2] === "absent" ? "Not there" : `Not read: ${bad[2]}`),
      replay && h("div", {}, `On air before (${replay[4]})`),
      !bad &&
        h(
          "div",
          {},
          there.length ? there.slice(0, 6).map((each, k) => [k ? ", " : "", h("bdi", {}, each)]) : "Nobody known",
          there.length > 6 && ` and ${count(there.length - 6)} more`,
        ),
    );
    tip.hidden = false;
    const across = x - scroll.scrollLeft;
    const right = across > scroll.clientWidth / 2;
    tip.style.setProperty("left", right ? "auto" : `${across + 12}px`);
    tip.style.setProperty("right", right ? `${plot.clientWidth - across + 12}px` : "auto");
    tip.style.setProperty("top", `${TOP + LANE * Math.max(0, lane + 1)}px`);
  }

  function point(event) {
    const box = svg.getBoundingClientRect();
    at = Math.min(n, Math.max(1, Math.ceil((event.clientX - box.left) / per)));
    const nth = Math.floor((event.clientY - box.top - TOP) / LANE);
    lane = nth >= 0 && nth < order.length ? nth : -1;
    if (lane >= 0) at = near(order[lane].frames, at, 4 / per);
    mark();
  }

  const person = () => (lane >= 0 && has(order[lane].frames, at) ? order[lane].person : undefined);
  function step(by, frameByFrame) {
    if (frameByFrame || lane < 0) at = Math.min(n, Math.max(1, at + by));
    else {
      const starts = order[lane].runs.map(([first]) => first);
      const next = by > 0 ? starts.find((first) => first > at) : starts.findLast((first) => first < at);
      at = next ?? at;
    }
  }

  function keys(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      at = 0;
      return mark();
    }
    const acts = {
      ArrowDown: () => (lane = Math.min(order.length - 1, lane + 1)),
      ArrowUp: () => (lane = Math.max(0, lane - 1)),
      ArrowRight: () => step(1, event.shiftKey),
      ArrowLeft: () => step(-1, event.shiftKey),
      Home: () => (at = 1),
      End: () => (at = n),
      Enter: () => at && open(at, person()),
      " ": () => at && open(at, person()),
    };
    if (!acts[event.key]) return undefined;
    event.preventDefault();
    if (!at) at = lane < 0 && order.length ? order[Math.max(0, (lane = 0))].frames[0] : 1;
    else acts[event.key]();
    if (event.key === "ArrowDown" || event.key === "ArrowUp")
      at = order[lane] ? near(order[lane].frames, at, Infinity) : at;
    reveal(at);
    return mark();
  }

  function reveal(frame) {
    const x = frame * per;
    if (x < scroll.scrollLeft || x > scroll.scrollLeft + scroll.clientWidth)
      scroll.scrollLeft = x - scroll.clientWidth / 2;
  }

  scroll.addEventListener("pointermove", point);
  scroll.addEventListener("pointerleave", () => ((at = 0), mark()));
  scroll.addEventListener("click", (event) => {
    point(event);
    open(at, person());
  });
  plot.addEventListener("keydown", keys);
  plot.addEventListener("blur", () => ((at = 0), mark()));
  let width = 0;
  const watch = new ResizeObserver(() => {
    if (scroll.clientWidth === width) return;
    width = scroll.clientWidth;
    draw();
  });
  watch.observe(scroll);
  return { element, draw, reveal, end: () => watch.disconnect() };
}

function laneSvg(run, broadcast, n, order, gaps, again, width, label, { frame, inside }) {
  const per = width / n;
  const high = TOP + LANE * order.length + 2;
  const x = (at) => Math.round(10 * (label + at * per)) / 10;
  const wide = (first, last, least = 1.5) => Math.max(least, Math.round(10 * (last - first + 1) * per) / 10);
  const hatch = `lane-hatch-${label ? "saved" : "shown"}`;
  const long = run.secondsOf(broadcast, n) + run.about.frame_seconds;
  const apart = STEPS.find((each) => (each / long) * width >= 70) ?? STEPS.at(-1);
  const ticks = [];
  for (let seconds = 0; seconds < long; seconds += apart) ticks.push([seconds, run.frameAt(broadcast, seconds) - 1]);
  const [from, to] = inside;
  return h(
    "svg:svg",
    {
      class: "lane-svg",
      width: width + label,
      height: high,
      viewBox: `0 0 ${width + label} ${high}`,
      "aria-hidden": "true",
    },
    h(
      "svg:defs",
      {},
      h(
        "svg:pattern",
        { id: hatch, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
        h("svg:line", { class: "hatch", x1: 0, y1: 0, x2: 0, y2: 6 }),
      ),
    ),
    ticks.map(([seconds, at], k) => [
      h("svg:line", { class: "grid", x1: x(at), x2: x(at), y1: 16, y2: high }),
      h(
        "svg:text",
        { class: "chart-tick", x: x(at) + (k ? 0 : 1), y: 11, "text-anchor": k ? "middle" : "start" },
        clock(seconds),
      ),
    ]),
    order.map((_, k) =>
      h("svg:line", {
        class: "lane-line",
        x1: label,
        x2: label + width,
        y1: TOP + LANE * (k + 1),
        y2: TOP + LANE * (k + 1),
      }),
    ),
    gaps.map(([first, last]) =>
      h("svg:rect", {
        class: "gap",
        fill: `url(#${hatch})`,
        x: x(first - 1),
        y: 20,
        width: wide(first, last),
        height: high - 20,
      }),
    ),
    again.map(([first, last]) => [
      h("svg:rect", { class: "again-back", x: x(first - 1), y: 20, width: wide(first, last), height: high - 20 }),
      h("svg:path", {
        class: "again-bracket",
        d: `M${x(first - 1)} ${TOP - 3}V${TOP - 9}H${x(first - 1) + wide(first, last)}V${TOP - 3}`,
      }),
      wide(first, last) > 30 && h("svg:text", { class: "chart-tick", x: x(first - 1) + 1, y: TOP - 12 }, "↺ again"),
    ]),
    order.map(({ runs }, k) =>
      h("svg:path", {
        class: "area look-0",
        d: runs
          .map(
            ([first, last]) =>
              `M${x(first - 1)} ${TOP + LANE * k + 5}h${wide(first, last)}v${LANE - 9}h${-wide(first, last)}z`,
          )
          .join(""),
      }),
    ),
    label > 0 &&
      order.map((each, k) =>
        h("svg:text", { class: "chart-legend", x: 0, y: TOP + LANE * k + 18 }, shortened(each.name, 26)),
      ),
    from > 1 &&
      h("svg:rect", {
        class: "pale",
        x: label,
        y: 16,
        width: Math.max(0, x(Math.min(n, from - 1)) - label),
        height: high - 16,
      }),
    to < n &&
      h("svg:rect", {
        class: "pale",
        x: x(Math.max(0, to)),
        y: 16,
        width: Math.max(0, label + width - x(Math.max(0, to))),
        height: high - 16,
      }),
    frame > 0 && h("svg:path", { class: "chosen", d: `M${x(frame - 0.5)} 16V${high}` }),
    h("svg:g", { class: "marks" }),
  );
}

const has = (frames, frame) => frames[lowerBound(frames, frame, 0, frames.length)] === frame;

/** The frame nearest to another, where it is within so many frames. */
function near(frames, frame, most) {
  const place = lowerBound(frames, frame, 0, frames.length);
  const best = [frames[place - 1], frames[place]]
    .filter((each) => each !== undefined)
    .reduce((a, b) => (Math.abs(a - frame) <= Math.abs(b - frame) ? a : b), Infinity);
  return Math.abs(best - frame) <= most ? best : frame;
}

function footerOf(run, broadcast, n, lanes, about) {
  const frames = lanes.reduce((sum, each) => sum + each.frames.length, 0);
  return `One still = ${duration(about.frame_seconds)} · ${counted(frames, "sighting")} in ${counted(n, "frame")} · ${run.broadcasts.broadcast[broadcast]} · data ID ${about.data_id}`;
}

function laneTable(app, broadcast, lanes, read, open) {
  const { run } = app;
  const { about } = run;
  const gap = gapSeconds(about);
  const order = sorted(lanes, "time");
  const appearances = order.map(
    (each) => stretchesOf(each.frames, (frame) => run.secondsOf(broadcast, frame), about.frame_seconds, gap).length,
  );
  const moment = (frame) => momentOf(run, { broadcast, frame });
  const frameCell = (k, frame) =>
    h(
      "button",
      { type: "button", class: "link", on: { click: () => open(frame, order[k].person) } },
      clock(run.secondsOf(broadcast, frame)),
    );
  return tableOf({
    label: "People in this broadcast",
    least: "30rem",
    of: ["person", "people"],
    file: `${run.broadcasts.broadcast[broadcast]}-people.csv`,
    rows: order.length,
    columns: [
      {
        name: "name",
        title: "Person",
        text: true,
        value: (k) => nameOf(run, order[k].person),
        cell: (k) => personLink(app, order[k].person),
      },
      {
        name: "person_id",
        title: "ID",
        text: true,
        wide: true,
        width: "4.5rem",
        value: (k) => run.people.person_id[order[k].person],
      },
      {
        name: "screen_seconds",
        title: "On the screen",
        width: "7.5rem",
        value: (k) => order[k].frames.length * about.frame_seconds,
        cell: (k) => duration(order[k].frames.length * about.frame_seconds),
      },
      {
        name: "share_of_read",
        title: "Of what was read",
        wide: true,
        width: "7.5rem",
        value: (k) => order[k].frames.length / read,
        cell: (k) => share(order[k].frames.length / read),
      },
      { name: "frames", title: "Frames", wide: true, width: "5rem", value: (k) => order[k].frames.length },
      { name: "appearances", title: "Appearances", wide: true, width: "7rem", value: (k) => appearances[k] },
      {
        name: "first_seen",
        title: "First seen",
        width: "6rem",
        value: (k) => utc(moment(order[k].frames[0])),
        cell: (k) => frameCell(k, order[k].frames[0]),
      },
      {
        name: "last_seen",
        title: "Last seen",
        width: "6rem",
        value: (k) => utc(moment(order[k].frames.at(-1))),
        cell: (k) => frameCell(k, order[k].frames.at(-1)),
      },
    ],
  });
}

function replayTable(app, broadcast, again, open) {
  const { run } = app;
  return tableOf({
    label: "On air before",
    least: "34rem",
    of: ["stretch", "stretches"],
    file: `${run.broadcasts.broadcast[broadcast]}-replays.csv`,
    rows: again.length,
    columns: [
      {
        name: "first_frame",
        title: "Here",
        text: true,
        value: (k) => again[k][0],
        cell: (k) =>
          h(
            "button",
            { type: "button", class: "link", on: { click: () => open(again[k][0]) } },
            `${clock(run.secondsOf(broadcast, again[k][0]))}, ${counted(again[k][1] - again[k][0] + 1, "frame")}`,
          ),
      },
      { name: "last_frame", title: "Last frame", wide: true, width: "6rem", value: (k) => again[k][1] },
      { name: "kind", title: "Kind", text: true, width: "8rem", value: (k) => again[k][4] },
      {
        name: "earlier_broadcast",
        title: "First shown",
        text: true,
        value: (k) => run.broadcasts.broadcast[again[k][2]] ?? "",
        cell: (k) =>
          run.broadcasts.broadcast[again[k][2]] === undefined
            ? "–"
            : h(
                "a",
                { href: app.href("broadcast", [run.broadcasts.broadcast[again[k][2]]], { frame: again[k][3] }) },
                `${run.broadcasts.show[again[k][2]] || run.broadcasts.broadcast[again[k][2]]}, ${minute(run.broadcasts.start[again[k][2]])}, frame ${count(again[k][3])}`,
              ),
      },
      { name: "earlier_first_frame", title: "Its frame", wide: true, width: "6rem", value: (k) => again[k][3] },
    ],
  });
}

function gapTable(app, broadcast, gaps) {
  const { run } = app;
  return tableOf({
    label: "Not read",
    least: "26rem",
    of: ["stretch", "stretches"],
    file: `${run.broadcasts.broadcast[broadcast]}-not-read.csv`,
    rows: gaps.length,
    columns: [
      { name: "first_frame", title: "From frame", width: "8rem", value: (k) => gaps[k][0] },
      { name: "last_frame", title: "To frame", width: "8rem", value: (k) => gaps[k][1] },
      {
        name: "seconds",
        title: "Long",
        width: "8rem",
        value: (k) => (gaps[k][1] - gaps[k][0] + 1) * run.about.frame_seconds,
        cell: (k) => duration((gaps[k][1] - gaps[k][0] + 1) * run.about.frame_seconds),
      },
      {
        name: "status",
        title: "Why",
        text: true,
        value: (k) =>
          ({ absent: "the archive has no picture", damaged: "damaged", unreadable: "unreadable" })[gaps[k][2]] ??
          gaps[k][2],
      },
    ],
  });
}

/** That a broadcast is not what its title says, and what it is like instead. */
function suspicion({ suspects }, broadcast) {
  const place = suspects?.broadcast.indexOf(broadcast) ?? -1;
  if (place < 0) return null;
  const like = suspects.like[place];
  return h(
    "p",
    { class: "callout" },
    "This broadcast is a ",
    h("a", { href: suspects.page }, "suspect"),
    ": it is not what its title says",
    like && [", and like ", h("bdi", {}, like)],
    suspects.left_out ? ". It is left out of pairs and of time by day." : ".",
  );
}
