// The pictures that the page shows: the tables, decoded once, and what is asked of them.
import { safeLink } from "../common/dom.js";
import { minute } from "../common/format.js";
import { about, columns, FOLDER, has } from "../explorer/data.js";

const PICTURES = ["broadcast", "frame", "time", "group", "setting", "n_faces", "n_frames"];
const OF_GROUPS = ["group", "n_frames", "n_pictures", "n_broadcasts", "labels", "picture"];
const LISTS = ["person_first", "person", "label_first", "label", "score"];
export const METHODS = { pca: "PCA", tsne: "t-SNE", umap: "UMAP" };

/**
 * @typedef {Object} Run
 * @property {Object} about the manifest
 * @property {number} n how many pictures
 * @property {Object} pictures their columns; a picture's number is a row
 * @property {Object} broadcasts
 * @property {Object} groups their columns, and `of`: the row of each group number
 * @property {Object} settings the same of settings
 * @property {Object} people
 * @property {(picture: number) => number[]} peopleIn
 * @property {(picture: number) => {name: string, score: number}[]} labelsOf
 * @property {(picture: number) => string} groupName "group 3, setting 1"
 * @property {(picture: number) => string} broadcastName
 * @property {(picture: number) => string} link its source; "" for none
 * @property {(method: string) => {x: Float32Array, y: Float32Array, shape: number}} placed
 *   where pictures lie, from -1 to 1, and how much farther apart they are across than up and down
 */

/** @returns {Promise<Run>} */
export async function load() {
  const manifest = about();
  const coordinates = manifest.methods.flatMap((method) => [`${method}_x`, `${method}_y`]);
  const [pictures, broadcasts, groups, settings, people, labels] = await Promise.all([
    columns("pictures", [...PICTURES, ...LISTS, ...coordinates]),
    columns("broadcasts", ["broadcast", "station", "show", "start", "link"]),
    columns("groups", OF_GROUPS),
    columns("settings", OF_GROUPS),
    columns("people", ["person_id", "name"]),
    columns("labels", ["name"]),
  ]);
  for (const each of [groups, settings]) each.of = new Map(Array.from(each.group, (group, row) => [group, row]));
  const places = new Map(Array.from(pictures.frame, (_, n) => [placeOf(n), n]));
  const made = new Map();

  function placeOf(picture) {
    return `${broadcasts.broadcast[pictures.broadcast[picture]]}/${pictures.frame[picture]}`;
  }

  return {
    about: manifest,
    n: pictures.frame.length,
    pictures,
    broadcasts,
    groups,
    settings,
    people,
    placeOf,
    pictureAt: (place) => places.get(place) ?? -1,
    peopleIn: (picture) =>
      Array.from(pictures.person.subarray(pictures.person_first[picture], pictures.person_first[picture + 1])),
    labelsOf: (picture) =>
      Array.from(
        pictures.label.subarray(pictures.label_first[picture], pictures.label_first[picture + 1]),
        (label, k) => ({
          name: labels.name[label],
          score: pictures.score[pictures.label_first[picture] + k] / 255,
        }),
      ),
    personName: (person) => people.name[person] || `Person ${people.person_id[person]}`,
    groupName(picture) {
      const [group, setting] = [pictures.group[picture], pictures.setting[picture]];
      return `${group < 0 ? "no group" : `group ${group}`}${setting < 0 ? "" : `, setting ${setting}`}`;
    },
    broadcastName(picture) {
      const k = pictures.broadcast[picture];
      return `${broadcasts.show[k] || broadcasts.broadcast[k]}, ${minute(broadcasts.start[k])}`;
    },
    link(picture) {
      const k = pictures.broadcast[picture];
      const seconds = Math.round(1000 * (pictures.time[picture] - broadcasts.start[k])) / 1000;
      const template = broadcasts.link[k] ?? "";
      return safeLink(template.replaceAll("{frame}", pictures.frame[picture]).replaceAll("{seconds}", seconds));
    },
    placed(method) {
      if (!made.has(method)) made.set(method, stretched(pictures[`${method}_x`], pictures[`${method}_y`]));
      return made.get(method);
    },
  };
}

/** Lay pictures out over a square from -1 to 1, whatever their coordinates are. */
function stretched(x, y) {
  const side = (values) => {
    let low = Infinity;
    let high = -Infinity;
    for (const value of values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    const half = (high - low) / 2;
    const middle = (high + low) / 2;
    return { half: half || 1, values: Float32Array.from(values, (value) => (half ? (value - middle) / half : 0)) };
  };
  const [across, down] = [side(x), side(y)];
  return { x: across.values, y: down.values, shape: across.half / down.half };
}

/** The text on each picture, where it was read; the file comes when somebody asks. */
export const texts = async () => (has("texts") ? (await columns("texts", ["text"])).text : null);

/** The pictures nearest to one, by the cosine of their vectors. */
export async function nearest(run, picture) {
  const { near, cosine } = await columns("near", ["near", "cosine"]);
  const k = near.length / run.n;
  return Array.from({ length: k }, (_, n) => ({
    picture: near[picture * k + n],
    cosine: cosine[picture * k + n] / run.about.cosines,
  }));
}

/** Where a small picture lies: a page or sheet, and pixels on it. */
export function cellOf({ width, step, columns: across, per_page }, picture) {
  const n = picture % per_page;
  return { page: Math.floor(picture / per_page), left: width * (n % across), top: step * Math.floor(n / across) };
}

/** The address of a sheet of larger pictures. */
export const sheet = (number) => `${FOLDER}sheets/${number}.jpg`;

/** Where the explorer shows something; "" where there is none. */
export const explorer = (run, path) =>
  /^(\.\.\/)*[\w.-]+\/explorer\/index\.html$/.test(run.about.explorer) ? `${run.about.explorer}#/${path}` : "";
