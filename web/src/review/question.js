// One question at a time.

import { fill, h } from "../common/dom.js";
import { goesInto, ignoreDialog, mergeDialog, merged, nameDialog, namesOf, splitDialog } from "./decisions.js";
import { beside, digit, makeMarking, prefetch } from "./faces.js";
import { showFaces } from "./viewer.js";
import { called, count, counted, duration, effectWords, percent, shortened } from "./words.js";

const SIZE = 192; // of the pictures
const TITLES = { same: "One person?", split: "Two people?", member: "Whose is this?", who: "Who is this?" };

const asked = ({ kind, rows: [one, other] }) =>
  ({
    same: () => "Are both rows the same person?",
    split: () => `Are these two people under one ID, ${shortened(called(one), 60)}?`,
    member: () => `Nobody has these faces. Are they of ${shortened(called(other), 60)}?`,
    who: () => "Give the person a name, if you know it for certain.",
  })[kind]();

const heads = ({ kind }) => ({ split: ["Most of the faces", "The part that would leave"], member: ["Faces of nobody", "The person"] })[kind] ?? [];

const yes = ({ kind, rows }, effect) =>
  ({
    same: () => merged(rows, effect),
    split: () => `Two people: a part of ${shortened(called(rows[0]), 40)} leaves and is somebody else.`,
    member: () => `The faces of nobody are of ${shortened(called(rows[1]), 40)}.`,
  })[kind]?.() ?? "";
const no = ({ kind, rows }) =>
  ({
    same: () => `Two people: ${rows.map((each) => shortened(called(each), 40)).join(" and ")}.`,
    split: () => `One person: ${shortened(called(rows[0]), 40)}.`,
    member: () => `The faces of nobody are not of ${shortened(called(rows[1]), 40)}.`,
  })[kind]?.() ?? "";

/** What a yes and a no do, before one is given. */
const foretold = (question, effect) =>
  ({
    same: () => goesInto(question.rows, effect),
    split: () => "The faces of the second row leave and are a person of their own; or mark those that leave.",
    member: () => `The faces join ${shortened(called(question.rows[1]), 40)}.`,
  })[question.kind]?.() ?? "";

