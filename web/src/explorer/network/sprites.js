// How sigma draws a person: a round portrait out of the atlas, with a ring in the colour of the community.
import { NodeProgram } from "sigma/rendering";
import { floatColor } from "sigma/utils";

import { page } from "./atlas.js";

const MOST_PAGES = 8; // pictures that any WebGL may read at once; who is on later ones has a plain disc
const { UNSIGNED_BYTE, FLOAT, TRIANGLES } = globalThis.WebGLRenderingContext ?? {};

const VERTEX = `
attribute vec4 a_id;
attribute vec4 a_color;
attribute vec2 a_position;
attribute float a_size;
attribute vec3 a_cell;
attribute float a_faded;
attribute float a_angle;
uniform mat3 u_matrix;
uniform float u_sizeRatio;
uniform float u_correctionRatio;
varying vec4 v_color;
varying vec2 v_from;
varying float v_radius;
varying vec3 v_cell;
varying float v_faded;
const float bias = 255.0 / 254.0;
void main() {
  float size = a_size * u_correctionRatio / u_sizeRatio * 4.0;
  vec2 from = size * vec2(cos(a_angle), sin(a_angle));
  gl_Position = vec4((u_matrix * vec3(a_position + from, 1)).xy, 0, 1);
  v_from = from;
  v_radius = size / 2.0;
  v_cell = a_cell;
  v_faded = a_faded;
  #ifdef PICKING_MODE
  v_color = a_id;
  #else
  v_color = a_color;
  #endif
  v_color.a *= bias;
}`;

const fragment = `
precision highp float;
varying vec4 v_color;
varying vec2 v_from;
varying float v_radius;
varying vec3 v_cell;
varying float v_faded;
uniform float u_correctionRatio;
uniform float u_wide;
uniform vec3 u_paper;
uniform vec3 u_card;
${Array.from({ length: MOST_PAGES }, (_, n) => `uniform sampler2D u_page${n};`).join("\n")}
uniform float u_high[${MOST_PAGES}];
void main(void) {
  float soft = u_correctionRatio * 1.5;
  float from = length(v_from);
  #ifdef PICKING_MODE
  if (from > v_radius) gl_FragColor = vec4(0.0);
  else gl_FragColor = v_color;
  #else
  if (from > v_radius + soft) discard;
  float ring = max(u_correctionRatio * 3.0, v_radius * 0.13);
  float inner = v_radius - ring;
  vec2 at = v_cell.xy + clamp(vec2(0.5 + v_from.x / (2.0 * inner), 0.5 - v_from.y / (2.0 * inner)), 0.01, 0.99);
  vec4 face = vec4(u_card, 1.0);
  ${Array.from({ length: MOST_PAGES }, (_, n) => `if (v_cell.z == ${n}.0) { if (u_high[${n}] > 0.0) face = texture2D(u_page${n}, at * vec2(u_wide, u_high[${n}])); }`).join("\n  else ")}
  vec3 shown = mix(face.rgb, v_color.rgb, smoothstep(inner - soft, inner, from));
  shown = mix(shown, u_paper, 0.78 * v_faded);
  gl_FragColor = vec4(shown, 1.0) * (1.0 - smoothstep(v_radius - soft, v_radius + soft * 0.3, from));
  #endif
}`;

const UNIFORMS = [
  ...["u_sizeRatio", "u_correctionRatio", "u_matrix", "u_wide", "u_paper", "u_card", "u_high"],
  ...Array.from({ length: MOST_PAGES }, (_, n) => `u_page${n}`),
];

/**
 * Make the program of a page's portraits.
 *
 * @param {Object} atlas of the manifest
 * @param {() => {paper: number[], card: number[]}} colours of the page, 0 to 1
 */
export function sprites(atlas, colours) {
  const high = new Float32Array(MOST_PAGES); // of each page the share of its height that a cell takes, 0 before it is here

  return class extends NodeProgram {
    getDefinition() {
      return {
        VERTICES: 3,
        VERTEX_SHADER_SOURCE: VERTEX,
        FRAGMENT_SHADER_SOURCE: fragment,
        METHOD: TRIANGLES,
        UNIFORMS,
        ATTRIBUTES: [
          { name: "a_position", size: 2, type: FLOAT },
          { name: "a_size", size: 1, type: FLOAT },
          { name: "a_color", size: 4, type: UNSIGNED_BYTE, normalized: true },
          { name: "a_id", size: 4, type: UNSIGNED_BYTE, normalized: true },
          { name: "a_cell", size: 3, type: FLOAT },
          { name: "a_faded", size: 1, type: FLOAT },
        ],
        CONSTANT_ATTRIBUTES: [{ name: "a_angle", size: 1, type: FLOAT }],
        CONSTANT_DATA: [[0], [(2 * Math.PI) / 3], [(4 * Math.PI) / 3]],
      };
    }

    processVisibleItem(id, at, data) {
      const { array } = this;
      array[at++] = data.x;
      array[at++] = data.y;
      array[at++] = data.size;
      array[at++] = floatColor(data.color);
      array[at++] = id;
      const known = data.page >= 0 && data.page < MOST_PAGES;
      array[at++] = data.column;
      array[at++] = data.line;
      array[at++] = known ? data.page : -1;
      array[at++] = data.faded ? 1 : 0;
      if (known) this.want(data.page);
    }

    /** Bring a page to the card when somebody of it is drawn. */
    want(number) {
      this.textures ??= new Map();
      if (this.textures.has(number)) return;
      this.textures.set(number, null);
      const { gl } = this.normalProgram;
      page(number).then((bitmap) => {
        if (!this.textures) return bitmap.close();
        const texture = gl.createTexture();
        gl.activeTexture(gl.TEXTURE0 + number);
        gl.bindTexture(gl.TEXTURE_2D, texture);
        gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB, gl.RGB, gl.UNSIGNED_BYTE, bitmap);
        gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
        gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
        gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
        if (gl.TEXTURE_MAX_LEVEL) {
          // Smaller than a quarter, cells would run into each other.
          gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAX_LEVEL, 2);
          gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
          gl.generateMipmap(gl.TEXTURE_2D);
        } else gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
        high[number] = atlas.cell / bitmap.height;
        bitmap.close();
        this.textures.set(number, texture);
        this.renderer.refresh({ schedule: true });
        return undefined;
      });
    }

    setUniforms(params, { gl, uniformLocations: at }) {
      gl.uniform1f(at.u_correctionRatio, params.correctionRatio);
      gl.uniform1f(at.u_sizeRatio, params.sizeRatio);
      gl.uniformMatrix3fv(at.u_matrix, false, params.matrix);
      if (!at.u_wide) return; // no pictures where somebody is picked
      const { paper, card } = colours();
      gl.uniform1f(at.u_wide, 1 / atlas.columns);
      gl.uniform3fv(at.u_paper, paper);
      gl.uniform3fv(at.u_card, card);
      for (let number = 0; number < MOST_PAGES; number++) {
        const texture = this.textures?.get(number);
        if (texture) {
          gl.activeTexture(gl.TEXTURE0 + number);
          gl.bindTexture(gl.TEXTURE_2D, texture);
        }
        if (at[`u_page${number}`]) gl.uniform1i(at[`u_page${number}`], number);
      }
      gl.uniform1fv(at.u_high, high);
    }

    kill() {
      this.textures = null;
      super.kill();
    }
  };
}
