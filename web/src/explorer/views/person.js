// A person: how long on the screen and when, with whom, in which broadcasts, and whether the faces are one person's.
import { h } from "../../common/dom.js";
import {
  amount,
  clock,
  count,
  counted,
  dayInWords,
  decimal,
  duration,
  minute,
  second,
  share,
  utc,
} from "../../common/format.js";
import { columns, has } from "../data.js";
import { FILTERS } from "../filters.js";
import { framesWith, lowerBound } from "../meetings.js";
import { chart, periodInWords } from "../parts/chart.js";
import { counting, notCounted, partnersOf, verdict } from "../parts/counting.js";
import { figures, isolated, missing, periodChoice, put, redrawn, sections, tableOf } from "../parts/layout.js";
import { broadcastLink, broadcastName, nameOf, pairHref, personLink, portrait } from "../parts/names.js";
import { countIn, divide, framesIn, gapSeconds, readIn, stretchesOf } from "../parts/periods.js";
import { faceCrop, momentOf, openFrames, pictures, SHORT } from "../parts/picture.js";
import { sightsSection } from "../parts/sights.js";
import { rowsOf, runsOf, strip } from "../parts/strip.js";
import { wordsSection } from "../parts/words.js";

export const title = "Person";
export const filters = FILTERS;
export const keys = [
  ["← →", "In the chart: from day to day; in a frame: from one to the next"],
  ["↑ ↓", "In a frame: the frame before and after in its broadcast"],
];

const NEAREST = 8; // faces that are shown of each kind
const APART = 15; // frames of one broadcast between two of them
const SHIPPED = 16; // of those with a picture in the folder

const NAME_FROM = {
  correction: "the name is from the corrections",
  gallery: "the name is from the gallery, by likeness",
};

export const show = (place, address, app) => redrawn(place, address, (...given) => draw(...given, app));

async function draw(place, address, app) {
  const { run } = app;
  const person = run.personOf(address.of[0]);
  if (person < 0)
    return missing(
      place,
      app,
      `No person ${address.of[0] ?? ""}`,
      "Nobody of this ID is told of here: it may be of another run, or this person is left out of the page.",
    );
  const { about, people } = run;
  const facts = await counting(run, address.options);
  const all = await pictures(run);
  const { faces, counted: meeting, stretch } = facts;
  const name = isolated(nameOf(run, person));
  document.title = `${name} · ${about.run}`;
  const id = people.person_id[person];
  const still = about.frame_seconds;

  const seen = framesWith(faces, stretch, person);
  const n_frames = seen.reduce((sum, frames) => sum + frames.length, 0);
  const there = seen.flatMap((frames, broadcast) => (frames.length ? [broadcast] : []));
  const moments = there.flatMap((broadcast) =>
    [seen[broadcast][0], seen[broadcast].at(-1)].map((frame) => momentOf(run, { broadcast, frame })),
  );
  const by = ["day", "week", "month"].includes(address.options.by) ? address.options.by : "day";
  const on_screen = framesWith(meeting, stretch, person);
  const periods = divide(by, run, facts);
  const read = periods.read.reduce((a, b) => a + b, 0);
  const frames = seen.flatMap((list, broadcast) => list.map((frame) => ({ broadcast, frame })));
  const open = (given) => openFrames(app, all, { of: [person], ...given });

  put(
    place,
    h(
      "header",
      { class: "person-head" },
      portrait(run, person, 132, { alone: true }),
      h(
        "div",
        {},
        h("p", { class: "kicker" }, "Person"),
        h("h1", {}, name),
        h(
          "p",
          { class: "quiet" },
          `ID ${id} · ${NAME_FROM[people.name_from[person]] ?? (people.name_from[person] ? `the name is from ${people.name_from[person]}` : "nobody has given a name yet")} · number ${count(person + 1)} of ${counted(people.person_id.length, "person", "people")} by screen time`,
        ),
        about.hosts.includes(person) &&
          h("p", { class: "badge" }, "always on air: a host, whom everybody is seen with"),
      ),
    ),
    figures([
      [duration(n_frames * still), "on the screen"],
      [share(read ? on_screen.reduce((sum, list) => sum + list.length, 0) / read : NaN), "of the airtime read"],
      [
        h(
          "button",
          {
            type: "button",
            class: "link",
            disabled: !n_frames,
            on: { click: () => open({ title: `Frames that show ${name}`, frames }) },
          },
          count(n_frames),
        ),
        n_frames === 1 ? "frame" : "frames",
      ],
      [count(there.length), there.length === 1 ? "broadcast" : "broadcasts"],
      [moments.length ? dayInWords(Math.min(...moments)) : "–", "first seen"],
      [moments.length ? dayInWords(Math.max(...moments)) : "–", "last seen"],
    ]),
    !facts.all &&
      h(
        "p",
        { class: "quiet" },
        "Counted for what the filters let count; in the whole run ",
        duration(people.screen_seconds[person]),
        " on the screen.",
      ),
  );

  const drawing = chart({
    title: `${name}: time on the screen ${{ day: "a day", week: "a week", month: "a month" }[by]}`,
    file: `${id}-screen-time-by-${by}`,
    about,
    periods,
    series: [
      {
        name,
        key: id,
        kind: "bar",
        frames: countIn(periods, on_screen),
        open: (period) =>
          open({ title: `${name}, ${periodInWords(periods, period)}`, frames: framesIn(periods, on_screen, period) }),
      },
    ],
  });
  const partners = partnersOf(run, facts, person);
  sections(place, [
    [
      "Time on the screen",
      periodChoice(app, by),
      drawing.element,
      notCounted(about, " in this chart"),
    ],
    ["Seen with", partners.length ? partnersTable(app, facts, person, partners) : h("p", {}, "With nobody.")],
    [
      "Broadcasts",
      there.length ? broadcastTable(app, facts, person, seen, there, open) : h("p", {}, "In none that count."),
    ],
    there.length > 0 && ["Every appearance", appearanceTable(app, person, seen, there, open)],
    await facesSection(app, all, facts, person, open),
    await sightsSection(app, person, seen, open),
    await wordsSection(person, -1, "Said while this person is on the screen, by whomever", id),
  ]);
  return drawing.end;
}

