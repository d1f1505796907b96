// Where in the page one is: "#/pair/A3BC/K7Q2?from=2022-05-01&station=NTV". Filters go along from view to view.

/**
 * @typedef {Object} Address
 * @property {string} view
 * @property {string[]} of whom or what it shows: person IDs, the ID of a broadcast
 * @property {Object<string, string>} options filters and the view's own
 */

/** @returns {Address} */
export function parse(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [view, ...of] = path.split("/").map(decoded);
  return { view: view || "network", of: of.filter(Boolean), options: Object.fromEntries(new URLSearchParams(query)) };
}

/** @param {Address} address without `of` or `options` where there are none */
export function format({ view, of = [], options = {} }) {
  const query = new URLSearchParams(Object.entries(options).filter(([, value]) => value !== "" && value != null));
  const path = [view, ...of].map(encoded).join("/");
  return `#/${path}${query.size ? `?${query}` : ""}`;
}

/** As encodeURIComponent, but lists are to be read: "K7Q2,M3XA+K7Q2". */
const encoded = (part) => encodeURIComponent(part).replaceAll("%2C", ",").replaceAll("%2B", "+");

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a lone "%" that somebody typed
  }
}
