// What is chosen, as it stands in the address: kinds of the legend, what is drawn around, and where one looks.

const GRAIN = 10_000; // of a place
const MOST_CORNERS = 200;

export const packedKeys = (keys) => [...keys].map(encodeURIComponent).join(",");

/** @returns {Set<string>} */
export const unpackedKeys = (text) => new Set((text ?? "").split(",").filter(Boolean).map(decoded));

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a lone "%" that somebody typed
  }
}

export const packedArea = (area) =>
  area.map((corner) => corner.map((value) => Math.round(GRAIN * value)).join("_")).join(".");

/** @returns {number[][]} its corners; none where that is no area */
export function unpackedArea(text) {
  const numbers = (corner) => corner.split("_").map((value) => Number(value || NaN) / GRAIN);
  const corners = (text ?? "").split(".").map(numbers);
  const good = corners.every((corner) => corner.length === 2 && corner.every(Number.isFinite));
  return good && corners.length > 2 && corners.length <= MOST_CORNERS ? corners : [];
}

/** Where one looks; nothing where that is all. */
export const packedLook = ({ x, y, zoom }) =>
  zoom === 1 && !x && !y ? "" : [...[x, y].map((value) => Math.round(GRAIN * value)), Math.round(100 * zoom)].join("_");

export function unpackedLook(text) {
  const [x, y, zoom] = (text ?? "").split("_").map(Number);
  return zoom > 0 && Number.isFinite(x + y)
    ? { x: x / GRAIN, y: y / GRAIN, zoom: zoom / 100 }
    : { x: 0, y: 0, zoom: 1 };
}
