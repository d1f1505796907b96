// The explorer: a view for each kind of address, in one frame.
import "../style/common.css";
import "../style/explorer.css";

import { fill, h } from "../common/dom.js";
import { format, parse } from "./address.js";
import { about, registry } from "./data.js";
import { CARRIED } from "./filters.js";
import { load } from "./run.js";
import { shell } from "./shell.js";
import * as aboutView from "./views/about.js";
import * as broadcast from "./views/broadcast.js";
import * as matrix from "./views/matrix.js";
import * as network from "./views/network.js";
import * as pair from "./views/pair.js";
import * as people from "./views/people.js";
import * as person from "./views/person.js";
import * as timeline from "./views/timeline.js";

/**
 * A view is a module with
 *
 * - `title`,
 * - `show(place, address, app)`, which fills an element and may give `{change, end}`: `change(address)` is called
 *   when only options of the address are others (without it the view is shown anew), `end()` when another view
 *   comes (listeners, WebGL); a function alone is `end`,
 * - `filters`: which of the filter bar it heeds (filters.js); none where it says nothing,
 * - `keys`: [key, what it does] for the help.
 */
const VIEWS = { network, people, timeline, matrix, about: aboutView, person, pair, broadcast };

globalThis.CG = registry;
addEventListener("DOMContentLoaded", begin);

/**
 * What a view gets of the page.
 *
 * @typedef {Object} App
 * @property {import("./run.js").Run} run
 * @property {(view: string, of?: string[], options?: Object) => string} href an address; filters go along
 * @property {(view: string, of?: string[], options?: Object) => void} go
 * @property {(options: Object) => void} change sets options of the address that is shown; "" takes one away
 * @property {() => import("./address.js").Address} address where the page is
 */

async function begin() {
  if (!about()) {
    document.body.append(h("p", { role: "alert" }, "The data of this page is not there: is its folder whole?"));
    return;
  }
  const address = () => parse(location.hash);
  const app = {
    address,
    href(view, of = [], options = {}) {
      const here = address().options;
      const carried = Object.fromEntries(CARRIED.filter((name) => here[name]).map((name) => [name, here[name]]));
      return format({ view, of, options: { ...carried, ...options } });
    },
    go(view, of, options) {
      location.hash = app.href(view, of, options);
    },
    change(options) {
      const here = address();
      const next = format({ ...here, options: { ...here.options, ...options } });
      if (next === location.hash) return;
      history.replaceState(null, "", next);
      shown();
    },
  };
  app.run = await load();
  const frame = shell(app, VIEWS);

  let now; // {key, view, place, change, end} of what is shown

  async function shown() {
    const here = address();
    const key = JSON.stringify([here.view, here.of]);
    frame.at(here);
    if (now?.key === key && now.change) return now.change(here);
    const first = !now;
    now?.end?.();
    const view = VIEWS[here.view];
    const place = h("div", { class: `view ${view ? here.view : "none"}` });
    const mine = (now = { key, view, place });
    fill(frame.main, place);
    document.title = [view?.title ?? "Not here", app.run.about.run].join(" · ");
    if (!view) {
      place.append(h("h1", {}, "Not here"), h("p", {}, `This page has no view “${here.view}”.`));
      return undefined;
    }
    try {
      const given = await view.show(place, here, app);
      const { change, end } = typeof given === "function" ? { end: given } : (given ?? {});
      if (now !== mine) return end?.();
      now.end = end;
      now.change = change;
    } catch (error) {
      console.error(error);
      place.append(h("p", { role: "alert", class: "callout" }, `This could not be shown: ${error.message}`));
    }
    if (!first && now === mine) {
      scrollTo(0, 0);
      const heading = place.querySelector("h1");
      heading?.setAttribute("tabindex", "-1");
      // Who is writing elsewhere by now, as in the search, goes on there.
      if (!document.activeElement?.matches("input, select, textarea")) heading?.focus({ preventScroll: true });
    }
    return undefined;
  }

  addEventListener("hashchange", shown);
  await shown();
  performance.measure("castgraph:first-view", { start: 0 });
}
