// How the views of people, pairs, broadcasts and of time are laid out.
import "../../style/views.css";

import { fill, h } from "../../common/dom.js";
import { table } from "../../common/table.js";
import { PERIODS } from "./periods.js";

/** Add children to an element; false, null and undefined are left out. */
export const put = (place, ...children) =>
  place.append(...children.flat(Infinity).filter((child) => child !== false && child != null));

/** Numbers in large type, with what they are below: [number or element, what it is]. */
export const figures = (given) =>
  h(
    "dl",
    { class: "figures" },
    given.filter(Boolean).map(([value, what]) => h("div", {}, h("dt", {}, what), h("dd", {}, value))),
  );

/** Parts of a view, each under its heading: [heading, ...what is below]; what is not there is left out. */
export function sections(place, given) {
  for (const section of given.filter(Boolean)) {
    const [heading, ...children] = section;
    place.append(h("section", {}, h("h2", {}, heading), ...children));
  }
}

/** A table as an element, which on small pages is scrolled rather than pressed together. */
export function tableOf({ least = "24rem", ...given }) {
  const { element } = table(given);
  element.style.setProperty("--least", least);
  return element;
}

/** A row of choices of which one holds, which the address tells. */
export function choice(app, name, label, values, now) {
  return h(
    "div",
    { class: "choice", role: "group", "aria-label": label },
    Object.entries(values).map(([value, title]) =>
      h(
        "button",
        {
          type: "button",
          class: "small",
          "aria-pressed": String(value === String(now)),
          "data-choice": `${name}=${value}`,
          on: { click: () => app.change({ [name]: value }) },
        },
        title,
      ),
    ),
  );
}

export const periodChoice = (app, by) =>
  choice(app, "by", "By", Object.fromEntries(PERIODS.map((each) => [each, `By ${each}`])), by);

/** What is shown where there is nothing of an ID. */
export function missing(place, app, title, why) {
  place.append(
    h("h1", {}, title),
    h("p", {}, why),
    h(
      "p",
      {},
      h("a", { href: app.href("people") }, "All people"),
      " · ",
      h("a", { href: app.href("network") }, "The network"),
    ),
  );
}

/**
 * Show a view that is drawn anew when options of its address change: the reader stays at the same place.
 *
 * @param {(place: HTMLElement, address: import("../address.js").Address) => Promise<(() => void) | undefined>} draw
 *   fills an element, and gives what ends that
 */
export async function redrawn(place, address, draw) {
  let end = await draw(place, address);
  let latest = address;
  return {
    async change(next) {
      latest = next;
      const drawn = h("div");
      const ends = await draw(drawn, next);
      if (latest !== next) return ends?.();
      const at = scrollY;
      const focused = place.contains(document.activeElement) && document.activeElement.dataset.choice;
      end?.();
      end = ends;
      fill(place, ...drawn.childNodes);
      scrollTo(0, at);
      if (focused) place.querySelector(`[data-choice="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
      return undefined;
    },
    end: () => end?.(),
  };
}

/**
 * A name within a sentence: it does not change the direction of what stands around it, and has nothing in it that a
 * file of XML may not have. Where elements can be, `bdi` does the first.
 */
export const isolated = (name) => `\u2068${name.replace(/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/gu, "")}\u2069`;

/** A text that is not too long; what was isolated stays so. */
export function shortened(text, most) {
  const letters = [...text];
  if (letters.length <= most) return text;
  const cut = letters.slice(0, most - 1).join("");
  const open = cut.split("\u2068").length - cut.split("\u2069").length;
  return `${cut}…${"\u2069".repeat(Math.max(0, open))}`;
}
