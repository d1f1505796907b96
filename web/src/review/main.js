// The review: one question at a time, or all people at once; what is decided goes into the file of corrections.
import "../style/common.css";
import "../style/review.css";

import { fill, h } from "../common/dom.js";
import { kept, Lost, Refused, served, tokenOf } from "./backend.js";
import { conflictDialog } from "./conflict.js";
import { takenDialog } from "./decisions.js";
import { button, field, isOpen, show } from "./dialog.js";
import { picturesAreStatic } from "./faces.js";
import { help, listen } from "./keys.js";
import { makePeopleView } from "./people.js";
import { makeQuestionView } from "./question.js";
import { runningDialog } from "./running.js";
import { savingDialog } from "./saving.js";
import { makeStore } from "./store.js";
import { count, counted, effectWords, percent } from "./words.js";

const KINDS = [["", "All questions"], ["same", "One person?"], ["split", "Two people?"], ["who", "Who is this?"], ["member", "Whose is this?"]];
const TOKEN = "castgraph-review-token";
const ANSWERS = "castgraph-review-answers";
const LEFT = /(?:^|&)kept=([\w-]+)/; // in the address: answers that another address could not send

// ---- the token: taken from the address, which then does not show it ----

function takeToken() {
  const access = { token: tokenOf(location.hash) };
  const left = LEFT.exec(location.hash.slice(1))?.[1];
  try {
    if (access.token) sessionStorage.setItem(TOKEN, access.token);
    else access.token = sessionStorage.getItem(TOKEN) ?? "";
    if (left) sessionStorage.setItem(ANSWERS, new TextDecoder().decode(Uint8Array.from(atob(left.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0))));
  } catch {
    // It holds until the page is closed.
  }
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  return access;
}

/** Go on at another address of the server, with what is not saved. */
function move(address, pending) {
  const bytes = new TextEncoder().encode(JSON.stringify(pending));
  const text = btoa(Array.from(bytes, (each) => String.fromCharCode(each)).join(""));
  const there = new URL(address);
  location.assign(`${there.origin}${there.pathname}#token=${tokenOf(address)}&kept=${text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")}`);
}

// ---- the page ----

