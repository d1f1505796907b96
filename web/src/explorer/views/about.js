// How it was counted, with what, what is missing, and what one may do with it.
import { fill, h, safeLink } from "../../common/dom.js";
import { amount, count, counted, duration, share } from "../../common/format.js";
import { broadcastLink, personLink } from "../parts/names.js";
import { USUAL_Q } from "../pairs.js";

export const title = "About";

const STATUS = {
  partial: "read in part",
  empty: "without a face",
  damaged: "damaged",
  missing: "not in the archive",
  unreachable: "could not be fetched",
  unreadable: "could not be read",
};

export async function show(place, address, app) {
  const { run } = app;
  const { about } = run;
  const { counts } = about;
  const parts = {
    counted: ["How it was counted", howCounted(app)],
    left: ["What is left out", leftOut(app)],
    gaps: ["What could not be read", gaps(app)],
    law: ["What the law and decency ask", about.law.map((text) => h("p", {}, text))],
    cite: [
      "How to cite",
      [
        h("p", {}, h("cite", {}, about.citation)),
        h(
          "p",
          {},
          `The data ID ${about.data_id} changes with every count: an address that is copied from this page carries it, and warns where it meets other data. Say, too, that one still was taken every ${duration(about.frame_seconds)}, and which share was read.`,
        ),
      ],
    ],
    settings: ["Settings", h("pre", { tabindex: 0, role: "region", "aria-label": "Settings" }, about.settings)],
    versions: ["Versions", versions(about)],
  };
  fill(
    place,
    h("h1", {}, "About this page"),
    h(
      "p",
      { class: "lead" },
      `${counted(counts.people, "person", "people")} who were seen in ${counted(counts.broadcasts_read, "broadcast")}, ${counted(counts.pairs, "pair")} of them together. Everything here lies in this folder; nothing is loaded from elsewhere and nothing is sent.`,
    ),
    h(
      "ul",
      { class: "contents" },
      Object.entries(parts).map(([name, [heading]]) =>
        h("li", {}, h("a", { href: app.href("about", [], { part: name }) }, heading)),
      ),
    ),
    Object.entries(parts).map(([name, [heading, content]]) =>
      h("section", { id: `about-${name}`, class: "words" }, h("h2", { tabindex: "-1" }, heading), content),
    ),
  );
  const turn = (options) => {
    const section = options.part in parts && document.getElementById(`about-${options.part}`);
    if (!section) return;
    section.scrollIntoView();
    section.querySelector("h2").focus({ preventScroll: true });
  };
  setTimeout(() => turn(address.options));
  return { change: ({ options }) => turn(options) };
}

function howCounted({ run: { about } }) {
  const seconds = about.frame_seconds;
  const layers = {
    same_frame: "Same frame: both are in one still.",
    adjacent:
      "Adjacent: one is in a still, the other in the one before, as when the camera goes from one to the other.",
    within: `Within: one is in a still, the other in it or in one of the ${counted(about.within, "still")} before, ${duration(about.within * seconds)} at most.`,
    same_broadcast: "Same broadcast: both are seen in a broadcast, whenever.",
  };
  const weighs = Object.entries(about.weights).filter(([, weight]) => weight);
  return [
    h(
      "p",
      {},
      `Of every broadcast there is a still every ${duration(seconds)}. A detector finds faces in it, an encoder makes numbers of each face, and faces whose numbers are alike are grouped: a group is a person (${about.clustering}; eps is how far apart two faces may be to be taken for one person's). Time on screen is the number of stills that show somebody, times ${duration(seconds)}.`,
    ),
    h(
      "p",
      {},
      "Two people are seen together in several ways, each counted on its own. A still counts once for a pair, however many of their faces it shows:",
    ),
    h(
      "ul",
      {},
      about.layers.map((layer) => h("li", {}, layers[layer] ?? layer)),
    ),
    about.mode === "as_published"
      ? h("p", {}, "This is the network as it was published: pairs in one frame only, and the strongest of them.")
      : h(
          "p",
          {},
          `The weight of a pair is ${weighs.map(([layer, weight]) => `${amount(weight)} for each ${layer === "same_broadcast" ? "broadcast" : "still"} that is ${layer.replaceAll("_", " ")}`).join(" and ")}.`,
        ),
    h(
      "p",
      {},
      about.significant == null
        ? `All pairs are in the network. “Only more than chance” keeps those that share more stills than people who are on screen as often would by chance (q ≤ ${USUAL_Q}, false discovery rate).`
        : `The network keeps pairs that are more than chance: q ≤ ${about.significant} (false discovery rate).`,
    ),
    h(
      "p",
      {},
      about.count_replays === "once"
        ? "Footage that is on air again counts the first time only."
        : "Footage that is on air again counts each time; replays are marked on the view of a broadcast.",
    ),
    about.always_on == null
      ? null
      : h(
          "p",
          {},
          `Who is on screen in more than ${share(about.always_on)} of all stills is taken for a host; “Without the host” leaves them out.`,
        ),
    h(
      "p",
      {},
      "With dates, a station or a show chosen, this page counts all pairs anew from the faces, by the same rules. Places, colours and communities, and what is more than chance, stay those of the whole run.",
    ),
  ];
}

