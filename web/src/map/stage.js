// The map as it is drawn: where one looks, what is pointed at, and what is drawn around.
import { fill, h } from "../common/dom.js";
import { colour } from "../explorer/theme.js";
import { fewer } from "./area.js";
import { parts } from "./colouring.js";
import { drawing } from "./gl.js";

const MOST_ZOOM = 200;
const STEP = 1.5; // of a press of a key or button
const EDGE = 26; // pixels around all that is drawn
const STRETCH = 1.7; // times that the map may be wider or higher than its coordinates are, to take its room
const TILES = { least: 46, most: 132, large: 170 }; // pixels across a picture
const OVER = 0.9; // pictures may lie on each other by what is left of their sides
const NEAR = { mouse: 14, touch: 26 };
const DIRECTIONS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/**
 * @typedef {Object} Scene what is to be drawn
 * @property {{x: Float32Array, y: Float32Array, shape: number}} places
 * @property {Uint8Array} colours red, green, blue, and how much of each is there
 * @property {Float32Array} looks shape and whether it is picked, of each
 * @property {Uint8Array} shown 1 for those that are there at all
 * @property {Uint8Array} state 0 in the back, 1 as usual, 2 picked
 * @property {Uint32Array} first in which order pictures find room
 * @property {boolean} images whether pictures are drawn, where there is room, and not points alone
 * @property {number[][]} area what is drawn around, as corners; empty for nothing
 *
 * @param {import("./run.js").Run} run
 * @param {HTMLElement} element
 * @param {Object} on
 * @param {(picture: number) => HTMLElement} on.card what is said of a picture that is pointed at
 * @param {(picture: number) => void} on.open
 * @param {(picture: number) => void} on.at the keyboard has come to a picture
 * @param {(area: number[][]) => void} on.area something was drawn around
 * @param {(camera: {x: number, y: number, zoom: number}) => void} on.camera
 * @param {(text: string) => void} on.say
 * @throws where the browser has no WebGL 2
 */
