// What WebGL draws: points of several shapes, and pictures out of the pages.
import { columns } from "../explorer/data.js";
import { cellOf } from "./run.js";

const POINTS = [
  `#version 300 es
in vec2 a_at;
in vec4 a_colour;
in vec2 a_look;
uniform vec2 u_centre;
uniform vec2 u_scale;
uniform float u_size;
out vec4 v_colour;
flat out float v_shape;
out float v_size;
void main() {
  gl_Position = vec4((a_at - u_centre) * u_scale, 0, 1);
  v_shape = a_look.x;
  float size = u_size * (a_look.y == 2.0 ? 1.35 : 1.0) * (v_shape < 0.0 ? 0.62 : v_shape == 2.0 ? 1.3 : v_shape == 3.0 ? 1.15 : 1.0);
  gl_PointSize = size;
  v_size = size;
  v_colour = a_colour;
}`,
  `#version 300 es
precision highp float;
in vec4 v_colour;
flat in float v_shape;
in float v_size;
uniform vec3 u_paper;
out vec4 colour;
float edge(vec2 at) {
  if (v_shape < 0.5) return length(at) - 0.92;
  if (v_shape < 1.5) return max(abs(at.x), abs(at.y)) - 0.78;
  if (v_shape < 2.5) return max(at.y - 0.62, 0.87 * abs(at.x) - 0.5 * at.y - 0.46);
  return abs(at.x) + abs(at.y) - 0.97;
}
void main() {
  vec2 at = 2.0 * gl_PointCoord - 1.0;
  float one = 2.0 / v_size; // a pixel
  float from = edge(at);
  if (from > one) discard;
  float rim = one * clamp((v_size - 8.0) / 4.0, 0.0, 1.2); // between points that lie on each other
  float inside = 1.0 - smoothstep(-one, 0.0, from + rim);
  vec3 shown = mix(u_paper, v_colour.rgb, inside);
  float there = v_colour.a * (1.0 - smoothstep(-0.5 * one, one, from));
  colour = vec4(shown * there, there);
}`,
];

const PICTURES = [
  `#version 300 es
in vec2 a_corner;
in vec2 a_at;
in vec2 a_cell;
in vec4 a_colour;
uniform vec2 u_centre;
uniform vec2 u_scale;
uniform vec2 u_half;
uniform vec2 u_border;
uniform vec2 u_pixel;
out vec2 v_corner;
out vec2 v_cell;
out vec4 v_colour;
void main() {
  gl_Position = vec4((a_at - u_centre) * u_scale + a_corner * (u_half + u_border), 0, 1);
  v_corner = a_corner * (u_half + u_border) / u_half;
  v_cell = a_cell * u_pixel;
  v_colour = a_colour;
}`,
  `#version 300 es
precision highp float;
in vec2 v_corner;
in vec2 v_cell;
in vec4 v_colour;
uniform vec3 u_paper;
uniform vec2 u_step;
uniform bool u_there;
uniform sampler2D u_page;
out vec4 colour;
void main() {
  vec2 at = clamp(0.5 + 0.5 * vec2(v_corner.x, -v_corner.y), 0.012, 0.988);
  vec3 shown = texture(u_page, v_cell + at * u_step).rgb;
  if (!u_there || max(abs(v_corner.x), abs(v_corner.y)) > 1.0) shown = v_colour.rgb;
  colour = vec4(mix(u_paper, shown, v_colour.a), 1.0);
}`,
];

const AT_ONCE = 2; // pages that are being decoded

/**
 * Draw on a canvas.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Object} grid `small` of the manifest: how pictures lie on pages
 * @param {() => void} arrived is called when a page has come
 * @throws where the browser has no WebGL 2
 */
