// Dialogs that make decisions: a name, one person out of several, somebody who is left out, faces that leave.

import { fill, h } from "../common/dom.js";
import { button, choice, field, show } from "./dialog.js";
import { beside, digit, makeMarking, picture, sized } from "./faces.js";
import { letter } from "./keys.js";
import { called, count, counted, duration, effectWords, fault, oneLine, sameName, shortened } from "./words.js";

const remembered = { source: "caption in the frame", reason: "" };
const MOST_NAMES = 8;

const portrait = (row) => row.portrait ?? (row.faces?.[0]?.crop ? sized(row.faces[0].crop, 96) : null);

/** Who it is, on a line: picture, name, ID, time on screen. */
export const card = (row) =>
  h(
    "span",
    { class: "card" },
    picture(portrait(row), ""),
    h("bdi", {}, shortened(called(row), 80)),
    h("span", { class: "quiet" }, ` ${row.named && row.person ? `${row.person} · ` : ""}${duration(row.seconds)}`),
  );

/** The larger one keeps its ID. */
export const bySeconds = (rows) => [...rows].sort((one, other) => other.seconds - one.seconds);

/** A field in which known names come up while one types. */
function nameField(app, value) {
  const name = field("Name", { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", value });
  const list = h("ul", { role: "listbox", id: `${name.input.id}-list`, "aria-label": "Known names", hidden: true });
  name.input.setAttribute("aria-controls", list.id);
  name.element.append(list);
  let at = -1;
  let shown = [];
  const close = () => {
    list.hidden = true;
    at = -1;
    name.input.setAttribute("aria-expanded", "false");
    name.input.removeAttribute("aria-activedescendant");
  };
  const pick = (row) => {
    name.input.value = row.name;
    close();
    name.input.focus();
  };
  const draw = () => {
    fill(
      list,
      shown.map((row, place) =>
        h(
          "li",
          {
            role: "option", id: `${list.id}-${place}`, "aria-selected": String(place === at),
            on: { mousedown: (event) => { event.preventDefault(); pick(row); } },
          },
          card(row),
        ),
      ),
    );
    list.hidden = !shown.length;
    name.input.setAttribute("aria-expanded", String(shown.length > 0));
    if (at >= 0) name.input.setAttribute("aria-activedescendant", `${list.id}-${at}`);
    else name.input.removeAttribute("aria-activedescendant");
  };
  name.input.addEventListener("input", () => {
    const typed = oneLine(name.input.value).toLocaleLowerCase();
    at = -1;
    const starts = (row) => !row.name.toLocaleLowerCase().startsWith(typed);
    shown = typed
      ? app.names().filter((row) => row.name.toLocaleLowerCase().includes(typed))
          .sort((one, other) => starts(one) - starts(other)).slice(0, MOST_NAMES)
      : [];
    draw();
  });
  name.input.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const n = shown.length;
      at = (at + (event.key === "ArrowDown" ? 1 : -1) + n + (at < 0 && event.key === "ArrowUp" ? 1 : 0)) % n;
      draw();
      list.children[at]?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter" && at >= 0) {
      event.preventDefault();
      pick(shown[at]);
    } else if (event.key === "Escape") {
      event.preventDefault(); // closes the list, not the dialog
      event.stopPropagation();
      close();
    }
  });
  name.input.addEventListener("blur", close);
  return name;
}

function sourceField() {
  const source = field("Source", { value: remembered.source, list: "sources" }, "where you know it from");
  source.element.append(
    h("datalist", { id: "sources" }, ["caption in the frame", "said in the broadcast", "known to me"].map((value) => h("option", { value }))),
  );
  return source;
}

/** Check what was typed; the texts as they are written, or null where one is wrong. */
function texts(fields) {
  const found = {};
  for (const [key, each] of Object.entries(fields).reverse()) {
    found[key] = oneLine(each.input.value);
    if (!each.say(fault(each.input.value, key))) found.wrong = true;
  }
  return found.wrong ? null : found;
}

