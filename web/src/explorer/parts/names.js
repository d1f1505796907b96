// People, pairs and broadcasts as they are named on every view: with a portrait, and as links.
import { h } from "../../common/dom.js";
import { minute } from "../../common/format.js";

/** What a person is called: the name, or "Person K7Q2". */
export const nameOf = (run, person) => run.people.name[person] || `Person ${run.people.person_id[person]}`;

/** What a broadcast is called: its show, or its ID, and when it began. */
export function broadcastName(run, broadcast) {
  const { show, broadcast: id, start } = run.broadcasts;
  return `${show[broadcast] || id[broadcast]}, ${minute(start[broadcast])}`;
}

/**
 * The picture of a person, round, with the colour of the community around it; initials where there is none.
 *
 * It says nothing to who cannot see it, for the name stands beside it; `alone` says the name.
 */
export function portrait(run, person, size = 28, { alone = false } = {}) {
  const name = nameOf(run, person);
  const ring = { "--ring": ringOf(run, person), "--size": `${size}px` };
  const said = alone ? { role: "img", "aria-label": name } : { "aria-hidden": "true" };
  const place = h("span", { class: "portrait", style: ring, ...said });
  const initials = () => h("span", { class: "initials" }, initialsOf(run, person));
  if (!run.people.portrait[person]) {
    place.append(initials());
    return place;
  }
  const src = `portraits/${encodeURIComponent(run.people.person_id[person])}.jpg`;
  const image = h("img", { src, alt: "", width: size, height: size, loading: "lazy", decoding: "async" });
  image.addEventListener("error", () => image.replaceWith(initials()));
  place.append(image);
  return place;
}

/** The colour of a person's community; grey for who is in none. */
export const ringOf = (run, person) => {
  const colour = run.people.colour[person];
  return /^#[0-9a-f]{6}$/i.test(colour) ? colour : "#8d99a6";
};

function initialsOf(run, person) {
  const name = run.people.name[person];
  const id = run.people.person_id[person];
  if (!name || name === `Person ${id}`) return id.slice(0, 2);
  const words = name.split(/\s+/).filter(Boolean);
  const picked = words.length > 1 ? [words[0], words.at(-1)] : words;
  return picked.map((word) => [...word][0]?.toUpperCase() ?? "").join("");
}

/** A link to a person, with the portrait before it. */
export function personLink(app, person, { size = 28, picture = true } = {}) {
  const { run } = app;
  const href = app.href("person", [run.people.person_id[person]]);
  return h("a", { href, class: "person" }, picture && portrait(run, person, size), h("span", {}, nameOf(run, person)));
}

/** The address of a pair. */
export const pairHref = (app, one, other, options) =>
  app.href("pair", [app.run.people.person_id[one], app.run.people.person_id[other]], options);

/** A link to a pair: "A and B", or other text. */
export function pairLink(app, one, other, text) {
  const said = `${nameOf(app.run, one)} and ${nameOf(app.run, other)}`;
  return h("a", { href: pairHref(app, one, other), "aria-label": text ? `${said}: ${text}` : null }, text ?? said);
}

/** A link to a broadcast, at a frame where one is given. */
export function broadcastLink(app, broadcast, frame, text) {
  const href = app.href("broadcast", [app.run.broadcasts.broadcast[broadcast]], frame ? { frame } : {});
  return h("a", { href }, text ?? broadcastName(app.run, broadcast));
}
