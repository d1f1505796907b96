// Decisions in the form of the file of corrections: a list of YAML that Python reads.

// What YAML takes for no text, or for the end of a line, and JSON writes as it is.
const UNSAFE = /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g;

/** Write a text in quotes, whatever is in it. */
export const quoted = (text) =>
  JSON.stringify(String(text).toWellFormed?.() ?? String(text)).replace(
    UNSAFE,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

const numbers = (values) => `[${values.map(Number).join(", ")}]`;

const anchor = ({ broadcast, frame, at, box }) =>
  `{broadcast: ${quoted(broadcast)}, frame: ${Number(frame)}, at: ${numbers(at)}${box ? `, box: ${numbers(box)}` : ""}}`;

const LAST = ["by", "on", "note"]; // what any decision may have

/** Write a decision as the lines of a block. */
function block(decision) {
  const keys = Object.keys(decision).sort((one, other) => LAST.indexOf(one) - LAST.indexOf(other));
  const lines = keys.flatMap((key) => {
    const value = decision[key];
    if (Array.isArray(value)) return [`${key}:`, ...value.map((each) => `- ${anchor(each)}`)];
    if (typeof value === "object") return [`${key}: ${anchor(value)}`];
    return [`${key}: ${key === "on" ? value : quoted(value)}`];
  });
  return lines.map((line, number) => `${number ? "  " : "- "}${line}\n`).join("");
}

/**
 * Write decisions as a file.
 *
 * @param {string[]} heads lines of comment above them
 * @param {Object[]} decisions blocks; keys that are empty are left out
 * @param {string[]} tails lines of comment below
 */
export function corrections(heads, decisions, tails = []) {
  const comment = (text) => `# ${quoted(text).slice(1, -1)}\n`;
  const given = decisions.map((each) => Object.fromEntries(Object.entries(each).filter(([, value]) => value)));
  const parts = [heads.map(comment).join(""), ...given.map(block), tails.map(comment).join("")];
  return parts.filter(Boolean).join("\n");
}