function partnersTable(app, facts, person, partners) {
  const { run } = app;
  const { about, edges } = run;
  const id = run.people.person_id[person];
  const number = (name, title, help) => ({
    name,
    title,
    help,
    width: "6.5rem",
    value: (k) => partners[k][name],
    cell: (k) => amount(partners[k][name]),
  });
  const ofEdge = (name, title, help) => ({
    name,
    title,
    help,
    wide: true,
    width: "5rem",
    value: (k) => (partners[k].edge < 0 ? NaN : edges[name][partners[k].edge]),
    cell: (k) => (partners[k].edge < 0 ? "–" : decimal(edges[name][partners[k].edge])),
  });
  const made = tableOf({
    label: "Seen with",
    least: "30rem",
    of: ["person", "people"],
    file: `${id}-seen-with.csv`,
    rows: partners.length,
    inSight: 10,
    rowHeight: 42,
    columns: [
      {
        name: "name",
        title: "Person",
        text: true,
        value: (k) => nameOf(run, partners[k].other),
        cell: (k) => personLink(app, partners[k].other, { size: 30 }),
      },
      {
        name: "person_id",
        title: "ID",
        text: true,
        wide: true,
        width: "4.5rem",
        value: (k) => run.people.person_id[partners[k].other],
      },
      {
        ...number("weight", "Weight", "The sum of the layers, each by its weight"),
        cell: (k) =>
          h(
            "a",
            {
              href: pairHref(app, person, partners[k].other),
              "aria-label": `${nameOf(run, person)} and ${nameOf(run, partners[k].other)}: weight ${amount(partners[k].weight)}`,
            },
            amount(partners[k].weight),
          ),
      },
      number("same_frame", "Same frame", "Frames that show both"),
      number("adjacent", "Adjacent", "Frames that show one, after a frame that shows the other"),
      ...(about.layers.includes("within")
        ? [
            {
              ...number(
                "within",
                `Within ${about.within}`,
                `Frames that show one, at most ${about.within} frames after the other`,
              ),
              wide: true,
            },
          ]
        : []),
      { ...number("n_broadcasts", "Broadcasts", "In which they are same frame or adjacent"), wide: true },
      ofEdge("ratio", "Ratio", "Frames that show both, by what chance would give: of the whole run"),
      {
        name: "q",
        title: "Than chance",
        help: "Whether the same frame is more than chance, in the whole run",
        text: true,
        wide: true,
        width: "14rem",
        value: (k) => (partners[k].edge < 0 ? NaN : edges.q[partners[k].edge]),
        cell: (k) => verdict(edges, partners[k].edge).text,
      },
    ],
  });
  const weights = Object.entries(about.weights).filter(([, weight]) => weight);
  const words = weights.map(([layer, weight]) => `${weight} × ${layer.replaceAll("_", " ")}`).join(" + ");
  return [
    h(
      "p",
      { class: "quiet" },
      `Weight = ${words || "as published"}.`,
      !facts.all && " Ratio and chance are of the whole run, not of what the filters let count.",
    ),
    made,
  ];
}

