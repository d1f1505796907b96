// People and pairs over time: how long each is on the screen, or what share of what was read.
import { fill, h } from "../../common/dom.js";
import { FILTERS } from "../filters.js";
import { framesWith, meetingsOf } from "../meetings.js";
import { chart, periodInWords } from "../parts/chart.js";
import { counting, notCounted } from "../parts/counting.js";
import { choice, isolated, periodChoice, put, redrawn } from "../parts/layout.js";
import { nameOf, pairLink, personLink } from "../parts/names.js";
import { countIn, divide, framesIn, PERIODS } from "../parts/periods.js";
import { openFrames, pictures } from "../parts/picture.js";

export const title = "Timeline";
export const filters = FILTERS;
export const keys = [
  ["← →", "From day to day, week to week, month to month"],
  ["↑ ↓", "From line to line"],
  ["Enter", "The frames of a point"],
];

const MOST = 6;
const FIRST = 3; // people who are shown where the address names nobody
const OFFERED = 60; // names that are offered while one writes
const AS = { time: "Time on the screen", share: "Share of the airtime read" };
const EACH = { day: "a day", week: "a week", month: "a month" };

export const show = (place, address, app) => redrawn(place, address, (...given) => draw(...given, app));

async function draw(place, address, app) {
  const { run } = app;
  const { about, people } = run;
  const asked = address.of
    .join(",")
    .split(",")
    .flatMap((part) => (part.trim() ? [part.trim().split(/[+ ]/)] : [])); // a "+" of a query may have become a space
  const unknown = asked.flat().filter((id) => run.personOf(id) < 0);
  const items = asked.filter((ids) => ids.length <= 2 && ids.every((id) => run.personOf(id) >= 0)).slice(0, MOST);
  const chosen = asked.length ? items : people.person_id.slice(0, FIRST).map((id) => [id]);
  const facts = await counting(run, address.options);
  const all = await pictures(run);
  const { counted: faces, stretch } = facts;
  const by = PERIODS.includes(address.options.by) ? address.options.by : "day";
  const as = address.options.as === "share" ? "share" : "time";
  const periods = divide(by, run, facts);
  const address_ = (list) =>
    app.href("timeline", list.length ? [list.map((ids) => ids.join("+")).join(",")] : [], {
      by: address.options.by,
      as: address.options.as,
    });

  const series = chosen.map((ids) => {
    const [one, other] = ids.map(run.personOf);
    const name = ids.map((id) => isolated(nameOf(run, run.personOf(id)))).join(" and ");
    const list =
      ids.length === 1 ? framesWith(faces, stretch, one) : byBroadcast(faces, meetingsOf(faces, stretch, one, other));
    return {
      name,
      key: ids.join("+"),
      kind: "line",
      frames: countIn(periods, list),
      open: (period) =>
        openFrames(app, all, {
          title: `${name}, ${periodInWords(periods, period)}`,
          of: ids.map(run.personOf),
          frames: framesIn(periods, list, period),
        }),
    };
  });
  const drawing = series.length
    ? chart({
        title: `${AS[as]} ${EACH[by]}`,
        file: `timeline-${chosen.map((ids) => ids.join("-")).join("_")}-by-${by}${as === "share" ? "-share" : ""}`,
        about,
        periods,
        series,
        as,
      })
    : null;

  put(
    place,
    h("h1", {}, title),
    h(
      "p",
      { class: "quiet" },
      "People: in how many frames each is. Pairs: how many frames show both, or one right after the other. The band below tells how much was read: where it is low, little could be seen of anybody.",
    ),
    unknown.length > 0 &&
      h(
        "p",
        { class: "callout", role: "alert" },
        `Nobody of the ID ${unknown.slice(0, 3).join(", ")} is told of here.`,
      ),
    asked.length > MOST &&
      h("p", { class: "callout", role: "alert" }, `A timeline has at most ${MOST} lines; the first ${MOST} are shown.`),
    h(
      "ul",
      { class: "chosen-people", "aria-label": "What is shown" },
      chosen.map((ids, nth) => chip(app, ids, nth, address_(chosen.filter((_, k) => k !== nth)))),
    ),
    chosen.length < MOST && chooser(app, (ids) => (location.hash = address_([...chosen, ids]))),
    h("div", { class: "choices" }, periodChoice(app, by), choice(app, "as", "What is drawn", AS, as)),
    drawing ? drawing.element : h("p", {}, "Nobody is chosen."),
    notCounted(about),
  );
  return () => drawing?.end();
}

function byBroadcast({ first }, meetings) {
  const list = Array.from({ length: first.length - 1 }, () => []);
  for (const { broadcast, frame } of meetings) list[broadcast].push(frame);
  return list;
}

function chip(app, ids, nth, without) {
  const { run } = app;
  const [one, other] = ids.map(run.personOf);
  const name = ids.map((id) => nameOf(run, run.personOf(id))).join(" and ");
  return h(
    "li",
    { class: "chip" },
    h("span", { class: `swatch fill-${nth}` }),
    ids.length === 1 ? personLink(app, one, { size: 22 }) : pairLink(app, one, other),
    h("a", { href: without, class: "remove", "aria-label": `Take ${name} out` }, "×"),
  );
}

/** Fields by which a person or a pair is added. */
function chooser(app, add) {
  const { run } = app;
  const { person_id, name } = run.people;
  const labels = person_id.map((id, person) =>
    nameOf(run, person).includes(id) ? nameOf(run, person) : `${nameOf(run, person)} (${id})`,
  );
  const folded = labels.map((label) => fold(label));
  const byLabel = new Map(folded.map((label, person) => [label, person]));
  const told = h("span", { role: "status", class: "quiet" });
  const field = (id, label, required) => {
    const list = h("datalist", { id: `${id}-list` });
    const input = h("input", {
      id,
      list: `${id}-list`,
      required,
      autocomplete: "off",
      spellcheck: "false",
      on: { input: offer, focus: offer },
    });
    function offer() {
      const text = fold(input.value);
      const found = [];
      for (let person = 0; person < labels.length && found.length < OFFERED; person++)
        if (folded[person].includes(text)) found.push(person);
      fill(
        list,
        found.map((person) => h("option", { value: labels[person] })),
      );
    }
    return { input, element: h("label", { class: "field" }, h("span", {}, label), input, list) };
  };
  const one = field("timeline-one", "Person", true);
  const other = field("timeline-other", "Together with (for a pair)", false);

  function personIn({ value }) {
    const text = fold(value);
    const exact = byLabel.get(text) ?? run.personOf(value.trim().toUpperCase());
    if (exact >= 0) return exact;
    const named = name.flatMap((each, person) => (fold(each ?? "") === text ? [person] : []));
    const like = named.length ? named : folded.flatMap((label, person) => (label.includes(text) ? [person] : []));
    return like.length === 1 ? like[0] : -1;
  }

  function submit(event) {
    event.preventDefault();
    const people = [one.input, other.input].filter((input) => input.value.trim()).map(personIn);
    if (people.includes(-1) || new Set(people).size < people.length) {
      told.textContent = people.includes(-1) ? "Which person? Choose one of the list." : "A pair is of two people.";
      return;
    }
    add(people.map((person) => person_id[person]));
  }

  return h(
    "form",
    { class: "fields chooser", "aria-label": "Add a line", on: { submit } },
    one.element,
    other.element,
    h("button", {}, "Add"),
    told,
  );
}

const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").trim().toLowerCase();
