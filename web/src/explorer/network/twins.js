// What is drawn of the network as tables: for who cannot see the picture, and for who wants the numbers.
import { h } from "../../common/dom.js";
import { amount, count } from "../../common/format.js";
import { table } from "../../common/table.js";
import { nameOf, pairLink, personLink } from "../parts/names.js";
import { COUNTS, otherOf } from "./drawn.js";

/**
 * Make the tables of pairs and of people.
 *
 * @param {import("../main.js").App} app
 * @param {() => import("./drawn.js").Drawn} now what is drawn
 * @param {(what: string) => string} file names a file
 * @returns {{element: HTMLElement, show: () => void}}
 */
export function twins(app, now, file) {
  const { run } = app;
  const { person_id, community } = run.people;
  const ends = (row) => {
    const { source, target } = now().pairs.columns;
    return [source[row], target[row]];
  };
  const id = { title: "ID", saved: true };
  const weight = (row) => now().pairs.weight[row];
  const strength = (person) => now().strength.get(person);
  const strongest = (person) => otherOf(now(), now().ties.get(person)[0], person);
  const numbered = (person) => (community[person] >= 0 ? community[person] + 1 : NaN);
  const size = { rows: 0, rowHeight: 40, inSight: 10 };

  const pairs = table({
    ...{ label: "Pairs drawn", of: ["pair", "pairs"], file: file("pairs"), ...size },
    columns: [
      {
        ...{ name: "pair", title: "Pair", text: true },
        value: (row) =>
          ends(row)
            .map((person) => nameOf(run, person))
            .join(" and "),
        cell: (row) => pairLink(app, ...ends(row)),
      },
      { ...id, name: "source", value: (row) => person_id[ends(row)[0]] },
      { ...id, name: "target", value: (row) => person_id[ends(row)[1]] },
      { name: "weight", title: "Weight", width: "4.8rem", value: weight, cell: (row) => amount(weight(row)) },
      ...Object.entries(COUNTS).map(([name, title]) => ({
        ...{ name, title, width: "6rem", wide: name !== "same_frame" },
        value: (row) => now().pairs.columns[name][row],
        cell: (row) => count(now().pairs.columns[name][row]),
      })),
    ],
  });
  const people = table({
    ...{ label: "People drawn", of: ["person", "people"], file: file("people"), ...size },
    columns: [
      {
        ...{ name: "name", title: "Person", text: true },
        value: (person) => nameOf(run, person),
        cell: (person) => personLink(app, person),
      },
      { ...id, name: "person_id", value: (person) => person_id[person] },
      {
        ...{ name: "community", title: "Community", width: "6rem", wide: true },
        value: numbered,
        cell: (person) => count(numbered(person)),
      },
      { name: "ties", title: "Ties drawn", width: "4.2rem", value: (person) => now().ties.get(person).length },
      {
        ...{ name: "strength", title: "Weight of ties", width: "5rem" },
        value: strength,
        cell: (person) => amount(strength(person)),
      },
      {
        ...{ name: "strongest", title: "Strongest tie", text: true, wide: true },
        value: (person) => nameOf(run, strongest(person)),
        cell: (person) => personLink(app, strongest(person), { picture: false }),
      },
    ],
  });
  return {
    element: h(
      "section",
      { class: "twins" },
      h("div", {}, h("h2", {}, "Pairs drawn"), pairs.element),
      h("div", {}, h("h2", {}, "People drawn"), people.element),
    ),
    show() {
      pairs.show(now().rows);
      people.show(now().people);
    },
  };
}
