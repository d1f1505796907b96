// A pair: every frame that makes it, when each of the two is seen, and whether it is more than chance.
import { fill, h } from "../../common/dom.js";
import {
  amount,
  clock,
  count,
  counted,
  decimal,
  duration,
  minute,
  probability,
  second,
  utc,
} from "../../common/format.js";
import { columns, has } from "../data.js";
import { FILTERS } from "../filters.js";
import { framesWith, lowerBound, meetingsOf } from "../meetings.js";
import { chart, periodInWords } from "../parts/chart.js";
import { counting, partnersOf, verdict } from "../parts/counting.js";
import { gallery } from "../parts/gallery.js";
import {
  figures,
  isolated,
  missing,
  periodChoice,
  put,
  redrawn,
  sections,
  shortened,
  tableOf,
} from "../parts/layout.js";
import { broadcastLink, broadcastName, nameOf, personLink, portrait } from "../parts/names.js";
import { countIn, divide, framesIn } from "../parts/periods.js";
import { framePicture, INSTANT, momentOf, openFrames, outside, pictures } from "../parts/picture.js";
import { rowsOf, runsOf, strip } from "../parts/strip.js";
import { wordsSection } from "../parts/words.js";

export const title = "Pair";
export const filters = FILTERS;
export const keys = [
  ["← → ↑ ↓", "In the gallery: from picture to picture; Enter makes it large"],
  ["← →", "In a frame: the previous and the next that makes the pair"],
  ["↑ ↓", "In a frame: the frame before and after in its broadcast"],
];

const KINDS = { all: "All", same: "Same frame", adjacent: "Adjacent" };

export const show = (place, address, app) => redrawn(place, address, (...given) => draw(...given, app));

async function draw(place, address, app) {
  const { run } = app;
  const ids = address.of.slice(0, 2);
  const [one, other] = ids.map(run.personOf);
  if (ids.length < 2 || one < 0 || other < 0 || one === other) {
    const unknown = ids.find((id) => run.personOf(id) < 0);
    return missing(
      place,
      app,
      "No such pair",
      unknown
        ? `Nobody of the ID ${unknown} is told of here: it may be of another run, or this person is left out of the page.`
        : "A pair is of two people: #/pair/A3BC/K7Q2.",
    );
  }
  const { about, broadcasts } = run;
  const facts = await counting(run, address.options);
  const all = await pictures(run);
  const { counted: faces, stretch } = facts;
  const names = [one, other].map((person) => isolated(nameOf(run, person)));
  const file = ids.join("-");
  document.title = `${names.join(" and ")} · ${about.run}`;

  const meetings = meetingsOf(faces, stretch, one, other);
  const of = {
    all: meetings,
    same: meetings.filter((each) => each.same_frame),
    adjacent: meetings.filter((each) => each.adjacent),
  };
  const seen = [one, other].map((person) => framesWith(faces, stretch, person));
  const inBroadcast = seen[0].map(() => []);
  for (const { broadcast, frame } of meetings) inBroadcast[broadcast].push(frame);
  const met = inBroadcast.flatMap((frames, broadcast) => (frames.length ? [broadcast] : []));
  const shared = seen[0].filter((frames, broadcast) => frames.length && seen[1][broadcast].length).length;
  const edge = run.edgeOf(one, other);
  const here = partnersOf(run, facts, one).find((each) => each.other === other);
  const note = (frame) => {
    const meeting = meetings[placeOf(meetings, frame)];
    return meeting && h("strong", {}, kindOf(meeting));
  };
  const open = (given) => openFrames(app, all, { of: [one, other], note, ...given });
  const opener = (list, heading) =>
    h(
      "button",
      {
        type: "button",
        class: "link",
        disabled: !list.length,
        on: { click: () => open({ title: heading, frames: list }) },
      },
      count(list.length),
    );
  const together = `${names[0]} and ${names[1]}`;

  const by = ["day", "week", "month"].includes(address.options.by) ? address.options.by : "day";
  const periods = divide(by, run, facts);
  const series = [
    { name: "together, in one frame or adjacent", key: "together", kind: "bar", look: 2, list: inBroadcast },
    { name: names[0], key: ids[0], kind: "line", look: 0, list: seen[0] },
    { name: names[1], key: ids[1], kind: "line", look: 1, list: seen[1] },
  ].map(({ list, ...one_ }) => ({
    ...one_,
    frames: countIn(periods, list),
    open: (period) =>
      open({
        title: `${one_.kind === "bar" ? together : one_.name}, ${periodInWords(periods, period)}`,
        frames: framesIn(periods, list, period),
      }),
  }));
  const drawing = chart({
    title: `${together}: time on the screen ${{ day: "a day", week: "a week", month: "a month" }[by]}`,
    file: `${file}-together-by-${by}`,
    about,
    periods,
    series,
  });

  put(
    place,
    h(
      "header",
      { class: "pair-head" },
      h(
        "div",
        { class: "two" },
        [one, other].map((person) => portrait(run, person, 104, { alone: true })),
      ),
      h(
        "div",
        {},
        h("p", { class: "kicker" }, "Pair"),
        h("h1", {}, personLink(app, one, { picture: false }), " and ", personLink(app, other, { picture: false })),
      ),
    ),
    figures([
      [opener(of.same, `Frames that show ${together}`), of.same.length === 1 ? "frame shows both" : "frames show both"],
      [
        opener(of.adjacent, `${together}: adjacent frames`),
        of.adjacent.length === 1 ? "frame shows one right after the other" : "frames show one right after the other",
      ],
      [
        opener(of.all, `Frames that make the pair ${together}`),
        of.all.length === 1 ? "frame makes the pair" : "frames make the pair",
      ],
      [count(met.length), `of ${counted(shared, "broadcast")} with both`],
      [here ? amount(here.weight) : "0", "weight"],
    ]),
    inWords(run, edge, facts, of),
  );
  const picturesPart = framesSection(app, all, of, one, other, open, file);
  sections(place, [
    ["When each is seen, and when both", periodChoice(app, by), drawing.element],
    ["Every frame that makes the pair", ...picturesPart.children],
    [
      "Broadcast by broadcast",
      shared
        ? broadcastTable(app, facts, [one, other], seen, inBroadcast, open, file)
        : h("p", {}, "No broadcast that counts shows both."),
    ],
    await saidSection(app, meetings, open, file),
    await wordsSection(Math.min(one, other), Math.max(one, other), "Said while both are on the screen", file),
  ]);
  return () => {
    drawing.end();
    picturesPart.end();
  };
}