function leftOut(app) {
  const { about } = app.run;
  const { counts } = about;
  const people = (numbers) =>
    h(
      "ul",
      { class: "names" },
      numbers.map((person) => h("li", {}, personLink(app, person))),
    );
  return [
    h(
      "p",
      {},
      `${counted(counts.faces - counts.faces_with_person, "face")} of ${count(counts.faces)} ${counts.faces - counts.faces_with_person === 1 ? "is" : "are"} of nobody here: too few like them, or too unlike, or of somebody who is left out.`,
    ),
    h(
      "p",
      {},
      counts.people_left_out
        ? `${counted(counts.people_left_out, "person is", "people are")} left out of this page: on screen too shortly${about.people === "named" ? ", without a name," : ""} or on request.`
        : about.people === "named"
          ? "Only people with a name are shown."
          : "Nobody is left out of this page for being on screen too shortly.",
    ),
    h(
      "p",
      {},
      about.blur === "others"
        ? "In pictures of frames all faces are blurred but those that a picture is about."
        : "In pictures of frames, faces of those who are left out on request are blurred.",
    ),
    about.suspects && suspected(app),
    about.excluded.length ? [h("p", {}, "Not in the network, by the settings:"), people(about.excluded)] : null,
    about.hosts.length ? [h("p", {}, "Taken for hosts:"), people(about.hosts)] : null,
  ];
}

/** Broadcasts that are not what their title says. */
function suspected(app) {
  const { broadcast, like, left_out, page } = app.run.about.suspects;
  const out = left_out ? "left out of pairs and of time by day" : "counted all the same";
  return [
    h(
      "p",
      {},
      broadcast.length
        ? `${counted(broadcast.length, "broadcast is a suspect", "broadcasts are suspects")}, not what the title says, and ${out}: `
        : "No broadcast is a suspect, not what its title says: ",
      h("a", { href: page }, "likeness of broadcasts"),
      ".",
    ),
    broadcast.length
      ? h(
          "ul",
          {},
          broadcast.map((n, place) =>
            h("li", {}, broadcastLink(app, n), like[place] && [", like ", h("bdi", {}, like[place])]),
          ),
        )
      : null,
  ];
}

function gaps(app) {
  const { about, broadcasts } = app.run;
  const { counts } = about;
  const found = Object.entries(about.gaps).filter(([, n]) => n);
  const which = Array.from(broadcasts.status.keys()).filter((n) => broadcasts.status[n] !== "ok");
  return [
    h(
      "p",
      {},
      `${counted(counts.broadcasts_read, "broadcast")} of ${count(counts.broadcasts)} and ${counted(counts.frames_read, "still")} of ${count(counts.frames)} were read. A gap is not absence: who is not seen in it may have been on air.`,
    ),
    found.length
      ? h(
          "table",
          { class: "plain" },
          h("caption", {}, "Broadcasts that were not, or not wholly, read"),
          h(
            "tbody",
            {},
            found.map(([status, n]) =>
              h("tr", {}, h("th", { scope: "row" }, STATUS[status] ?? status), h("td", { class: "number" }, count(n))),
            ),
          ),
        )
      : h("p", {}, "Every broadcast was read."),
    which.length
      ? h(
          "details",
          {},
          h("summary", {}, "Which"),
          h(
            "ul",
            {},
            which.map((n) =>
              h(
                "li",
                {},
                broadcastLink(app, n),
                `: ${STATUS[broadcasts.status[n]] ?? broadcasts.status[n]}${broadcasts.reason[n] ? ` (${broadcasts.reason[n]})` : ""}`,
              ),
            ),
          ),
        )
      : null,
  ];
}

function versions(about) {
  const all = Array.isArray(about.versions) ? about.versions : Object.entries(about.versions);
  return [
    h(
      "table",
      { class: "plain" },
      h(
        "tbody",
        {},
        all.map(([name, version]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, version))),
      ),
    ),
    h(
      "p",
      {},
      "The page is drawn by sigma, graphology and MiniSearch, all under the MIT licence: ",
      h("a", { href: "LICENSES.txt" }, "their licences"),
      ".",
    ),
    safeLink(about.back) ? h("p", {}, h("a", { href: about.back }, "The report of this run")) : null,
  ];
}
