// What can be had of a page: CSV, PNG and SVG as files, and the page on paper.
import { h } from "./dom.js";

/** Give the reader a file. */
export function save(name, blob) {
  const address = URL.createObjectURL(blob);
  const link = h("a", { href: address, download: name.replace(/[^\p{L}\p{N}._+-]+/gu, "_") });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/**
 * Save a table as CSV.
 *
 * @param {string} name of the file
 * @param {string[]} columns
 * @param {Iterable<any[]>} rows numbers and texts; NaN, null and undefined are empty cells
 */
export function saveCsv(name, columns, rows) {
  save(name, new Blob([csv(columns, rows)], { type: "text/csv" }));
}

/** Write CSV as castgraph does: no text in it becomes a formula of a spreadsheet. */
export function csv(columns, rows) {
  const lines = [columns.map(cell).join(",")];
  for (const row of rows) lines.push(row.map(cell).join(","));
  return `${lines.join("\n")}\n`;
}

function cell(value) {
  if (value == null || Number.isNaN(value)) return "";
  if (typeof value !== "string") return String(value);
  const text = guarded(value).replace(/\r\n?/g, "\n");
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Put an apostrophe before a text that a spreadsheet may take for a formula, or for the next cell. */
export const guarded = (text) =>
  /^[\t\r\n]/.test(text) || /^[=+\-@]/.test([...text.trimStart()].slice(0, 1).join("").normalize("NFKC"))
    ? `'${text}`
    : text;

/** Save an SVG element as it looks: with the styles that it has on the page, and what lies under it. */
export function saveSvg(name, svg) {
  save(name, new Blob([svgText(svg)], { type: "image/svg+xml" }));
}

/** Save an SVG element or a canvas as PNG, twice as fine as on the page, on the colour of the page. */
export async function savePng(name, drawn) {
  const canvas = h("canvas");
  const { width, height } = drawn instanceof SVGElement ? sizeOf(drawn) : drawn;
  const scale = drawn instanceof SVGElement ? 2 : 1;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const context = canvas.getContext("2d");
  context.fillStyle = getComputedStyle(document.body).backgroundColor;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(drawn instanceof SVGElement ? await imageOf(drawn) : drawn, 0, 0, canvas.width, canvas.height);
  save(name, await new Promise((resolve) => canvas.toBlob(resolve, "image/png")));
}

async function imageOf(svg) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgText(svg))}`;
  await image.decode();
  return image;
}

/** Pixels of an SVG element: on the page, or as it says itself where it is on none. */
function sizeOf(svg) {
  const { width, height } = svg.getBoundingClientRect();
  return width && height
    ? { width: Math.round(width), height: Math.round(height) }
    : { width: Number(svg.getAttribute("width")), height: Number(svg.getAttribute("height")) };
}

// What CSS may say of a shape; a file of its own has no style sheet.
const STYLES = [
  ...["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap"],
  ...["opacity", "font-family", "font-size", "font-weight", "text-anchor", "dominant-baseline", "paint-order"],
  ...["display", "visibility", "color", "letter-spacing"],
];

function svgText(svg) {
  const copy = svg.cloneNode(true);
  const { width, height } = sizeOf(svg);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  if (!copy.hasAttribute("viewBox")) copy.setAttribute("viewBox", `0 0 ${width} ${height}`);
  if (svg.isConnected) {
    const own = [svg, ...svg.querySelectorAll("*")];
    const copies = [copy, ...copy.querySelectorAll("*")];
    for (let n = 0; n < own.length; n++) {
      const style = getComputedStyle(own[n]);
      for (const property of STYLES) copies[n].style.setProperty(property, style.getPropertyValue(property));
    }
    copy.style.setProperty("background", getComputedStyle(document.body).backgroundColor);
  }
  return new XMLSerializer().serializeToString(copy);
}

/**
 * A row of buttons that save something.
 *
 * @param {Object<string, () => any>} saves what each button says → what it does, such as {CSV: () => saveCsv(…)}
 * @param {string} of what is saved, for who does not see what stands around
 */
export function saveButtons(saves, of) {
  return h(
    "div",
    { class: "saves", role: "group", "aria-label": `Save ${of}` },
    Object.entries(saves).map(([title, run]) =>
      h(
        "button",
        { type: "button", class: "small", "aria-label": `Save ${of} as ${title}`, on: { click: run } },
        title,
      ),
    ),
  );
}

/** Copy a text; files are not trusted with the clipboard by every browser, so the old way comes second. */
export async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = h("textarea", { class: "unseen", "aria-hidden": "true" });
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}