const kindOf = ({ same_frame, adjacent }) =>
  same_frame
    ? adjacent
      ? "Same frame, and adjacent"
      : "Same frame"
    : "Adjacent: one here, the other one frame before";

/** The place of a frame in a list by broadcast and frame; beyond it where it is not there. */
function placeOf(list, { broadcast, frame }) {
  const place = list.findIndex((each) => each.broadcast === broadcast && each.frame === frame);
  return place < 0 ? list.length : place;
}

function inWords(run, edge, facts, of) {
  const { edges, about } = run;
  const parts = [];
  if (!of.all.length)
    parts.push(
      h(
        "p",
        { class: "lead" },
        facts.all
          ? "The two are never in one frame, nor one right after the other."
          : "In what the filters let count, the two are never in one frame, nor one right after the other.",
      ),
    );
  if (edge >= 0 && Number.isFinite(edges.expected[edge])) {
    const found = verdict(edges, edge);
    parts.push(
      h(
        "p",
        { class: "lead" },
        `Drawn by chance, ${decimal(edges.expected[edge])} frames would show both; ${count(edges.same_frame[edge])} do, ${decimal(edges.ratio[edge])} times as many. `,
        h(
          "strong",
          {},
          {
            "clearly more than chance": "That is clearly more than chance.",
            "more than chance": "That is more than chance.",
          }[found.text] ?? "That is no more than chance may do.",
        ),
        h(
          "span",
          { class: "quiet" },
          ` z ${decimal(edges.z[edge])}, p ${probability(edges.p[edge])}, q ${probability(edges.q[edge])}`,
        ),
      ),
      h(
        "p",
        { class: "quiet" },
        "Chance: the frames of each put anywhere in the broadcasts that show both. q is p corrected for all pairs that could have met: of pairs with a q of at most 0.05, one in twenty or fewer is chance. Adjacent frames are not compared.",
        !facts.all && " Said of the whole run, not of what the filters let count.",
      ),
    );
  }
  if (
    facts.all &&
    edge >= 0 &&
    (edges.same_frame[edge] !== of.same.length || edges.adjacent[edge] !== of.adjacent.length)
  ) {
    const why =
      about.mode === "as_published"
        ? "it counts as was published: pairs of faces, not frames"
        : "is the folder of this page whole?";
    parts.push(
      h(
        "p",
        { class: "callout" },
        `The network counts ${counted(edges.same_frame[edge], "same frame")} and ${count(edges.adjacent[edge])} adjacent: ${why}.`,
      ),
    );
  }
  return parts;
}

