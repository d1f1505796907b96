// The map where there is no WebGL: points that stand still, in the same colours and shapes.
import { h } from "../common/dom.js";

const HIGH = 0.62; // of its width
const SIZES = { 0: 2.5, 1: 3.5, 2: 5 }; // pixels from the middle of a point, by its state
const EDGE = 10;

/**
 * Draw a map once.
 *
 * @param {import("./stage.js").Scene} scene
 * @param {number} wide pixels
 * @param {string} label what it says to who cannot see it
 */
export function still({ places, colours, looks, shown, state, first }, wide, label) {
  const high = Math.round(HIGH * wide);
  const scale = Math.min(2, devicePixelRatio || 1);
  const canvas = h("canvas", { role: "img", "aria-label": label, width: wide * scale, height: high * scale });
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  const order = Array.from(first).filter((picture) => shown[picture]);
  order.reverse().sort((a, b) => state[a] - state[b]); // what is picked on top
  for (const picture of order) {
    const [red, green, blue, there] = colours.subarray(4 * picture, 4 * picture + 4);
    const x = EDGE + ((places.x[picture] + 1) / 2) * (wide - 2 * EDGE);
    const y = EDGE + ((1 - places.y[picture]) / 2) * (high - 2 * EDGE);
    context.fillStyle = `rgb(${red} ${green} ${blue} / ${there / 255})`;
    context.beginPath();
    outline(context, looks[2 * picture], x, y, SIZES[state[picture]]);
    context.fill();
  }
  return canvas;
}

function outline(context, shape, x, y, size) {
  if (shape === 1) context.rect(x - size, y - size, 2 * size, 2 * size);
  else if (shape > 1) {
    const low = shape === 2 ? size : 0;
    context.moveTo(x, y - 1.3 * size);
    context.lineTo(x + 1.3 * size, y + low);
    if (shape === 3) context.lineTo(x, y + 1.3 * size);
    context.lineTo(x - 1.3 * size, y + low);
  } else context.arc(x, y, shape < 0 ? 0.6 * size : size, 0, 2 * Math.PI);
}
