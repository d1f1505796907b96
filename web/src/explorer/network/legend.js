// The communities, each with its colour, its number and whom it is about; a press shows one alone.
import { fill, h } from "../../common/dom.js";
import { count } from "../../common/format.js";
import { nameOf, ringOf } from "../parts/names.js";

const COLOURED = 10; // communities, the largest, that have a colour of their own
const NAMED = 3;

export function legend(app) {
  const { run } = app;
  const element = h("ul", { class: "communities", "aria-label": "Communities" });
  return {
    element,
    /** @param {import("./drawn.js").Drawn} drawn */
    show({ people, strength }, options) {
      const members = new Map();
      for (const person of people) {
        const community = run.people.community[person];
        if (community < 0) continue;
        if (!members.has(community)) members.set(community, []);
        members.get(community).push(person);
      }
      const entry = ([community, of]) => {
        const on = Number(options.community) === community + 1;
        const first = of.toSorted((a, b) => strength.get(b) - strength.get(a)).slice(0, NAMED);
        const names = first.map((person) => nameOf(run, person)).join(", ");
        const more = of.length > NAMED ? ` and ${count(of.length - NAMED)} more` : "";
        const press = () => app.change({ community: on ? "" : community + 1 });
        return h(
          "li",
          {},
          h(
            "button",
            { type: "button", class: "small", "aria-pressed": String(on), on: { click: press } },
            h("span", { class: "dot", style: { background: ringOf(run, of[0]) } }),
            `${community + 1} `,
            h("span", { class: "quiet" }, names, more),
          ),
        );
      };
      const all = [...members].sort(([a], [b]) => a - b);
      const others = all.length - COLOURED;
      fill(
        element,
        all.slice(0, COLOURED).map(entry),
        others > 0 ? h("li", { class: "quiet" }, `and ${count(others)} more, in grey`) : null,
      );
    },
  };
}
