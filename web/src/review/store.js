// What the page knows, and the answers that are on their way.
//
// An answer counts at once: the next question is there before the server has written it. Answers go out one
// after the other. What cannot be written comes back, with the reason; while the server does not answer, all
// stay here and are sent again.

import { Lost, Refused } from "./backend.js";

const WAIT = [1000, 2000, 4000, 8000]; // milliseconds between tries to reach the server
const FIRST = 40; // open questions that are asked for at a time
const GLANCE = 700; // milliseconds within which nobody has read a question
const DEAF = 250; // milliseconds without answers after a question has gone by itself
const FEW = 10; // open questions at hand, below which more are asked for
const MOST_TOLD = 50;

/**
 * Make the state of the page.
 *
 * @param {Object} backend where questions come from; see backend.js
 * @param {string} place under which unsent answers outlive a reload; "" for none
 * @param {(what: string, item?: Object) => void} changed called when something is to be drawn anew
 */
export function makeStore(backend, place, changed) {
  const state = {
    doc: null,
    questions: [], // open ones at hand, in the order in which they are asked
    at: 0,
    isLoading: false,
    kind: "", // which are asked; "" for all
    n_questions: 0,
    progress: null,
    undo: null,
    etag: null,
    pending: [], // not yet written: {key, op, body, question, words}
    told: [], // what happened, the newest first: {words, effect, reason}
    settled: new Set(), // questions that an answer to another has answered, and that stay until they are left
    since: 0, // when the current question appeared
    deaf: 0, // until when no answer is taken
    failed: new Map(), // why a question is back
    renewing: 0, // whether questions are being asked for
    effects: new Map(), // of "yes", by the question
    lost: "", // why the server does not answer
    forbidden: false, // the token is not that of the server
    conflict: null, // {entry, came, went, error}
    taken: null, // {entry, others}: a name that somebody has
  };
  let busy = false;
  let tries = 0;
  let timer = 0;

  const keep = () => {
    if (!place) return;
    try {
      sessionStorage.setItem(place, JSON.stringify(state.pending));
    } catch {
      // Then they do not outlive a reload.
    }
  };

  /** The first row of some questions is of nobody; a person without an ID is one who has come out of a split. */
  const read = (questions) => {
    for (const { kind, rows } of questions ?? []) if (kind === "member") rows[0].isNobody = true;
    return questions ?? [];
  };
  const current = () => state.questions[state.at] ?? null;
  const has = (id) => state.questions.some((each) => each.id === id);
  const isPending = (id) => state.pending.some((each) => each.question?.id === id);

  function tell(words, { effect = null, reason = "" } = {}) {
    const item = { words, effect, reason };
    state.told.unshift(item);
    state.told.length = Math.min(state.told.length, MOST_TOLD);
    changed("told", item);
  }

  function remove(id) {
    const place = state.questions.findIndex((each) => each.id === id);
    if (place < 0) return;
    state.questions.splice(place, 1);
    if (place < state.at) state.at -= 1;
  }

  /** Ask a question now, or as the next but some. */
  function bring(question, ahead = 0) {
    remove(question.id);
    const isNone = !current();
    const place = isNone ? state.questions.length : Math.min(state.at + ahead, state.questions.length);
    state.questions.splice(place, 0, question);
    if (isNone) state.at = place;
  }

  function take(doc) {
    const id = current()?.id;
    Object.assign(state, {
      doc,
      etag: doc.etag,
      progress: doc.progress,
      undo: doc.undo,
      n_questions: doc.n_questions,
      settled: new Set(),
      effects: new Map(),
    });
    state.questions = read(doc.questions).filter((each) => !isPending(each.id) && (!state.kind || each.kind === state.kind));
    state.at = Math.max(0, state.questions.findIndex((each) => each.id === id));
  }

  async function load() {
    take(await backend.load());
    if (state.kind) await more(true);
    changed("all");
  }

  async function more(anew = false) {
    if (state.pending.length && !anew) return;
    const skip = anew ? 0 : state.questions.length;
    const found = await backend.questions(skip, state.kind, FIRST);
    state.n_questions = found.n_questions;
    const news = read(found.questions).filter((each) => !has(each.id) && !isPending(each.id));
    state.questions.push(...news);
    if (news.length && !anew) changed("questions");
  }

  /** After a decision: what is behind the question that is looked at may be about other people now. */
  async function renew() {
    const id = current()?.id;
    const found = await backend.questions(0, state.kind, Math.max(FIRST, state.questions.length));
    if (busy || state.pending.length || id !== current()?.id) return;
    const fresh = new Map(read(found.questions).map((each) => [each.id, each]));
    const isWhole = found.questions.length >= found.n_questions;
    state.n_questions = found.n_questions;
    const isKept = (each) => each.id === id || fresh.has(each.id) || !isWhole;
    state.questions = state.questions.filter(isKept).map((each) => (each.id === id ? each : (fresh.get(each.id) ?? each)));
    state.questions.push(...found.questions.filter((each) => !has(each.id)));
    state.at = id ? Math.max(0, state.questions.findIndex((each) => each.id === id)) : state.questions.length;
    state.effects = new Map([...state.effects].filter(([each]) => each === id));
    changed("questions");
  }

  const fetchMore = () => {
    const isShort = state.questions.length - state.at < FEW && state.questions.length < state.n_questions;
    if (isShort) more().catch(soft);
  };

  /** What was only asked for may fail: nothing is lost by it. */
  const soft = (error) => {
    if (error instanceof Lost || error.status === 403 || error.status === 421) fail(error);
    else if (!(error instanceof Refused)) throw error;
  };

  /** Take an answer and go on: its question is gone at once. */
  function answer(question, answered, decisions, words, more = {}) {
    if (question) {
      state.failed.delete(question.id);
      remove(question.id);
    }
    const body = { question: question?.id ?? null, answer: answered, decisions, ...more };
    push({ key: crypto.randomUUID(), op: "decide", body, question, words });
  }

  function push(entry) {
    state.pending.push(entry);
    keep();
    changed("answer");
    send();
  }

  function undo(decision) {
    const last = state.pending.at(-1);
    if (!decision && last?.op === "decide" && !(busy && state.pending.length === 1)) {
      state.pending.pop();
      keep();
      if (last.question) bring(last.question);
      tell(`Taken back: ${last.words}`);
      if (state.conflict?.entry === last) state.conflict = null;
      changed("undo");
      return;
    }
    if (!decision && !state.undo && !state.pending.length) {
      tell("There is nothing to take back.");
      return;
    }
    push({ key: crypto.randomUUID(), op: "undo", body: decision ? { decision } : {}, question: null, words: "" });
  }

  /** Write what is pending, one after the other. */
  async function send() {
    if (busy || state.conflict || state.taken || !state.doc) return;
    busy = true;
    clearTimeout(timer);
    let isWritten = false;
    try {
      while (state.pending.length && !state.conflict && !state.taken) {
        const entry = state.pending[0];
        const reply = await backend[entry.op](entry.body, state.etag, entry.key);
        found();
        state.pending.shift();
        keep();
        written(entry, reply);
        isWritten = true;
      }
    } catch (error) {
      fail(error);
    } finally {
      busy = false;
    }
    const renews = isWritten && !state.pending.length;
    state.renewing += Number(renews);
    changed("sent");
    if (renews) {
      renew().catch(soft).finally(() => {
        state.renewing -= 1;
        changed("renewed");
      });
    }
    if (state.pending.length && !state.lost && !state.forbidden && !state.conflict && !state.taken) send();
  }

  function found() {
    if (state.lost) tell("The server answers again.");
    state.lost = "";
    state.forbidden = false;
    tries = 0;
  }

  function written(entry, reply) {
    const shown = current()?.id;
    Object.assign(state, { etag: reply.etag, progress: reply.progress, undo: reply.undo });
    const { open } = reply.progress;
    state.n_questions = state.kind ? open[state.kind] : Object.values(open).reduce((sum, each) => sum + each, 0);
    for (const id of reply.closed ?? []) {
      // What is looked at stays, so that no key meets another question than the one that was read.
      const isRead = id === shown && id !== entry.body.question;
      if (isRead && performance.now() - state.since > GLANCE) {
        state.settled.add(id);
        continue;
      }
      if (isRead) state.deaf = performance.now() + DEAF;
      remove(id);
    }
    const opened = read(reply.opened);
    const back = entry.op === "undo" && (opened.find((each) => each.id === reply.undone.question) ?? opened[0]);
    for (const question of [...opened].reverse()) {
      state.settled.delete(question.id);
      if (question === back) bring(question);
      else if (!has(question.id)) bring(question, 1);
    }
    const words = entry.op === "undo" ? undone(reply.undone) : entry.words;
    tell(words, { effect: reply.effect });
    changed("written", { effect: reply.effect, isNamed: entry.body.answer === "name" || entry.op === "undo" });
  }

  const undone = ({ blocks, unsure }) =>
    unsure ? "Taken back: unsure." : `Taken back${blocks?.length ? `: ${blocks.join(" ")}` : "."}`;

  function fail(error) {
    if (error instanceof Lost) {
      state.lost = error.message || "no answer";
      timer = setTimeout(again, WAIT[Math.min(tries++, WAIT.length - 1)]);
      return;
    }
    if (!(error instanceof Refused)) throw error;
    if (error.status === 403 || error.status === 421) {
      state.forbidden = true;
      return;
    }
    const entry = state.pending[0];
    if (!entry) {
      tell(error.message, { reason: error.message });
      return;
    }
    if (error.status === 412) {
      state.conflict = { entry, ...error.body };
      return;
    }
    state.pending.shift();
    keep();
    if (error.status === 409 && error.body.others?.length) {
      state.taken = { entry, others: error.body.others };
      return;
    }
    giveBack(entry, error.message);
  }

  /** Bring a question back: it is the next one. */
  function giveBack(entry, reason) {
    if (entry.question) {
      state.failed.set(entry.question.id, reason);
      bring(entry.question, 1);
    }
    tell(`Not saved: ${entry.words}`, { reason });
  }

  async function again() {
    clearTimeout(timer);
    if (!state.lost && !state.forbidden) return;
    try {
      const doc = await backend.load();
      found();
      // A write whose answer was lost may have been made: what is sent again is told by its key.
      const { etag } = state;
      take(doc);
      if (state.pending.length && etag !== null) state.etag = etag;
    } catch (error) {
      fail(error);
    }
    changed("all");
    send();
  }

  /** After an edit from elsewhere: give the answer again, or let it go. */
  async function settle(giveAgain) {
    const { entry } = state.conflict;
    try {
      if (!giveAgain) {
        state.pending.shift();
        keep();
        tell(`Not saved: ${entry.words}`, { reason: "the file was changed elsewhere" });
      }
      take(await backend.load());
      state.conflict = null;
      // What is not given again is asked again, if it is still open.
      if (!giveAgain && entry.question && has(entry.question.id)) bring(entry.question);
    } catch (error) {
      if (!(error instanceof Lost)) state.conflict = null;
      fail(error);
    }
    changed("all");
    send();
  }

  /** A name that somebody has: what to do about it. */
  function resolve(decide) {
    const { entry } = state.taken;
    state.taken = null;
    if (decide) push(decide(entry));
    else giveBack(entry, "somebody else has the name");
    changed("all");
    send();
  }

  function go(step) {
    const id = current()?.id;
    if (id && state.settled.has(id)) {
      state.settled.delete(id);
      remove(id);
      if (step < 0) state.at = Math.max(0, state.at - 1);
    } else {
      state.at = Math.max(0, Math.min(state.questions.length, state.at + step));
    }
    changed("go");
    fetchMore();
  }

  async function only(kind) {
    Object.assign(state, { kind, questions: [], at: 0, isLoading: true });
    changed("all");
    await more(true).catch(soft);
    state.isLoading = false;
    changed("all");
  }

  /** What a yes would change; asked once for each question. */
  async function foresee(question) {
    if (!question?.answers?.yes || state.effects.has(question.id)) return;
    state.effects.set(question.id, question.effect ?? null);
    if (question.effect) return;
    try {
      const body = { question: question.id, answer: "yes", decisions: question.answers.yes };
      state.effects.set(question.id, (await backend.effect(body)).effect);
      changed("effect");
    } catch {
      state.effects.delete(question.id);
    }
  }

  /** Take over what a reload has left. */
  function recall() {
    try {
      const left = JSON.parse(sessionStorage.getItem(place));
      if (Array.isArray(left)) state.pending = left;
    } catch {
      // nothing is left
    }
  }
  if (place) recall();

  return {
    state, current, load, answer, undo, go, only, again, settle, resolve, foresee, send, tell,
    fail: (error) => { fail(error); changed("sent"); },
    isBusy: () => busy,
  };
}
