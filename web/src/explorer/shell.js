// What stands around every view: what is shown, where one can go, what counts, and how to cite it.
import { fill, h, safeLink } from "../common/dom.js";
import { copied } from "../common/download.js";
import { counted, duration, share } from "../common/format.js";
import { keyed } from "../common/keyed.js";
import { format } from "./address.js";
import { filterBar } from "./filterbar.js";
import { helpDialog } from "./help.js";
import { search } from "./search.js";
import { themeSwitch } from "./theme.js";

const PLACES = [
  ["network", "Network"],
  ["people", "People"],
  ["timeline", "Timeline"],
  ["matrix", "Matrix"],
  ["about", "About"],
];

/**
 * Build the frame of the page.
 *
 * @returns {{main: HTMLElement, at: (address: import("./address.js").Address) => void}} where views stand, and what
 *   tells the frame of a new address
 */
export function shell(app, views) {
  const { about } = app.run;
  const help = helpDialog(app, views);
  const finder = search(app);
  const bar = filterBar(app, views);
  const links = PLACES.map(([view, title]) => h("a", { "data-view": view }, title));
  const warning = h("div", { class: "callout", role: "alert", hidden: true });
  const main = h("main", { id: "view", tabindex: "-1" });

  const banner = h(
    "p",
    { class: "banner" },
    h("strong", {}, "This page shows faces of real people, "),
    "put together by a machine, which errs: faces may be of somebody else. Before you pass anything on, read ",
    h("a", { href: "#/about?part=law" }, "what the law and decency ask"),
    ".",
  );

  const header = h(
    "header",
    { class: "top" },
    banner,
    h(
      "div",
      { class: "masthead" },
      h(
        "div",
        { class: "title" },
        h("p", { class: "kicker" }, `castgraph · ${about.clustering}`),
        h("p", { class: "run" }, about.run),
      ),
      finder.element,
      h(
        "div",
        { class: "tools" },
        themeSwitch(),
        h("button", { type: "button", class: "small", on: { click: help.open } }, "Keys ", h("kbd", {}, "?")),
      ),
    ),
    h("nav", { "aria-label": "Views" }, links, beyond(about.map, "Map"), beyond(about.back, "Report")),
  );
  document.body.replaceChildren(
    h("a", { class: "skip", href: "#view", on: { click: skip } }, "Skip to the content"),
    header,
    bar.element,
    warning,
    main,
    footer(app),
    help.element,
  );
  keyed({ "/": finder.focus, "?": help.open });

  function skip(event) {
    event.preventDefault(); // the hash is the address of the view
    main.focus();
  }

  return {
    main,
    at(here) {
      for (const link of links) {
        const view = link.dataset.view;
        link.href = app.href(view);
        if (view === here.view) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
      }
      bar.at(here);
      const other = here.options.id && here.options.id !== about.data_id;
      warning.hidden = !other;
      if (other) {
        fill(
          warning,
          `This address was made for other data (${here.options.id.slice(0, 40)}); this page shows ${about.data_id}. People, pairs and counts may differ from what was meant. `,
          h("button", { type: "button", class: "small", on: { click: () => app.change({ id: "" }) } }, "Understood"),
        );
      }
    },
  };
}

/** A link to another page of the run, where there is one; `castgraph explore` serves this folder alone. */
function beyond(href, title) {
  if (document.querySelector('meta[name="castgraph-frames"]')) return null;
  const inside = /^(\.\.\/)*([\w.-]+\/)*[\w.-]+\.html$/.test(href ?? "");
  return inside || safeLink(href) ? h("a", { href, class: "back" }, title) : null;
}

function footer(app) {
  const { about } = app.run;
  const { counts } = about;
  const told = h("span", { role: "status", class: "quiet" });
  const copy = async (text, what) => {
    told.textContent = (await copied(text)) ? ` ${what} is copied.` : " The browser does not let this be copied.";
  };
  const button = (text, act) => h("button", { type: "button", class: "small", on: { click: act } }, text);
  const link = () => {
    const here = app.address();
    const shared = format({ ...here, options: { ...here.options, id: about.data_id } });
    return copy(`${location.href.split("#")[0]}${shared}`, "The link");
  };
  const read = counts.frames ? counts.frames_read / counts.frames : NaN;
  return h(
    "footer",
    {},
    h(
      "p",
      { class: "facts" },
      `One still = ${duration(about.frame_seconds)} · ${counted(counts.frames, "frame")} of ${counted(counts.broadcasts, "broadcast")}, ` +
        `${share(read)} read · ${counted(counts.people, "person", "people")}, ${counted(counts.faces_with_person, "face")} · data ${about.data_id} · castgraph ${about.castgraph}`,
    ),
    h("p", { class: "citation" }, h("cite", {}, about.citation)),
    h(
      "p",
      { class: "saves", role: "group", "aria-label": "Cite and pass on" },
      button("Copy citation", () => copy(about.citation, "The citation")),
      button("Copy link to this view", link),
      button("Print", () => print()),
      told,
    ),
  );
}
