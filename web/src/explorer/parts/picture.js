// Pictures of frames, in three tiers: shipped with the page; served by `castgraph explore`; else at the archive.
import { fill, h, safeLink } from "../../common/dom.js";
import { clock, count, second } from "../../common/format.js";
import { columns, has } from "../data.js";
import { lowerBound } from "../meetings.js";
import { broadcastLink, broadcastName, nameOf, personLink } from "./names.js";

const WIDTH = 640; // pixels of a picture that is asked for
const AROUND = 3; // frames before and after that are shown with a frame
/** What a small picture says where there is none. */
export const SHORT = { online: "at the archive ↗", file: "in a file ▤", none: "no picture here" };
const MARGIN = 1.7; // of a crop: the side of what is shown, in those of the box

/**
 * @typedef {Object} Frame
 * @property {number} broadcast
 * @property {number} frame
 *
 * @typedef {Object} Source where the picture of a frame is
 * @property {"shipped" | "served" | "online" | "file" | "none"} tier
 * @property {string} [src] of an image: shipped and served
 * @property {string} [href] what may be opened: online (goes to the archive) and file (of this machine)
 * @property {string} text why there is no picture here
 *
 * @typedef {Object} Pictures
 * @property {boolean} served whether any frame can be had
 * @property {(frame: Frame, people?: number[]) => Source} source
 * @property {(broadcast: number, frame: number) => string} link the frame in the archive's viewer; "" for none
 * @property {(frame: Frame) => Promise<{person: number, row: number, box: number[]}[]>} faces who is in a frame:
 *   boxes are top, right, bottom, left in pixels of the frame
 * @property {(frame: Frame) => [number, number]} size width and height of the frame; 16 by 9 where it is not known
 */

let made;

/** @returns {Promise<Pictures>} */
export const pictures = (run) => (made ??= make(run));

async function make(run) {
  const { broadcasts, people, edges, about } = run;
  const shipped = new Map(); // "broadcast/frame" → rows of the table
  const here = has("frames")
    ? await columns("frames", ["edge", "k", "broadcast", "frame", "width", "height"])
    : { edge: [], k: [], broadcast: [], frame: [], width: [], height: [] };
  for (let row = 0; row < here.edge.length; row++) {
    const key = `${here.broadcast[row]}/${here.frame[row]}`;
    shipped.set(key, [...(shipped.get(key) ?? []), row]);
  }
  const unread = has("unread")
    ? await columns("unread", ["broadcast", "first", "last", "status"])
    : { broadcast: [], first: [], last: [], status: [] };
  const served = document.querySelector('meta[name="castgraph-frames"]')?.content ?? "";
  const faces = await run.faces();

  /** The row of a picture that is shipped: with faces of others blurred only one that is about these people. */
  function shippedRow({ broadcast, frame }, of) {
    const rows = shipped.get(`${broadcast}/${frame}`) ?? [];
    const about_ = (row) =>
      of.every((one) => edges.source[here.edge[row]] === one || edges.target[here.edge[row]] === one);
    return rows.find(about_) ?? (about.blur === "none" ? rows[0] : undefined);
  }

  function why({ broadcast, frame }) {
    if (frame < 1 || frame > broadcasts.n_frames[broadcast]) return "The broadcast has no such frame.";
    for (
      let row = lowerBound(unread.broadcast, broadcast, 0, unread.broadcast.length);
      unread.broadcast[row] === broadcast;
      row++
    ) {
      if (unread.first[row] <= frame && frame <= unread.last[row]) {
        return unread.status[row] === "absent"
          ? "The archive has no picture of this moment."
          : `This frame could not be read (${unread.status[row]}).`;
      }
    }
    return "";
  }

  function link(broadcast, frame) {
    const seconds = (frame - 1) * about.frame_seconds;
    const template = broadcasts.link[broadcast] ?? "";
    return safeLink(template.replaceAll("{frame}", frame).replaceAll("{seconds}", seconds));
  }

  return {
    served: served !== "",
    link,
    source(frame, of = []) {
      const row = shippedRow(frame, of);
      if (row !== undefined) return { tier: "shipped", src: `frames/${here.edge[row]}-${here.k[row]}.jpg`, text: "" };
      const reason = why(frame);
      if (reason) return { tier: "none", text: reason };
      if (served) {
        const query = new URLSearchParams({ people: of.map((one) => people.person_id[one]).join(","), width: WIDTH });
        return { tier: "served", src: `${served}/${frame.broadcast}/${frame.frame}.jpg?${query}`, text: "" };
      }
      const href = link(frame.broadcast, frame.frame);
      if (/^file:/i.test(href)) return { tier: "file", href, text: "A file of this machine has the picture." };
      if (href) return { tier: "online", href, text: "The archive has the picture; looking goes online." };
      return {
        tier: "none",
        text: `The picture is not in this folder. castgraph explore results/${about.run} shows every frame.`,
      };
    },
    async faces({ broadcast, frame }) {
      const begin = lowerBound(faces.frame, frame, faces.first[broadcast], faces.first[broadcast + 1]);
      const end = lowerBound(faces.frame, frame + 1, begin, faces.first[broadcast + 1]);
      if (begin === end) return [];
      const boxes = has("boxes") ? await columns("boxes", ["top", "right", "bottom", "left"]) : null;
      return Array.from({ length: end - begin }, (_, n) => {
        const row = begin + n;
        const box = boxes ? [boxes.top[row], boxes.right[row], boxes.bottom[row], boxes.left[row]] : null;
        return { person: faces.person[row], row, box };
      });
    },
    size(frame) {
      const row = shipped.get(`${frame.broadcast}/${frame.frame}`)?.[0];
      if (row !== undefined) return [here.width[row], here.height[row]];
      const [width, height] = [broadcasts.width[frame.broadcast], broadcasts.height[frame.broadcast]];
      return width && height ? [width, height] : [640, 360];
    },
  };
}

