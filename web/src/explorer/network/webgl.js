// Sigma names these when it is loaded, also where the browser has WebGL turned off altogether.
globalThis.WebGLRenderingContext ??= class {};
globalThis.WebGL2RenderingContext ??= class {};

/** Whether the browser draws with WebGL here. */
export function hasWebGL() {
  const canvas = document.createElement("canvas");
  const gl = canvas.getContext("webgl2") ?? canvas.getContext("webgl");
  gl?.getExtension("WEBGL_lose_context")?.loseContext(); // a page may have only some
  return Boolean(gl);
}
