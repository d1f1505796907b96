// Sigma names these when it is loaded, also where the browser has WebGL turned off altogether.
globalThis.WebGLRenderingContext ??= class {};
globalThis.WebGL2RenderingContext ??= class {};