function open(backend, { isServed, access }) {
  let view = "questions";
  let names = [];
  let unsaved = false;
  const live = h("div", { class: "unseen", role: "status", "aria-live": "polite" });
  const store = makeStore(backend, isServed ? ANSWERS : "", drawn);
  const { state } = store;

  const app = {
    store, backend, isServed,
    names: () => names,
    faces: backend.faces,
    announce(words) {
      fill(hint, words);
      live.textContent = "";
      setTimeout(() => { live.textContent = words; }, 50);
    },
    answer(question, answered, decisions, words, more) {
      unsaved = !isServed;
      store.answer(question, answered, decisions, words, more);
    },
    tell(words) {
      store.tell(words);
      app.announce(words);
    },
    marked(n) {
      fill(marks, n ? `${count(n)} marked` : "");
    },
    running: () => runningDialog(app),
    saving: () => savingDialog(app),
    saved() {
      unsaved = false;
      drawState();
    },
    turn,
    copyButton: (text) =>
      button("Copy", async () => {
        try {
          await navigator.clipboard.writeText(text());
          app.announce("Copied.");
        } catch {
          app.announce("The browser does not let the page copy; mark the text.");
        }
      }),
  };

  const questions = makeQuestionView(app);
  const people = makePeopleView(app);

  const title = h("h1", {}, "Review");
  const progress = h("progress", { max: 1, value: 0, "aria-label": "Screen time that is reviewed" });
  const progressWords = h("span", { class: "share" });
  const saved = h("span", { class: "saved", role: "status" });
  const tabs = h("div", { class: "tabs", role: "group", "aria-label": "What is shown" },
    [["questions", "Questions"], ["people", "People"]].map(([name, text]) =>
      h("button", { type: "button", "data-view": name, on: { click: () => turn(name) } }, text)));
  const kinds = h("select", { "aria-label": "Which questions", on: { change: () => store.only(kinds.value) } }, KINDS.map(([value, text]) => h("option", { value }, text)));
  const tools = h("div", { class: "tools" },
    kinds,
    isServed ? button("Run…", app.running) : button("Save…", app.saving),
    button("Help", help, { key: "?" }),
  );
  const alert = h("div", { class: "alert", role: "alert", hidden: true });
  const notes = h("div", { class: "notes" });
  const hint = h("span", { class: "hint" }, "What happened");
  const marks = h("span", { class: "marks" });
  const happened = h("ol", { class: "happened", "aria-label": "What happened" });
  const main = h("main", { id: "main" });
  const press = (key) => () => questions.press(key, { key, code: "", target: document.body, repeat: false });
  const bar = h("div", { class: "bar", role: "toolbar", "aria-label": "Answers" },
    [
      ["Yes", "Y"], ["No", "N"], ["Unsure", "U"], ["Split", "S"], ["Rename", "R"], ["Ignore", "I"], ["Not a face", "F"],
    ].map(([text, key]) => button(text, press(key.toLowerCase()), { key })),
    button("Undo", () => store.undo(), { key: "Z" }),
    button("Bigger", press(" "), { key: "Space" }),
    button("Frames", press("o"), { key: "O" }),
    button("Back", press("k"), { key: "K" }),
    button("Skip", press("j"), { key: "J" }),
  );
  const byKey = (key) => bar.querySelector(`[aria-keyshortcuts="${key}"]`);

  fill(
    document.body,
    h("a", { class: "skip", href: "#main", on: { click: (event) => { event.preventDefault(); main.querySelector("h2")?.focus(); } } }, "To the question"),
    h("header", { class: "top" },
      h("div", { class: "line" }, title, tabs, tools),
      h("div", { class: "line" }, progress, progressWords, saved),
      h("p", { class: "privacy" }, "This page shows faces of people. Look at it where only those see it who may; pass on neither it nor pictures of it without a reason."),
      notes,
    ),
    alert, main,
    h("footer", {}, bar, h("div", { class: "last" }, h("details", {}, h("summary", {}, hint), happened), marks)),
    live,
  );

  function turn(to) {
    view = to;
    fill(main, view === "questions" ? questions.element : people.element);
    for (const tab of tabs.children) tab.setAttribute("aria-pressed", String(tab.dataset.view === view));
    bar.hidden = view !== "questions";
    kinds.hidden = view !== "questions";
    if (view === "questions") {
      questions.draw("all");
      main.querySelector("h2").focus({ preventScroll: true });
    } else {
      people.draw();
      people.focus();
    }
  }

  function drawState() {
    if (state.doc) {
      fill(title, "Review ", h("span", { class: "quiet" }, h("bdi", {}, state.doc.run), " · ", state.doc.clustering));
      document.title = `Review of ${state.doc.run}`;
    }
    if (state.progress) {
      const { share, n_decisions, n_unsure } = state.progress;
      progress.value = share;
      progress.textContent = percent(share);
      fill(progressWords, h("b", {}, `${percent(share)} of screen time reviewed`), ` · ${counted(n_decisions, "decision")}${n_unsure ? `, ${count(n_unsure)} unsure` : ""} · ${counted(state.n_questions, "question")} open`);
    }
    const n = state.pending.length;
    main.setAttribute("aria-busy", String(n > 0 || state.renewing > 0));
    saved.classList.toggle("waits", n > 0);
    const words = isServed
      ? n ? `${counted(n, "answer")} not saved yet` : "all saved"
      : unsaved ? "kept in this browser, not in a file yet" : "kept in this browser";
    if (saved.textContent !== words) saved.textContent = words;
    const now = store.current();
    for (const [key, enabled] of [
      ["Y", now?.answers?.yes], ["N", now?.answers?.no], ["U", now], ["S", now?.rows.some((row) => !row.isNobody)],
      ["R", now?.rows.some((row) => !row.isNobody)], ["I", now?.rows.some((row) => !row.isNobody)], ["F", now],
      ["Z", state.undo || n], ["Space", now], ["O", now], ["K", state.at > 0], ["J", now],
    ]) byKey(key).setAttribute("aria-disabled", String(!enabled));
    drawAlert();
    fill(happened, state.told.slice(0, 12).map(({ words: said, effect, reason }) =>
      h("li", { class: reason ? "bad" : "" }, said, reason && h("b", {}, ` ${reason}`), effect && h("span", { class: "quiet" }, ` ${effectWords(effect).join(" · ")}`))));
  }

  function drawAlert() {
    const n = state.pending.length;
    const what = state.forbidden ? "forbidden" : state.lost ? "lost" : "";
    const keptWords = n ? `${counted(n, "answer is", "answers are")} kept here and sent again.` : "Nothing is lost.";
    const counter = alert.querySelector(".kept");
    if (alert.dataset.what === what) {
      if (counter) counter.textContent = keptWords; // what is typed into the field stays
      return;
    }
    alert.dataset.what = what;
    alert.hidden = !what;
    if (!what) {
      fill(alert);
      return;
    }
    const address = field("The address that it printed", { placeholder: "http://127.0.0.1:…/#token=…", inputmode: "url" });
    const go = (event) => {
      event.preventDefault();
      const typed = address.input.value.trim();
      const token = tokenOf(typed);
      if (!address.say(token && /^http:\/\/(127\.0\.0\.1|localhost)(:\d+)?\//.test(typed) ? "" : "It is like http://127.0.0.1:8000/#token=…")) return;
      const there = new URL(typed);
      if (there.origin !== location.origin || there.pathname !== location.pathname) {
        move(typed, state.pending);
        return;
      }
      access.token = token;
      try {
        sessionStorage.setItem(TOKEN, token);
      } catch {
        // It holds until the page is closed.
      }
      store.again();
    };
    fill(
      alert,
      h("p", {},
        h("b", {}, what === "lost" ? "The server does not answer. " : "The server takes answers only with the token of the address that it printed. "),
        h("span", { class: "kept" }, keptWords),
        " ", state.doc?.start && ["Start it again: ", h("code", {}, state.doc.start)]),
      h("form", { on: { submit: go } }, address.element, h("button", { type: "submit" }, "Go on"),
        what === "lost" && h("button", { type: "button", on: { click: store.again } }, "Try now")),
    );
  }

  function drawNotes() {
    const found = [...(state.doc.notes ?? []), ...(state.doc.hint ? [state.doc.hint] : [])];
    fill(notes, found.length > 0 && h("details", { open: !state.doc.named_by_run && Boolean(state.doc.hint) }, h("summary", {}, counted(found.length, "note")), h("ul", {}, found.map((each) => h("li", {}, each)))));
  }

  /** Draw what has changed. */
  function drawn(what, item) {
    if (!state.doc) {
      drawAlert();
      return;
    }
    if (what === "all") drawNotes();
    drawState();
    if (view === "questions") questions.draw(what);
    if (what === "told") {
      const effect = effectWords(item.effect).join(" · ");
      fill(hint, item.reason ? h("b", {}, `${item.words} ${item.reason}`) : [item.words, effect && h("span", { class: "quiet" }, ` ${effect}`)]);
      speak(`${item.words} ${item.reason} ${effect}`);
    }
    if (what === "written") {
      people.changed(item);
      if (item.isNamed) refreshNames();
    }
    if (what === "all") {
      people.reload();
      if (view === "people") people.draw();
      refreshNames();
    }
    if (what === "answer" || what === "go" || what === "undo") speak(view === "questions" ? questions.said() : "");
    if (state.conflict && !drawn.conflict) {
      drawn.conflict = state.conflict;
      conflictDialog(app);
    }
    if (!state.conflict) drawn.conflict = null;
    if (state.taken && drawn.taken !== state.taken) {
      drawn.taken = state.taken;
      takenDialog(app, state.taken);
    }
  }

  // What is said one after the other within a moment is said together.
  let saying = [];
  let timer = 0;
  function speak(words) {
    if (words) saying.push(words);
    clearTimeout(timer);
    timer = setTimeout(() => {
      live.textContent = saying.join(" ");
      saying = [];
    }, 150);
  }

  let refreshing = 0;
  function refreshNames() {
    clearTimeout(refreshing);
    refreshing = setTimeout(async () => {
      try {
        names = (await backend.people(0, "named", 5000)).people;
      } catch {
        // Those that are known stay; the server asks about a name that somebody has.
      }
    }, names.length ? 1000 : 0);
  }

  listen((key, event) => {
    const acts = {
      "?": help,
      z: () => store.undo(),
      p: () => turn(view === "questions" ? "people" : "questions"),
      "/": () => {
        turn("people");
        people.search();
      },
    };
    if (acts[key]) {
      event.preventDefault();
      acts[key]();
      return;
    }
    if (!state.doc) return;
    if ((view === "questions" ? questions : people).press(key, event)) event.preventDefault();
  });

  // Another tab or hand may have changed the file while nobody looked.
  const look = async () => {
    if (document.hidden || !isServed || state.pending.length || isOpen() || !state.doc || store.isBusy()) return;
    const { etag } = state;
    try {
      const found = await backend.questions(0, "", 0);
      if (found.etag === etag || state.etag !== etag || state.pending.length || store.isBusy()) return;
      await store.load();
      app.tell("The file was changed elsewhere: these are the questions that are open now.");
    } catch (error) {
      if (error instanceof Lost || error instanceof Refused) store.fail(error);
    }
  };
  addEventListener("focus", look);
  addEventListener("storage", () => isServed || store.load());
  addEventListener("beforeunload", (event) => {
    if (unsaved || (isServed && state.pending.length)) event.preventDefault();
  });

  turn("questions");
  store.load().then(
    () => {
      drawn("all");
      store.send();
    },
    (error) => store.fail(error),
  );
}

const base = document.querySelector('meta[name="castgraph-review"]')?.content;
if (base) {
  const access = takeToken();
  open(served(base, access), { isServed: true, access });
} else {
  picturesAreStatic();
  // The data come after this script.
  globalThis.CG = { review: (doc) => open(kept(doc), { isServed: false, access: {} }) };
}
