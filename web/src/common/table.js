// A table of any number of rows: only those in sight are elements. For screen readers and the keyboard it is whole.
import { saveButtons, saveCsv } from "./download.js";
import { h } from "./dom.js";
import { count, counted } from "./format.js";

/**
 * @typedef {Object} Column
 * @property {string} name in the CSV, and of the sorting
 * @property {string} title
 * @property {(row: number) => number | string} value what the CSV has and what is sorted by
 * @property {(row: number) => any} [cell] what is shown, an element or text; without it the value
 * @property {boolean} [text] on the left, and sorted from A; numbers are on the right and sorted from the largest
 * @property {string} [width] such as "8rem"; without it the column shares what is left
 * @property {string} [help] what the column means, in a tooltip
 * @property {boolean} [wide] left out of narrow pages
 * @property {boolean} [saved] only in the CSV
 */

const MOST_PIXELS = 8_000_000; // browsers draw no element that is much higher
const MOST_ON_PAPER = 1000;
const BEYOND = 8; // rows above and below what is in sight
const IN_ORDER = new Intl.Collator("en", { numeric: true });

const shown = new Set(); // for printing
addEventListener("beforeprint", () => each((table) => table.print(true)));
addEventListener("afterprint", () => each((table) => table.print(false)));
function each(act) {
  for (const table of shown) {
    if (table.element.isConnected) act(table);
    else shown.delete(table);
  }
}

/**
 * Make a table.
 *
 * Links in a row are reached by arrows up and down from those of the row before; Tab goes on to what is behind the
 * table. `show` gives it other rows. Rows are numbers, of which the columns make what is shown.
 *
 * @param {Object} given
 * @param {string} given.label what it lists, such as "People"
 * @param {[string, string]} [given.of] one and many of what a row is: ["person", "people"]
 * @param {Column[]} given.columns the first is the head of its row
 * @param {number | ArrayLike<number>} given.rows how many, or which
 * @param {[string, boolean]} [given.sort] by which column at first, and whether the largest comes first
 * @param {string} [given.file] the name of its CSV; none where it has no button for it
 * @param {number} [given.rowHeight] pixels
 * @param {number} [given.inSight] rows in sight at most; the others are scrolled to
 * @returns {{element: HTMLElement, show: (rows: number | ArrayLike<number>) => void, rows: () => Uint32Array}}
 */
