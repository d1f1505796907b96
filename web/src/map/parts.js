// A picture as it is shown and told of: small ones out of the sheets, swatches, and words.
import { h } from "../common/dom.js";
import { count, counted, second } from "../common/format.js";
import { cellOf, explorer, sheet } from "./run.js";

/** A small picture, so many pixels wide. It says nothing to who cannot see it: words stand beside it. */
export function thumb(run, picture, width) {
  const grid = run.about.large;
  const { page, left, top } = cellOf(grid, picture);
  const scale = width / grid.width;
  return h("span", {
    class: "thumb",
    "aria-hidden": "true",
    style: {
      width: `${width}px`,
      height: `${Math.round(grid.height * scale)}px`,
      "background-image": `url("${sheet(page)}")`,
      "background-size": `${grid.columns * width}px auto`,
      "background-position": `${-left * scale}px ${-top * scale}px`,
    },
  });
}

/** The colour and shape of a kind. */
export function swatch({ colour, shape }) {
  const drawn = [
    () => h("svg:circle", { cx: 8, cy: 8, r: 6.4 }),
    () => h("svg:rect", { x: 2.4, y: 2.4, width: 11.2, height: 11.2 }),
    () => h("svg:polygon", { points: "8,1.6 14.9,13.6 1.1,13.6" }),
    () => h("svg:polygon", { points: "8,0.8 15.2,8 8,15.2 0.8,8" }),
  ][shape];
  return h(
    "svg:svg",
    { viewBox: "0 0 16 16", class: "swatch", "aria-hidden": "true", style: { fill: colour } },
    drawn ? drawn() : h("svg:circle", { cx: 8, cy: 8, r: 3.6 }),
  );
}

/** Text that comes from somewhere else: whatever is written in it, what stands beside it stays where it is. */
export const foreign = (text) => h("bdi", {}, text);

export const peopleOf = (run, picture) => run.peopleIn(picture).map(run.personName);

export const facesOf = (run, picture) =>
  run.pictures.n_faces[picture] ? counted(run.pictures.n_faces[picture], "face") : "no face";

export const alikeOf = (run, picture) =>
  run.pictures.n_frames[picture] > 1 ? `${count(run.pictures.n_frames[picture])} frames are like it` : "";

/** All that is said of a picture, for who hears it. */
export function inWords(run, picture) {
  const people = peopleOf(run, picture);
  const labels = run.labelsOf(picture).map(({ name }) => name);
  return [
    `${run.broadcastName(picture)}, frame ${count(run.pictures.frame[picture])}`,
    run.groupName(picture),
    people.length ? `${facesOf(run, picture)}: ${people.join(", ")}` : facesOf(run, picture),
    labels.slice(0, 3).join(", "),
  ]
    .filter(Boolean)
    .join("; ");
}

/** What is shown beside a picture that is pointed at. */
export function card(run, picture, kind) {
  const people = peopleOf(run, picture);
  const labels = run.labelsOf(picture).slice(0, 3);
  const k = run.pictures.broadcast[picture];
  return h(
    "div",
    {},
    thumb(run, picture, 240),
    h("p", { class: "strong" }, foreign(run.broadcasts.show[k] || run.broadcasts.broadcast[k])),
    h(
      "p",
      {},
      `${foreignStation(run, k)}${second(run.pictures.time[picture])} UTC · frame ${count(run.pictures.frame[picture])}`,
    ),
    h("p", {}, swatch(kind), " ", run.groupName(picture), ` · ${facesOf(run, picture)}`),
    people.length > 0 && h("p", {}, foreign(people.join(", "))),
    labels.length > 0 && h("p", { class: "quiet" }, foreign(labels.map(({ name }) => name).join(", "))),
  );
}

const foreignStation = (run, k) => (run.broadcasts.station[k] ? `${run.broadcasts.station[k]} · ` : "");

/** A link to a person in the explorer, or the name alone where there is none. */
export function personLink(run, person) {
  const name = foreign(run.personName(person));
  const href = explorer(run, `person/${encodeURIComponent(run.people.person_id[person])}`);
  return href ? h("a", { href }, name) : name;
}

/** Where else a picture can be seen: at its source, and in the explorer. */
export function elsewhere(run, picture) {
  const href = run.link(picture);
  const file = /^file:/i.test(href);
  const k = run.pictures.broadcast[picture];
  const id = encodeURIComponent(run.broadcasts.broadcast[k]);
  const there = explorer(run, `broadcast/${id}?frame=${run.pictures.frame[picture]}`);
  return [
    there && h("a", { href: there }, "In the explorer"),
    href &&
      h(
        "a",
        { href, target: "_blank", rel: "noopener noreferrer" },
        file ? "Open the recording" : "At the archive",
        h("span", {}, file ? " ▤ " : " ↗ ", h("small", {}, file ? "a file of this machine" : "goes online")),
      ),
  ].filter(Boolean);
}
