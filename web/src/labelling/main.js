// The page of likeness: what on it moves is the chart of stations day by day.
import "../style/labelling.css";

import { timeline } from "./timeline.js";

addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("timeline");
  if (!place) return;
  const { show, element } = timeline(JSON.parse(document.getElementById("correlation").textContent));
  place.replaceChildren(element);
  for (const link of document.querySelectorAll("[data-from]")) {
    link.hidden = false;
    link.addEventListener("click", () => show(Number(link.dataset.from), Number(link.dataset.to)));
  }
});
