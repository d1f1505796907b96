// The kinds of pictures, each with its colour and shape; a press picks all of a kind.
import { fill, h } from "../common/dom.js";
import { count, counted } from "../common/format.js";
import { foreign, swatch } from "./parts.js";

const AT_FIRST = 30;
const MORE = 100;
const SEARCHED = 40; // kinds from which on they can be searched

/**
 * @param {(key: string, on: boolean) => void} press
 * @param {() => void} clear
 */
export function legend(press, clear) {
  let colouring;
  let picked = new Set();
  let most = AT_FIRST;
  let word = "";
  const heading = h("h2", {});
  const everything = h("button", { type: "button", class: "small", on: { click: clear } }, "Let go");
  const search = h("input", {
    ...{ type: "search", class: "small", "aria-label": "Search the legend", placeholder: "Search here" },
    on: {
      input: () => {
        word = search.value.trim().toLowerCase();
        draw();
      },
    },
  });
  const list = h("ul", {});
  const more = h("button", { type: "button", class: "small", on: { click: () => draw((most += MORE)) } });
  const note = h("p", { class: "quiet" });
  const element = h(
    "section",
    { class: "legend", "aria-label": "Legend" },
    h("div", { class: "beside-ends" }, heading, everything),
    search,
    h("div", { class: "kinds", tabindex: 0, role: "group", "aria-label": "Kinds of pictures" }, list, more),
    note,
  );

  function draw() {
    const found = colouring.kinds.filter(
      ({ key, title, more: other }) =>
        !word || picked.has(key) || `${title} ${other ?? ""}`.toLowerCase().includes(word),
    );
    // What is none comes last, and is there whatever is left out; so is what is picked.
    const shown = found.filter(({ key, none }, n) => n < most || none || picked.has(key));
    fill(list, shown.map(entry));
    more.hidden = shown.length === found.length;
    more.textContent = `${counted(found.length - shown.length, "kind")} more`;
    if (!found.length) fill(list, h("li", { class: "quiet" }, "Nothing is called so."));
  }

  function entry(kind) {
    const on = picked.has(kind.key);
    const act = () => press(kind.key, !on);
    const button = h(
      "button",
      { type: "button", "aria-pressed": String(on), "data-key": kind.key, on: { click: act } },
      swatch(kind),
      h(
        "span",
        { class: "title" },
        foreign(kind.title),
        kind.more && h("small", { class: "quiet" }, " ", foreign(kind.more)),
      ),
      h("span", { class: "number" }, count(kind.n)),
    );
    return h("li", {}, button);
  }

  return {
    element,
    show(title, given, keys) {
      if (colouring?.kinds.length !== given.kinds.length) most = AT_FIRST;
      const had = list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
      colouring = given;
      picked = keys;
      heading.textContent = title;
      everything.hidden = !keys.size;
      search.hidden = given.kinds.length <= SEARCHED;
      if (search.hidden) word = search.value = "";
      const plain = given.kinds.filter((kind) => kind.plain).length;
      note.textContent = [given.note, plain && `${counted(plain, "kind")} beyond those with a colour are grey.`]
        .filter(Boolean)
        .join(" ");
      draw();
      if (had !== null) [...list.querySelectorAll("button")].find(({ dataset }) => dataset.key === had)?.focus();
    },
  };
}