function broadcastTable(app, facts, person, seen, there, open) {
  const { run } = app;
  const { broadcasts, about, people } = run;
  const { unread, replays, stretch, left } = facts;
  const name = nameOf(run, person);
  const readOf = (k) =>
    readIn(
      unread,
      there[k],
      Math.max(1, stretch.from[there[k]]),
      Math.min(stretch.to[there[k]], broadcasts.n_frames[there[k]]),
    );
  const pairs = (rows, { first, last }) => rows.map((row) => [first[row], last[row]]);
  return tableOf({
    label: `Broadcasts with ${name}`,
    least: "30rem",
    of: ["broadcast", "broadcasts"],
    file: `${people.person_id[person]}-broadcasts.csv`,
    rows: there.length,
    inSight: 9,
    rowHeight: 44,
    columns: [
      {
        name: "start",
        title: "On air (UTC)",
        text: true,
        width: "9.5rem",
        value: (k) => utc(broadcasts.start[there[k]]),
        cell: (k) => broadcastLink(app, there[k], seen[there[k]][0], minute(broadcasts.start[there[k]])),
      },
      {
        name: "broadcast",
        title: "Broadcast",
        text: true,
        wide: true,
        width: "13rem",
        value: (k) => broadcasts.broadcast[there[k]],
        cell: (k) => `${broadcasts.show[there[k]] || broadcasts.broadcast[there[k]]} · ${broadcasts.station[there[k]]}`,
      },
      {
        name: "frames",
        title: "Frames",
        width: "5.5rem",
        value: (k) => seen[there[k]].length,
        cell: (k) =>
          h(
            "button",
            {
              type: "button",
              class: "link",
              on: {
                click: () =>
                  open({
                    title: `${name} in ${broadcastName(run, there[k])}`,
                    frames: seen[there[k]].map((frame) => ({ broadcast: there[k], frame })),
                  }),
              },
            },
            count(seen[there[k]].length),
          ),
      },
      {
        name: "screen_seconds",
        title: "On the screen",
        wide: true,
        width: "7rem",
        value: (k) => seen[there[k]].length * about.frame_seconds,
        cell: (k) => duration(seen[there[k]].length * about.frame_seconds),
      },
      {
        name: "share_of_read",
        title: "Of what was read",
        width: "6.5rem",
        wide: true,
        value: (k) => seen[there[k]].length / readOf(k),
        cell: (k) => share(seen[there[k]].length / readOf(k)),
      },
      {
        name: "n_frames",
        title: "Over the broadcast",
        text: true,
        value: (k) => broadcasts.n_frames[there[k]],
        cell: (k) => {
          const broadcast = there[k];
          const runs = runsOf(seen[broadcast]);
          const gaps = pairs(rowsOf(unread, broadcast), unread);
          const label = `${name} is seen in ${counted(runs.length, "stretch", "stretches")} of ${counted(broadcasts.n_frames[broadcast], "frame")}`;
          return strip(
            broadcasts.n_frames[broadcast],
            [{ look: 0, runs }],
            { gaps, replays: pairs(rowsOf(replays, broadcast), replays) },
            label,
          );
        },
      },
    ],
  });
}

function appearanceTable(app, person, seen, there, open) {
  const { run } = app;
  const { about, people } = run;
  const gap = gapSeconds(about);
  const rows = there.flatMap((broadcast) =>
    stretchesOf(seen[broadcast], (frame) => run.secondsOf(broadcast, frame), about.frame_seconds, gap).map((each) => ({
      broadcast,
      ...each,
    })),
  );
  const from = (k) => momentOf(run, { broadcast: rows[k].broadcast, frame: rows[k].first });
  const to = (k) => momentOf(run, { broadcast: rows[k].broadcast, frame: rows[k].last }) + about.frame_seconds;
  const made = tableOf({
    label: `Appearances of ${nameOf(run, person)}`,
    least: "30rem",
    of: ["appearance", "appearances"],
    file: `${people.person_id[person]}-appearances.csv`,
    rows: rows.length,
    inSight: 9,
    columns: [
      {
        name: "start",
        title: "From (UTC)",
        text: true,
        width: "11rem",
        value: (k) => utc(from(k)),
        cell: (k) => {
          const { broadcast, first, last } = rows[k];
          const frames = seen[broadcast]
            .filter((frame) => frame >= first && frame <= last)
            .map((frame) => ({ broadcast, frame }));
          return h(
            "button",
            {
              type: "button",
              class: "link",
              on: { click: () => open({ title: `${nameOf(run, person)}, ${second(from(k))}`, frames }) },
            },
            second(from(k)),
          );
        },
      },
      {
        name: "end",
        title: "To",
        text: true,
        wide: true,
        width: "11rem",
        value: (k) => utc(to(k)),
        cell: (k) => second(to(k)),
      },
      {
        name: "screen_seconds",
        title: "On the screen",
        width: "7.5rem",
        value: (k) => rows[k].n * about.frame_seconds,
        cell: (k) => duration(rows[k].n * about.frame_seconds),
      },
      { name: "n_frames", title: "Frames", wide: true, width: "5rem", value: (k) => rows[k].n },
      { name: "first_frame", title: "First frame", wide: true, width: "6rem", value: (k) => rows[k].first },
      { name: "last_frame", title: "Last frame", wide: true, width: "6rem", value: (k) => rows[k].last },
      {
        name: "broadcast",
        title: "Broadcast",
        text: true,
        value: (k) => run.broadcasts.broadcast[rows[k].broadcast],
        cell: (k) => broadcastLink(app, rows[k].broadcast, rows[k].first),
      },
    ],
  });
  return [h("p", { class: "quiet" }, `Sightings with at most ${duration(gap)} between them are one appearance.`), made];
}

