// The pictures that a person is seen with, more than others are: settings, groups of pictures, and labels.
import { h } from "../../common/dom.js";
import { count, counted, decimal } from "../../common/format.js";
import { columns, has } from "../data.js";
import { lowerBound } from "../meetings.js";
import { tableOf } from "./layout.js";
import { broadcastLink, broadcastName, nameOf, personLink } from "./names.js";

const TITLE = { setting: "Setting ", group: "Group " };
const MOST_OTHERS = 4; // people whom a group is told to stand out for, too

/**
 * Make the section; null where the run has no frames as wholes, or nothing stands out.
 *
 * @param {Object} app
 * @param {number} person
 * @param {number[][]} seen of each broadcast the frames that show the person, and count
 * @param {(given: Object) => void} open shows frames large
 */
export async function sightsSection(app, person, seen, open) {
  if (!has("seen_with")) return null;
  const { run } = app;
  const with_ = await columns("seen_with", ["person", "sight", "n", "n_pictures", "z"]);
  const mine = Array.from(with_.person.keys()).filter((row) => with_.person[row] === person);
  if (!mine.length) return null;
  const sights = await columns("sights", [
    ...["kind", "name", "labels", "broadcast", "frame", "n_frames", "n_broadcasts"],
  ]);
  const pictured = new Set((await columns("group_pictures", ["sight"])).sight);
  const sighted = await columns("sighted", ["begins", "broadcast", "first", "last"]);
  const name = nameOf(run, person);
  const rows = mine.map((row) => {
    const sight = with_.sight[row];
    const frames = framesOf(sighted, sight, seen);
    const kind = sights.kind[sight];
    return { sight, frames, kind, z: with_.z[row], title: `${TITLE[kind] ?? ""}${sights.name[sight]}` };
  });
  const others = othersOf(with_, rows, person);
  const show = ({ frames, title }) => open({ title: `${name}: ${title}`, frames });
  const of = (kind) => rows.filter((each) => each.kind === kind);
  const cards = (kind, title, told) =>
    of(kind).length > 0 && [
      h("h3", {}, title, " ", h("span", { class: "quiet" }, told)),
      h(
        "ul",
        { class: "sights", "aria-label": title },
        of(kind).map((each) => card(app, sights, pictured, each, others.get(each.sight) ?? [], show)),
      ),
    ];
  const labels = of("label");
  const { visual, counts } = run.about;
  return [
    "Pictures that stand out",
    h(
      "p",
      { class: "quiet" },
      "What is in the pictures that show this person, more than in others. ",
      `z, of the whole run: how far more than chance. Looked at: ${counted(visual.frames, "frame")}`,
      visual.broadcasts < counts.broadcasts_read &&
        ` of ${counted(visual.broadcasts, "broadcast")}; ${count(counts.broadcasts_read)} were read`,
      ".",
    ),
    cards("setting", "Settings", "pictures of the same colours, such as those of a studio by all its cameras"),
    cards("group", "Groups", "pictures that are alike"),
    labels.length > 0 && [
      h("h3", {}, "Labels"),
      h("p", { class: "quiet" }, "Guesses of a network, often wrong: look at the frames."),
      labelTable(app, sights, labels, others, show, run.people.person_id[person]),
    ],
  ];
}

/** Of the frames that show a person those that show a sight, too. */
function framesOf({ begins, broadcast, first, last }, sight, seen) {
  const found = [];
  for (let row = begins[sight]; row < begins[sight + 1]; row++) {
    const frames = seen[broadcast[row]];
    for (let k = lowerBound(frames, first[row], 0, frames.length); k < frames.length && frames[k] <= last[row]; k++)
      found.push({ broadcast: broadcast[row], frame: frames[k] });
  }
  return found;
}

/** For whom each of these sights stands out, too: who most first. */
function othersOf({ person, sight, z }, rows, but) {
  const found = new Map(rows.map((each) => [each.sight, []]));
  for (let row = 0; row < person.length; row++) {
    if (person[row] !== but) found.get(sight[row])?.push(row);
  }
  for (const each of found.values()) each.sort((a, b) => z[b] - z[a]);
  return new Map([...found].map(([key, list]) => [key, list.map((row) => person[row])]));
}

function card(app, sights, pictured, each, others, show) {
  const { run } = app;
  const { sight, frames, kind, title, z } = each;
  const place = [sights.broadcast[sight], sights.frame[sight]];
  const labels = sights.labels[sight];
  const picture = pictured.has(sight)
    ? h("img", { src: `groups/${kind}-${sights.name[sight]}.jpg`, alt: "", loading: "lazy", decoding: "async" })
    : h("span", { class: "no-picture" }, "no picture here");
  return h(
    "li",
    {},
    h(
      "button",
      { type: "button", disabled: !frames.length, on: { click: () => show(each) } },
      h("span", { class: "frame" }, picture),
      h("b", {}, title),
      h("span", {}, `${counted(frames.length, "frame")}, z ${decimal(z)}`),
    ),
    labels.length > 0 && h("p", { class: "quiet" }, labels.join(", ")),
    h(
      "p",
      {},
      place[0] >= 0 && [
        broadcastLink(app, ...place, "In its broadcast"),
        h("span", { class: "unseen" }, `: ${broadcastName(run, place[0])}, frame ${count(place[1])}`),
        h("br"),
      ],
      h(
        "span",
        { class: "quiet" },
        `${counted(sights.n_frames[sight], "frame")} in ${counted(sights.n_broadcasts[sight], "broadcast")} in all`,
      ),
    ),
    others.length > 0 && h("p", { class: "also" }, "Also seen with: ", people(app, others)),
  );
}

const people = (app, others) => [
  others
    .slice(0, MOST_OTHERS)
    .map((other, k) => [k > 0 && ", ", personLink(app, other, { picture: false })]),
  others.length > MOST_OTHERS && ` and ${count(others.length - MOST_OTHERS)} more`,
];

function labelTable(app, sights, labels, others, show, id) {
  return tableOf({
    label: "Labels that stand out",
    least: "16rem",
    of: ["label", "labels"],
    file: `${id}-labels.csv`,
    rows: labels.length,
    columns: [
      {
        name: "label",
        title: "Label",
        text: true,
        value: (k) => sights.name[labels[k].sight],
        cell: (k) => h("bdi", {}, sights.name[labels[k].sight]),
      },
      {
        name: "n_frames",
        title: "Frames",
        help: "That show this person and have the label",
        width: "5.5rem",
        value: (k) => labels[k].frames.length,
        cell: (k) =>
          h(
            "button",
            {
              type: "button",
              class: "link",
              disabled: !labels[k].frames.length,
              "aria-label": `${counted(labels[k].frames.length, "frame")}: ${labels[k].title}`,
              on: { click: () => show(labels[k]) },
            },
            count(labels[k].frames.length),
          ),
      },
      { name: "z", title: "z", width: "5rem", value: (k) => labels[k].z, cell: (k) => decimal(labels[k].z) },
      {
        name: "others",
        title: "Also seen with",
        text: true,
        wide: true,
        width: "60%",
        value: (k) => (others.get(labels[k].sight) ?? []).map((other) => nameOf(app.run, other)).join("; "),
        cell: (k) => h("span", { class: "also" }, people(app, others.get(labels[k].sight) ?? [])),
      },
    ],
  });
}
