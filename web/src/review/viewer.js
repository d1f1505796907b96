// One large face at a time, and the frames around it.

import { fill, h, safeLink } from "../common/dom.js";
import { button, show } from "./dialog.js";
import { letter } from "./keys.js";
import { framed, picture, sized } from "./faces.js";
import { called, count, faceWords, moment, ROLES } from "./words.js";

const LARGE = 512; // pixels
const AROUND = 3; // frames before and after

/**
 * Show faces large.
 *
 * @param {Object} marking see faces.js
 * @param {number} place which face is shown first
 * @param {boolean} frames whether the frames around it are shown, too
 */
export function showFaces(marking, place, frames) {
  const { items } = marking;
  let frame = items[place].face.frame;
  const stage = h("div", { class: "stage" });
  const words = h("p", { class: "words", role: "status" });
  const strip = h("div", { class: "strip", role: "group", "aria-label": "Frames around" });
  const more = h("p", { class: "quiet" });

  const boxed = (face, address, width) => {
    const holder = h("div", { class: "framed" }, picture(address, `frame ${frame} of ${face.broadcast}`, "This frame cannot be had."));
    const image = holder.querySelector("img");
    if (face.frame === frame && image && face.box) {
      const [top, right, bottom, left] = face.box;
      const draw = () => {
        const [w, high] = face.width ? [face.width, face.height] : [image.naturalWidth, image.naturalHeight];
        if (!w || !high) return;
        const box = h("div", { class: "box", "aria-hidden": "true" });
        box.style.left = `${(100 * left) / w}%`;
        box.style.top = `${(100 * top) / high}%`;
        box.style.width = `${(100 * (right - left)) / w}%`;
        box.style.height = `${(100 * (bottom - top)) / high}%`;
        holder.append(box);
      };
      if (image.complete) draw();
      else image.addEventListener("load", draw);
    }
    return holder;
  };

  const address = (face, number, width) =>
    face.frames ? framed(face.frames, number, width) : number === face.frame ? face.picture : null;

  const draw = () => {
    const { face, row } = items[place];
    const marked = marking.marked().some((each) => each.face === face);
    fill(words, h("b", {}, `${place + 1} of ${items.length} · ${called(row)}`), ` · ${ROLES[face.role] ?? "a face"}${marked ? " · marked" : ""}`);
    const link = safeLink(face.link);
    fill(
      more,
      `${face.show || face.broadcast} · ${moment(face.time)} · frame ${count(frame)} of ${count(face.n_frames || 0)} `,
      link && h("a", { href: link, target: "_blank", rel: "noopener noreferrer" }, "the archive's viewer (goes online)"),
    );
    strip.hidden = !frames || !face.frames;
    if (!frames) {
      const large = picture(face.crop && sized(face.crop, LARGE), faceWords(face, row), face.why);
      fill(stage, large);
      return;
    }
    fill(stage, boxed(face, address(face, frame, 960), 960));
    const around = [];
    for (let n = Math.max(1, frame - AROUND); n <= Math.min(face.n_frames || frame, frame + AROUND); n++) {
      const small = address(face, n, 240);
      around.push(
        h(
          "button",
          {
            type: "button", "aria-current": n === frame ? "true" : null, disabled: !small,
            "aria-label": `frame ${n}${n === face.frame ? ", of the face" : ""}`,
            on: { click: () => turn(n) },
          },
          picture(small, "", "–"),
          h("span", {}, n === face.frame ? `${n} ●` : n),
        ),
      );
    }
    const had = document.activeElement?.closest(".strip");
    fill(strip, around);
    if (had) strip.querySelector("[aria-current]")?.focus();
  };

  const step = (by) => {
    place = (place + by + items.length) % items.length;
    frame = items[place].face.frame;
    draw();
  };
  const turn = (to) => {
    frame = Math.max(1, Math.min(items[place].face.n_frames || to, to));
    draw();
  };
  const toggle = () => {
    frames = !frames;
    frame = items[place].face.frame;
    draw();
  };
  const mark = () => {
    marking.toggle(place);
    draw();
  };

  show(
    "Faces, large",
    (close, dialog) => {
      const keys = {
        ArrowRight: () => step(1), j: () => step(1), ArrowLeft: () => step(-1), k: () => step(-1),
        ArrowDown: () => frames && turn(frame + 1), ArrowUp: () => frames && turn(frame - 1),
        o: toggle, x: mark,
      };
      dialog.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (event.key === " " && event.target.tagName !== "BUTTON" && event.target.tagName !== "A") {
          event.preventDefault();
          close();
          return;
        }
        const act = keys[letter(event)];
        if (!act) return;
        event.preventDefault();
        act();
      });
      return [
        words, stage, strip, more,
        h(
          "p",
          { class: "buttons" },
          button("Previous", () => step(-1), { key: "←" }),
          button("Next", () => step(1), { key: "→" }),
          button("Frames around", toggle, { key: "O" }),
          button("Mark", mark, { key: "X" }),
          button("Close", close, { key: "Esc" }),
        ),
      ];
    },
    { wide: true },
  );
  draw();
}