async function facesSection(app, all, { faces, stretch }, person, open) {
  const { run } = app;
  if (!has("distances")) return null;
  const { distance } = await columns("distances", ["distance"]);
  const boxes = has("boxes") ? await columns("boxes", ["top", "right", "bottom", "left"]) : null;
  const rows = [];
  for (let broadcast = 0; broadcast + 1 < faces.first.length; broadcast++) {
    const begin = lowerBound(faces.frame, stretch.from[broadcast], faces.first[broadcast], faces.first[broadcast + 1]);
    for (let row = begin; row < faces.first[broadcast + 1] && faces.frame[row] <= stretch.to[broadcast]; row++) {
      if (faces.person[row] === person) rows.push({ broadcast, frame: faces.frame[row], row });
    }
  }
  if (!rows.length) return null;
  const away = ({ row }) => (distance[row] / 255) * run.about.distance_scale;
  rows.sort((a, b) => distance[a.row] - distance[b.row]);
  const nearest = apart(rows, NEAREST);
  const furthest = apart(rows.toReversed(), NEAREST);
  const here = rows.filter((each) => all.source(each, [person]).src);
  const cards = (list, label) =>
    h(
      "ul",
      { class: "faces", "aria-label": label },
      list.map((each, k) => {
        const box = boxes && [boxes.top[each.row], boxes.right[each.row], boxes.bottom[each.row], boxes.left[each.row]];
        const source = all.source(each, [person]);
        const crop = box && faceCrop(all, each, person, box);
        return h(
          "li",
          {},
          h(
            "button",
            {
              type: "button",
              on: {
                click: () =>
                  open({
                    title: label,
                    frames: list,
                    at: k,
                    note: (frame) => `Distance from the middle: ${away(frame).toFixed(3)}`,
                  }),
              },
            },
            crop ?? h("span", { class: "crop blank", style: { "--side": "96px" }, "data-text": SHORT[source.tier] }),
            h("span", { class: "distance" }, h("span", { class: "unseen" }, "Distance "), away(each).toFixed(2)),
            h(
              "small",
              { class: "quiet" },
              `${minute(run.broadcasts.start[each.broadcast]).slice(0, 10)}, ${clock(run.secondsOf(each.broadcast, each.frame))}`,
            ),
          ),
        );
      }),
    );
  return [
    "Is it one person?",
    h(
      "p",
      {},
      "Faces nearest to the middle of this person should look alike. Those furthest away are where somebody else would be first: look at them before you believe a number.",
    ),
    h(
      "p",
      { class: "quiet" },
      `A small number is near; the spread of this person is ${decimal(run.people.spread[person])}, and ${counted(run.people.n_outliers[person], "face lies", "faces lie")} far out.`,
    ),
    !all.served &&
      here.length > 0 && [
        h(
          "h3",
          {},
          "With a picture in this folder ",
          h("span", { class: "quiet" }, `${count(here.length)} of ${counted(rows.length, "face")}, nearest first`),
        ),
        cards(apart(here, SHIPPED, 1), "With a picture in this folder"),
      ],
    h("h3", {}, all.served ? "Nearest" : "Nearest of all"),
    cards(nearest, "Nearest to the middle"),
    h("h3", {}, all.served ? "Furthest" : "Furthest of all"),
    cards(furthest, "Furthest from the middle"),
  ];
}

/** The first faces of a list, none within a few frames of another: those of one shot are all alike. */
function apart(rows, most, frames = APART) {
  const chosen = [];
  for (const each of rows) {
    if (chosen.length === most) break;
    if (!chosen.some((one) => one.broadcast === each.broadcast && Math.abs(one.frame - each.frame) < frames))
      chosen.push(each);
  }
  return chosen;
}
