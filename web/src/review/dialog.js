// Dialogs: closing one confirms nothing, and the focus goes back to where it was.

import { fill, h } from "../common/dom.js";

let number = 0;

export const isOpen = () => document.querySelector("dialog[open]") !== null;

/**
 * Show a dialog.
 *
 * @param {string} title
 * @param {(close: () => void, dialog: HTMLDialogElement) => any} inside gives what is in it
 * @param {{wide?: boolean, closed?: () => void, focus?: string}} [options] `closed` is called however it ends;
 *   `focus` is what gets the focus, else the heading
 */
export function show(title, inside, { wide = false, closed, focus } = {}) {
  const before = document.activeElement;
  const id = `dialog-${++number}`;
  const heading = h("h2", { id, tabindex: -1 }, title);
  const dialog = h("dialog", { "aria-labelledby": id, class: wide ? "wide" : "" });
  const close = () => dialog.close();
  const cross = h("button", { type: "button", class: "cross", "aria-label": "Close", on: { click: close } }, "×");
  dialog.append(h("div", { class: "title" }, heading, cross));
  dialog.append(...[inside(close, dialog)].flat());
  dialog.addEventListener("close", () => {
    dialog.remove();
    const target = before?.isConnected && before !== document.body ? before : document.querySelector("main h2");
    target?.focus({ preventScroll: true });
    closed?.();
  });
  document.body.append(dialog);
  dialog.showModal();
  (focus ? dialog.querySelector(focus) : heading)?.focus();
  return dialog;
}

/** A text field with its label, and what is wrong with it below. */
export function field(label, props = {}, hint = "") {
  const id = `field-${++number}`;
  const wrong = h("p", { class: "wrong", id: `${id}-wrong`, hidden: true });
  const input = h("input", {
    id, type: "text", autocomplete: "off", spellcheck: "false", "aria-describedby": `${id}-wrong`, ...props,
  });
  const element = h("p", { class: "field" }, h("label", { for: id }, label), input);
  if (hint) element.append(h("span", { class: "quiet" }, hint));
  return {
    element: h("div", {}, element, wrong),
    input,
    /** Say what is wrong; true where nothing is. */
    say(message) {
      fill(wrong, message);
      wrong.hidden = !message;
      input.setAttribute("aria-invalid", String(Boolean(message)));
      if (message) input.focus();
      return !message;
    },
  };
}

/** A choice of one of several. */
export function choice(legend, options, checked = 0) {
  const name = `choice-${++number}`;
  const inputs = options.map((_, place) =>
    h("input", { type: "radio", name, value: place, checked: place === checked }),
  );
  const element = h(
    "fieldset",
    { class: "choice" },
    h("legend", {}, legend),
    options.map((option, place) => h("label", {}, inputs[place], option)),
  );
  return { element, inputs, chosen: () => inputs.findIndex((each) => each.checked) };
}

export const button = (text, click, { key = "", main = false, label } = {}) =>
  h(
    "button",
    { type: "button", class: main ? "main" : "", "aria-label": label, "aria-keyshortcuts": key || null, on: { click } },
    text,
    key && h("kbd", { "aria-hidden": "true" }, key),
  );
