// A slider for numbers that are small or very large.
import { h } from "../../common/dom.js";
import { count } from "../../common/format.js";

const STEPS = 400;
const PAUSE = 60; // milliseconds in which nothing moves, after which the number counts

/**
 * Make a slider whose steps grow with the number: as much of it lies between 1 and 10 as between 1,000 and 10,000.
 *
 * @param {string} name
 * @param {string} title
 * @param {() => number} most the largest number there is now
 * @param {(value: number) => void} change
 * @returns {{element: HTMLElement, set: (to: number) => void}}
 */
export function slider(name, title, most, change) {
  const number = h("strong", { "aria-hidden": "true" });
  const input = h("input", { type: "range", name, min: 0, max: STEPS, step: 1, "aria-label": title });
  const value = () => Math.round(Math.max(most(), 1) ** (input.value / STEPS));
  let waiting = 0;

  function tell(to) {
    number.textContent = count(to);
    input.setAttribute("aria-valuetext", count(to));
  }

  input.addEventListener("input", () => {
    tell(value());
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      waiting = 0;
      change(value());
    }, PAUSE);
  });
  return {
    element: h("label", { class: "slider" }, h("span", {}, title, " ", number), input),
    set(to) {
      if (waiting) return; // it is being moved
      tell(to);
      input.value = Math.round((STEPS * Math.log(Math.max(to, 1))) / Math.log(Math.max(most(), 2)));
    },
  };
}
