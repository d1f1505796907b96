// Where questions come from and answers go: the server of `castgraph review`, or this browser.

import { faceKey } from "./words.js";

/** The server does not answer. */
export class Lost extends Error {}

/** The server answers, and does not do it. */
export class Refused extends Error {
  constructor(status, body) {
    super(body.error || `the server answers ${status}`);
    this.status = status;
    this.body = body;
  }
}

const PATIENCE = 20_000; // milliseconds

/** The token of a printed address, or of what was pasted for it. */
export const tokenOf = (address) => /#(?:.*&)?token=([\w-]+)/.exec(address)?.[1] ?? "";

/**
 * The server.
 *
 * @param {string} base the address of its API
 * @param {{token: string}} access the token, which may change
 */
export function served(base, access) {
  async function ask(address, body, headers = {}) {
    let response;
    const given = { "X-Castgraph-Token": access.token, ...headers };
    if (body !== undefined) given["Content-Type"] = "application/json";
    try {
      response = await fetch(address, {
        method: body === undefined ? "GET" : "POST",
        headers: given,
        body: body === undefined ? undefined : JSON.stringify(body),
        cache: "no-store",
        priority: "high", // before pictures, of which many are on their way
        signal: AbortSignal.timeout(PATIENCE),
      });
    } catch (error) {
      throw new Lost(error.message);
    }
    let answer;
    try {
      answer = await response.json();
    } catch {
      if (response.ok) throw new Lost("the answer broke off");
      answer = {};
    }
    if (response.status >= 500 && !answer.error) throw new Lost(`the server answers ${response.status}`);
    if (!response.ok) throw new Refused(response.status, answer);
    return answer;
  }
  const post = (name, body, etag, key) =>
    ask(`${base}/${name}`, body, { "If-Match": etag, ...(key ? { "Idempotency-Key": key } : {}) });
  return {
    load: () => ask(`${base}/review?most=40`),
    decide: (body, etag, key) => post("decide", body, etag, key),
    undo: (body, etag, key) => post("undo", body, etag, key),
    effect: (body) => ask(`${base}/effect`, body),
    questions: (skip, kind, most) => ask(`${base}/questions?skip=${skip}&most=${most}&kind=${kind}`),
    people: (skip, show, most = 500) => ask(`${base}/people?skip=${skip}&most=${most}&show=${show}`),
    faces: (address) => ask(address),
    run: () => ask(`${base}/run`),
    start: () => ask(`${base}/run`, {}),
  };
}

/**
 * A page that was opened from a file: answers stay in the browser until they are saved into a file.
 *
 * @param {Object} doc what the page was given; see `CG.review`
 */
