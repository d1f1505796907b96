import { h } from "../../common/dom.js";

export const title = "About";

export async function show(place) {
  place.append(h("h1", {}, title));
}
