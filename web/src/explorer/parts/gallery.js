// Cards in rows and columns, any number of them: only those near what is in sight are elements.
import { h } from "../../common/dom.js";

const BEYOND = 2; // rows above and below
const MOST_PIXELS = 8_000_000; // browsers draw no element that is much higher

/**
 * Make a gallery.
 *
 * Tab reaches one card; arrows, Page Up and Down, Home and End go from card to card, Enter opens.
 *
 * @param {Object} given
 * @param {string} given.label
 * @param {number} given.n how many cards
 * @param {(k: number) => any[]} given.card what is on a card, words among it
 * @param {(k: number) => void} given.open
 * @param {number} [given.wide] pixels of a card at least
 * @param {(wide: number) => number} given.high pixels of a card of this width
 * @returns {{element: HTMLElement, end: () => void}}
 */
export function gallery({ label, n, card, open, wide = 260, high }) {
  const element = h("div", { class: "gallery", role: "list", "aria-label": label });
  const inDom = new Map();
  let active = 0;
  let across = 1;
  let size = 1;
  let width = 0;

  function measure() {
    const whole = element.clientWidth || 800;
    across = Math.max(1, Math.floor((whole + GAP) / (wide + GAP)));
    width = (whole - GAP * (across - 1)) / across;
    size = Math.ceil(high(width)) + GAP;
    element.style.setProperty("height", `${Math.min(MOST_PIXELS, Math.ceil(n / across) * size)}px`);
    for (const each of inDom.values()) each.remove();
    inDom.clear();
    draw();
  }

  function draw() {
    const { top } = element.getBoundingClientRect();
    const rows = Math.ceil(n / across);
    const first = Math.max(0, Math.floor(-top / size) - BEYOND);
    const last = Math.min(rows - 1, Math.ceil((innerHeight - top) / size) + BEYOND);
    const focused = element.contains(document.activeElement) ? active : -1;
    for (const [k, each] of inDom) {
      const row = Math.floor(k / across);
      if ((row >= first && row <= last) || k === focused) continue;
      each.remove();
      inDom.delete(k);
    }
    for (let k = first * across; k < Math.min(n, (last + 1) * across); k++) put(k);
    if (!inDom.has(active) && inDom.size) activate(Math.min(...inDom.keys()));
  }

  function put(k) {
    if (inDom.has(k)) return inDom.get(k);
    const button = h(
      "button",
      { type: "button", tabindex: k === active ? 0 : -1, on: { click: () => open(k), focus: () => activate(k) } },
      card(k),
    );
    const style = {
      left: `${(k % across) * (width + GAP)}px`,
      top: `${Math.floor(k / across) * size}px`,
      width: `${width}px`,
      height: `${size - GAP}px`,
    };
    const item = h(
      "div",
      { class: "card", role: "listitem", "aria-setsize": n, "aria-posinset": k + 1, style },
      button,
    );
    const next = [...inDom.keys()].filter((each) => each > k).reduce((a, b) => Math.min(a, b), Infinity);
    element.insertBefore(item, inDom.get(next) ?? null);
    inDom.set(k, item);
    return item;
  }

  function activate(k) {
    const reach = (place, can) => inDom.get(place)?.firstChild.setAttribute("tabindex", can ? 0 : -1);
    reach(active, false);
    active = k;
    reach(active, true);
  }

  function keys(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(innerHeight / size)) * across;
    const to = {
      ArrowRight: active + 1,
      ArrowLeft: active - 1,
      ArrowDown: active + across,
      ArrowUp: active - across,
      PageDown: active + page,
      PageUp: active - page,
      Home: 0,
      End: n - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const target = Math.min(Math.max(to, 0), n - 1);
    const item = put(target);
    item.firstChild.focus({ preventScroll: true });
    item.scrollIntoView({ block: "nearest" });
    draw();
  }

  const watch = new ResizeObserver(() => element.clientWidth && measure());
  watch.observe(element);
  addEventListener("scroll", draw, { passive: true });
  element.addEventListener("keydown", keys);
  return {
    element,
    end() {
      watch.disconnect();
      removeEventListener("scroll", draw);
    },
  };
}

const GAP = 14;