export function kept(doc) {
  const place = `castgraph-review-${doc.run}-${doc.clustering}`;
  const all = doc.questions;
  const byId = new Map(all.map((each) => [each.id, each]));
  /** @type {{question: string|null, answer: string, decisions: Object[]}[]} */
  let entries = [];
  const recall = () => {
    try {
      const found = JSON.parse(localStorage.getItem(place));
      if (Array.isArray(found)) entries = found.filter((each) => Array.isArray(each?.decisions));
    } catch {
      // The browser keeps nothing for pages from files: all stays in memory.
    }
  };
  recall();
  // Two tabs of the page have one list.
  addEventListener("storage", (event) => event.key === place && recall());
  const keep = () => {
    try {
      localStorage.setItem(place, JSON.stringify(entries));
    } catch {
      // see above
    }
  };

  const rows = [...all.flatMap((each) => each.rows), ...(doc.people ?? [])];
  const of = new Map();
  for (const row of rows) {
    for (const face of [{ anchor: row.anchor }, ...(row.faces ?? [])]) {
      of.set(faceKey(face), row.person || faceKey(row));
    }
  }
  const who = (anchor) => of.get(faceKey({ anchor })) ?? faceKey({ anchor });

  /** Who is one, who is not, and who is left out, as far as the answers say. */
  function known() {
    const head = new Map();
    const find = (each) => {
      while (head.has(each)) each = head.get(each);
      return each;
    };
    const blocks = entries.flatMap((each) => each.decisions);
    for (const { same } of blocks.filter((each) => each.same)) {
      for (const other of same.slice(1)) {
        const [one, two] = [find(who(same[0])), find(who(other))];
        if (one !== two) head.set(two, one);
      }
    }
    const parted = new Set();
    for (const { different } of blocks.filter((each) => each.different)) {
      const [one, two] = different.map((each) => find(who(each)));
      parted.add(`${one} ${two}`).add(`${two} ${one}`);
    }
    const ignored = new Set(blocks.filter((each) => each.ignore).map((each) => find(who(each.ignore))));
    return { find, parted, ignored, blocks };
  }

  function open() {
    const { find, parted, ignored, blocks } = known();
    const answered = new Set(entries.map((each) => each.question));
    const named = new Set(blocks.filter((each) => each.person).map((each) => find(who(each.person))));
    return all.filter((question) => {
      if (answered.has(question.id)) return false;
      const [one, two] = question.rows.map((row) => find(who(row.anchor)));
      if (ignored.has(one) || (two !== undefined && ignored.has(two))) return false;
      if (question.kind === "who") return !named.has(one);
      if (question.kind === "split") return true;
      return one !== two && !parted.has(`${one} ${two}`);
    });
  }

  function progress() {
    const { find, blocks, ignored } = known();
    const reviewed = new Set((doc.people ?? []).filter((each) => each.reviewed).map((each) => each.person));
    for (const block of blocks) {
      for (const value of Object.values(block)) {
        for (const each of [value].flat()) if (each?.broadcast) reviewed.add(who(each));
      }
    }
    const base = doc.progress;
    const seconds = (doc.people ?? [])
      .filter((each) => reviewed.has(each.person))
      .reduce((sum, each) => sum + each.seconds, 0);
    const done = Math.max(base.reviewed_seconds, seconds);
    const still = open();
    const count = (kind) => still.filter((each) => each.kind === kind).length;
    return {
      ...base,
      share: base.seconds ? Math.min(1, done / base.seconds) : base.share,
      reviewed_seconds: done,
      n_ignored: base.n_ignored + ignored.size,
      n_named: base.n_named + new Set(blocks.filter((each) => each.person).map((each) => find(who(each.person)))).size,
      n_decisions: base.n_decisions + blocks.length,
      n_unsure: base.n_unsure + entries.filter((each) => each.answer === "unsure").length,
      open: { same: count("same"), split: count("split"), member: count("member"), who: count("who") },
    };
  }

  const last = () => {
    const entry = entries.at(-1);
    return entry ? { question: entry.question, blocks: [], unsure: entry.answer === "unsure" } : null;
  };
  const reply = (before, more) => {
    const after = new Set(open().map((each) => each.id));
    return {
      etag: null,
      progress: progress(),
      undo: last(),
      closed: before.filter((id) => !after.has(id)),
      opened: [...after].filter((id) => !before.includes(id)).map((id) => byId.get(id)),
      effect: null,
      ...more,
    };
  };

  return {
    load: async () => ({ ...doc, etag: null, progress: progress(), undo: last(), questions: open() }),
    decide: async ({ question, answer, decisions }) => {
      const before = open().map((each) => each.id);
      entries.push({ question, answer, decisions });
      keep();
      return reply(before, { effect: (answer === "yes" && byId.get(question)?.effect) || null });
    },
    undo: async ({ decision }) => {
      const before = open().map((each) => each.id);
      const holds = (entry) => entry.decisions.some((each) => JSON.stringify(each) === JSON.stringify(decision));
      const at = decision ? entries.findLastIndex(holds) : entries.length - 1;
      if (at < 0) throw new Refused(409, { error: "There is nothing to take back." });
      const [{ question, answer }] = entries.splice(at, 1);
      keep();
      return reply(before, { undone: { question, blocks: [], unsure: answer === "unsure" } });
    },
    effect: async ({ question, answer }) => ({
      effect: answer === "yes" ? (byId.get(question)?.effect ?? null) : null,
    }),
    questions: async (skip, kind) => {
      const found = open().filter((each) => !kind || each.kind === kind);
      return { questions: found.slice(skip), n_questions: found.length };
    },
    people: async (skip, show) => {
      const { find, ignored, blocks } = known();
      const names = new Map(blocks.filter((each) => each.person).map((each) => [find(who(each.person)), each.name]));
      const people = (doc.people ?? [])
        .filter((each) => find(each.person) === each.person)
        .map((each) => (names.has(each.person) ? { ...each, name: names.get(each.person), named: true } : each))
        .map((each) => (ignored.has(each.person) ? { ...each, ignored: "left out" } : each))
        .filter((each) =>
          show === "ignored" ? each.ignored : !each.ignored && (show === "all" || (show === "named") === each.named),
        );
      return { people: skip ? [] : people, n_people: people.length };
    },
    faces: async () => ({ faces: [], n_faces: 0, next: null }),
    run: null,
    /** What was answered here, for the file. */
    entries: () => entries,
    questionOf: (id) => byId.get(id),
    clear: () => {
      entries = [];
      keep();
    },
  };
}
