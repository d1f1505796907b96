// Keys of one letter that a whole page heeds.

/** Heed keys: not while somebody writes, and not where they are turned off (WCAG 2.1.4). */
export function keyed(acts) {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest?.("input, select, textarea, [contenteditable], dialog")) return;
    if (document.documentElement.dataset.keys === "off" || !acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  });
}
