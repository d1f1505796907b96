// Who is seen with whom, from the columns of the faces. Nothing here knows a page.
//
// As castgraph counts: two people are same_frame when both are in frame n, adjacent when one is in n and the other
// in n-1 of the same broadcast, within when one is in n and the other in one of n-k to n. However many faces a
// person has in a frame, and both ways or one, a frame counts once. What is asked of a stretch of frames is what
// happens in these; the frame before the first of them tells who was there before, so that the counts of days add up.

/**
 * @typedef {Object} Faces
 * @property {ArrayLike<number>} first of each broadcast its first row, and at the end the number of rows
 * @property {Uint8Array | Uint16Array | Uint32Array} person
 * @property {Uint32Array} frame rising within a broadcast
 * @property {number} people how many there are
 *
 * @typedef {Object} Stretch which frames of each broadcast count: from `from` to `to`, both included
 * @property {Int32Array} from
 * @property {Int32Array} to below `from` for none
 */

/** Make frame numbers of the steps between rows. */
export function framesOf(first, step) {
  const frame = new Uint32Array(step.length);
  for (let broadcast = 0; broadcast + 1 < first.length; broadcast++) {
    let at = 0;
    for (let row = first[broadcast]; row < first[broadcast + 1]; row++) frame[row] = at += step[row];
  }
  return frame;
}

/** Leave out the faces in stretches that were on air before. */
export function withoutReplays(faces, replays) {
  const keep = new Uint8Array(faces.person.length).fill(1);
  for (let n = 0; n < replays.broadcast.length; n++) {
    const end = faces.first[replays.broadcast[n] + 1];
    let row = lowerBound(faces.frame, replays.first[n], faces.first[replays.broadcast[n]], end);
    for (; row < end && faces.frame[row] <= replays.last[n]; row++) keep[row] = 0;
  }
  const first = [0];
  for (let broadcast = 0; broadcast + 1 < faces.first.length; broadcast++) {
    let n = first[broadcast];
    for (let row = faces.first[broadcast]; row < faces.first[broadcast + 1]; row++) n += keep[row];
    first.push(n);
  }
  const chosen = (_, row) => keep[row] === 1;
  return { ...faces, first, person: faces.person.filter(chosen), frame: faces.frame.filter(chosen) };
}

/** The first row from `begin` to `end` whose value is not below the one given. */
export function lowerBound(values, value, begin, end) {
  while (begin < end) {
    const middle = (begin + end) >>> 1;
    if (values[middle] < value) begin = middle + 1;
    else end = middle;
  }
  return begin;
}

/**
 * Count the frames of all pairs.
 *
 * @param {Faces} faces
 * @param {Stretch} stretch
 * @param {number} [within] frames that two may be apart to be within; 0 counts none
 * @returns source, target (source is the smaller number), same_frame, adjacent, within: an array each, and
 *   `broadcasts`: in how many they are same_frame or adjacent. In the order in which the pairs are first met.
 */
export function countPairs(faces, stretch, within = 0) {
  const found = new Pairs(faces.people);
  eachFrame(faces, stretch, Math.max(1, within), (broadcast, serial, people, before) => {
    for (let i = 0; i < people.length; i++) {
      for (let j = i + 1; j < people.length; j++) {
        const pair = found.at(people[i], people[j]);
        found.same[pair]++;
        found.meet(pair, broadcast);
        if (within) found.near(pair, serial);
      }
      for (let apart = 1; apart <= before.length; apart++) {
        const others = before[apart - 1];
        for (let j = 0; j < others.length; j++) {
          if (others[j] === people[i]) continue;
          const pair = found.at(people[i], others[j]);
          if (apart === 1 && found.adjacentAt[pair] !== serial) {
            found.adjacentAt[pair] = serial;
            found.adjacent[pair]++;
            found.meet(pair, broadcast);
          }
          if (within >= apart) found.near(pair, serial);
        }
      }
    }
  });
  return found.columns();
}

/**
 * List every frame that makes a pair.
 *
 * @returns {{broadcast: number, frame: number, same_frame: boolean, adjacent: boolean}[]} in order
 */
export function meetingsOf(faces, stretch, one, other) {
  const found = [];
  const { first, person, frame } = faces;
  for (let broadcast = 0; broadcast + 1 < first.length; broadcast++) {
    let last = -1; // the frame before that shows one of the two
    let lastOne = false;
    let lastOther = false;
    const end = first[broadcast + 1];
    for (let row = start(faces, stretch, broadcast, 1); row < end && frame[row] <= stretch.to[broadcast]; ) {
      const at = frame[row];
      let hasOne = false;
      let hasOther = false;
      for (; row < end && frame[row] === at; row++) {
        hasOne ||= person[row] === one;
        hasOther ||= person[row] === other;
      }
      if (!hasOne && !hasOther) continue;
      const same_frame = hasOne && hasOther;
      const adjacent = last === at - 1 && ((hasOne && lastOther) || (hasOther && lastOne));
      if (at >= stretch.from[broadcast] && (same_frame || adjacent))
        found.push({ broadcast, frame: at, same_frame, adjacent });
      [last, lastOne, lastOther] = [at, hasOne, hasOther];
    }
  }
  return found;
}

