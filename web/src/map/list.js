// What the list and its CSV have of each picture.
import { h } from "../common/dom.js";
import { count, second, utc } from "../common/format.js";
import { foreign, peopleOf, thumb } from "./parts.js";

/**
 * @param {import("./run.js").Run} run
 * @param {() => string[] | null} read the text on the screen, once it has come
 * @param {(picture: number) => void} open
 * @returns {import("../common/table.js").Column[]}
 */
export function listColumns(run, read, open) {
  const { pictures, broadcasts } = run;
  const of = (name) => (n) => broadcasts[name][pictures.broadcast[n]];
  const text = (value) => (n) => foreign(value(n));
  const people = (n) => peopleOf(run, n).join("; ");
  const labels = (n) =>
    run
      .labelsOf(n)
      .map(({ name }) => name)
      .join("; ");
  const show = (n) => of("show")(n) || of("broadcast")(n);
  return [
    {
      ...{ name: "show", title: "Picture", text: true, value: show },
      cell: (n) =>
        h(
          "button",
          { type: "button", class: "row-picture", on: { click: () => open(n) } },
          thumb(run, n, 88),
          h("span", {}, foreign(show(n)), h("small", { class: "quiet" }, of("station")(n))),
        ),
    },
    { name: "broadcast", title: "Broadcast", text: true, value: of("broadcast"), saved: true },
    { name: "station", title: "Station", text: true, value: of("station"), saved: true },
    { name: "frame", title: "Frame", value: (n) => pictures.frame[n], width: "4.5rem", wide: true },
    {
      ...{ name: "time", title: "Time (UTC)", text: true, width: "9.9rem" },
      ...{ value: (n) => utc(pictures.time[n]), cell: (n) => second(pictures.time[n]) },
    },
    {
      name: "group",
      title: "Group",
      value: (n) => (pictures.group[n] < 0 ? NaN : pictures.group[n]),
      cell: (n) => (pictures.group[n] < 0 ? "none" : count(pictures.group[n])),
      width: "4.5rem",
    },
    {
      name: "setting",
      title: "Setting",
      value: (n) => (pictures.setting[n] < 0 ? NaN : pictures.setting[n]),
      saved: true,
    },
    { name: "n_faces", title: "Faces", value: (n) => pictures.n_faces[n], width: "4.2rem", wide: true },
    { name: "n_frames", title: "Frames alike", value: (n) => pictures.n_frames[n], width: "5rem", wide: true },
    { name: "people", title: "People", text: true, value: people, cell: text(people), wide: true },
    {
      name: "person_ids",
      title: "IDs",
      text: true,
      value: (n) =>
        run
          .peopleIn(n)
          .map((person) => run.people.person_id[person])
          .join("; "),
      saved: true,
    },
    { name: "labels", title: "Labels", text: true, value: labels, cell: text(labels), wide: true },
    { name: "text", title: "Text", text: true, value: (n) => read()?.[n] ?? "", saved: true },
    { name: "link", title: "Link", text: true, value: (n) => run.link(n), saved: true },
  ];
}