function framesSection(app, all, of, one, other, open, file) {
  const { run } = app;
  const told = h("p", { class: "quiet", role: "status" });
  const holder = h("div");
  let kind = "all";
  let look = all.served ? "pictures" : "list";
  let ended;
  const buttons = (values, now, set, label) =>
    h(
      "div",
      { class: "choice", role: "group", "aria-label": label },
      Object.entries(values).map(([value, text]) =>
        h(
          "button",
          {
            type: "button",
            class: "small",
            "aria-pressed": String(now() === value),
            "data-value": value,
            on: { click: () => (set(value), draw()) },
          },
          text,
        ),
      ),
    );
  const kinds = buttons(
    Object.fromEntries(Object.entries(KINDS).map(([value, text]) => [value, `${text} ${count(of[value].length)}`])),
    () => kind,
    (value) => (kind = value),
    "Which frames",
  );
  const looks = buttons(
    { pictures: "Pictures", list: "List" },
    () => look,
    (value) => (look = value),
    "How they are shown",
  );

  function draw() {
    ended?.();
    ended = undefined;
    for (const [row, now] of [
      [kinds, kind],
      [looks, look],
    ])
      for (const button of row.children) button.setAttribute("aria-pressed", String(button.dataset.value === now));
    const list = of[kind];
    const heading = `${isolated(nameOf(run, one))} and ${isolated(nameOf(run, other))}: ${{ all: "every frame", same: "same frame", adjacent: "adjacent frames" }[kind]}`;
    const here = list.filter((each) => all.source(each, [one, other]).src).length;
    told.textContent =
      all.served || here === list.length
        ? `${counted(list.length, "frame")}, each with its picture`
        : `${counted(list.length, "frame")}, ${here ? count(here) : "none"} with a picture in this folder`;
    if (!list.length) return fill(holder, h("p", {}, "None."));
    if (look === "list")
      return fill(
        holder,
        frameTable(
          app,
          all,
          list,
          [one, other],
          (at) => open({ title: heading, frames: list, at }),
          `${file}-frames.csv`,
        ),
      );
    const made = gallery({
      label: heading,
      n: list.length,
      wide: 250,
      high: (wide) => (wide * 9) / 16 + 58,
      open: (at) => open({ title: heading, frames: list, at }),
      card: (k) => card(app, all, list[k], [one, other]),
    });
    ended = made.end;
    return fill(holder, made.element);
  }

  const shipped = of.all.filter((each) => all.source(each, [one, other]).tier === "shipped");
  const strongest = shipped.slice(0, 6).map((each) =>
    h(
      "button",
      {
        type: "button",
        class: "evidence",
        on: {
          click: () => open({ title: "Every frame that makes the pair", frames: of.all, at: of.all.indexOf(each) }),
        },
      },
      card(app, all, each, [one, other]),
    ),
  );
  draw();
  return {
    children: [
      !all.served && strongest.length > 0 && h("div", { class: "evidences" }, strongest),
      h("div", { class: "choices" }, kinds, looks),
      told,
      holder,
    ],
    end: () => ended?.(),
  };
}

