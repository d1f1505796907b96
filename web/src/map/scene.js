// What is to be drawn and listed, made of the address: which pictures are there, which are picked, how each looks.
import { colour } from "../explorer/theme.js";
import { inside } from "./area.js";
import { unpackedArea, unpackedKeys } from "./chosen.js";
import { colouring, parts, TITLES } from "./colouring.js";
import { shownBy } from "./filters.js";

const BACK = 42; // of 255: how much of a picture is there that is not picked
const NONE = 150; // the same of a point that is of no kind

/** By what pictures are coloured. */
export const colourOf = (options) => (Object.hasOwn(TITLES, options.colour ?? "") ? options.colour : "group");

/**
 * @typedef {Object} Shown
 * @property {import("./colouring.js").Colouring} coloured
 * @property {Set<string>} keys of the kinds that are picked
 * @property {boolean} any whether something is picked
 * @property {number} n pictures that are there at all
 * @property {number[]} listed those picked, or all where nothing is
 * @property {(picture: number) => import("./colouring.js").Kind} kindOf by which a picture is coloured
 * @property {import("./stage.js").Scene} scene
 *
 * @param {import("./run.js").Run} run
 * @param {string} method
 * @param {Object<string, string>} options of the address
 * @param {string[] | null} texts on the screen
 * @param {import("./colouring.js").Colouring} [coloured] where it is made already
 * @returns {Shown}
 */
export function shownOf(run, method, options, texts, coloured = colouring(run, colourOf(options))) {
  const keys = unpackedKeys(options.pick);
  const area = unpackedArea(options.area);
  const places = run.placed(method);
  const shown = shownBy(run, options, texts);
  const kinds = coloured.kinds.filter(({ key }) => keys.has(key));
  const within = area.length ? inside(area, places.x, places.y) : null;
  const any = keys.size > 0 || within !== null;
  const images = options.as === "images";
  const state = new Uint8Array(run.n).fill(any ? 0 : 1);
  const colours = new Uint8Array(4 * run.n);
  const looks = new Float32Array(2 * run.n);
  const listed = [];
  const rgb = new Map(coloured.kinds.map((kind) => [kind, parts(kind.colour)]));
  const marked = parts(colour("link"));
  const kindOf = (n) => kinds.find((kind) => kind.has(n)) ?? coloured.kinds[coloured.of[n]];
  let there = 0;
  for (let n = 0; n < run.n; n++) {
    const kind = kindOf(n);
    const picked = any && shown[n] && (!keys.size || kinds.includes(kind)) && (!within || within[n]);
    there += shown[n];
    if (picked) state[n] = 2;
    if (picked || (shown[n] && !any)) listed.push(n);
    // What has no colour of its own has one while it is picked.
    colours.set(picked && keys.size && kind.plain ? marked : rgb.get(kind), 4 * n);
    colours[4 * n + 3] = any && !picked ? BACK : kind.shape < 0 && !images ? NONE : 255;
    looks.set([picked ? Math.max(kind.shape, 0) : kind.shape, state[n]], 2 * n);
  }
  const scene = { places, colours, looks, shown, state, first: roomOrder(run), images, area };
  return { coloured, keys, any, n: there, listed, kindOf, scene };
}

let room; // the same for all scenes of a page

/** In which order pictures find room: those in the middle of their groups, then as if by chance, always the same. */
function roomOrder(run) {
  if (room) return room;
  const mixed = (n) => (Math.imul(n + 1, 0x9e3779b1) ^ (Math.imul(n + 7, 0x85ebca6b) >>> 13)) >>> 0;
  const first = new Set(Array.from(run.groups.picture).filter((picture) => picture >= 0));
  for (const n of Array.from({ length: run.n }, (_, k) => k).sort((a, b) => mixed(a) - mixed(b) || a - b)) first.add(n);
  return (room = Uint32Array.from(first));
}