const form = (submit, ...children) =>
  h("form", { on: { submit: (event) => { event.preventDefault(); submit(); } } }, ...children);
const submitButton = (text) => h("button", { type: "submit", class: "main" }, text, h("kbd", { "aria-hidden": "true" }, "Enter"));

/**
 * Give one of some people a name; a name that somebody has is asked about.
 *
 * @param {Object[]} rows the people
 * @param {Object|null} question what it answers, if it does
 */
export function nameDialog(app, rows, question = null) {
  show(
    "Who is this?",
    (close, dialog) => {
      const one = choice("Person", rows.map(card));
      const name = nameField(app, rows[0].named ? rows[0].name : "");
      const source = sourceField();
      const body = h("div", {});
      for (const input of one.inputs) {
        input.addEventListener("change", () => {
          const row = rows[one.chosen()];
          name.input.value = row.named ? row.name : "";
        });
      }
      const submit = () => {
        const given = texts({ name, source });
        if (!given) return;
        const row = rows[one.chosen()];
        const others = app.names().filter((each) => each.person !== row.person && sameName(each.name, given.name));
        remembered.source = given.source;
        const decision = { person: row.anchor, ...given };
        const send = (decisions, words, more) => {
          close();
          app.answer(question, "name", decisions, words, more);
        };
        if (!others.length) {
          send([decision], `${called(row)} is ${given.name}.`, { anyway: false });
          return;
        }
        fill(
          body,
          taken(
            given.name, row, others,
            (other) => send([{ same: [row.anchor, other.anchor] }], merged([row, other])),
            () => send([decision], `${called(row)} is ${given.name}, and so is somebody else.`, { anyway: true }),
            () => { fill(body, entry); name.input.focus(); },
          ),
        );
        body.querySelector("h3").focus();
      };
      const entry = form(
        submit,
        rows.length > 1 ? one.element : h("p", {}, card(rows[0])),
        name.element, source.element,
        h("p", { class: "buttons" }, submitButton("Save name"), button("Cancel", close)),
      );
      fill(body, entry);
      return body;
    },
    { focus: "[role=combobox]" },
  );
}

/** What is asked where somebody has the name: nobody is merged by a name. */
function taken(name, row, others, one, two, back) {
  return [
    h("h3", { tabindex: -1 }, "Somebody has this name already: ", h("bdi", {}, shortened(name))),
    row && h("p", {}, "To be named: ", card(row)),
    others.map((other) =>
      h(
        "p",
        { class: "buttons" },
        card(other),
        button("One person: merge", () => one(other)),
        row && h("span", { class: "quiet" }, goesInto([row, other])),
      ),
    ),
    h("p", { class: "buttons" }, button("Two people of one name", two), button("Back", back)),
  ];
}

/** Ask about a name of which the server says that somebody has it. */
export function takenDialog(app, { entry, others }) {
  const block = entry.body.decisions.find((each) => each.person);
  let done = false;
  const end = (close, decide) => {
    done = true;
    close();
    app.store.resolve(decide);
  };
  const again = (decisions, more, words) => (before) => ({
    key: crypto.randomUUID(), op: "decide", question: before.question, words,
    body: { ...before.body, decisions, ...more },
  });
  show(
    "A name twice",
    (close) =>
      h(
        "div",
        {},
        taken(
          block?.name ?? "", null, others,
          (other) => end(close, again([{ same: [block.person, other.anchor] }], {}, `One person with ${called(other)}.`)),
          () => end(close, again(entry.body.decisions, { anyway: true }, entry.words)),
          close,
        ),
      ),
    { closed: () => done || app.store.resolve(null) },
  );
}

/** The one whose ID stays comes first: as the server says, which knows all faces, else the one with more of it on screen. */
export function inOrder(rows, effect = null) {
  const after = new Map((effect?.people ?? []).map((each) => [each.person, each.after]));
  const stays = (row) => (row.person && after.has(row.person) ? Math.sign(after.get(row.person)) : 0.5);
  return bySeconds(rows).sort((one, other) => stays(other) - stays(one));
}