/** A meeting as a card: its frame, or where the two are adjacent also the one before. */
function card(app, all, meeting, of) {
  const { run } = app;
  const { broadcast, frame, same_frame, adjacent } = meeting;
  const shown = same_frame ? [frame] : [frame - 1, frame];
  return [
    h(
      "span",
      { class: `pictures n${shown.length}` },
      shown.map((each) => framePicture(app, all, { broadcast, frame: each }, of)),
    ),
    h(
      "span",
      { class: "card-text" },
      h(
        "span",
        {},
        h("b", {}, same_frame ? (adjacent ? "Same frame + adjacent" : "Same frame") : "Adjacent"),
        ` ${shown.length > 1 ? `${count(frame - 1)} → ` : ""}${count(frame)}`,
      ),
      h(
        "small",
        { class: "quiet" },
        `${run.broadcasts.show[broadcast] || run.broadcasts.broadcast[broadcast]}, ${minute(run.broadcasts.start[broadcast])}, ${clock(run.secondsOf(broadcast, frame))} in`,
      ),
    ),
  ];
}

function frameTable(app, all, list, of, open, file) {
  const { run } = app;
  const { broadcasts } = run;
  const where = { shipped: "in this folder", served: "cut here", online: "online", file: "a file", none: "–" };
  return tableOf({
    label: "Frames that make the pair",
    least: "40rem",
    of: ["frame", "frames"],
    file,
    rows: list.length,
    inSight: 12,
    columns: [
      {
        name: "time",
        title: "On air (UTC)",
        text: true,
        width: "12rem",
        value: (k) => utc(momentOf(run, list[k])),
        cell: (k) =>
          h("button", { type: "button", class: "link", on: { click: () => open(k) } }, second(momentOf(run, list[k]))),
      },
      { name: "frame", title: "Frame", width: "5rem", value: (k) => list[k].frame, cell: (k) => count(list[k].frame) },
      {
        name: "same_frame",
        title: "Same frame",
        text: true,
        width: "6rem",
        value: (k) => String(list[k].same_frame),
        cell: (k) => (list[k].same_frame ? "● both" : ""),
      },
      {
        name: "adjacent",
        title: "Adjacent",
        text: true,
        width: "6rem",
        value: (k) => String(list[k].adjacent),
        cell: (k) => (list[k].adjacent ? "◐ after" : ""),
      },
      {
        name: "broadcast",
        title: "Broadcast",
        text: true,
        value: (k) => broadcasts.broadcast[list[k].broadcast],
        cell: (k) => broadcastLink(app, list[k].broadcast, list[k].frame),
      },
      {
        name: "picture",
        title: "Picture",
        text: true,
        wide: true,
        width: "16rem",
        value: (k) => where[all.source(list[k], of).tier],
        cell: (k) => {
          const tier = where[all.source(list[k], of).tier];
          const link = outside(all, list[k], "archive");
          return link ? [all.source(list[k], of).src && `${tier} · `, link] : tier;
        },
      },
    ],
  });
}