/** How a frame is told of: "Evening Review, 2024-01-02 19:00, frame 18". */
export const frameName = (run, { broadcast, frame }) => `${broadcastName(run, broadcast)}, frame ${count(frame)}`;

/** When a frame was on air, in seconds since 1970. */
export const momentOf = (run, { broadcast, frame }) =>
  run.broadcasts.start[broadcast] + run.secondsOf(broadcast, frame);

/**
 * A frame with boxes around people: a picture, or where there is none a drawing of where the faces are.
 *
 * One with names is told to who cannot see it; one without is small and stands beside words that tell of it.
 *
 * @param {Object} app
 * @param {Pictures} all
 * @param {Frame} frame
 * @param {number[]} of whom it is about; their boxes are in colour, the first solid, the second dashed
 * @param {Object} [how]
 * @param {boolean} [how.names] whether names stand at the boxes
 * @param {boolean} [how.others] whether others have a box, too
 */
export function framePicture(app, all, frame, of, { names = false, others = false } = {}) {
  const { run } = app;
  const [width, height] = all.size(frame);
  const source = all.source(frame, of);
  const said = names ? { role: "img", "aria-label": frameName(run, frame) } : { "aria-hidden": "true" };
  const place = h("div", {
    class: `frame ${source.tier}`,
    ...said,
    style: { "aspect-ratio": `${width} / ${height}` },
  });
  const missing = (text) =>
    place.append(
      names ? h("span", { class: "no-picture" }, text) : h("span", { class: "no-picture", "data-text": text }),
    );
  if (source.src) {
    const image = h("img", { src: source.src, alt: "", loading: "lazy", decoding: "async" });
    image.addEventListener("error", () => {
      image.remove();
      place.classList.add("none");
      missing("The picture could not be had.");
    });
    place.append(image);
  } else missing(names ? source.text : SHORT[source.tier]);
  all.faces(frame).then((found) => {
    const seen = [...new Set(found.map((each) => nameOf(run, each.person)))];
    if (names && seen.length) place.setAttribute("aria-label", `${frameName(run, frame)}: ${seen.join(", ")}`);
    const drawn = found.filter(({ person, box }) => box && (others || of.includes(person)));
    for (const { person, box } of drawn) {
      const room = roomFor(box, drawn, width, height);
      place.append(boxed(run, person, box, of.indexOf(person), width, height, names && room));
    }
  });
  return place;
}

/** How wide a name over a box may be, as a share of the frame: up to the next box on the right beside it. */
function roomFor([top, , , left], all, width, height) {
  const beside = all.filter(({ box }) => box[3] > left && Math.abs(box[0] - top) < 0.08 * height);
  return Math.max(0.06, (beside.reduce((least, { box }) => Math.min(least, box[3]), width) - left) / width);
}