/** Which way a merge goes. */
export function goesInto(rows, effect = null) {
  const [first, ...others] = inOrder(rows, effect);
  const goes = others.map((each) => shortened(called(each), 40)).join(", ");
  const name = rows.find((each) => each.named);
  const kept = [first.person && `the ID ${first.person}`, name && `the name “${shortened(name.name, 40)}”`].filter(Boolean);
  const stays = kept.length ? `: ${kept.join(" and ")} ${kept.length === 1 ? "stays" : "stay"}` : "";
  return `${goes} ${others.length === 1 ? "goes" : "go"} into ${shortened(called(first), 40)}${stays}.`;
}

export const merged = (rows, effect) => `One person: ${goesInto(rows, effect)}`;

/** The different names that people have. */
export const namesOf = (rows) => [...new Map(rows.filter((each) => each.named).map((each) => [oneLine(each.name), each.name])).values()];

/**
 * Make one person of several; says which ID, name and portrait stay, and lets one choose the last two.
 */
export function mergeDialog(app, rows, { question = null, decisions = null, naming = false } = {}) {
  rows = bySeconds(rows);
  const names = namesOf(rows);
  const options = [...names, ...(names.length ? [] : ["no name"]), "another name"];
  show(
    `Make one person of ${count(rows.length)}`,
    (close) => {
      const name = choice("Name that stays", options.map((each) => h("bdi", {}, shortened(each, 80))), naming ? options.length - 1 : 0);
      const another = nameField(app, "");
      const source = sourceField();
      const details = h("div", {}, another.element, source.element);
      const isOther = () => name.chosen() === options.length - 1;
      const isWritten = () => isOther() || names.length > 1;
      const draw = () => {
        details.hidden = !isWritten();
        another.element.hidden = !isOther();
      };
      name.element.addEventListener("change", draw);
      draw();
      const pictured = rows.filter(portrait).slice(0, 12);
      const image = choice("Portrait that stays", [
        "the best of all their faces",
        ...pictured.map((row) => h("span", { class: "card" }, picture(portrait(row), called(row)))),
      ]);
      const direction = h("p", { role: "status" });
      let effect = null;
      const tell = () =>
        fill(
          direction,
          h("b", {}, goesInto(inOrder(rows, effect).slice(0, 4), effect)),
          rows.length > 4 && ` The same holds for ${counted(rows.length - 4, "more", "more")}. `,
          " ", h("span", { class: "quiet" }, effectWords(effect).join(" · ")),
          effect?.problems?.length > 0 && h("span", { class: "wrong" }, effect.problems.join(" ")),
        );
      tell();
      const asked = { question: null, answer: "", decisions: decisions ?? [{ same: rows.map((each) => each.anchor) }], anyway: true };
      app.backend.effect(asked).then((found) => { effect = found.effect; tell(); }, () => {});
      const submit = () => {
        const written = isWritten() && texts(isOther() ? { name: another, source } : { source });
        if (isWritten() && !written) return;
        const made = decisions ? [...decisions] : [{ same: rows.map((each) => each.anchor) }];
        if (written) {
          remembered.source = written.source;
          made.push({ person: rows[0].anchor, name: written.name ?? names[name.chosen()], source: written.source });
        }
        if (image.chosen() > 0) made.push({ portrait: pictured[image.chosen() - 1].anchor });
        close();
        app.answer(question, question ? "yes" : "", made, merged(rows, effect), written ? { anyway: true } : {});
      };
      return form(
        submit,
        h("ul", { class: "cards" }, rows.slice(0, 30).map((row) => h("li", {}, card(row)))),
        rows.length > 30 && h("p", {}, `and ${count(rows.length - 30)} more`),
        direction,
        name.element, details, image.element,
        h("p", { class: "buttons" }, submitButton("Merge"), button("Cancel", close)),
      );
    },
    { focus: naming ? "[role=combobox]" : undefined },
  );
}

