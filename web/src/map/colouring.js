// By what pictures are coloured. What is of a kind has a colour and a shape, so that neither alone has to be told
// apart; what there is less of than of others has none.
import { isDark } from "../explorer/theme.js";

// After M. Okabe and K. Ito, "Color Universal Design" (2008): told apart with every kind of colour vision. Their
// yellow is hard to see on paper; what is last is that of the ink.
const KINDS = {
  light: ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#22262b"],
  dark: ["#4aa8e0", "#ee8046", "#2fc79a", "#e29cc4", "#f0b429", "#9bd3f5", "#e9e6df"],
};
export const SHAPES = ["circle", "square", "triangle", "diamond"];
const MOST = KINDS.light.length * SHAPES.length;

// Steps of viridis (S. van der Walt and N. Smith), without the end that the paper swallows.
const STEPS = {
  light: ["#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58"],
  dark: ["#5a4fb0", "#4a78b5", "#31908e", "#22a884", "#44bf70", "#7ad151", "#bddf26", "#fde725"],
};
const NONE = { light: "#9aa0a6", dark: "#70767d" };

/**
 * @typedef {Object} Kind one of the kinds of pictures
 * @property {string} key in the address
 * @property {string} title
 * @property {string} [more] what else is said of it
 * @property {number} n pictures
 * @property {string} colour
 * @property {number} shape a place in SHAPES; -1 for a small dot
 * @property {(picture: number) => boolean} has
 *
 * @typedef {Object} Colouring
 * @property {Kind[]} kinds as the legend lists them
 * @property {Int32Array} of the place of each picture's kind in `kinds`
 * @property {string} [note] what has to be known of it
 */

const numbered = (name, of, { labels, of: rows }) => ({
  of,
  title: (number) => (number < 0 ? `No ${name}` : `${name[0].toUpperCase()}${name.slice(1)} ${number}`),
  more: (number) => (labels[rows.get(number)] ?? []).slice(0, 2).join(", "),
  none: (number) => number < 0,
});

const by = {
  group: (run) => numbered("group", run.pictures.group, run.groups),
  setting: (run) => ({
    ...numbered("setting", run.pictures.setting, run.settings),
    note: "A setting is pictures of like colours, such as those of a studio by all its cameras.",
  }),
  station: (run) => ({ of: run.pictures.broadcast, key: (k) => run.broadcasts.station[k], title: String }),
  show: (run) => ({
    of: run.pictures.broadcast,
    key: (k) => run.broadcasts.show[k],
    title: (show) => show || "without a title",
  }),
  hour: (run) => ({
    of: Array.from(run.pictures.time, (time) => Math.floor(time / 3600) % 24),
    title: (hour) => `${String(hour).padStart(2, "0")}:00 to ${String((hour + 1) % 24).padStart(2, "0")}:00`,
    stepped: true,
    note: "Hours are UTC.",
  }),
  faces: (run) => ({
    of: Array.from(run.pictures.n_faces, (n) => Math.min(n, 6)),
    title: (n) => (n === 6 ? "6 faces or more" : n === 1 ? "1 face" : n ? `${n} faces` : "No face"),
    stepped: true,
    none: (n) => n === 0,
  }),
};

export const TITLES = {
  group: "Group",
  setting: "Setting",
  station: "Station",
  hour: "Hour",
  show: "Show",
  faces: "Number of faces",
  person: "Person",
};

/** @returns {Colouring} */
export function colouring(run, name) {
  const theme = isDark() ? "dark" : "light";
  const made = name === "person" ? people(run) : kindsOf(run, by[name](run));
  let coloured = 0;
  for (const kind of made.kinds) {
    kind.shape = 0;
    if (kind.none) Object.assign(kind, { colour: NONE[theme], shape: -1 });
    else if (kind.step !== undefined) kind.colour = between(STEPS[theme], kind.step);
    else if (coloured < MOST) {
      kind.colour = KINDS[theme][coloured % KINDS[theme].length];
      kind.shape = Math.floor(coloured / KINDS[theme].length);
      coloured++;
    } else Object.assign(kind, { colour: NONE[theme], shape: 0, plain: true });
  }
  return made;
}

function kindsOf(run, { of, key = (value) => value, title, more, none, stepped, note }) {
  const found = new Map();
  const values = Array.from(of, key);
  for (const value of values) found.set(value, (found.get(value) ?? 0) + 1);
  const kinds = [...found].map(([value, n]) => ({
    key: String(value),
    title: title(value),
    more: more?.(value),
    n,
    value,
    none: none?.(value) ?? false,
  }));
  // Numbers in their order, the others by how many there are; what is none comes last.
  kinds.sort((a, b) =>
    a.none !== b.none
      ? a.none - b.none
      : stepped || typeof a.value === "number"
        ? a.value - b.value
        : b.n - a.n || (a.title < b.title ? -1 : 1),
  );
  const steps = kinds.filter((kind) => stepped && !kind.none);
  steps.forEach((kind, at) => (kind.step = at / Math.max(1, steps.length - 1)));
  const place = new Map(kinds.map((kind, at) => [kind.value, at]));
  const all = Int32Array.from(values, (value) => place.get(value));
  kinds.forEach((kind, at) => (kind.has = (picture) => all[picture] === at));
  return { kinds, of: all, note };
}

/** A picture of several people has the colour of the one who is seen least: hosts are seen everywhere. */
function people(run) {
  const n = new Uint32Array(run.people.person_id.length);
  const all = Array.from({ length: run.n }, (_, picture) => run.peopleIn(picture));
  for (const of of all) for (const person of of) n[person]++;
  const order = Array.from(n.keys()).sort((a, b) => n[b] - n[a] || a - b);
  const kinds = order.map((person) => ({
    key: run.people.person_id[person],
    title: run.personName(person),
    n: n[person],
    has: (picture) => all[picture].includes(person),
  }));
  const rank = new Int32Array(n.length);
  order.forEach((person, at) => (rank[person] = at));
  const least = (of) => {
    const known = of.filter((person) => rank[person] < MOST);
    return Math.max(...(known.length ? known : of).map((person) => rank[person]));
  };
  const nobody = all.filter((of) => !of.length).length;
  const none = { key: "nobody", title: "Nobody known", n: nobody, none: true, has: (picture) => !all[picture].length };
  if (nobody) kinds.push(none);
  return {
    kinds,
    of: Int32Array.from(all, (of) => (of.length ? least(of) : kinds.length - 1)),
    note: "A picture of several people has the colour of the one who is seen least; it counts for all of them.",
  };
}

function between(steps, at) {
  const place = Math.min(Math.max(at, 0), 1) * (steps.length - 1);
  const [one, other] = [steps[Math.floor(place)], steps[Math.ceil(place)]].map(parts);
  const mixed = one.map((value, n) => Math.round(value + (other[n] - value) * (place % 1)));
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** Red, green and blue of "#rrggbb", 0 to 255. */
export const parts = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
