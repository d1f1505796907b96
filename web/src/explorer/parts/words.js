// The words that stand out beside a person or a pair.
import { h } from "../../common/dom.js";
import { decimal } from "../../common/format.js";
import { columns, has } from "../data.js";
import { tableOf } from "./layout.js";

/**
 * Make the section of the words; null where there are none.
 *
 * @param {number} one of a pair the smaller number
 * @param {number} other of a pair the larger number; -1 for one person alone
 * @param {string} when they are said, as a sentence begins
 * @param {string} file the beginning of the name of the CSV
 */
export async function wordsSection(one, other, when, file) {
  if (!has("words")) return null;
  const words = await columns("words", ["person", "other", "word", "n", "z"]);
  const rows = words.word.map((_, row) => row).filter((row) => words.person[row] === one && words.other[row] === other);
  if (!rows.length) return null;
  return [
    "Words that stand out",
    h("p", { class: "quiet" }, `${when}, more than elsewhere. z: how far more than chance.`),
    h(
      "div",
      { class: "narrow" },
      tableOf({
        label: "Words that stand out",
        least: "14rem",
        of: ["word", "words"],
        file: `${file}-words.csv`,
        rows: rows.length,
        columns: [
          {
            name: "word",
            title: "Word",
            text: true,
            value: (k) => words.word[rows[k]],
            cell: (k) => h("bdi", {}, words.word[rows[k]]),
          },
          { name: "n", title: "Times", width: "6rem", value: (k) => words.n[rows[k]] },
          {
            name: "z",
            title: "z",
            width: "6rem",
            value: (k) => words.z[rows[k]],
            cell: (k) => decimal(words.z[rows[k]]),
          },
        ],
      }),
    ),
  ];
}