/** Leave people out everywhere, with a reason. */
export function ignoreDialog(app, rows, { question = null, all = false } = {}) {
  show(
    all && rows.length > 1 ? `Leave ${count(rows.length)} people out` : "Leave a person out",
    (close) => {
      const one = choice("Person", rows.map(card));
      const reason = field("Reason", { value: remembered.reason }, "such as: a child; asked to be left out");
      const submit = () => {
        const given = texts({ reason });
        if (!given) return;
        remembered.reason = given.reason;
        const chosen = all ? rows : [rows[one.chosen()]];
        close();
        const words = `Left out: ${chosen.slice(0, 3).map((each) => shortened(called(each), 40)).join(", ")}${chosen.length > 3 ? ` and ${count(chosen.length - 3)} more` : ""}.`;
        app.answer(question, "ignore", chosen.map((each) => ({ ignore: each.anchor, reason: given.reason })), words);
      };
      return form(
        submit,
        all || rows.length === 1
          ? h("ul", { class: "cards" }, rows.slice(0, 30).map((row) => h("li", {}, card(row))))
          : one.element,
        h("p", {}, "Who is left out is in no page, picture or export; the corrections still find them, and Z takes it back."),
        reason.element,
        h("p", { class: "buttons" }, submitButton("Leave out"), button("Cancel", close)),
      );
    },
    { focus: "input[type=text]" },
  );
}

/** Mark, among all faces of people, those that leave. */
export function splitDialog(app, rows, question = null) {
  show(
    `Which faces are not of ${rows.length === 1 ? shortened(called(rows[0]), 40) : "this person"}?`,
    (close, dialog) => {
      const state = h("p", { role: "status" });
      const marking = makeMarking(() => {
        const n = marking.marked().length;
        fill(state, n ? `${counted(n, "face is marked and leaves", "faces are marked and leave")}: together they are one new person.` : "Mark the faces that leave: click, or arrows and X; with shift a range.");
        leave.disabled = !n;
      });
      const submit = () => {
        const marked = marking.marked();
        if (!marked.length) return;
        close();
        app.split(marked, question);
      };
      const leave = h("button", { type: "button", class: "main", disabled: true, on: { click: submit } }, "They leave", h("kbd", { "aria-hidden": "true" }, "S"));
      const grids = rows.map((row) => {
        const grid = h("div", { class: "all-faces", role: "group", "aria-label": called(row) });
        const more = h("p", { class: "buttons" });
        let next = row.more;
        const seen = new Set();
        const add = (faces) => {
          for (const face of faces) {
            const key = JSON.stringify(face.anchor);
            if (seen.has(key)) continue;
            seen.add(key);
            grid.append(marking.add(face, row, 128));
          }
        };
        const load = async () => {
          fill(more, h("span", { class: "quiet" }, "…"));
          try {
            const found = await app.faces(next);
            const had = grid.children.length;
            add(found.faces);
            next = found.next;
            if (document.activeElement === document.body) grid.children[had]?.focus();
          } catch (error) {
            app.announce(`The faces cannot be had: ${error.message}`);
          }
          fill(more, next && button(`More (${count(seen.size)} of ${count(row.n_faces)} are here)`, load));
        };
        add(row.faces ?? []);
        if (next) load();
        return [h("h3", {}, card(row)), grid, more];
      });
      dialog.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const at = marking.focused();
        if (event.key.startsWith("Arrow") && at >= 0) {
          event.preventDefault();
          const to = beside(marking.items.map(({ tile }) => tile), at, event.key);
          if (to < 0) return;
          marking.items[to].tile.focus();
          if (event.shiftKey) marking.toggle(to, true);
        } else if (letter(event) === "s") {
          event.preventDefault();
          submit();
        } else if (digit(event.code) >= 0) {
          marking.toggle(digit(event.code), event.shiftKey);
        }
      });
      queueMicrotask(() => {
        marking.clear();
        marking.items[0]?.tile.focus();
      });
      return [state, grids, h("p", { class: "buttons sticky" }, leave, button("Cancel", close, { key: "Esc" }))].flat(3);
    },
    { wide: true },
  );
}