/** Make the view of the questions; `draw` shows what is current. */
export function makeQuestionView(app) {
  const { store } = app;
  const heading = h("h2", { tabindex: -1, id: "question" });
  const words = h("p", { class: "asked" });
  const why = h("p", { class: "quiet why" });
  const note = h("div", { class: "note", hidden: true });
  const body = h("div", { class: "rows" });
  const effect = h("p", { class: "effect", id: "effect" });
  const reviewed = h("p");
  let shown = null;
  let skippedShown = -1; // of which the end tells; -1 while a question is shown
  let marking = makeMarking(() => {});

  const question = () => store.current();
  const people = () => question()?.rows.filter((row) => !row.isNobody) ?? [];
  const isSettled = () => store.state.settled.has(question()?.id);

  /** The faces that an action means: those that are marked, else the one that has the focus. */
  const meant = () => {
    const marked = marking.marked();
    if (marked.length) return marked;
    const at = marking.focused();
    return at >= 0 ? [marking.items[at]] : [];
  };

  /** The person that an action means: that of the faces, else all that are shown. */
  const meantPeople = () => {
    const of = new Set(meant().map(({ row }) => row));
    const found = people().filter((row) => of.has(row));
    return found.length ? found : people();
  };

  function reply(answer) {
    const now = question();
    const decisions = now.answers?.[answer];
    if (!decisions) {
      app.announce(now.kind === "who" ? "Press R to give a name, U if you are not sure." : "This question has no such answer.");
      return;
    }
    const marked = marking.marked();
    if (answer === "yes" && now.kind === "split" && marked.length) {
      app.split(marked, now);
      return;
    }
    if (marked.length) {
      app.announce(`${counted(marked.length, "face is", "faces are")} marked: S splits them off, F says that they are no faces, Esc unmarks them.`);
      return;
    }
    if (answer === "yes" && now.kind === "same" && namesOf(now.rows).length > 1) {
      mergeDialog(app, now.rows, { question: now, decisions });
      return;
    }
    app.answer(now, answer, decisions, answer === "yes" ? yes(now, store.state.effects.get(now.id)) : no(now));
  }

  const actions = {
    y: () => reply("yes"),
    n: () => reply("no"),
    u: () => app.answer(question(), "unsure", [], `Unsure: ${TITLES[question().kind]} ${people().map(called).join(", ")}`),
    s: () => {
      const marked = marking.marked();
      if (marked.length) app.split(marked, question().kind === "split" ? question() : null);
      else if (people().length) splitDialog(app, question().kind === "split" ? question().rows : meantPeople().slice(0, 1), question().kind === "split" ? question() : null);
    },
    r: () => people().length && nameDialog(app, meantPeople(), question().kind === "who" ? question() : null),
    i: () => people().length && ignoreDialog(app, meantPeople(), { question: question() }),
    f: () => {
      const now = question();
      let found = meant();
      const isAll = !found.length && now.kind === "member";
      if (isAll) found = marking.items.filter(({ row }) => row.isNobody);
      if (!found.length) {
        app.announce("Mark what is no face first: click, or its number.");
        return;
      }
      const decisions = found.map(({ face }) => ({ not_a_face: face.anchor }));
      const gone = now.rows[0].faces.every((face) => found.some((each) => each.face === face));
      const closes = isAll || (now.kind === "member" && gone);
      app.answer(closes ? now : null, "not_a_face", decisions, `Not a face: ${counted(found.length, "picture")}.`);
      if (!closes) without(found);
    },
    " ": () => look(false),
    o: () => look(true),
  };

  const look = (frames) => marking.items.length && showFaces(marking, Math.max(0, marking.focused()), frames);

  /** Take faces out of what is shown. */
  function without(found) {
    for (const { face, row } of found) row.faces = row.faces.filter((each) => each !== face);
    shown = null;
    draw("all");
  }

  /** Faces leave their person; the question is answered where it is about that. */
  app.split = (marked, now) => {
    const closes = now?.kind === "split";
    const decisions = [{ split: marked.map(({ face }) => face.anchor) }];
    app.answer(closes ? now : null, closes ? "yes" : "", decisions, `${counted(marked.length, "face leaves", "faces leave")} ${shortened(called(marked[0].row), 40)} and ${marked.length === 1 ? "is" : "are"} a person of their own.`);
    if (!closes && question()?.rows.includes(marked[0].row)) without(marked);
  };

  function drawRow(row, place, now) {
    const head = heads(now)[place];
    return h(
      "section",
      { class: "row", "aria-label": `${head ?? `Row ${place + 1}`}: ${called(row)}` },
      h(
        "header",
        {},
        h("h3", {}, head && h("span", { class: "quiet" }, `${head}: `), !row.isNobody && h("bdi", { title: called(row) }, shortened(called(row), 80))),
        h(
          "p",
          { class: "quiet" },
          [
            row.named && row.person,
            `${duration(row.seconds)} on screen`, counted(row.n_faces, "face"),
            row.n_broadcasts && counted(row.n_broadcasts, "broadcast"),
          ].filter(Boolean).join(" · "),
        ),
      ),
      h("div", { class: "faces" }, row.faces.map((face) => marking.add(face, row, SIZE))),
    );
  }

  function drawNote(now) {
    const reason = now && store.state.failed.get(now.id);
    const settled = now && isSettled();
    note.hidden = !reason && !settled;
    fill(
      note,
      reason && h("p", {}, h("b", {}, "It was not saved: "), reason),
      settled && h("p", {}, h("b", {}, "Your last answer has answered this one, too. "), h("button", { type: "button", on: { click: () => store.go(1) } }, "Go on")),
    );
  }

  function drawEffect(now) {
    const found = now && store.state.effects.get(now.id);
    fill(
      effect,
      now?.answers?.yes && [h("b", {}, "Yes: "), foretold(now, found), " ", h("span", { class: "quiet" }, effectWords(found).join(" · "))],
      found?.problems?.length > 0 && h("span", { class: "wrong" }, ` ${found.problems.join(" ")}`),
    );
  }

  function drawReviewed() {
    const { share, n_decisions, n_unsure } = store.state.progress;
    fill(reviewed, `${percent(share)} of screen time is reviewed; ${counted(n_decisions, "decision")}, ${count(n_unsure)} unsure.`);
  }

  function drawEnd() {
    const { state } = store;
    if (!state.doc || state.isLoading) {
      fill(heading, "Loading…");
      for (const each of [words, why, body, effect]) fill(each);
      return;
    }
    const skipped = state.questions.length;
    drawReviewed();
    fill(heading, skipped ? "That was the last one" : "Nothing is left to ask");
    fill(words, skipped ? `${counted(skipped, "question is", "questions are")} skipped and still open.` : state.kind ? "There may be questions of other kinds." : "All questions are answered.");
    fill(why);
    fill(
      body,
      h(
        "div",
        { class: "end" },
        reviewed,
        h(
          "p",
          { class: "buttons" },
          skipped > 0 && h("button", { type: "button", on: { click: () => store.go(-skipped) } }, "Back to the first skipped one"),
          h("button", { type: "button", on: { click: () => app.turn("people") } }, "All people"),
          app.isServed
            ? h("button", { type: "button", class: "main", on: { click: app.running } }, "Run the workflow now")
            : h("button", { type: "button", class: "main", on: { click: app.saving } }, "Save the answers"),
        ),
      ),
    );
  }

  function draw(what) {
    const now = question();
    drawNote(now);
    if (what !== "all" && now && now === shown) {
      drawEffect(now);
      return;
    }
    // The buttons at the end stay while an answer is written, as one of them may have the focus.
    const skipped = now || !store.state.doc || store.state.isLoading ? -1 : store.state.questions.length;
    if (what !== "all" && skipped >= 0 && skipped === skippedShown) {
      drawReviewed();
      return;
    }
    skippedShown = skipped;
    const had = document.activeElement;
    const isInside = body.contains(had) || note.contains(had);
    const changes = now !== shown;
    shown = now;
    if (changes) store.state.since = performance.now();
    marking = makeMarking(() => app.marked(marking.marked().length));
    drawEffect(now);
    app.marked(0);
    if (!now) {
      drawEnd();
    } else {
      fill(heading, TITLES[now.kind]);
      fill(words, asked(now));
      fill(why, [
        now.kind !== "who" && `${percent(now.probability)} likely by the pictures`,
        now.kind !== "who" && `${duration(now.seconds)} on screen depend on it`,
        now.reason,
      ].filter(Boolean).join(" · "));
      body.classList.toggle("one", now.rows.length === 1);
      fill(body, now.rows.map((row, place) => drawRow(row, place, now)));
      store.foresee(now);
      const next = store.state.questions[store.state.at + 1];
      if (next) prefetch(next.rows, SIZE);
    }
    if (isInside || had === document.body || had === null) heading.focus({ preventScroll: true });
    if (changes && what !== "start") scrollTo(0, 0);
  }

  return {
    element: h("section", { class: "question", "aria-labelledby": "question" }, h("div", { class: "head" }, heading, words, why, effect), note, body),
    draw,
    actions,
    /** What is asked now, for who does not see it. */
    said: () => {
      const now = question();
      if (!now) return "No question is left.";
      return `${TITLES[now.kind]} ${asked(now)} ${now.rows.map((row) => `${called(row)}, ${duration(row.seconds)}`).join("; ")}.`;
    },
    /** Do what a key means; tells whether it means something here. */
    press(key, event) {
      if (key === "j" || key === "k") {
        store.go(key === "j" ? 1 : -1);
        return true;
      }
      const at = marking.focused();
      if (key.startsWith("Arrow")) {
        if (at >= 0) {
          const to = beside(marking.items.map(({ tile }) => tile), at, key);
          if (to < 0) return true;
          marking.items[to].tile.focus();
          if (event.shiftKey) marking.toggle(to, true);
          return true;
        }
        if (key === "ArrowRight" || key === "ArrowLeft") {
          store.go(key === "ArrowRight" ? 1 : -1);
          return true;
        }
        return false;
      }
      if (key === "Escape") {
        marking.clear();
        return true;
      }
      if (digit(event.code) >= 0 && marking.items.length && !isSettled()) {
        marking.toggle(digit(event.code), event.shiftKey);
        return true;
      }
      const act = actions[key];
      if (!act) return false;
      // Space is the button's own where a button has the focus; on a face it shows the face.
      if (key === " " && event.target.matches("button:not(.face), a, summary")) return false;
      if (event.repeat || !question()) return true;
      if ("ynuf".includes(key) && performance.now() < store.state.deaf) return true;
      if (isSettled()) {
        if (key !== " " && key !== "o") store.go(1);
        return true;
      }
      act();
      return true;
    },
  };
}