export function drawing(canvas, grid, arrived) {
  const gl = canvas.getContext("webgl2", { antialias: false, alpha: false, preserveDrawingBuffer: true });
  if (!gl) throw new Error("no WebGL 2");
  const points = program(gl, POINTS, ["u_centre", "u_scale", "u_size", "u_paper"]);
  const images = program(gl, PICTURES, [
    ...["u_centre", "u_scale", "u_half", "u_border", "u_paper", "u_step", "u_there", "u_page", "u_pixel"],
  ]);
  const buffers = Object.fromEntries(
    ["at", "colour", "look", "order", "quads", "corner"].map((name) => [name, gl.createBuffer()]),
  );
  const pages = new Map(); // number → {texture, height}, null while it comes
  const wanted = [];
  let coming = 0;
  let nPoints = 0;
  let batches = []; // of pictures: {page, first, n}
  gl.bindBuffer(gl.ARRAY_BUFFER, buffers.corner);
  gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), gl.STATIC_DRAW);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);

  function fill(buffer, values, kind = gl.ARRAY_BUFFER) {
    gl.bindBuffer(kind, buffer);
    gl.bufferData(kind, values, gl.DYNAMIC_DRAW);
  }

  function attribute(place, buffer, size, { type = gl.FLOAT, stride = 0, offset = 0, divisor = 0 } = {}) {
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, size, type, type === gl.UNSIGNED_BYTE, stride, offset);
    gl.vertexAttribDivisor(place, divisor);
  }

  function want(number) {
    if (pages.has(number)) return;
    pages.set(number, null);
    wanted.push(number);
    next();
  }

  async function next() {
    if (coming >= AT_ONCE || !wanted.length) return;
    coming++;
    const number = wanted.shift();
    try {
      const { jpeg } = await columns(`atlas${number}`, ["jpeg"]);
      const bitmap = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
      const texture = gl.createTexture();
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB, gl.RGB, gl.UNSIGNED_BYTE, bitmap);
      for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T])
        gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAX_LEVEL, 2); // smaller, pictures would run into each other
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
      gl.generateMipmap(gl.TEXTURE_2D);
      pages.set(number, { texture, width: bitmap.width, height: bitmap.height });
      bitmap.close();
    } finally {
      coming--;
      next();
      arrived();
    }
  }

  return {
    /** How many pages are still to come. */
    missing: () => wanted.length + coming,
    /** Where all pictures lie. */
    places({ x, y }) {
      const at = new Float32Array(2 * x.length);
      for (let n = 0; n < x.length; n++) at.set([x[n], y[n]], 2 * n);
      fill(buffers.at, at);
    },
    /** How each looks: red, green, blue and how much of it is there; its shape and whether it is one of those picked. */
    looks(colours, looks) {
      fill(buffers.colour, colours);
      fill(buffers.look, looks);
    },
    /** Which are drawn as points, the last on top. */
    order(pictures) {
      nPoints = pictures.length;
      fill(buffers.order, pictures, gl.ELEMENT_ARRAY_BUFFER);
    },
    /** Which are drawn as pictures, the first on top. */
    pictures(shown, { x, y }, colours) {
      const of = grouped(shown);
      const values = new ArrayBuffer(20 * shown.length);
      const floats = new Float32Array(values);
      const bytes = new Uint8Array(values);
      let row = 0;
      batches = [];
      for (const [page, list] of of) {
        batches.push({ page, first: row, n: list.length });
        for (const picture of list.reverse()) {
          const { left, top } = cellOf(grid, picture);
          floats.set([x[picture], y[picture], left, top], 5 * row);
          bytes.set(colours.subarray(4 * picture, 4 * picture + 4), 20 * row + 16);
          row++;
        }
        want(page);
      }
      fill(buffers.quads, new Uint8Array(values));
    },
    /**
     * Draw.
     *
     * @param {{centre: number[], scale: number[], size: number, tile: number[] | null, paper: number[]}} view
     *   the middle of what is seen; how much a step there is on the canvas (which is 2 wide and high); pixels of a
     *   point; pixels of a picture, null for none; the colour of the page, 0 to 1
     */
    draw({ centre, scale, size, tile, paper }) {
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(...paper, 1);
      gl.clear(gl.COLOR_BUFFER_BIT);
      gl.useProgram(points.program);
      gl.uniform2fv(points.at.u_centre, centre);
      gl.uniform2fv(points.at.u_scale, scale);
      gl.uniform1f(points.at.u_size, size);
      gl.uniform3fv(points.at.u_paper, paper);
      attribute(points.in("a_at"), buffers.at, 2);
      attribute(points.in("a_colour"), buffers.colour, 4, { type: gl.UNSIGNED_BYTE });
      attribute(points.in("a_look"), buffers.look, 2);
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, buffers.order);
      gl.drawElements(gl.POINTS, nPoints, gl.UNSIGNED_INT, 0);
      points.leave();
      if (tile) drawPictures(centre, scale, tile, paper);
    },
  };

  function drawPictures(centre, scale, tile, paper) {
    const border = Math.max(2, Math.round(tile[0] / 24));
    gl.useProgram(images.program);
    gl.uniform2fv(images.at.u_centre, centre);
    gl.uniform2fv(images.at.u_scale, scale);
    gl.uniform2f(images.at.u_half, tile[0] / canvas.width, tile[1] / canvas.height);
    gl.uniform2f(images.at.u_border, (2 * border) / canvas.width, (2 * border) / canvas.height);
    gl.uniform3fv(images.at.u_paper, paper);
    gl.uniform1i(images.at.u_page, 0);
    gl.activeTexture(gl.TEXTURE0);
    attribute(images.in("a_corner"), buffers.corner, 2);
    for (const { page, first, n } of batches) {
      const there = pages.get(page);
      gl.uniform1i(images.at.u_there, there ? 1 : 0);
      gl.bindTexture(gl.TEXTURE_2D, there?.texture ?? null);
      const [wide, high] = there ? [there.width, there.height] : [1, 1];
      gl.uniform2f(images.at.u_step, grid.width / wide, grid.height / high);
      const from = { stride: 20, divisor: 1 };
      attribute(images.in("a_at"), buffers.quads, 2, { ...from, offset: 20 * first });
      attribute(images.in("a_cell"), buffers.quads, 2, { ...from, offset: 20 * first + 8 });
      attribute(images.in("a_colour"), buffers.quads, 4, { ...from, offset: 20 * first + 16, type: gl.UNSIGNED_BYTE });
      gl.uniform2f(images.at.u_pixel, 1 / wide, 1 / high);
      gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, n);
    }
    images.leave();
  }

  function grouped(pictures) {
    const of = new Map();
    for (const picture of pictures) {
      const { page } = cellOf(grid, picture);
      if (!of.has(page)) of.set(page, []);
      of.get(page).push(picture);
    }
    return of;
  }
}

function program(gl, sources, uniforms) {
  const made = gl.createProgram();
  sources.forEach((source, n) => {
    const shader = gl.createShader(n ? gl.FRAGMENT_SHADER : gl.VERTEX_SHADER);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader) ?? "shader");
    gl.attachShader(made, shader);
  });
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(made) ?? "program");
  const inputs = new Map();
  return {
    program: made,
    at: Object.fromEntries(uniforms.map((name) => [name, gl.getUniformLocation(made, name)])),
    in(name) {
      if (!inputs.has(name)) inputs.set(name, gl.getAttribLocation(made, name));
      return inputs.get(name);
    },
    leave() {
      for (const place of inputs.values()) {
        gl.vertexAttribDivisor(place, 0);
        gl.disableVertexAttribArray(place);
      }
    },
  };
}
