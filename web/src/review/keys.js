// The keys of the page, and their help.

import { h } from "../common/dom.js";
import { isOpen, show } from "./dialog.js";

/** The letter of a key as it is on a Latin keyboard, whatever the layout: N is н where that is what it writes. */
export function letter(event) {
  if (event.key.length !== 1) return event.key;
  if (/^[\x20-\x7e]$/.test(event.key)) return event.key.toLowerCase();
  return /^Key[A-Z]$/.test(event.code) ? event.code.slice(3).toLowerCase() : event.key;
}

const OFF = "castgraph-review-single-keys-off";
const stored = () => {
  try {
    return localStorage.getItem(OFF) === "1";
  } catch {
    return false;
  }
};
let off = stored();

const isTyping = (target) => target.matches?.("input:not([type=radio]):not([type=checkbox]), textarea, select");

/** Call `act` for each key that is meant for the page: not in a dialog, not while somebody types. */
export function listen(act) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isOpen() || isTyping(event.target)) return;
    if (off && event.key !== "?") return;
    act(letter(event), event);
  });
}

const QUESTIONS = [
  ["Y", "yes"], ["N", "no"], ["U", "unsure: it is not asked again, and nothing is written about the faces"],
  ["S", "split: the marked faces leave their person; without marks, all faces of the person are shown to be marked"],
  ["R", "rename: give a person a name"],
  ["I", "ignore: leave a person out everywhere"],
  ["F", "not a face: the marked ones, or the one that has the focus"],
  ["Z", "undo, as often as there is something to take back"],
  ["Space", "one large face at a time"], ["O", "the frames around a face"],
  ["J or →", "skip: go on without an answer"], ["K or ←", "go back"],
  ["1 to 9, 0, -, =", "mark a face; with shift all from the last one to it"],
  ["Enter or X", "mark the face that has the focus"], ["Esc", "unmark all"],
];
const PEOPLE = [
  ["arrows", "go to a person"], ["Space", "mark; with shift and arrows several"], ["Ctrl+A", "mark all"],
  ["R", "rename"], ["M", "merge those that are marked"], ["I", "ignore"], ["S", "split: mark faces of a person"],
  ["Enter", "faces of the person, large"], ["Z", "undo"], ["Esc", "unmark all"],
];
const EVERYWHERE = [["P", "questions or people"], ["/", "look for a person"], ["?", "this help"]];

export function help() {
  const list = (title, rows) => [
    h("h3", {}, title),
    h("dl", { class: "keys" }, rows.map(([key, words]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, words)])),
  ];
  const box = h("input", {
    type: "checkbox", checked: !off,
    on: {
      change: () => {
        off = !box.checked;
        try {
          localStorage.setItem(OFF, off ? "1" : "0");
        } catch {
          // It holds until the page is closed.
        }
      },
    },
  });
  show(
    "Keys",
    () => [
      h("p", {}, h("label", {}, box, " Single keys act on the page (turn off for speech input)")),
      h("div", { class: "columns" },
        h("div", {}, list("Questions", QUESTIONS)),
        h("div", {}, list("People", PEOPLE), list("Everywhere", EVERYWHERE)),
      ),
      h("p", { class: "quiet" }, "Closing a dialog confirms nothing. In a merge the person with more faces takes the other in."),
    ],
    { wide: true },
  );
}
