// All people, of whom several are named, merged or left out at a time.

import { fill, h } from "../common/dom.js";
import { card, ignoreDialog, mergeDialog, nameDialog, splitDialog } from "./decisions.js";
import { makeMarking, picture } from "./faces.js";
import { showFaces } from "./viewer.js";
import { called, count, counted, duration, oneLine, shortened } from "./words.js";

const HEIGHT = 204; // pixels of a cell, with the gap
const WIDTH = 136; // at least
const SPARE = 3; // rows above and below what is seen
const SHOWS = [["all", "Everybody"], ["unnamed", "Without a name"], ["named", "With a name"], ["ignored", "Left out"]];

export function makePeopleView(app) {
  const { store, backend } = app;
  let people = [];
  let shown = [];
  let show = "all";
  let isOld = true;
  let n_people = 0;
  let columns = 1;
  let at = 0; // who has the focus
  let from = 0; // where a range begins
  let loading = 0;
  const marks = new Set();
  const keyOf = (each) => each.person || JSON.stringify(each.anchor);

  const heading = h("h2", { tabindex: -1 }, "People");
  const search = h("input", { type: "search", "aria-label": "Look for a name or an ID", placeholder: "Name or ID  ( / )", autocomplete: "off", spellcheck: "false", on: { input: () => filter() } });
  const select = h("select", { "aria-label": "Who is shown", on: { change: () => { show = select.value; marks.clear(); load(); } } }, SHOWS.map(([value, text]) => h("option", { value }, text)));
  const state = h("p", { class: "quiet", role: "status" });
  const bar = h("p", { class: "buttons" });
  const canvas = h("div", { class: "cells", role: "presentation" });
  const band = h("div", { class: "band", hidden: true, "aria-hidden": "true" });
  const grid = h("div", { class: "grid", role: "listbox", "aria-multiselectable": "true", "aria-label": "People, the most seen first", tabindex: 0 }, canvas, band);
  const element = h("section", { class: "people" }, h("div", { class: "head" }, heading, h("p", { class: "tools" }, search, select)), bar, state, grid);

  const marked = () => people.filter((each) => marks.has(keyOf(each)));
  /** Those that an action means: the marked ones, else the one that has the focus. */
  const meant = () => {
    const found = marked();
    return found.length ? found : shown[at] ? [shown[at]] : [];
  };

  async function load() {
    const mine = ++loading;
    isOld = false;
    let found = [];
    try {
      for (;;) {
        const part = await backend.people(found.length, show);
        if (mine !== loading) return;
        found = [...found, ...part.people];
        n_people = part.n_people;
        people = found;
        filter();
        if (!part.people.length || found.length >= part.n_people) break;
      }
    } catch (error) {
      if (mine === loading) fill(state, `The people cannot be had: ${error.message}`);
    }
  }

  function filter() {
    const typed = oneLine(search.value).toLocaleLowerCase();
    shown = typed ? people.filter((each) => `${each.name} ${each.person}`.toLocaleLowerCase().includes(typed)) : people;
    at = Math.max(0, Math.min(at, shown.length - 1));
    draw();
  }

  const cellOf = (place) => canvas.querySelector(`[data-place="${place}"]`);

  function drawCells() {
    columns = Math.max(1, Math.floor(grid.clientWidth / WIDTH));
    const rows = Math.ceil(shown.length / columns);
    canvas.style.height = `${rows * HEIGHT}px`;
    const first = Math.max(0, Math.floor(grid.scrollTop / HEIGHT) - SPARE) * columns;
    const last = Math.min(shown.length, (Math.ceil((grid.scrollTop + grid.clientHeight) / HEIGHT) + SPARE) * columns);
    const places = Array.from({ length: Math.max(0, last - first) }, (_, each) => first + each);
    if (shown.length && (at < first || at >= last)) places.push(at); // so that the focus is not lost
    const width = grid.clientWidth / columns;
    fill(
      canvas,
      places.map((place) => {
        const each = shown[place];
        const cell = h(
          "div",
          {
            class: place === at ? "cell at" : "cell", role: "option", id: `cell-${place}`, "data-place": place,
            "aria-selected": String(marks.has(keyOf(each))), "aria-setsize": shown.length, "aria-posinset": place + 1,
          },
          picture(each.portrait, "", "no picture"),
          h("bdi", { class: "name", title: called(each) }, shortened(called(each), 60)),
          h("span", { class: "quiet" }, each.ignored ? `left out: ${shortened(each.ignored, 40)}` : `${duration(each.seconds)}${each.reviewed ? " · ✓" : ""}`),
        );
        cell.style.left = `${(place % columns) * width}px`;
        cell.style.top = `${Math.floor(place / columns) * HEIGHT}px`;
        cell.style.width = `${width - 8}px`;
        return cell;
      }),
    );
    if (shown.length) grid.setAttribute("aria-activedescendant", `cell-${at}`);
    else grid.removeAttribute("aria-activedescendant");
  }

  function draw() {
    const n = marks.size;
    fill(state, `${count(shown.length)}${shown.length === n_people ? "" : ` of ${count(n_people)}`} ${shown.length === 1 ? "person" : "people"}${n ? ` · ${count(n)} marked` : ""}`);
    const isHidden = show === "ignored";
    const act = (text, key, enabled, click) =>
      h("button", { type: "button", "aria-disabled": String(!enabled), "aria-keyshortcuts": key, on: { click: () => enabled && click() } }, text, h("kbd", { "aria-hidden": "true" }, key));
    const had = [...bar.children].indexOf(document.activeElement);
    const some = meant().length > 0;
    fill(
      bar,
      isHidden
        ? act("Take back in", "I", some, actions.i)
        : [
            act("Rename", "R", some, actions.r), act("Merge", "M", marked().length > 1, actions.m),
            act("Ignore", "I", some, actions.i), act("Split", "S", some, actions.s),
          ],
      act("Large", "Enter", some, () => actions.Enter()),
      act("Unmark", "Esc", n > 0, () => actions.Escape()),
    );
    if (had >= 0) bar.children[Math.min(had, bar.children.length - 1)]?.focus();
    drawCells();
  }

  /** The person as a row of faces, as questions have them. */
  async function rowOf(each) {
    if (each.faces) return each;
    // A page from a file has the faces of those whom it asks about.
    const asked = store.state.doc.static && store.state.doc.questions.flatMap(({ rows }) => rows).find((row) => row.person === each.person);
    if (asked) return { ...asked, ...each, faces: asked.faces, more: null };
    const found = each.more ? await app.faces(each.more) : { faces: [], next: null, n_faces: each.n_faces };
    return { ...each, faces: found.faces, more: found.next, n_faces: found.n_faces ?? each.n_faces };
  }
  const withFaces = async (act) => {
    if (!meant().length) return;
    try {
      const row = await rowOf(meant()[0]);
      if (row.faces?.length) act(row);
      else app.announce("There are no pictures of the faces.");
    } catch (error) {
      app.announce(`The faces cannot be had: ${error.message}`);
    }
  };

  const actions = {
    r: () => {
      const found = meant();
      if (found.length === 1) nameDialog(app, found);
      else if (found.length) mergeDialog(app, found, { naming: true });
    },
    m: () => {
      if (marked().length > 1) mergeDialog(app, marked());
      else app.announce("Mark two people or more first: click, or Space.");
    },
    i: () => {
      if (!meant().length) return;
      if (show !== "ignored") ignoreDialog(app, meant(), { all: true });
      else for (const each of meant()) store.undo(each.decision ?? { ignore: each.anchor, reason: each.ignored });
    },
    s: () => withFaces((row) => splitDialog(app, [row])),
    Enter: () =>
      withFaces((row) => {
        const marking = makeMarking(() => {});
        for (const face of row.faces) marking.add(face, row, 96);
        showFaces(marking, 0, false);
      }),
    Escape: () => {
      marks.clear();
      draw();
    },
  };

  function mark(place, toHere) {
    if (!shown[place]) return;
    if (toHere) for (let each = Math.min(from, place); each <= Math.max(from, place); each++) marks.add(keyOf(shown[each]));
    else {
      const key = keyOf(shown[place]);
      if (!marks.delete(key)) marks.add(key);
      from = place;
    }
  }

  function move(to, extend) {
    const target = Math.max(0, Math.min(shown.length - 1, to));
    if (extend) {
      if (!marks.has(keyOf(shown[at]))) mark(at, false);
      mark(target, true);
    } else from = target;
    at = target;
    const top = Math.floor(at / columns) * HEIGHT;
    if (top < grid.scrollTop) grid.scrollTop = top;
    else if (top + HEIGHT > grid.scrollTop + grid.clientHeight) grid.scrollTop = top + HEIGHT - grid.clientHeight;
    draw();
  }

  grid.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(grid.clientHeight / HEIGHT)) * columns;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, PageUp: -page, PageDown: page, Home: -at, End: shown.length };
    if (event.altKey || !shown.length) return;
    if (event.key in steps) {
      event.preventDefault();
      move(at + steps[event.key], event.shiftKey);
    } else if (event.key === " ") {
      event.preventDefault();
      mark(at, event.shiftKey);
      draw();
    } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "a") {
      event.preventDefault();
      for (const each of shown) marks.add(keyOf(each));
      draw();
    }
  });

  // A click marks; with shift a range; what is dragged over from a free place or a cell is marked, too.
  let drag = null;
  const point = (event) => {
    const box = grid.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top + grid.scrollTop];
  };
  grid.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.pointerType === "touch" || event.offsetX > grid.clientWidth) return;
    const [x, y] = point(event);
    drag = { x, y, moved: false, before: event.ctrlKey || event.metaKey || event.shiftKey ? new Set(marks) : new Set() };
  });
  addEventListener("pointermove", (event) => {
    if (!drag) return;
    const [x, y] = point(event);
    if (!drag.moved && Math.hypot(x - drag.x, y - drag.y) < 6) return;
    if (!drag.moved) getSelection()?.removeAllRanges();
    drag.moved = true;
    const [left, right] = [Math.min(x, drag.x), Math.max(x, drag.x)];
    const [top, bottom] = [Math.min(y, drag.y), Math.max(y, drag.y)];
    Object.assign(band.style, { left: `${left}px`, top: `${top}px`, width: `${right - left}px`, height: `${bottom - top}px` });
    band.hidden = false;
    const width = grid.clientWidth / columns;
    marks.clear();
    for (const key of drag.before) marks.add(key);
    const rows = [Math.floor(top / HEIGHT), Math.floor(bottom / HEIGHT)];
    for (let row = Math.max(0, rows[0]); row <= rows[1]; row++) {
      for (let column = Math.max(0, Math.floor(left / width)); column <= Math.min(columns - 1, Math.floor(right / width)); column++) {
        const each = shown[row * columns + column];
        if (each) marks.add(keyOf(each));
      }
    }
    const edge = grid.getBoundingClientRect();
    if (event.clientY > edge.bottom - 30) grid.scrollTop += 12;
    if (event.clientY < edge.top + 30) grid.scrollTop -= 12;
    draw();
  });
  const drop = () => {
    band.hidden = true;
    if (drag?.moved) {
      // The click that ends a drag is none.
      const swallow = (event) => event.stopPropagation();
      addEventListener("click", swallow, { capture: true, once: true });
      setTimeout(() => removeEventListener("click", swallow, { capture: true }));
    }
    drag = null;
  };
  addEventListener("pointerup", drop);
  addEventListener("pointercancel", drop);
  grid.addEventListener("click", (event) => {
    const cell = event.target.closest(".cell");
    if (!cell) return;
    at = Number(cell.dataset.place);
    mark(at, event.shiftKey);
    grid.focus({ preventScroll: true });
    draw();
  });
  grid.addEventListener("dblclick", () => actions.Enter());
  grid.addEventListener("scroll", () => drawCells(), { passive: true });
  new ResizeObserver(() => element.isConnected && drawCells()).observe(grid);

  return {
    element,
    actions,
    search: () => search.focus(),
    focus: () => grid.focus({ preventScroll: true }),
    /** After a decision: who is gone, and who has other minutes. */
    changed({ effect, isNamed }) {
      let unknown = false;
      for (const { person, name, after } of effect?.people ?? []) {
        const each = people.find((other) => other.person === person);
        if (!each) unknown ||= after > 0;
        else if (after) Object.assign(each, { seconds: after, reviewed: true }, name && name !== each.name ? { name, named: !/^Person [A-Z0-9]+$/.test(name) } : {});
        else people = people.filter((other) => other !== each);
      }
      for (const key of [...marks]) if (!people.some((each) => keyOf(each) === key)) marks.delete(key);
      n_people = Math.min(n_people, people.length) || people.length;
      if (unknown || isNamed || !effect || show !== "all") isOld = true;
      if (element.isConnected) this.draw();
    },
    draw() {
      if (isOld || !people.length) load();
      else filter();
    },
    reload: () => { isOld = true; },
    press(key, event) {
      if (event.target.matches("button, select, a, summary") && (key === "Enter" || key === " ")) return false;
      const act = actions[key];
      if (!act || event.repeat) return Boolean(act);
      act();
      return true;
    },
  };
}