/** List the frames of each broadcast that show a person: a list a broadcast, of numbers that rise. */
export function framesWith(faces, stretch, one) {
  return Array.from({ length: faces.first.length - 1 }, (_, broadcast) => {
    const found = [];
    const end = faces.first[broadcast + 1];
    for (let row = start(faces, stretch, broadcast); row < end; row++) {
      const at = faces.frame[row];
      if (at > stretch.to[broadcast]) break;
      if (faces.person[row] === one && found.at(-1) !== at) found.push(at);
    }
    return found;
  });
}

/** Count the frames that show each person. */
export function countFrames(faces, stretch) {
  const counts = new Uint32Array(faces.people);
  eachFrame(faces, stretch, 0, (_broadcast, _serial, people) => {
    for (let n = 0; n < people.length; n++) counts[people[n]]++;
  });
  return counts;
}

/** The first row of a stretch, or of the frames that come `before` it. */
const start = (faces, stretch, broadcast, before = 0) =>
  lowerBound(faces.frame, stretch.from[broadcast] - before, faces.first[broadcast], faces.first[broadcast + 1]);

/**
 * Go through the frames that show anybody.
 *
 * `visit` gets the broadcast, a number that no other frame has, the people of the frame, each once, and `before`: the
 * people of the 1 to `memory` frames before, of which the first may lie before the stretch.
 */
function eachFrame(faces, stretch, memory, visit) {
  const { first, person, frame } = faces;
  const nobody = [];
  let serial = 0;
  for (let broadcast = 0; broadcast + 1 < first.length; broadcast++) {
    const end = first[broadcast + 1];
    let before = Array(memory).fill(nobody);
    let last = -Infinity;
    for (let row = start(faces, stretch, broadcast, memory); row < end && frame[row] <= stretch.to[broadcast]; ) {
      const at = frame[row];
      const people = [];
      for (; row < end && frame[row] === at; row++) {
        if (!people.includes(person[row])) people.push(person[row]);
      }
      const skipped = Math.min(at - last - 1, memory);
      if (skipped) before = [...Array(skipped).fill(nobody), ...before].slice(0, memory);
      if (at >= stretch.from[broadcast]) visit(broadcast, ++serial, people, before);
      if (memory === 1) before[0] = people;
      else if (memory) before = [people, ...before.slice(0, memory - 1)];
      last = at;
    }
  }
}

/** Pairs in a hash table with open addressing, since a Map of a year's pairs takes several times as long. */
class Pairs {
  constructor(people) {
    this.people = people;
    this.n = 0;
    this.slots = new Int32Array(1 << 12).fill(-1);
    this.reserve(1 << 10);
  }

  reserve(size) {
    const larger = (Type, old) => {
      const made = new Type(size);
      if (old) made.set(old);
      return made;
    };
    this.source = larger(Uint32Array, this.source);
    this.target = larger(Uint32Array, this.target);
    this.same = larger(Uint32Array, this.same);
    this.adjacent = larger(Uint32Array, this.adjacent);
    this.within = larger(Uint32Array, this.within);
    this.broadcasts = larger(Uint32Array, this.broadcasts);
    this.adjacentAt = larger(Uint32Array, this.adjacentAt);
    this.withinAt = larger(Uint32Array, this.withinAt);
    this.metIn = larger(Int32Array, this.metIn);
  }

  /** The number of a pair, a new one where it has none. */
  at(one, other) {
    const source = one < other ? one : other;
    const target = one < other ? other : one;
    const mask = this.slots.length - 1;
    let slot = hash(source, target) & mask;
    for (; ; slot = (slot + 1) & mask) {
      const pair = this.slots[slot];
      if (pair < 0) break;
      if (this.source[pair] === source && this.target[pair] === target) return pair;
    }
    if (this.n === this.source.length) this.reserve(2 * this.n);
    const pair = this.n++;
    this.source[pair] = source;
    this.target[pair] = target;
    this.metIn[pair] = -1;
    this.slots[slot] = pair;
    if (2 * this.n > this.slots.length) this.rehash();
    return pair;
  }

  rehash() {
    this.slots = new Int32Array(2 * this.slots.length).fill(-1);
    const mask = this.slots.length - 1;
    for (let pair = 0; pair < this.n; pair++) {
      let slot = hash(this.source[pair], this.target[pair]) & mask;
      while (this.slots[slot] >= 0) slot = (slot + 1) & mask;
      this.slots[slot] = pair;
    }
  }

  meet(pair, broadcast) {
    if (this.metIn[pair] === broadcast) return;
    this.metIn[pair] = broadcast;
    this.broadcasts[pair]++;
  }

  near(pair, serial) {
    if (this.withinAt[pair] === serial) return;
    this.withinAt[pair] = serial;
    this.within[pair]++;
  }

  columns() {
    const cut = (values) => values.subarray(0, this.n);
    return {
      source: cut(this.source),
      target: cut(this.target),
      same_frame: cut(this.same),
      adjacent: cut(this.adjacent),
      within: cut(this.within),
      broadcasts: cut(this.broadcasts),
    };
  }
}

const hash = (source, target) => {
  const mixed = Math.imul(source, 0x9e3779b1) ^ Math.imul(target + 1, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
};
