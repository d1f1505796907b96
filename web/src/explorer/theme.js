// Light or dark: as the reader's system says, or as the reader says here.
import { h } from "../common/dom.js";

const NAMES = { "": "As the system", light: "Light", dark: "Dark" };
const KEY = "castgraph-theme";
const root = document.documentElement;

/** Calls back whenever colours have changed: what is drawn on a canvas is drawn again. Gives what ends that. */
export function onTheme(act) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  addEventListener(KEY, act);
  system.addEventListener("change", act);
  return () => {
    removeEventListener(KEY, act);
    system.removeEventListener("change", act);
  };
}

/** A colour of the page by its name, such as "ink"; on canvases CSS variables say nothing. */
export const colour = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();

/** Whether the page is dark. */
export const isDark = () =>
  root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;

export function themeSwitch() {
  set(kept());
  const choice = h(
    "select",
    { "aria-label": "Colours of the page", class: "small", on: { change: () => choose(choice.value) } },
    Object.entries(NAMES).map(([value, title]) => h("option", { value, selected: value === kept() }, title)),
  );
  return choice;
}

function choose(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // kept for this page only
  }
  set(theme);
  dispatchEvent(new Event(KEY));
}

function set(theme) {
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
}

function kept() {
  try {
    const theme = localStorage.getItem(KEY) ?? "";
    return theme in NAMES ? theme : "";
  } catch {
    return "";
  }
}
