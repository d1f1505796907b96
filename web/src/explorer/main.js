// The explorer: a view for each kind of address, in one frame.
import "../style/common.css";
import "../style/explorer.css";

import { fill, h } from "../common/dom.js";
import { format, parse } from "./address.js";
import { about, registry } from "./data.js";
import { CARRIED } from "./filters.js";
import * as aboutView from "./views/about.js";
import * as broadcast from "./views/broadcast.js";
import * as matrix from "./views/matrix.js";
import * as network from "./views/network.js";
import * as pair from "./views/pair.js";
import * as people from "./views/people.js";
import * as person from "./views/person.js";
import * as timeline from "./views/timeline.js";

/**
 * A view is a module with a title and `show(place, address, app)`, which fills an element and may give a function
 * that ends what it began (listeners, WebGL).
 */
const VIEWS = { network, people, timeline, matrix, about: aboutView, person, pair, broadcast };

globalThis.CG = registry;
addEventListener("DOMContentLoaded", begin);

function begin() {
  const place = document.getElementById("view");
  const app = { go, href };
  let ended;

  function href(view, of = [], options = {}) {
    const here = parse(location.hash).options;
    const carried = Object.fromEntries(CARRIED.filter((name) => here[name]).map((name) => [name, here[name]]));
    return format({ view, of, options: { ...carried, ...options } });
  }

  function go(view, of, options) {
    location.hash = href(view, of, options);
  }

  async function show() {
    const address = parse(location.hash);
    const view = VIEWS[address.view];
    ended?.();
    ended = undefined;
    fill(place);
    if (!view) {
      place.append(h("p", {}, `This page has no view “${address.view}”.`));
      return;
    }
    document.title = `${view.title} · ${about().run}`;
    ended = await view.show(place, address, app);
  }

  addEventListener("hashchange", show);
  show();
}
