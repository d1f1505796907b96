// Pictures of faces, and marking them.

import { h } from "../common/dom.js";
import { letter } from "./keys.js";
import { called, faceKey, faceWords, moment, shortened } from "./words.js";

const BADGES = { near: "nearest", far: "furthest", elsewhere: "elsewhere", typical: "typical" };

/** Put a size behind the address of a crop; pictures of a static page have one size. */
export const sized = (address, size) => (isStatic ? address : `${address}?size=${size}`);
export const framed = (address, frame, width) => {
  const at = address.replace("{frame}", frame);
  return isStatic ? at : `${at}?width=${width}`;
};

let isStatic = false;
export const picturesAreStatic = () => {
  isStatic = true;
};

/** A picture, and in its place a sentence where it cannot be had. */
export function picture(address, alt, why = "no picture", props = {}) {
  const none = () => h("span", { class: "none", role: "img", "aria-label": `${alt}: ${why}` }, why);
  if (!address) return none();
  const image = h("img", { src: address, alt, decoding: "async", draggable: "false", fetchpriority: "low", ...props });
  image.addEventListener("error", () => image.replaceWith(none()), { once: true });
  return image;
}

/** Fetch the pictures that are shown next. */
export const prefetch = (rows, size) => {
  for (const { crop } of rows.flatMap((row) => row.faces)) {
    if (crop) Object.assign(new Image(), { fetchPriority: "low", src: sized(crop, size) });
  }
};

/**
 * Faces that can be marked: with a click, with shift for all from the last one, with Enter or X.
 *
 * @param {() => void} changed
 */
export function makeMarking(changed) {
  /** @type {{face: Object, row: Object, tile: HTMLElement}[]} */
  const items = [];
  const marks = new Set();
  let last = -1;
  const draw = () => {
    for (const { face, tile } of items) tile.setAttribute("aria-pressed", String(marks.has(faceKey(face))));
    changed();
  };
  const marking = {
    items,
    /** The marked faces, in their order. */
    marked: () => items.filter(({ face }) => marks.has(faceKey(face))),
    toggle(place, toHere = false) {
      if (!items[place]) return;
      const wanted = !marks.has(faceKey(items[place].face));
      const from = toHere && last >= 0 ? last : place;
      for (let each = Math.min(from, place); each <= Math.max(from, place); each++) {
        // A range takes over what the click at its end says.
        if (wanted || toHere) marks.add(faceKey(items[each].face));
        else marks.delete(faceKey(items[each].face));
      }
      last = place;
      draw();
    },
    clear() {
      marks.clear();
      last = -1;
      draw();
    },
    all() {
      for (const { face } of items) marks.add(faceKey(face));
      draw();
    },
    /** Which face has the focus; -1 for none. */
    focused: () => items.findIndex(({ tile }) => tile === document.activeElement),
    /** Make the tile of a face. */
    add(face, row, size) {
      const place = items.length;
      const words = faceWords(face, row);
      const tile = h(
        "button",
        {
          type: "button", class: "face", "aria-pressed": "false", title: words,
          on: { click: (event) => marking.toggle(place, event.shiftKey) },
        },
        picture(face.crop && sized(face.crop, size), called(row), face.why),
        h("span", { class: "number" }, place + 1),
        h(
          "span",
          { class: "caption" },
          h("b", {}, BADGES[face.role] ?? ""),
          h("span", {}, shortened(face.show || face.broadcast, 40)),
          h("span", {}, moment(face.time)),
        ),
      );
      tile.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || letter(event) === "x") {
          event.preventDefault();
          event.stopPropagation();
          marking.toggle(place, event.shiftKey);
        }
      });
      items.push({ face, row, tile });
      return tile;
    },
  };
  return marking;
}

/** Which face a digit means: 1 to 9, 0 for the tenth, and the two keys beside it. */
export function digit(code) {
  const place = ["Digit1", "Digit2", "Digit3", "Digit4", "Digit5", "Digit6", "Digit7", "Digit8", "Digit9", "Digit0"].indexOf(code);
  if (place >= 0) return place;
  if (/^Numpad[1-9]$/.test(code)) return Number(code.slice(6)) - 1;
  return { Numpad0: 9, Minus: 10, Equal: 11 }[code] ?? -1;
}

/** The place beside one in a grid of tiles, by how they lie on the page; -1 for none. */
export function beside(tiles, place, key) {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
  if (step) return place + step < tiles.length ? place + step : -1;
  const here = tiles[place].getBoundingClientRect();
  const down = key === "ArrowDown";
  let best = -1;
  let nearest = Infinity;
  tiles.forEach((tile, each) => {
    const there = tile.getBoundingClientRect();
    const away = down ? there.top - here.top : here.top - there.top;
    if (away < here.height / 2) return;
    const distance = away * 1000 + Math.abs(there.left - here.left);
    if (distance < nearest) [best, nearest] = [each, distance];
  });
  return best;
}
