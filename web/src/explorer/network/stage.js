// The network as it is drawn by sigma: portraits, lines, names, and whose ties are shown.
import "./webgl.js";

import Graph from "graphology";
import Sigma from "sigma";

import { nameOf, ringOf } from "../parts/names.js";
import { colour } from "../theme.js";
import { cellOf } from "./atlas.js";
import { between, lineColour, otherOf, thickness } from "./drawn.js";
import { sprites } from "./sprites.js";

/** Sigma draws who is pointed at once more on a layer of its own; here the portrait stands already. */
class Nothing {
  process() {}
  reallocate() {}
  render() {}
  kill() {}
}

/**
 * Draw into an element.
 *
 * @param {import("../main.js").App} app
 * @param {HTMLElement} element
 * @param {Object} on
 * @param {(person: number | null) => void} on.point somebody is pointed at
 * @param {(person: number, event: MouseEvent) => void} on.person somebody is clicked
 * @param {(row: number | null) => void} on.line a line is pointed at
 * @param {(one: number, other: number) => void} on.pair a line is clicked
 */
export function stage(app, element, on) {
  const { run } = app;
  const { atlas } = run.about;
  let drawn;
  let colours = read();
  let centre = null; // whose ties are shown
  let near = new Set();

  const number = (key) => Number(key);
  const sigma = new Sigma(new Graph({ type: "undirected" }), element, {
    allowInvalidContainer: true,
    defaultNodeType: "portrait",
    nodeProgramClasses: {
      portrait: sprites(atlas, () => ({ paper: parts(colours.paper), card: parts(colours.card) })),
    },
    nodeHoverProgramClasses: { portrait: Nothing },
    defaultDrawNodeLabel: (context, data) => name(context, data),
    defaultDrawNodeHover: (context, data) => name(context, data, true),
    nodeReducer: look,
    edgeReducer: line,
    enableEdgeEvents: true,
    enableCameraRotation: false,
    enableCameraZooming: false,
    zIndex: true,
    labelDensity: 0.6,
    labelGridCellSize: 120,
    labelRenderedSizeThreshold: 7,
    labelFont: getComputedStyle(document.body).fontFamily,
    labelSize: 12,
    minEdgeThickness: 0.6,
    stagePadding: 48,
    minCameraRatio: 0.02,
    maxCameraRatio: 2,
    zoomToSizeRatioFunction: (ratio) => ratio ** 0.6,
    // Motion that nobody asked for, where somebody asked for none.
    ...(matchMedia("(prefers-reduced-motion: reduce)").matches
      ? { inertiaDuration: 0, zoomDuration: 0, doubleClickZoomingDuration: 0 }
      : {}),
  });

  function read() {
    return Object.fromEntries(["paper", "card", "ink", "grey", "link"].map((each) => [each, colour(each)]));
  }

  function look(key, data) {
    if (centre === null) return data;
    const person = number(key);
    if (person === centre) return { ...data, zIndex: 2, forceLabel: true, strong: true };
    if (near.has(person)) return { ...data, zIndex: 1, forceLabel: near.size <= 40 };
    return { ...data, faded: true, label: "", zIndex: 0 };
  }

  function line(key, data) {
    if (centre === null) return data;
    const { source, target } = drawn.pairs.columns;
    const row = number(key);
    if (source[row] !== centre && target[row] !== centre)
      return { ...data, color: between(colours.paper, data.color, 0.25), zIndex: 0 };
    return { ...data, color: between(data.color, colours.ink, 0.35), size: data.size + 0.8, zIndex: 1 };
  }

  /** A name under its portrait, readable on lines. */
  function name(context, data, strong = false) {
    if (!data.label) return;
    const bold = strong || data.strong;
    context.font = `${bold ? 600 : 400} ${bold ? 13 : 12}px ${sigma.getSetting("labelFont")}`;
    context.textAlign = "center";
    context.lineJoin = "round";
    context.lineWidth = 3.5;
    context.strokeStyle = colours.paper;
    context.fillStyle = colours.ink;
    const y = data.y + data.size + 13;
    context.strokeText(data.label, data.x, y);
    context.fillText(data.label, data.x, y);
    context.textAlign = "start";
  }

  function graphOf() {
    const graph = new Graph({ type: "undirected" });
    const { source, target } = drawn.pairs.columns;
    for (const person of drawn.people) {
      const { x, y, size } = drawn.at.get(person);
      const { page, left, top, cell } = cellOf(atlas, person);
      const shown = run.people.portrait[person] ? page : -1;
      graph.addNode(person, {
        ...{ x, y, size, label: nameOf(run, person), color: ringOf(run, person), zIndex: 0 },
        ...{ page: shown, column: left / cell, line: top / cell },
      });
    }
    for (let n = drawn.rows.length - 1; n >= 0; n--) {
      const row = drawn.rows[n];
      graph.addEdgeWithKey(row, source[row], target[row], {
        size: thickness(drawn, row),
        color: lineColour(run, drawn, row, colours),
        zIndex: 0,
      });
    }
    return graph;
  }

  /** Places keep their scale as filters change, unless what is left is so little that it would be a spot. */
  function box() {
    const { x, y } = run.people;
    const all = boxOf(
      Array.from(x.keys())
        .filter((n) => x[n] === x[n])
        .map((n) => ({ x: x[n], y: y[n] })),
    );
    const own = boxOf([...drawn.at.values()]);
    const wide = (of) => Math.max(of.x[1] - of.x[0], of.y[1] - of.y[0]);
    return wide(own) < 0.6 * wide(all) || wide(own) > wide(all) ? own : all;
  }

  function focus(person) {
    if (person === centre) return;
    centre = person;
    near = new Set(centre === null ? [] : drawn.ties.get(centre).map((row) => otherOf(drawn, row, centre)));
    sigma.refresh({ skipIndexation: true });
  }

  let pointed = null;
  const point = (person) => {
    if (person === pointed) return;
    pointed = person;
    element.style.setProperty("cursor", person === null ? "" : "pointer");
    on.point(person);
  };
  sigma.on("enterNode", ({ node }) => point(number(node)));
  sigma.on("leaveNode", () => point(null));
  sigma.on("enterEdge", ({ edge }) => {
    element.style.setProperty("cursor", "pointer");
    on.line(number(edge));
  });
  sigma.on("leaveEdge", () => {
    element.style.setProperty("cursor", "");
    on.line(null);
  });
  sigma.on("clickNode", ({ node, event }) => on.person(number(node), event.original));
  sigma.on("clickEdge", ({ edge }) => on.pair(drawn.pairs.columns.source[edge], drawn.pairs.columns.target[edge]));
  sigma.on("clickStage", () => on.person(null));
  // The wheel scrolls the page, until somebody is at the network.
  const wheel = (event) =>
    sigma.setSetting(
      "enableCameraZooming",
      event.ctrlKey || event.metaKey || element.contains(document.activeElement) || element === document.activeElement,
    );
  element.addEventListener("wheel", wheel, { capture: true, passive: true });

  const camera = sigma.getCamera();
  const quick = { duration: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 200 };

  return {
    canvas: () => element,
    draw(given) {
      drawn = given;
      centre = null;
      sigma.setCustomBBox(box());
      sigma.setGraph(graphOf());
    },
    focus,
    /** Pixels of a person, for who draws the same in another way. */
    place(person) {
      const { x, y, size } = drawn.at.get(person);
      return { ...sigma.graphToViewport({ x, y }), size: sigma.scaleSize(size) };
    },
    size: () => sigma.getDimensions(),
    named: () => new Set([...sigma.getNodeDisplayedLabels()].map(number)),
    /** Bring somebody into sight. */
    seek(person) {
      const { x, y } = sigma.graphToViewport(drawn.at.get(person));
      const { width, height } = sigma.getDimensions();
      if (x > 20 && y > 20 && x < width - 20 && y < height - 20) return;
      const { x: to, y: top } = sigma.getNodeDisplayData(String(person));
      camera.animate({ x: to, y: top }, quick);
    },
    zoom(factor) {
      camera.animate({ ratio: Math.min(2, Math.max(0.02, camera.ratio * factor)) }, quick);
    },
    reset: () => camera.animatedReset(quick),
    recolour() {
      colours = read();
      if (drawn) sigma.setGraph(graphOf());
    },
    colours: () => colours,
    end() {
      element.removeEventListener("wheel", wheel, { capture: true });
      sigma.kill();
    },
  };
}

/** "#rrggbb" as shares of one. */
const parts = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);

function boxOf(places) {
  const found = { x: [Infinity, -Infinity], y: [Infinity, -Infinity] };
  for (const place of places) {
    for (const axis of ["x", "y"]) {
      found[axis][0] = Math.min(found[axis][0], place[axis]);
      found[axis][1] = Math.max(found[axis][1], place[axis]);
    }
  }
  for (const axis of ["x", "y"])
    if (!(found[axis][1] > found[axis][0])) found[axis] = [(found[axis][0] || 0) - 1, (found[axis][0] || 0) + 1];
  return found;
}