export function stage(run, element, on) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const line = h("svg:polygon", { class: "area" });
  const over = h("svg:svg", { class: "over", "aria-hidden": "true" }, line);
  const ring = h("div", { class: "ring", hidden: true });
  const card = h("div", { class: "card", hidden: true });
  const { width: cellWide, height: cellHigh } = run.about.small;
  let gl = drawing(canvas, run.about.small, later);
  fill(element, canvas, over, ring, card);

  /** @type {Scene} */
  let scene;
  let placed = null; // the places that the graphics card knows
  let wide = 1;
  let high = 1;
  let camera = { x: 0, y: 0, zoom: 1 };
  let tiles = []; // pictures that have room, the first on top
  let laid = ""; // for what they were laid out
  let at = -1; // where the keyboard is
  let byKeys = false; // whether that is to be seen
  let hovered = -1;
  let lasso = false; // whether dragging draws around
  let drawn = null; // what is being drawn around, in pixels
  let rectangle = null; // the same by keys: left, top, width, height
  let waiting = 0;
  let telling = 0;
  const pointers = new Map();
  let moved = 0;

  const ratio = () => Math.min(2, devicePixelRatio || 1);

  /** Pixels of a step of the map, across and down, at a zoom. */
  function steps(zoom = camera.zoom) {
    const { shape } = scene.places;
    const [tileWide, tileHigh] = scene.images ? tile(1) : [0, 0];
    const width = Math.max(50, wide - tileWide - EDGE); // what lies at the edge is to be seen, too
    const height = Math.max(50, high - tileHigh - EDGE);
    const stretch = Math.min(Math.max(width / height, shape / STRETCH), shape * STRETCH);
    const down = Math.min(height, width / stretch) / 2;
    return [stretch * down * zoom, down * zoom];
  }

  function onScreen(x, y) {
    const [across, down] = steps();
    return [wide / 2 + (x - camera.x) * across, high / 2 - (y - camera.y) * down];
  }

  const placeOf = (picture) => onScreen(scene.places.x[picture], scene.places.y[picture]);

  function onMap(left, top) {
    const [across, down] = steps();
    return [camera.x + (left - wide / 2) / across, camera.y - (top - high / 2) / down];
  }

  /** Pixels of a picture, across and down. */
  function tile(zoom = camera.zoom) {
    const least = Math.min(Math.max(0.68 * Math.sqrt((wide * high) / run.n), TILES.least), TILES.most);
    const across = Math.min(least * Math.max(zoom, 1) ** 0.35, Math.max(least, TILES.large), wide / 2.5);
    return [across, (across * cellHigh) / cellWide];
  }

  const pointSize = () => {
    const usual = run.n <= 500 ? 15 : run.n <= 3000 ? 11 : run.n <= 10_000 ? 8 : 6.5;
    return usual * Math.min(camera.zoom ** 0.22, 2);
  };

  /** Choose which pictures have room, at steps of the zoom, so that they stay while one moves. */
  function layOut() {
    const step = Math.round(3 * Math.log2(camera.zoom));
    const now = `${step} ${wide} ${high}`;
    if (now === laid) return;
    laid = now;
    tiles = [];
    if (!scene.images) return;
    const zoom = 2 ** (step / 3);
    const [across, down] = steps(zoom);
    const [tileWide, tileHigh] = tile(zoom).map((side) => OVER * side);
    const room = new Map(); // cell of a grid → the pictures there
    for (const picture of scene.first) {
      if (!scene.shown[picture] || !scene.state[picture]) continue;
      place(picture);
    }
    for (const picture of scene.first) if (scene.shown[picture] && !scene.state[picture]) place(picture);

    function place(picture) {
      const x = scene.places.x[picture] * across;
      const y = scene.places.y[picture] * down;
      const column = Math.floor(x / tileWide);
      const row = Math.floor(y / tileHigh);
      for (let c = column - 1; c <= column + 1; c++) {
        for (let r = row - 1; r <= row + 1; r++) {
          for (const other of room.get(c * 65_536 + r) ?? []) {
            const far =
              Math.abs(scene.places.x[other] * across - x) >= tileWide ||
              Math.abs(scene.places.y[other] * down - y) >= tileHigh;
            if (!far) return;
          }
        }
      }
      const key = column * 65_536 + row;
      if (!room.has(key)) room.set(key, []);
      room.get(key).push(picture);
      tiles.push(picture);
    }
    gl.pictures(tiles, scene.places, scene.colours);
  }

  function later() {
    waiting ||= requestAnimationFrame(draw);
  }

  function draw() {
    waiting = 0;
    if (!scene || !element.isConnected) return;
    layOut();
    const [across, down] = steps();
    const scale = [(2 * across) / wide, (2 * down) / high];
    const pixels = ratio();
    const paper = parts(colour("paper")).map((value) => value / 255);
    const size = tile().map((side) => side * pixels);
    gl.draw({
      centre: [camera.x, camera.y],
      scale,
      size: pointSize() * pixels,
      tile: tiles.length ? size : null,
      paper,
    });
    mark();
    outline();
    element.dataset.drawn = tiles.length;
    element.dataset.pages = gl.missing() ? "coming" : "whole"; // for who waits until all is there
  }

  /** Put the ring and the card where they belong. */
  function mark() {
    const picture = hovered >= 0 ? hovered : byKeys && document.activeElement === element ? at : -1;
    ring.hidden = card.hidden = picture < 0 || !scene.shown[picture] || pointers.size > 0 || rectangle !== null;
    if (ring.hidden) return;
    const [left, top] = placeOf(picture);
    const [tileWide, tileHigh] = tiles.includes(picture) ? tile() : [pointSize() + 8, pointSize() + 8];
    ring.classList.toggle("round", !tiles.includes(picture));
    ring.style.setProperty("width", `${tileWide + 6}px`);
    ring.style.setProperty("height", `${tileHigh + 6}px`);
    ring.style.setProperty("transform", `translate(${left - tileWide / 2 - 3}px, ${top - tileHigh / 2 - 3}px)`);
    if (card.dataset.picture !== String(picture)) {
      fill(card, on.card(picture));
      card.dataset.picture = picture;
    }
    const gap = tileWide / 2 + 12;
    const { offsetWidth, offsetHeight } = card;
    const right = left + gap + offsetWidth < wide;
    const x = right ? left + gap : Math.max(4, left - gap - offsetWidth);
    const y = Math.min(Math.max(4, top - offsetHeight / 2), Math.max(4, high - offsetHeight - 4));
    card.style.setProperty("transform", `translate(${x}px, ${y}px)`);
  }

  function outline() {
    const corners = drawn ?? (rectangle ? cornersOf(rectangle) : scene.area.map(([x, y]) => onScreen(x, y)));
    const text = corners.map((corner) => corner.map((value) => value.toFixed(1)).join(",")).join(" ");
    line.setAttribute("points", text);
    line.toggleAttribute("hidden", !corners.length);
    line.classList.toggle("drawing", drawn !== null || rectangle !== null);
  }

  function moveTo(next, { tell = true } = {}) {
    const zoom = Math.min(Math.max(next.zoom, 0.5), MOST_ZOOM);
    const within = (value) => Math.min(Math.max(value, -1), 1);
    camera = { x: within(next.x), y: within(next.y), zoom };
    later();
    if (!tell) return;
    clearTimeout(telling);
    telling = setTimeout(() => on.camera(camera), 250);
  }

  function zoomBy(factor, left = wide / 2, top = high / 2) {
    const [x, y] = onMap(left, top);
    const zoom = Math.min(Math.max(camera.zoom * factor, 0.5), MOST_ZOOM);
    const by = camera.zoom / zoom; // what is under the pointer stays there
    moveTo({ x: x + (camera.x - x) * by, y: y + (camera.y - y) * by, zoom });
  }

  // ---- pointing --------------------------------------------------------------------------------------------

  function hit(left, top, near) {
    const [tileWide, tileHigh] = tile();
    for (const picture of tiles) {
      const [x, y] = placeOf(picture);
      if (Math.abs(x - left) <= tileWide / 2 && Math.abs(y - top) <= tileHigh / 2) return picture;
    }
    let best = -1;
    let least = near * near;
    const { x, y } = scene.places;
    const [across, down] = steps();
    const [mapX, mapY] = onMap(left, top);
    for (let n = 0; n < run.n; n++) {
      if (!scene.shown[n]) continue;
      const far = ((x[n] - mapX) * across) ** 2 + ((y[n] - mapY) * down) ** 2;
      // Of those that lie on each other, what is picked and what lies on top.
      if (far < least || (far === least && scene.state[n] >= (scene.state[best] ?? 0))) {
        best = n;
        least = far;
      }
    }
    return best;
  }

  const spot = (event) => {
    const { left, top } = element.getBoundingClientRect();
    return [event.clientX - left - element.clientLeft, event.clientY - top - element.clientTop];
  };

  function down(event) {
    if (event.button > 0 || event.target.closest(".over-stage")) return;
    element.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, spot(event));
    moved = pointers.size > 1 ? Infinity : 0;
    rectangle = null;
    drawn = pointers.size === 1 && (lasso || event.shiftKey) ? [spot(event)] : null;
    hovered = -1;
    byKeys = false;
    later();
  }

  function move(event) {
    const here = spot(event);
    const before = pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType === "touch") return;
      const found = hit(...here, NEAR.mouse);
      element.classList.toggle("pointing", found >= 0);
      if (found !== hovered) {
        hovered = found;
        later();
      }
      return;
    }
    moved += Math.hypot(here[0] - before[0], here[1] - before[1]);
    if (pointers.size === 2) {
      const [other] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
      const apart = (place) => Math.max(8, Math.hypot(place[0] - other[0], place[1] - other[1]));
      zoomBy(apart(here) / apart(before), (here[0] + other[0]) / 2, (here[1] + other[1]) / 2);
      pan((here[0] - before[0]) / 2, (here[1] - before[1]) / 2);
    } else if (drawn) {
      // A browser that is busy puts several moves together, which would cut corners; not every one tells them.
      for (const each of [...(event.getCoalescedEvents?.() ?? []), event]) {
        const [place, last] = [spot(each), drawn.at(-1)];
        if (Math.hypot(place[0] - last[0], place[1] - last[1]) > 4) drawn.push(place);
      }
      later();
    } else pan(here[0] - before[0], here[1] - before[1]);
    pointers.set(event.pointerId, here);
  }

  function pan(across, downwards) {
    const [x, y] = steps();
    moveTo({ ...camera, x: camera.x - across / x, y: camera.y + downwards / y });
  }

  function up(event) {
    if (!pointers.delete(event.pointerId)) return;
    const around = drawn;
    drawn = null;
    later();
    if (event.type === "pointercancel") return;
    if (moved < 6) {
      const found = hit(...spot(event), NEAR[event.pointerType === "touch" ? "touch" : "mouse"]);
      if (found >= 0) {
        at = found;
        on.open(found);
      } else if (around) on.area([]);
      return;
    }
    if (around?.length > 2) on.area(fewer(around).map((place) => onMap(...place)));
  }

  element.addEventListener("pointerdown", down);
  element.addEventListener("pointermove", move);
  element.addEventListener("pointerup", up);
  element.addEventListener("pointercancel", up);
  element.addEventListener("pointerleave", () => {
    hovered = -1;
    later();
  });
  element.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const pixels = event.deltaY * (event.deltaMode === 1 ? 20 : event.deltaMode === 2 ? 400 : 1);
      zoomBy(Math.exp(-Math.min(Math.max(pixels, -300), 300) / 320), ...spot(event));
    },
    { passive: false },
  );

  // ---- keys ------------------------------------------------------------------------------------------------

  function keys(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== element) return;
    const act = rectangle ? rectangleKeys(event) : (walking(event) ?? looking(event));
    if (!act) return;
    event.preventDefault();
    hovered = -1;
    byKeys = true;
    act();
    later();
  }

  function walking(event) {
    const direction = DIRECTIONS[event.key];
    if (direction && event.shiftKey) return () => pan(-80 * direction[0], 80 * direction[1]);
    if (direction) return () => walk(nextIn(direction));
    return {
      PageDown: () => walk(along(1)),
      PageUp: () => walk(along(-1)),
      Home: () => walk(along(1, -1)),
      End: () => walk(along(-1, run.n)),
      Enter: () => at >= 0 && on.open(at),
      " ": () => at >= 0 && on.open(at),
    }[event.key];
  }

  function looking(event) {
    return {
      "+": () => zoomBy(STEP),
      "=": () => zoomBy(STEP),
      "-": () => zoomBy(1 / STEP),
      0: () => moveTo({ x: 0, y: 0, zoom: 1 }),
      r: () => begin(),
      R: () => begin(),
      Escape: () => (scene.area.length ? on.area([]) : walk(-1)),
    }[event.key];
  }

  function begin() {
    const [left, top] = at >= 0 ? placeOf(at) : [wide / 2, high / 2];
    rectangle = { left: left - wide / 8, top: top - high / 8, width: wide / 4, height: high / 4 };
    on.say(
      "A rectangle: arrow keys move it, Shift and arrow keys make it larger or smaller, Enter takes what is in it, Escape gives it up.",
    );
  }

  function rectangleKeys(event) {
    const direction = DIRECTIONS[event.key];
    const step = 24;
    if (direction) {
      return () => {
        if (event.shiftKey) {
          rectangle.width = Math.max(step, rectangle.width + step * direction[0]);
          rectangle.height = Math.max(step, rectangle.height + step * direction[1]);
        } else {
          rectangle.left += step * direction[0];
          rectangle.top -= step * direction[1];
        }
        on.say(on.told(cornersOf(rectangle).map((corner) => onMap(...corner))));
      };
    }
    return {
      Enter: () => {
        const area = cornersOf(rectangle).map((corner) => onMap(...corner));
        rectangle = null;
        on.area(area);
      },
      Escape: () => {
        rectangle = null;
        on.say("No rectangle.");
      },
    }[event.key];
  }

  /** The nearest picture that lies in a direction; where nothing is yet, that nearest to the middle. */
  function nextIn([right, upwards]) {
    const { x, y } = scene.places;
    const [across, down] = steps();
    const from = at >= 0 && scene.shown[at] ? [x[at], y[at]] : [camera.x, camera.y];
    let best = -1;
    let least = Infinity;
    for (let n = 0; n < run.n; n++) {
      if (n === at || !scene.shown[n] || !scene.state[n]) continue;
      const dx = (x[n] - from[0]) * across;
      const dy = (y[n] - from[1]) * down;
      const ahead = dx * right + dy * upwards;
      const beside = Math.abs(dx * upwards) + Math.abs(dy * right);
      const far = at < 0 ? Math.hypot(dx, dy) : ahead + 2 * beside;
      if (at >= 0 && (ahead <= 0 || beside > 2 * ahead)) continue;
      if (far < least) {
        best = n;
        least = far;
      }
    }
    return best >= 0 ? best : at;
  }

  /** The next picture in time, or the one before. */
  function along(by, from = at) {
    for (let n = from + by; n >= 0 && n < run.n; n += by) if (scene.shown[n] && scene.state[n]) return n;
    return at;
  }

  function walk(picture) {
    at = picture;
    if (at < 0) return;
    const [left, top] = placeOf(at);
    const inside = left > 30 && left < wide - 30 && top > 30 && top < high - 30;
    if (!inside) moveTo({ ...camera, x: scene.places.x[at], y: scene.places.y[at] });
    on.at(at);
  }

  element.addEventListener("keydown", keys);
  element.addEventListener("focus", () => {
    byKeys = !pointers.size;
    if (at < 0 && scene) at = nextIn([0, 0]);
    later();
  });
  addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || hovered < 0) return;
    hovered = -1; // what came by pointing goes without moving the pointer (WCAG 1.4.13)
    later();
  });
  element.addEventListener("blur", () => {
    rectangle = null;
    later();
  });

  // ---- around ----------------------------------------------------------------------------------------------

  function measured() {
    wide = Math.max(1, element.clientWidth);
    high = Math.max(1, element.clientHeight);
    canvas.width = Math.round(wide * ratio());
    canvas.height = Math.round(high * ratio());
    later();
  }
  new ResizeObserver(measured).observe(element);
  measured();

  canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
  canvas.addEventListener("webglcontextrestored", () => {
    gl = drawing(canvas, run.about.small, later);
    placed = null;
    if (scene) show(scene);
  });

  /** @param {Scene} given */
  function show(given) {
    if (placed !== given.places) gl.places(given.places);
    placed = given.places;
    scene = given;
    const order = Array.from(given.first).filter((picture) => given.shown[picture]);
    // The last lies on top: what is picked, and of the others what is of a kind.
    const rank = (picture) => 2 * given.state[picture] + (given.looks[2 * picture] >= 0 ? 1 : 0);
    order.reverse().sort((a, b) => rank(a) - rank(b));
    gl.looks(given.colours, given.looks);
    gl.order(Uint32Array.from(order));
    laid = "";
    delete card.dataset.picture;
    later();
  }

  return {
    show,
    zoom: (factor) => zoomBy(factor),
    look: (next) => moveTo(next, { tell: false }),
    all: () => moveTo({ x: 0, y: 0, zoom: 1 }),
    draws: (on_) => {
      lasso = on_;
      element.classList.toggle("lasso", lasso);
    },
    at: (picture) => {
      at = picture;
      later();
    },
    redraw: later,
    canvas,
  };
}

const cornersOf = ({ left, top, width, height }) => [
  [left, top],
  [left + width, top],
  [left + width, top + height],
  [left, top + height],
];
