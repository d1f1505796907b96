// Elements of a page. Text becomes text nodes, so that no name or title is ever read as HTML.

/**
 * Make an element.
 *
 * @param {string} tag such as "button", or "svg:path" for SVG
 * @param {Object} [props] attributes; `on` is an object of listeners, `style` one of CSS properties; true sets an
 *   attribute without a value, false, null and undefined leave it out
 * @param {...any} children elements, texts, numbers, and lists of them; false, null and undefined are left out
 */
export function h(tag, props, ...children) {
  const element = tag.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4))
    : document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === "style") {
      for (const [property, each] of Object.entries(value)) element.style.setProperty(property, each);
    } else if (value !== false && value != null) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== false && child != null));
  return element;
}

/** Give an element other children. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== false && child != null));
  return element;
}

/** An address that may be opened from here: of the web or of a file, else nothing. */
export function safeLink(address) {
  return /^(https?|file):/i.test(address ?? "") ? address : "";
}
