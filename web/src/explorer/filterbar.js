// What counts, as fields: they write the address, and views read that.
import { fill, h } from "../common/dom.js";
import { day } from "../common/format.js";
import { CARRIED, FILTERS } from "./filters.js";
import { onlySignificant, USUAL_Q } from "./pairs.js";

const WORDS = {
  same_frame: "In one frame",
  adjacent: "One after the other",
  within: "A few frames apart",
  same_broadcast: "In one broadcast",
};

export function filterBar(app, views) {
  const { about, broadcasts } = app.run;
  const starts = broadcasts.start;
  const first = starts.length ? day(starts[0]) : "";
  const last = starts.length ? day(starts[starts.length - 1] + 86400) : ""; // what begins before midnight goes on
  const set = (name) => (event) => app.change({ [name]: event.target.value });
  const date = (name) => h("input", { type: "date", name, min: first, max: last, on: { change: set(name) } });
  const choice = (name, all, values, title = (value) => value) =>
    h(
      "select",
      { name, on: { change: set(name) } },
      h("option", { value: "" }, all),
      values.map((value) => h("option", { value }, title(value))),
    );
  const check = (name, of) =>
    h("input", { type: "checkbox", name, on: { change: (event) => app.change({ [name]: of(event.target.checked) }) } });

  const usual = about.significant != null; // whether the run itself keeps only pairs that are more than chance
  const stations = distinct(broadcasts.station);
  const shows = distinct(broadcasts.show);
  const fields = {
    from: date("from"),
    to: date("to"),
    station: choice("station", "All stations", stations),
    show: choice("show", "All shows", shows),
    layer: choice("layer", "As weighted", about.layers, (layer) => WORDS[layer] ?? layer),
    significant: check("significant", (on) => (on === usual ? "" : on ? "1" : "0")),
    hosts: check("hosts", (on) => (on ? "0" : "")),
  };
  const q = about.significant ?? USUAL_Q;
  const labels = {
    from: "From",
    to: "To",
    station: "Station",
    show: "Show",
    layer: "Seen together",
    significant: `More than chance (q ≤ ${q})`,
    hosts: "Without the host",
  };
  const useless = {
    station: stations.length < 2,
    show: shows.length < 2,
    layer: about.layers.length < 2,
    hosts: !about.hosts.length,
  };
  const places = Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [
      name,
      field.type === "checkbox"
        ? h("label", { class: "check" }, field, ` ${labels[name]}`)
        : h("label", { class: "field" }, h("span", {}, labels[name]), field),
    ]),
  );
  const clearAll = () =>
    app.change(Object.fromEntries([...CARRIED, "community", "weight", "top"].map((name) => [name, ""])));
  const clear = h("button", { type: "button", class: "small", on: { click: clearAll } }, "Clear");
  const summary = h("summary", {});
  const wide = matchMedia("(min-width: 50rem)");
  const element = h(
    "details",
    { class: "filters", open: wide.matches },
    summary,
    h(
      "form",
      { class: "fields", "aria-label": "What counts", on: { submit: (event) => event.preventDefault() } },
      Object.values(places),
      clear,
    ),
  );

  wide.addEventListener("change", () => (element.open ||= wide.matches)); // where there is no summary to open it by

  return {
    element,
    at({ view, options }) {
      const heeded = views[view]?.filters ?? [];
      element.hidden = !heeded.length;
      for (const [name, place] of Object.entries(places)) {
        place.hidden = useless[name] || !heeded.includes(name);
        const field = fields[name];
        if (name === "significant") field.checked = onlySignificant(about, options);
        else if (name === "hosts") field.checked = options.hosts === "0";
        else if (field !== document.activeElement || field.tagName === "SELECT") field.value = options[name] ?? "";
      }
      const said = CARRIED.filter((name) => options[name] && heeded.includes(name)).map((name) =>
        FILTERS.includes(name)
          ? `${labels[name].toLowerCase()} ${options[name]}`
          : name === "layer"
            ? (WORDS[options[name]] ?? options[name]).toLowerCase()
            : name === "significant" && options.significant === "0"
              ? "also what may be chance"
              : labels[name].toLowerCase(),
      );
      clear.hidden = !said.length;
      fill(summary, h("strong", {}, "What counts: "), said.length ? said.join(" · ") : "everything");
    },
  };
}

const distinct = (values) =>
  [...new Set(values.filter(Boolean))].sort(new Intl.Collator("en", { numeric: true }).compare);
