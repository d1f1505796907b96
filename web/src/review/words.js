// How numbers, people and what a decision changes are said.

import { count, counted, duration } from "../common/format.js";

export { count, counted, duration };

/** A moment to the minute, in UTC. */
export const moment = (time) => (time ? time.slice(0, 16).replace("T", " ") : "");

export const percent = (share) => `${Math.floor(100 * share + 1e-9)} %`;

/** Who it is: the name, or the ID; who has come out of a split has neither until the workflow runs. */
export const called = (row) =>
  row.name || (row.person ? `Person ${row.person}` : row.isNobody ? "the faces of nobody" : "a new person");

export const shortened = (text, most = 60) =>
  [...text].length <= most ? text : `${[...text].slice(0, most - 1).join("").trimEnd()}…`;

/** What stands for a face: two with the same are one. */
export const faceKey = ({ anchor }) => `${anchor.broadcast}#${anchor.frame}@${anchor.at}`;

export const ROLES = {
  near: "nearest to the middle",
  far: "furthest from the middle",
  elsewhere: "another broadcast",
  typical: "typical",
};

/** A face in words, for who does not see it. */
export function faceWords(face, row) {
  const where = [face.show || face.broadcast, moment(face.time)].filter(Boolean).join(", ");
  return `${called(row)}, ${ROLES[face.role] ?? "a face"}: ${where}, frame ${face.frame}`;
}

/**
 * What a decision changes, in a sentence or two for each person.
 *
 * @returns {string[]} empty where nothing changes
 */
export function effectWords(effect) {
  if (!effect) return [];
  const said = effect.people.map((each) => {
    const who = shortened(called(each));
    if (!each.before) return `${who}: ${duration(each.after)}`;
    return each.after
      ? `${who}: ${duration(each.before)} → ${duration(each.after)}`
      : `${who}: ${duration(each.before)} → gone`;
  });
  const [people, pairs] = [effect.n_people, effect.pairs];
  if (people && people[0] !== people[1]) said.push(`people: ${count(people[0])} → ${count(people[1])}`);
  if (pairs && pairs[0] !== pairs[1]) said.push(`pairs: ${count(pairs[0])} → ${count(pairs[1])}`);
  return said;
}

const MOST_SIGNS = 200;
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;
const JOINERS = "\u200c\u200d"; // part of the spelling of Persian, of Indian languages and of emoji

/** A text in one line as the corrections file takes it: what is invisible in what was pasted is left out. */
export const oneLine = (text) =>
  text
    .normalize("NFC")
    .replace(/[\s\x85]+/gu, " ")
    .replace(INVISIBLE, (sign) => (JOINERS.includes(sign) ? sign : ""))
    .trim();

/** What is wrong with such a text; empty for nothing. */
export function fault(text, what) {
  const n = [...oneLine(text)].length;
  if (!n) return `${what}: nothing is there; allowed: text of 1 to ${MOST_SIGNS} characters`;
  return n > MOST_SIGNS ? `${what}: ${n} characters; allowed: at most ${MOST_SIGNS}` : "";
}

/** Two names that are one, however they are written. */
export const sameName = (one, other) =>
  oneLine(one).toLocaleLowerCase() === oneLine(other).toLocaleLowerCase();
