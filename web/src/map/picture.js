// One picture, larger, with what is near to it.
import { fill, h } from "../common/dom.js";
import { count, minute, second } from "../common/format.js";
import { nearest, texts } from "./run.js";
import { alikeOf, elsewhere, facesOf, foreign, inWords, personLink, thumb } from "./parts.js";

const OTHERS = 12; // of its group

/**
 * @param {import("./run.js").Run} run
 * @param {Object} on
 * @param {(picture: number) => void} on.go
 * @param {() => void} on.close
 * @param {(group: number) => void} on.group all of a group are wanted
 * @param {() => ArrayLike<number>} on.list what is walked by Previous and Next
 */
export function pictureDialog(run, on) {
  let now = -1;
  const heading = h("h2", { id: "picture-title" });
  const told = h("p", { class: "quiet", role: "status" });
  const body = h("div");
  const button = (text, label, act) => h("button", { type: "button", "aria-label": label, on: { click: act } }, text);
  const before = button("← Previous", "Previous of the list", () => step(-1));
  const after = button("Next →", "Next of the list", () => step(1));
  const close = button("Close", "Close", leave);
  const element = h(
    "dialog",
    {
      class: "picture",
      "aria-labelledby": "picture-title",
      on: {
        keydown: keys,
        cancel(event) {
          event.preventDefault();
          leave();
        },
        close: () => element.open || on.close(), // it tells late: perhaps it is open again
        click: (event) => event.target === element && leave(),
      },
    },
    h("div", { class: "picture-head" }, heading, h("div", { class: "picture-tools" }, before, after, close)),
    told,
    body,
  );

  /** Leave at once: the event that tells of it comes later, and till then the address would open it again. */
  function leave() {
    on.close();
    element.close();
  }

  function keys(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    step(by);
  }

  const placeIn = (list) => Array.prototype.indexOf.call(list, now);

  function step(by) {
    const list = on.list();
    const to = Math.min(Math.max(placeIn(list) + by, 0), list.length - 1);
    if (list.length && list[to] !== now) on.go(list[to]);
  }

  async function draw() {
    const picture = now;
    const { pictures, broadcasts, about } = run;
    const k = pictures.broadcast[picture];
    const list = on.list();
    const place = placeIn(list);
    heading.replaceChildren(
      foreign(broadcasts.show[k] || broadcasts.broadcast[k]),
      `, ${minute(pictures.time[picture])}`,
    );
    told.textContent = place >= 0 ? `${count(place + 1)} of ${count(list.length)} in the list` : "Not in the list";
    before.setAttribute("aria-disabled", String(place <= 0));
    after.setAttribute("aria-disabled", String(place === list.length - 1));
    const [near, said] = await Promise.all([nearest(run, picture), texts()]);
    if (picture !== now) return;
    const persons = run.peopleIn(picture);
    const labels = run.labelsOf(picture);
    const group = pictures.group[picture];
    const row = run.groups.of.get(group);
    const width = Math.min(560, document.documentElement.clientWidth - 48);
    fill(
      body,
      h(
        "div",
        { class: "picture-body" },
        h("div", { role: "img", "aria-label": inWords(run, picture) }, thumb(run, picture, width)),
        h(
          "div",
          { class: "picture-facts" },
          h(
            "p",
            {},
            h("code", {}, broadcasts.broadcast[k]),
            h("br"),
            `frame ${count(pictures.frame[picture])}, ${second(pictures.time[picture])} UTC`,
            alikeOf(run, picture) && [h("br"), alikeOf(run, picture)],
          ),
          h(
            "p",
            {},
            `${run.groupName(picture)} · ${facesOf(run, picture)}`,
            persons.length > 0 && ": ",
            persons.map((person, n) => [n > 0 && ", ", personLink(run, person)]),
          ),
          labels.length > 0 &&
            h(
              "p",
              {},
              h("span", { class: "quiet" }, "Labels, guessed: "),
              labels.map(({ name, score }, n) => [
                n > 0 && ", ",
                foreign(name),
                h("small", { class: "quiet" }, ` ${score.toFixed(2)}`),
              ]),
            ),
          said?.[picture] && h("p", {}, h("span", { class: "quiet" }, "Text on the screen: "), foreign(said[picture])),
          h("p", { class: "links" }, elsewhere(run, picture)),
          h("p", { class: "quiet" }, `A small copy${about.blur === "others" ? "; faces are blurred" : ""}.`),
        ),
      ),
      near.length > 0 &&
        strip(
          "Nearest to it",
          near.map((each) => ({ picture: each.picture, under: `Sim: ${each.cosine.toFixed(3)}` })),
        ),
      group >= 0 &&
        strip(
          `Others of group ${group}`,
          othersOf(group).map((other) => ({ picture: other, under: minute(pictures.time[other]) })),
          h(
            "button",
            { type: "button", class: "small", on: { click: () => on.group(group) } },
            `All ${count(run.groups.n_pictures[row] ?? 0)} on the map`,
          ),
        ),
    );
  }

  /** Others of a group, spread over the time from its first to its last. */
  function othersOf(group) {
    const all = [];
    for (let n = 0; n < run.n; n++) if (run.pictures.group[n] === group && n !== now) all.push(n);
    if (all.length <= OTHERS) return all;
    return Array.from({ length: OTHERS }, (_, k) => all[Math.round((k * (all.length - 1)) / (OTHERS - 1))]);
  }

  const strip = (title, entries, beside) =>
    entries.length > 0 &&
    h(
      "section",
      {},
      h("div", { class: "beside-ends" }, h("h3", {}, title), beside),
      h(
        "ul",
        { class: "strip" },
        entries.map(({ picture, under }) =>
          h(
            "li",
            {},
            h(
              "button",
              {
                type: "button",
                "aria-label": `${under}: ${inWords(run, picture)}`,
                on: { click: () => on.go(picture) },
              },
              thumb(run, picture, 128),
              h("small", {}, under),
            ),
          ),
        ),
      ),
    );

  return {
    element,
    show(picture) {
      if (picture === now && element.open) return;
      now = picture;
      if (!element.open) {
        element.showModal();
        after.focus();
      }
      draw();
    },
    close() {
      now = -1;
      if (element.open) element.close();
    },
  };
}
