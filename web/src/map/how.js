// What a map is, in words.
import { h } from "../common/dom.js";
import { count, counted } from "../common/format.js";

export function how(run) {
  const { counts, embedder, seed, clustering } = run.about;
  const sampled = counts.placed < counts.pictures;
  return h(
    "details",
    { class: "how" },
    h("summary", {}, "How to read it, and what it does not tell"),
    h(
      "p",
      {},
      `Each point is a picture: frames of a broadcast that are nearly the same are one. ${counted(counts.frames, "frame")} are ${counted(counts.pictures, "picture")}${sampled ? `, of which ${count(counts.placed)}, drawn by chance and always the same, are on the map` : ""}. They are near each other where the network “${embedder}” holds them to be alike (seed ${seed}).`,
    ),
    h(
      "p",
      {},
      "By t-SNE and UMAP only what is nearest means something: empty space and the size of clouds mean nothing. By PCA what is far apart differs, but much that differs lies on top of each other. Groups are found before they are placed, from all numbers of the embedding.",
    ),
    h(
      "p",
      {},
      `Labels are guesses of the network. People are those of ${clustering}; who is not named there, ignored or forgotten is not told of here. A frame without a person may show one whose face was not found.`,
    ),
  );
}
