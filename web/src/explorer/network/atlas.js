// The portraits of everybody in a few pictures, of which each person is a cell.
import { bytesOf, columns } from "../data.js";

/** Where the cell of a person lies: the page, and pixels on it. */
export function cellOf({ cell, columns: across, per_page }, person) {
  const n = person % per_page;
  return { page: Math.floor(person / per_page), left: cell * (n % across), top: cell * Math.floor(n / across), cell };
}

const pages = new Map();

/** A page as a picture that WebGL and canvases may read: made of bytes, since a picture of a file is closed to them. */
export async function page(number) {
  const { jpeg } = await columns("atlas", ["jpeg"]);
  return createImageBitmap(new Blob([bytesOf(jpeg[number])], { type: "image/jpeg" }));
}

/** Data addresses of the portraits of some people, for a drawing that stands alone. */
export async function portraitsOf(run, people) {
  const found = new Map();
  const canvas = document.createElement("canvas");
  const { cell } = run.about.atlas;
  canvas.width = canvas.height = cell;
  const context = canvas.getContext("2d");
  const wanted = people.filter((person) => run.people.portrait[person]);
  for (const number of new Set(wanted.map((person) => cellOf(run.about.atlas, person).page))) {
    if (!pages.has(number)) pages.set(number, await page(number));
    for (const person of wanted) {
      const { page: of, left, top } = cellOf(run.about.atlas, person);
      if (of !== number) continue;
      context.drawImage(pages.get(number), left, top, cell, cell, 0, 0, cell, cell);
      found.set(person, canvas.toDataURL("image/jpeg", 0.85));
    }
    pages.get(number).close();
    pages.delete(number);
  }
  return found;
}
