// Numbers, durations and moments as they look on a page. All moments are UTC.

const COUNT = new Intl.NumberFormat("en");
const DAY_IN_WORDS = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "long",
  year: "numeric",
  timeZone: "UTC",
});
const NONE = "–";

/** A whole number: "12,345". */
export const count = (value) => (Number.isFinite(value) ? COUNT.format(Math.round(value)) : NONE);

/** A number and what it counts: "1 frame", "12,345 frames". */
export const counted = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

/** A share of 1: "12.3 %". */
export function share(value) {
  if (!Number.isFinite(value)) return NONE;
  if (value > 0 && value < 0.0005) return "< 0.1 %";
  return `${(100 * value).toFixed(value < 0.0995 ? 1 : value === 1 ? 0 : 1)} %`;
}

/** A number that need not be whole: "1.20", "345". */
export function decimal(value) {
  if (!Number.isFinite(value)) return NONE;
  return Math.abs(value) >= 1000
    ? count(value)
    : value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
}

/** A weight or another sum, whole where it is whole: "87", "87.5". */
export const amount = (value) => (Number.isInteger(value) ? count(value) : decimal(value));

/** A probability: "0.023", "< 0.001". */
export const probability = (value) => (!Number.isFinite(value) ? NONE : value < 0.001 ? "< 0.001" : value.toFixed(3));

/** A duration in two units at most: "4.5 s", "4 min 36 s", "25 min", "99 h 43 min", "1,203 h". */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return NONE;
  const whole = Math.round(seconds);
  const minutes = Math.round(seconds / 60);
  if (seconds < 9.95) return `${seconds.toFixed(1).replace(/\.0$/, "")} s`;
  if (whole < 60) return `${whole} s`;
  if (whole < 600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (minutes < 120) return `${minutes} min`;
  if (minutes < 6000) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${count(seconds / 3600)} h`;
}

const iso = (seconds) => (Number.isFinite(seconds) ? new Date(1000 * seconds).toISOString() : "");

/** "2024-01-03" */
export const day = (seconds) => iso(seconds).slice(0, 10) || NONE;
/** "2024-01-03 07:00" */
export const minute = (seconds) => iso(seconds).slice(0, 16).replace("T", " ") || NONE;
/** "2024-01-03 07:00:04" */
export const second = (seconds) => iso(seconds).slice(0, 19).replace("T", " ") || NONE;
/** For programs: "2024-01-03T07:00:04Z"; empty where there is none. */
export const utc = (seconds) => (Number.isFinite(seconds) ? `${iso(seconds).slice(0, 19)}Z` : "");
/** "3 January 2024" */
export const dayInWords = (seconds) => (Number.isFinite(seconds) ? DAY_IN_WORDS.format(1000 * seconds) : NONE);

/** How far into a broadcast: "12:04", "1:02:04". */
export function clock(seconds) {
  const whole = Math.floor(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const [first, ...rest] = parts[0] ? parts : parts.slice(1);
  return [first, ...rest.map((part) => String(part).padStart(2, "0"))].join(":");
}
