// Which pictures are there at all: stations, shows, days, and words in what is said of them.
import { h } from "../common/dom.js";
import { day } from "../common/format.js";
import { beginOf } from "../explorer/filters.js";
import { peopleOf } from "./parts.js";

export const FILTERS = ["text", "station", "show", "from", "to"];
const DAY = 86_400;
const PAUSE = 200; // milliseconds in which nobody writes, after which words count

/** Tell which pictures the filters leave. */
export function shownBy(run, options, texts) {
  const { pictures, broadcasts } = run;
  const shown = new Uint8Array(run.n);
  const begin = beginOf(options.from);
  const end = beginOf(options.to) + DAY;
  const words = (options.text ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  for (let n = 0; n < run.n; n++) {
    const k = pictures.broadcast[n];
    if (options.station && broadcasts.station[k] !== options.station) continue;
    if (options.show && broadcasts.show[k] !== options.show) continue;
    if (begin > pictures.time[n] || end <= pictures.time[n]) continue;
    if (words.length && !words.every((word) => written(run, n, texts).includes(word))) continue;
    shown[n] = 1;
  }
  return shown;
}

const known = { texts: undefined, of: [] };

/** All that is written of a picture, in small letters. */
function written(run, picture, texts) {
  if (known.texts !== texts) Object.assign(known, { texts, of: [] });
  const k = run.pictures.broadcast[picture];
  return (known.of[picture] ??= [
    run.broadcasts.broadcast[k],
    run.broadcasts.show[k],
    ...peopleOf(run, picture),
    ...run.labelsOf(picture).map(({ name }) => name),
    texts?.[picture] ?? "",
  ]
    .join("\n")
    .toLowerCase());
}

/** The filters as fields: they write the address, and the page reads that. */
export function filterBar(run, change) {
  const { broadcasts, pictures } = run;
  const days = [pictures.time[0], pictures.time.at(-1)];
  for (const time of pictures.time) {
    if (time < days[0]) days[0] = time;
    if (time > days[1]) days[1] = time;
  }
  const set = (name) => (event) => change({ [name]: event.target.value });
  const date = (name) =>
    h("input", { type: "date", name, min: day(days[0]), max: day(days[1]), on: { change: set(name) } });
  const choice = (name, all, values) =>
    h(
      "select",
      { name, on: { change: set(name) } },
      h("option", { value: "" }, all),
      values.map((value) => h("option", { value }, value)),
    );
  const stations = distinct(broadcasts.station);
  const shows = distinct(broadcasts.show);
  let waiting = 0;
  const text = h("input", {
    ...{ type: "search", name: "text", placeholder: "a label, a person, a word" },
    on: {
      input: () => {
        clearTimeout(waiting);
        waiting = setTimeout(() => change({ text: text.value }, { quietly: true }), PAUSE);
      },
    },
  });
  const fields = {
    text,
    station: choice("station", "All stations", stations),
    show: choice("show", "All shows", shows),
    from: date("from"),
    to: date("to"),
  };
  const labels = { text: "With", station: "Station", show: "Show", from: "From", to: "To" };
  const oneDay = day(days[0]) === day(days[1]);
  const useless = { station: stations.length < 2, show: shows.length < 2, from: oneDay, to: oneDay };
  const clear = h(
    "button",
    {
      type: "button",
      class: "small",
      on: { click: () => change(Object.fromEntries(FILTERS.map((name) => [name, ""]))) },
    },
    "Clear",
  );
  return {
    element: h(
      "form",
      { class: "fields", "aria-label": "Which pictures are there", on: { submit: (event) => event.preventDefault() } },
      Object.entries(fields).map(
        ([name, field]) => !useless[name] && h("label", { class: "field" }, h("span", {}, labels[name]), field),
      ),
      clear,
    ),
    focus: () => text.focus(),
    at(options) {
      for (const [name, field] of Object.entries(fields)) {
        if (field !== document.activeElement || field.tagName === "SELECT") field.value = options[name] ?? "";
      }
      clear.hidden = !FILTERS.some((name) => options[name]);
    },
  };
}

const distinct = (values) =>
  [...new Set(values.filter(Boolean))].sort(new Intl.Collator("en", { numeric: true }).compare);