function broadcastTable(app, facts, people, seen, together, open, file) {
  const { run } = app;
  const { broadcasts, about } = run;
  const { unread, replays } = facts;
  const names = people.map((person) => isolated(nameOf(run, person)));
  const both = seen[0].flatMap((frames, broadcast) => (frames.length && seen[1][broadcast].length ? [broadcast] : []));
  const pairs = (rows, { first, last }) => rows.map((row) => [first[row], last[row]]);
  const seconds = (frames) => frames.length * about.frame_seconds;
  return [
    h(
      "p",
      { class: "legend" },
      [...names, "together"].map((name, look) =>
        h("span", {}, h("span", { class: `swatch fill-${look}` }), h("bdi", {}, name)),
      ),
      h("span", {}, h("span", { class: "swatch hatch" }), "not read"),
      h("span", {}, h("span", { class: "swatch again" }), "on air before"),
    ),
    tableOf({
      label: "Broadcasts with both",
      least: "32rem",
      of: ["broadcast", "broadcasts"],
      file: `${file}-broadcasts.csv`,
      rows: both.length,
      inSight: 8,
      rowHeight: 58,
      columns: [
        {
          name: "start",
          title: "On air (UTC)",
          text: true,
          width: "9.5rem",
          value: (k) => utc(broadcasts.start[both[k]]),
          cell: (k) => broadcastLink(app, both[k], together[both[k]][0], minute(broadcasts.start[both[k]])),
        },
        {
          name: "broadcast",
          title: "Broadcast",
          text: true,
          wide: true,
          width: "12rem",
          value: (k) => broadcasts.broadcast[both[k]],
          cell: (k) => broadcasts.show[both[k]] || broadcasts.broadcast[both[k]],
        },
        ...people.map((_, nth) => ({
          name: `${run.people.person_id[people[nth]]} seconds`,
          title: shortened(names[nth], 20),
          wide: true,
          width: "7rem",
          value: (k) => seconds(seen[nth][both[k]]),
          cell: (k) => duration(seconds(seen[nth][both[k]])),
        })),
        {
          name: "frames_together",
          title: "Together",
          width: "6rem",
          value: (k) => together[both[k]].length,
          cell: (k) => {
            const broadcast = both[k];
            const frames = together[broadcast].map((frame) => ({ broadcast, frame }));
            return frames.length
              ? h(
                  "button",
                  {
                    type: "button",
                    class: "link",
                    on: {
                      click: () =>
                        open({ title: `${names.join(" and ")} in ${broadcastName(run, broadcast)}`, frames }),
                    },
                  },
                  counted(frames.length, "frame"),
                )
              : "never";
          },
        },
        {
          name: "n_frames",
          title: "Over the broadcast",
          text: true,
          value: (k) => broadcasts.n_frames[both[k]],
          cell: (k) => {
            const broadcast = both[k];
            const lanes = [seen[0][broadcast], seen[1][broadcast], together[broadcast]].map((frames, look) => ({
              look,
              runs: runsOf(frames),
            }));
            const beside = {
              gaps: pairs(rowsOf(unread, broadcast), unread),
              replays: pairs(rowsOf(replays, broadcast), replays),
            };
            return strip(
              broadcasts.n_frames[broadcast],
              lanes,
              beside,
              `${names[0]}, ${names[1]}, and ${counted(together[broadcast].length, "frame")} together`,
            );
          },
        },
      ],
    }),
  ];
}

/** What was said while a frame that makes the pair was on air: each utterance once. */
async function saidSection(app, meetings, open, file) {
  if (!has("said") || !meetings.length) return null;
  const { run } = app;
  const { broadcast, start, end, text } = await columns("said", ["broadcast", "start", "end", "text"]);
  const rows = [];
  let row = 0;
  let last = -1;
  for (let k = 0; k < meetings.length; k++) {
    const meeting = meetings[k];
    const from = momentOf(run, meeting);
    const to = from + run.about.frame_seconds;
    if (meeting.broadcast !== last) row = lowerBound(broadcast, meeting.broadcast, 0, broadcast.length);
    last = meeting.broadcast;
    const over = (each) => Math.max(end[each], start[each] + INSTANT);
    for (; broadcast[row] === last && over(row) <= from; row++);
    for (let each = row; broadcast[each] === last && start[each] < to; each++) {
      if (over(each) > from && (rows.at(-1)?.row ?? -1) < each) rows.push({ row: each, k });
    }
  }
  if (!rows.length) return null;
  return [
    "What was said in these frames",
    h("p", { class: "quiet" }, "By whomever: a transcript does not tell who speaks."),
    tableOf({
      label: "What was said in these frames",
      least: "40rem",
      of: ["utterance", "utterances"],
      file: `${file}-said.csv`,
      rows: rows.length,
      inSight: 10,
      columns: [
        {
          name: "start",
          title: "Said (UTC)",
          text: true,
          width: "12rem",
          value: (n) => utc(start[rows[n].row]),
          cell: (n) =>
            h(
              "button",
              {
                type: "button",
                class: "link",
                on: { click: () => open({ title: "Said in these frames", frames: meetings, at: rows[n].k }) },
              },
              second(start[rows[n].row]),
            ),
        },
        {
          name: "text",
          title: "Text",
          text: true,
          value: (n) => text[rows[n].row],
          cell: (n) => h("bdi", { title: text[rows[n].row] }, text[rows[n].row]),
        },
        {
          name: "broadcast",
          title: "Broadcast",
          text: true,
          wide: true,
          width: "16rem",
          value: (n) => run.broadcasts.broadcast[broadcast[rows[n].row]],
          cell: (n) => broadcastName(run, broadcast[rows[n].row]),
        },
      ],
    }),
  ];
}
