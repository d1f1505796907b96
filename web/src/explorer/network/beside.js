// What stands beside the picture: whose ties are shown, or which pair is pointed at.
import { fill, h } from "../../common/dom.js";
import { amount, count, counted, duration } from "../../common/format.js";
import { nameOf, pairHref, personLink, portrait } from "../parts/names.js";
import { COUNTS, otherOf } from "./drawn.js";

const MOST = 8; // ties that are listed

/**
 * Make the place beside the picture.
 *
 * @param {import("../main.js").App} app
 * @param {() => import("./drawn.js").Drawn} now what is drawn
 */
export function beside(app, now) {
  const { run } = app;
  const element = h("aside", { class: "beside", "aria-label": "Ties" });
  const quiet = (...text) => h("p", { class: "quiet" }, ...text);
  const who = (person, size) => h("p", { class: "who" }, personLink(app, person, { size }));

  return {
    element,
    nobody() {
      fill(element, quiet("Point at a person, or go there with the arrow keys, to see whom they are seen with."));
    },
    person(person, marked) {
      const ties = now().ties.get(person);
      const tie = (row) => {
        const other = otherOf(now(), row, person);
        const link = h("a", { href: pairHref(app, person, other) }, nameOf(run, other));
        return h(
          "li",
          {},
          portrait(run, other, 24),
          link,
          h("span", { class: "quiet" }, amount(now().pairs.weight[row])),
        );
      };
      fill(
        element,
        who(person, 56),
        quiet(`${counted(ties.length, "tie")} drawn · ${duration(run.people.screen_seconds[person])} on screen`),
        marked !== null && marked !== person ? h("p", {}, `Marked: ${nameOf(run, marked)}.`) : null,
        h("ol", {}, ties.slice(0, MOST).map(tie)),
        ties.length > MOST ? quiet(`and ${count(ties.length - MOST)} more`) : null,
      );
    },
    pair(row) {
      const { columns, weight } = now().pairs;
      const facts = [["Weight", amount(weight[row])]];
      for (const [name, title] of Object.entries(COUNTS)) facts.push([title, count(columns[name][row])]);
      const fact = ([what, value]) => h("li", {}, h("span", {}, what), h("span", { class: "quiet" }, value));
      fill(
        element,
        who(columns.source[row], 40),
        who(columns.target[row], 40),
        h("ul", { class: "facts" }, facts.map(fact)),
      );
    },
  };
}
