// What stands around the map: what it is of, where one can go, and how to cite it.
import { fill, h } from "../common/dom.js";
import { copied } from "../common/download.js";
import { count, counted, duration } from "../common/format.js";
import { themeSwitch } from "../explorer/theme.js";
import { explorer } from "./run.js";

/**
 * @param {import("./run.js").Run} run
 * @param {() => void} understood the reader knows that an address is of other data
 * @param {() => string} shared the address of what is shown, to be passed on
 */
export function shell(run, understood, shared) {
  const { about } = run;
  const main = h("main", { id: "view", tabindex: "-1" });
  const warning = h("div", { class: "callout", role: "alert", hidden: true });
  const law = h(
    "details",
    { class: "how", id: "law" },
    h("summary", {}, "What the law and decency ask"),
    about.law.map((text) => h("p", {}, text)),
  );
  let help = () => {};
  const readLaw = (event) => {
    event.preventDefault(); // the hash is the address of the map
    law.open = true;
    law.querySelector("summary").focus();
    law.scrollIntoView();
  };
  const back = /^(\.\.\/)*[\w.-]+\.html$/.test(about.back) ? about.back : "";
  const there = explorer(run, "network");
  const skip = (event) => {
    event.preventDefault();
    main.focus();
  };
  document.body.replaceChildren(
    h("a", { class: "skip", href: "#view", on: { click: skip } }, "Skip to the content"),
    h(
      "header",
      { class: "top" },
      h(
        "p",
        { class: "banner" },
        h("strong", {}, "This page shows faces of real people. "),
        "Before you pass it on, read ",
        h("a", { href: "#law", on: { click: readLaw } }, "what the law and decency ask"),
        ".",
      ),
      h(
        "div",
        { class: "masthead map" },
        h(
          "div",
          { class: "title" },
          h("p", { class: "kicker" }, `castgraph · ${about.embedder}`),
          h("p", { class: "run" }, about.run),
        ),
        h(
          "div",
          { class: "tools" },
          themeSwitch(),
          h("button", { type: "button", class: "small", on: { click: () => help() } }, "Keys ", h("kbd", {}, "?")),
        ),
      ),
      h(
        "nav",
        { "aria-label": "Pages" },
        h("a", { "aria-current": "page", href: "#view", on: { click: skip } }, "Map"),
        there && h("a", { href: there }, "Explorer"),
        back && h("a", { href: back }, "Report"),
      ),
    ),
    warning,
    main,
    h(
      "footer",
      {},
      law,
      h(
        "p",
        { class: "facts" },
        `One still = ${duration(about.frame_seconds)} · ${counted(about.counts.frames, "frame")}, ${count(about.counts.pictures)} different · data ${about.data_id} · castgraph ${about.castgraph}`,
      ),
      h("p", { class: "citation" }, h("cite", {}, about.citation)),
      copies(about, shared),
    ),
  );
  return {
    main,
    at({ options }, openHelp) {
      help = openHelp;
      const other = options.id && options.id !== about.data_id;
      warning.hidden = !other;
      if (!other) return;
      fill(
        warning,
        `This address was made for other data (${options.id.slice(0, 40)}); this page shows ${about.data_id}. Groups, people and places may differ from what was meant. `,
        h("button", { type: "button", class: "small", on: { click: understood } }, "Understood"),
      );
    },
  };
}

function copies(about, shared) {
  const told = h("span", { role: "status", class: "quiet" });
  const copy = async (text, what) => {
    told.textContent = (await copied(text)) ? ` ${what} is copied.` : " The browser does not let this be copied.";
  };
  const button = (text, act) => h("button", { type: "button", class: "small", on: { click: act } }, text);
  return h(
    "p",
    { class: "saves", role: "group", "aria-label": "Cite and pass on" },
    button("Copy citation", () => copy(about.citation, "The citation")),
    button("Copy link to this view", () => copy(`${location.href.split("#")[0]}${shared()}`, "The link")),
    told,
  );
}
