// Everybody, as a table: also who is in no pair that is drawn.
import { h } from "../../common/dom.js";
import { counted, count, day, duration, share } from "../../common/format.js";
import { table } from "../../common/table.js";
import { countFrames } from "../meetings.js";
import { countsAll } from "../filters.js";
import { nameOf, personLink } from "../parts/names.js";

export const title = "People";
export const filters = ["from", "to", "station", "show"];

const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

export async function show(place, address, app) {
  const { run } = app;
  const { people, about } = run;
  const everybody = Array.from(people.person_id.keys());
  const texts = everybody.map((person) => folded(`${nameOf(run, person)} ${people.person_id[person]}`));
  let frames = people.n_frames; // of each under the filters
  let anew = false;

  const find = h("input", {
    type: "search",
    name: "find",
    placeholder: "Name or ID",
    "aria-label": "Name or ID",
    on: { input: narrow },
  });
  const named = h("input", { type: "checkbox", name: "named", on: { change: narrow } });
  const communities = [...new Set(people.community)].filter((number) => number >= 0).sort((a, b) => a - b);
  const community = h(
    "select",
    { name: "community", "aria-label": "Community", on: { change: narrow } },
    h("option", { value: "" }, "All communities"),
    communities.slice(0, 50).map((number) => h("option", { value: number }, `Community ${number + 1}`)),
  );
  const isNamed = (person) => Boolean(people.name_from[person]);
  const seconds = (person) => (anew ? frames[person] * about.frame_seconds : people.screen_seconds[person]);
  const number = (name, title, value, format = count, more = {}) => ({
    name,
    title,
    value,
    cell: (person) => format(value(person)),
    ...more,
  });

  const list = table({
    ...{
      label: "People",
      of: ["person", "people"],
      rows: everybody,
      sort: ["screen_seconds", true],
      rowHeight: 48,
      inSight: 14,
    },
    file: `${about.run}-${about.clustering}-people.csv`,
    columns: [
      {
        name: "name",
        title: "Person",
        text: true,
        width: "auto",
        value: (person) => nameOf(run, person),
        cell: (person) => personLink(app, person, { size: 38 }),
      },
      {
        name: "person_id",
        title: "ID",
        text: true,
        wide: true,
        width: "4.6rem",
        value: (person) => people.person_id[person],
      },
      {
        name: "name_from",
        title: "Name from",
        text: true,
        wide: true,
        width: "6rem",
        value: (person) => people.name_from[person] || "",
      },
      number("screen_seconds", "On screen", seconds, duration, {
        width: "6.8rem",
        help: "Frames that show the person, times the seconds between frames",
      }),
      number("airtime_share", "Of airtime", (person) => people.airtime_share[person], share, {
        wide: true,
        width: "5.6rem",
        help: "Share of all frames that were read",
      }),
      number("n_frames", "Frames", (person) => frames[person], count, { width: "4.6rem" }),
      number("n_broadcasts", "Broadcasts", (person) => people.n_broadcasts[person], count, {
        wide: true,
        width: "6.2rem",
      }),
      number("degree", "Ties", (person) => people.degree[person], count, {
        wide: true,
        width: "4.2rem",
        help: "In the network as configured",
      }),
      number(
        "community",
        "Community",
        (person) => (people.community[person] >= 0 ? people.community[person] + 1 : NaN),
        count,
        { wide: true, width: "6.2rem" },
      ),
      {
        name: "first_seen",
        title: "First seen",
        wide: true,
        width: "6.3rem",
        value: (person) => day(people.first_seen[person]),
      },
      {
        name: "last_seen",
        title: "Last seen",
        wide: true,
        width: "6.3rem",
        value: (person) => day(people.last_seen[person]),
      },
    ],
  });
  const told = h("p", { class: "quiet" });
  place.append(
    h("h1", {}, "People"),
    told,
    h(
      "form",
      { class: "fields narrow", "aria-label": "Which people", on: { submit: (event) => event.preventDefault() } },
      find,
      community,
      h("label", { class: "check" }, named, " Only with a name"),
    ),
    list.element,
  );
  await count_(address.options);

  async function count_(options) {
    anew = !countsAll(options);
    frames = anew ? countFrames(await run.faces(), await run.stretch(options)) : people.n_frames;
    told.textContent = anew
      ? "On screen and frames are those of the broadcasts and days that count; the other columns are of the whole run. Who is not seen there is left out."
      : `Everybody who is on screen, the longest first. ${counted(everybody.filter(isNamed).length, "has", "have")} a name${about.counts.people_left_out ? `; ${counted(about.counts.people_left_out, "person is", "people are")} left out of this page` : ""}.`;
    narrow();
  }

  function narrow() {
    const words = folded(find.value).split(/\s+/).filter(Boolean);
    list.show(
      everybody.filter(
        (person) =>
          words.every((word) => texts[person].includes(word)) &&
          (!named.checked || isNamed(person)) &&
          (community.value === "" || people.community[person] === Number(community.value)) &&
          (!anew || frames[person] > 0),
      ),
    );
  }

  return { change: ({ options }) => count_(options) };
}