function boxed(run, person, [top, right, bottom, left], nth, width, height, room) {
  const percent = (value, whole) => `${(100 * Math.min(Math.max(value, 0), whole)) / whole}%`;
  const style = {
    left: percent(left, width),
    top: percent(top, height),
    width: percent(Math.min(right, width) - Math.max(left, 0), width),
    height: percent(Math.min(bottom, height) - Math.max(top, 0), height),
  };
  const under = top < 0.14 * height;
  const name =
    room &&
    h(
      "span",
      { class: `box-name ${under ? "under" : ""}`, style: { "max-width": `${100 * room}cqw` } },
      h("bdi", {}, nameOf(run, person)),
    );
  return h("span", { class: `box box-${nth < 0 ? "other" : (nth % 6) + 1}`, style, "aria-hidden": "true" }, name);
}

/** A face cut from the picture of its frame; null where there is no picture here. */
export function faceCrop(all, frame, person, [top, right, bottom, left], side = 96) {
  const source = all.source(frame, [person]);
  if (!source.src) return null;
  const [width, height] = all.size(frame);
  const shown = Math.min(MARGIN * Math.max(right - left, bottom - top), width, height);
  const from = (middle, whole) => Math.min(Math.max(middle - shown / 2, 0), whole - shown);
  const scale = side / shown;
  const image = h("img", {
    src: source.src,
    alt: "",
    loading: "lazy",
    decoding: "async",
    style: {
      width: `${width * scale}px`,
      height: `${height * scale}px`,
      left: `${-from((left + right) / 2, width) * scale}px`,
      top: `${-from((top + bottom) / 2, height) * scale}px`,
    },
  });
  return h("span", { class: "crop", style: { "--side": `${side}px` } }, image);
}

/** What there is to follow for a frame beyond the page: the archive's viewer, marked with where it goes. */
export function outside(all, { broadcast, frame }, text = "") {
  const href = all.link(broadcast, frame);
  if (!href) return null;
  const file = /^file:/i.test(href);
  const where = file ? "a file of this machine" : "goes online";
  return h(
    "a",
    { href, target: "_blank", rel: "noopener noreferrer", class: "outside" },
    text || (file ? "Open the recording" : "At the archive"),
    h("span", { class: "mark" }, file ? " ▤ " : " ↗ ", h("small", {}, where)),
  );
}

/**
 * Show frames large, one at a time.
 *
 * @param {Object} app
 * @param {Pictures} all
 * @param {Object} given
 * @param {string} given.title what the frames are, such as "Frames that show both"
 * @param {Frame[]} given.frames
 * @param {number} [given.at] the one to begin with
 * @param {number[]} [given.of] whom they are about
 * @param {(frame: Frame) => any} [given.note] what is said of a frame
 */