export function table({ label, of = ["row", "rows"], columns: saved, rows, sort, file, rowHeight = 36, inSight = 14 }) {
  let order = new Uint32Array();
  let all = new Uint32Array();
  let [sortedBy, descending] = sort ?? ["", false];
  let active = 0; // the place of the row whose links Tab reaches
  let printing = false;
  let scrolled = 0; // pixels; asking the element for them would lay the page out
  const columns = saved.filter((column) => !column.saved);
  const byName = new Map(columns.map((column) => [column.name, column]));
  const inDom = new Map(); // place → its element

  const above = h("tbody", { "aria-hidden": "true" }, h("tr", {}, h("td")));
  const below = above.cloneNode(true);
  const body = h("tbody");
  const heads = columns.map((column) =>
    h(
      "th",
      { scope: "col", class: kind(column), style: column.width ? { width: column.width } : {} },
      h("button", { type: "button", title: column.help, on: { click: () => sortBy(column) } }, column.title),
    ),
  );
  const tableElement = h(
    "table",
    { class: "rows" },
    h("thead", {}, h("tr", { "aria-rowindex": 1 }, heads)),
    above,
    body,
    below,
  );
  tableElement.style.setProperty("--least", `${wideAs(columns)}rem`);
  tableElement.style.setProperty("--least-narrow", `${wideAs(columns.filter((column) => !column.wide))}rem`);
  const scroll = h("div", { class: "scroll", role: "region", tabindex: 0, "aria-label": label }, tableElement);
  scroll.style.setProperty("--row", `${rowHeight}px`);
  const told = h("p", { class: "told quiet", role: "status" });
  const save = () =>
    saveCsv(
      file,
      saved.map((column) => column.name),
      (function* () {
        for (const row of order) yield saved.map((column) => column.value(row));
      })(),
    );
  const element = h(
    "div",
    { class: "table" },
    h("div", { class: "beside-ends" }, told, file && saveButtons({ CSV: save }, label)),
    scroll,
  );

  scroll.addEventListener("scroll", scrolledTo, { passive: true });
  scroll.addEventListener("keydown", move);

  function scrolledTo() {
    scrolled = scroll.scrollTop;
    draw();
  }

  function sortBy(column) {
    descending = sortedBy === column.name ? !descending : !column.text;
    sortedBy = column.name;
    arrange();
  }

  function arrange() {
    const column = byName.get(sortedBy);
    order = column ? sorted(all, column.value, descending) : all.slice();
    columns.forEach(({ name }, n) => {
      if (name === sortedBy) heads[n].setAttribute("aria-sort", descending ? "descending" : "ascending");
      else heads[n].removeAttribute("aria-sort");
    });
    tableElement.setAttribute("aria-rowcount", order.length + 1);
    told.textContent = counted(order.length, ...of);
    active = 0;
    if (scrolled) scroll.scrollTop = scrolled = 0;
    inDom.clear();
    body.replaceChildren();
    draw();
  }

  /** Pixels that all rows take, and how many of them one pixel of scrolling passes. */
  function measure() {
    const whole = order.length * rowHeight;
    if (whole <= MOST_PIXELS) return { drawn: whole, ratio: 1 };
    const view = Math.max(0, scroll.clientHeight - heads[0].offsetHeight);
    return { drawn: MOST_PIXELS, ratio: (whole - view) / (MOST_PIXELS - view) };
  }

  function draw() {
    const fits = printing || order.length <= inSight;
    scroll.style.setProperty("max-height", fits ? "none" : `${(inSight + 1.5) * rowHeight}px`);
    const { drawn, ratio } = measure();
    const top = fits ? 0 : Math.floor((scrolled * ratio) / rowHeight);
    const begin = top - Math.min(BEYOND, Math.floor(scrolled / rowHeight), top);
    const end = Math.min(order.length, fits ? (printing ? MOST_ON_PAPER : inSight) : top + inSight + BEYOND);
    const had = body.contains(document.activeElement);
    for (const [place, row] of inDom) {
      if (place >= begin && place < end) continue;
      row.remove();
      inDom.delete(place);
    }
    let next = null;
    for (let place = end - 1; place >= begin; place--) {
      let row = inDom.get(place);
      if (!row) {
        row = made(place);
        inDom.set(place, row);
        body.insertBefore(row, next);
      }
      next = row;
    }
    // Where heights are cut, the rows in sight stay where the scrolling is.
    const pixelsAbove = fits
      ? 0
      : Math.max(0, Math.round(scrolled - (top - begin) * rowHeight - ((scrolled * ratio) % rowHeight)));
    space(above, pixelsAbove);
    space(below, fits ? 0 : Math.max(0, drawn - pixelsAbove - (end - begin) * rowHeight));
    if (printing && order.length > MOST_ON_PAPER)
      told.textContent = `The first ${count(MOST_ON_PAPER)} of ${counted(order.length, ...of)}`;
    if (had && !body.contains(document.activeElement)) scroll.focus({ preventScroll: true });
    if (!inDom.has(active) && inDom.size) activate(Math.min(Math.max(top, 0), order.length - 1));
  }

  function made(place) {
    const row = order[place];
    const cells = columns.map((column, n) => {
      const content = column.cell ? column.cell(row) : column.value(row);
      return n ? h("td", { class: kind(column) }, content) : h("th", { scope: "row", class: kind(column) }, content);
    });
    const element = h("tr", { "aria-rowindex": place + 2 }, cells);
    reach(element, place === active);
    return element;
  }

  function activate(place) {
    reach(inDom.get(active), false);
    active = place;
    reach(inDom.get(active), true);
  }

  function move(event) {
    const row = event.target.closest("tbody tr");
    if (!row || event.altKey || event.ctrlKey || event.metaKey) return;
    const place = Number(row.getAttribute("aria-rowindex")) - 2;
    const to = {
      ArrowDown: place + 1,
      ArrowUp: place - 1,
      PageDown: place + inSight,
      PageUp: place - inSight,
      Home: 0,
      End: order.length - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const nth = [...row.querySelectorAll(LINKS)].indexOf(event.target);
    const target = Math.min(Math.max(to, 0), order.length - 1);
    const { ratio } = measure();
    const pixel = (target * rowHeight) / ratio;
    const least = pixel - ((inSight - 1) * rowHeight) / ratio; // so that it is the last in sight
    if (pixel < scrolled || least > scrolled) scroll.scrollTop = pixel < scrolled ? pixel : least;
    scrolledTo();
    activate(target);
    const links = inDom.get(target)?.querySelectorAll(LINKS) ?? [];
    links[Math.min(Math.max(nth, 0), links.length - 1)]?.focus({ preventScroll: true });
  }

  const whole = {
    element,
    show(given) {
      all = typeof given === "number" ? Uint32Array.from({ length: given }, (_, row) => row) : Uint32Array.from(given);
      arrange();
    },
    rows: () => order,
    print(on) {
      printing = on;
      draw();
    },
  };
  shown.add(whole);
  whole.show(rows);
  return whole;
}

/** How wide columns are at least, in rem: those that share what is left would else vanish. */
const wideAs = (columns) =>
  columns.reduce((sum, { width, text }) => sum + (width?.endsWith("rem") ? parseFloat(width) : text ? 10.5 : 5), 0);

const LINKS = "a[href], button";

function reach(row, can) {
  for (const link of row?.querySelectorAll(LINKS) ?? []) link.tabIndex = can ? 0 : -1;
}

const kind = (column) => [column.text ? "text" : "number", column.wide && "wide"].filter(Boolean).join(" ");

function space(body, pixels) {
  body.hidden = pixels <= 0;
  body.firstChild.firstChild.style.setProperty("height", `${pixels}px`);
}

/** Rows in another order; what has no number or no text comes last either way. */
export function sorted(rows, value, descending) {
  const values = Array.from(rows, value);
  const texts = values.some((each) => typeof each === "string");
  const keys = texts ? ranks(values) : Float64Array.from(values, (each) => (each == null ? NaN : Number(each)));
  const places = Uint32Array.from(rows, (_, place) => place);
  const sign = descending ? -1 : 1;
  places.sort((a, b) => {
    const one = keys[a];
    const other = keys[b];
    if (one === other) return a - b;
    if (one !== one) return other !== other ? a - b : 1;
    if (other !== other) return -1;
    return sign * (one - other);
  });
  return places.map((place) => rows[place]);
}

/** The place of each text in their order: the same texts are compared once, however many rows have them. */
function ranks(values) {
  const texts = [...new Set(values)].filter((text) => text !== "" && text != null).sort(IN_ORDER.compare);
  const rank = new Map(texts.map((text, n) => [text, n]));
  return Float64Array.from(values, (text) => rank.get(text) ?? NaN);
}
