// Days, as numbers since 1970: which are near, which have a label, and what stands for several of them.

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY = 86_400_000;

/** The place of the day that is nearest to one. */
export function nearest(days, day) {
  const place = lowerBound(days, day);
  if (place === days.length) return days.length - 1;
  return place && day - days[place - 1] < days[place] - day ? place - 1 : place;
}

function lowerBound(values, value) {
  let [begin, end] = [0, values.length];
  while (begin < end) {
    const middle = (begin + end) >>> 1;
    if (values[middle] < value) begin = middle + 1;
    else end = middle;
  }
  return begin;
}

/**
 * Put days together, `step` of them at a time, and those beside what is shown.
 *
 * @returns {{day: number, middle: number, least: number, most: number}[]} of each step that has numbers its middle
 *   day and the median, smallest and largest number
 */
export function bucketed(days, values, from, to, step) {
  const begin = Math.max(0, lowerBound(days, from - 2 * step - 7));
  const found = [];
  let bucket = -1;
  let inside = [];
  const close = () => {
    if (!inside.length) return;
    inside.sort((a, b) => a - b);
    const half = inside.length >> 1;
    const middle = inside.length % 2 ? inside[half] : (inside[half - 1] + inside[half]) / 2;
    found.push({ day: step === 1 ? bucket + 0.5 : (bucket + 0.5) * step, middle, least: inside[0], most: inside.at(-1) });
    inside = [];
  };
  for (let k = begin; k < days.length && days[k] <= to + 2 * step + 7; k++) {
    const of = Math.floor(days[k] / step);
    if (of !== bucket) close();
    bucket = of;
    if (values[k] !== null) inside.push(values[k]);
  }
  close();
  return found;
}

/** Which days have a label, at most so many: days, weeks, months, quarters or years. */
export function ticks(from, to, most) {
  const span = to - from;
  if (span <= 1.5 * most) return labelled(eachDay(from, to, 1), true);
  for (const every of [7, 14]) if (span / every <= most) return labelled(eachDay(from, to, every), true);
  const months = span / 30.44;
  const every = [1, 2, 3, 6, 12, 24, 60, 120].find((each) => months / each <= most) ?? 120;
  return labelled(eachMonth(from, to, every), false);
}

function eachDay(from, to, every) {
  const found = [];
  for (let day = Math.ceil(from); day < to; day++) if ((day + 3) % every === 0) found.push(day); // Mondays
  return found;
}

function eachMonth(from, to, every) {
  const begin = new Date(Math.ceil(from) * DAY);
  const found = [];
  for (let month = 12 * begin.getUTCFullYear() + begin.getUTCMonth(); ; month++) {
    const day = Date.UTC(Math.floor(month / 12), month % 12) / DAY;
    if (day >= to) return found;
    if (day >= from && month % every === 0) found.push(day);
  }
}

function labelled(days, named) {
  let year;
  return days.map((day) => {
    const moment = new Date(day * DAY);
    const month = MONTHS[moment.getUTCMonth()];
    const first = year !== moment.getUTCFullYear();
    year = moment.getUTCFullYear();
    if (named) return { day, label: `${moment.getUTCDate()} ${month}${first ? ` ${year}` : ""}` };
    return { day, label: moment.getUTCMonth() === 0 ? String(year) : first ? `${month} ${year}` : month };
  });
}