export function openFrames(app, all, { title, frames, at = 0, of = [], note }) {
  const { run } = app;
  let place = Math.min(Math.max(at, 0), frames.length - 1);
  let now = frames[place]; // or a frame around one
  const heading = h("h2", { id: "frame-title" }, title);
  const told = h("p", { class: "quiet", role: "status" });
  const body = h("div", { class: "frame-body" });
  const around = h("div", { class: "around" });
  const button = (text, label, act) => h("button", { type: "button", "aria-label": label, on: { click: act } }, text);
  const before = button("← Previous", "Previous of the list", () => go(place - 1));
  const after = button("Next →", "Next of the list", () => go(place + 1));
  const dialog = h(
    "dialog",
    {
      class: "frames",
      "aria-labelledby": "frame-title",
      on: { keydown: keys, close: () => dialog.remove(), click: outsideOf },
    },
    h(
      "div",
      { class: "frame-head" },
      heading,
      h(
        "div",
        { class: "frame-tools" },
        before,
        after,
        button("Close", "Close", () => dialog.close()),
      ),
    ),
    told,
    body,
    around,
  );

  function outsideOf(event) {
    // A click beside it, or on a link: also one to where the page is already.
    if (event.target === dialog || event.target.closest('a[href^="#"]')) dialog.close();
  }

  function keys(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const acts = {
      ArrowLeft: () => go(place - 1),
      ArrowRight: () => go(place + 1),
      Home: () => go(0),
      End: () => go(frames.length - 1),
      ArrowUp: () => step(-1),
      ArrowDown: () => step(1),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  }

  function go(to) {
    place = Math.min(Math.max(to, 0), frames.length - 1);
    now = frames[place];
    draw();
  }

  function step(by) {
    const frame = now.frame + by;
    if (frame < 1 || frame > run.broadcasts.n_frames[now.broadcast]) return;
    now = frames.find((each) => each.broadcast === now.broadcast && each.frame === frame) ?? {
      broadcast: now.broadcast,
      frame,
    };
    const listed = frames.indexOf(now);
    if (listed >= 0) place = listed;
    draw();
  }

  async function draw() {
    const shown = now;
    const listed = frames[place] === shown;
    // Not disabled: what has the focus and is disabled gets no keys.
    before.setAttribute("aria-disabled", String(place === 0));
    after.setAttribute("aria-disabled", String(place === frames.length - 1));
    told.textContent = listed
      ? `${count(place + 1)} of ${count(frames.length)}`
      : `Beside number ${count(place + 1)} of ${count(frames.length)}`;
    const found = await all.faces(shown);
    const lines = await saidAt(run, shown);
    if (shown !== now) return;
    const there = [...new Set(found.map((each) => each.person))];
    const source = all.source(shown, of);
    const seconds = run.secondsOf(shown.broadcast, shown.frame);
    fill(
      body,
      framePicture(app, all, shown, of.length ? of : there, { names: true, others: true }),
      h(
        "div",
        { class: "frame-facts" },
        h(
          "p",
          {},
          broadcastLink(app, shown.broadcast, shown.frame),
          h("br"),
          `frame ${count(shown.frame)}, ${clock(seconds)} into it, ${second(momentOf(run, shown))} UTC`,
        ),
        listed && note?.(shown) && h("p", {}, note(shown)),
        h(
          "p",
          { class: "there" },
          there.length
            ? there.map((person) => personLink(app, person))
            : h("span", { class: "quiet" }, "Nobody known is in this frame."),
        ),
        lines.length > 0 &&
          h(
            "blockquote",
            {},
            lines.map((text) => h("p", {}, h("bdi", {}, text))),
          ),
        source.src &&
          h(
            "p",
            { class: "quiet" },
            source.tier === "served"
              ? "Picture cut from the recording on this machine."
              : "Picture shipped with this page.",
          ),
        h("p", {}, outside(all, shown)),
      ),
    );
    const last = run.broadcasts.n_frames[shown.broadcast];
    const near = [];
    for (let frame = Math.max(1, shown.frame - AROUND); frame <= Math.min(last, shown.frame + AROUND); frame++)
      near.push(frame);
    fill(
      around,
      h("h3", {}, "The frames around it ", h("span", { class: "quiet" }, "↑ ↓")),
      h(
        "div",
        { class: "around-frames" },
        near.map((frame) =>
          h(
            "button",
            {
              type: "button",
              "aria-current": frame === shown.frame ? "true" : null,
              on: { click: () => step(frame - now.frame) },
            },
            framePicture(app, all, { broadcast: shown.broadcast, frame }, of.length ? of : there),
            h("small", {}, h("span", { class: "unseen" }, "Frame "), count(frame)),
          ),
        ),
      ),
    );
  }

  const leave = () => dialog.close(); // a link to another view was followed
  addEventListener("hashchange", leave, { once: true });
  dialog.addEventListener("close", () => removeEventListener("hashchange", leave));
  document.body.append(dialog);
  dialog.showModal();
  after.focus();
  draw();
  return dialog;
}

/** Seconds that a text without a length is heard. */
export const INSTANT = 0.001;

/** What was said while a frame was on air. */
export async function saidAt(run, frame) {
  if (!has("said")) return [];
  const { broadcast, start, end, text } = await columns("said", ["broadcast", "start", "end", "text"]);
  const from = momentOf(run, frame);
  const to = from + run.about.frame_seconds;
  const found = [];
  for (
    let row = lowerBound(broadcast, frame.broadcast, 0, broadcast.length);
    broadcast[row] === frame.broadcast;
    row++
  ) {
    if (start[row] < to && Math.max(end[row], start[row] + INSTANT) > from) found.push(text[row]);
  }
  return found;
}
