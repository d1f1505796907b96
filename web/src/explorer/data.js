// The data of the page: script files register columns, which are decoded when somebody asks for them.

const TYPES = {
  u8: Uint8Array,
  u16: Uint16Array,
  u32: Uint32Array,
  i32: Int32Array,
  f32: Float32Array,
  f64: Float64Array,
};

/** The folder of the script of the page, and of all that it loads. */
export const FOLDER = new URL(".", document.currentScript?.src ?? document.baseURI).href;

/** @type {Object | null} see castgraph.pages.explorer for what it holds */
let manifest = null;
const parts = new Map(); // table → its parts, each {column: [dtype, base64]}
const decoded = new Map(); // "table.column" → a promise of its values
const arriving = new Map(); // table → a promise that its files are here

/** What the script files of data call. */
export const registry = {
  manifest(given) {
    manifest = given;
  },
  put(table, columns, part = 0) {
    if (!parts.has(table)) parts.set(table, []);
    parts.get(table)[part] = columns;
  },
};

export const about = () => manifest;

/** Whether the page has a table at all; those of transcripts may be missing. */
export const has = (table) => table in manifest.files;

/**
 * Give columns of a table, as an object of typed arrays, or of lists where they are texts.
 *
 * Its files are loaded where they are not yet; each column is decoded once.
 */
export async function columns(table, names) {
  await arrived(table);
  const values = await Promise.all(names.map((name) => column(table, name)));
  return Object.fromEntries(names.map((name, place) => [name, values[place]]));
}

function arrived(table) {
  const file = manifest.files[table];
  if (!file) throw new Error(`this page has no table ${table}`);
  if (!arriving.has(table)) {
    const here = parts.get(table) ?? [];
    const missing = Array.from({ length: file.parts }, (_, part) => part).filter((part) => !here[part]);
    arriving.set(table, Promise.all(missing.map((part) => script(address(table, part, file.parts)))));
  }
  return arriving.get(table);
}

/** Where the script file of a part lies: in the folder `data` beside the script of the page. */
const address = (table, part, n) => new URL(`data/${n > 1 ? `${table}-${part}` : table}.js`, FOLDER).href;

function script(src) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = src;
    element.onload = resolve;
    element.onerror = () =>
      reject(new Error(`${src.slice(FOLDER.length)} is not there: is the folder of this page whole?`));
    document.head.append(element);
  });
}

function column(table, name) {
  const key = `${table}.${name}`;
  if (!decoded.has(key)) {
    decoded.set(key, Promise.all(parts.get(table).map((part) => decode(...part[name]))).then(joined));
  }
  return decoded.get(key);
}

/** The bytes that a text in base64 stands for. */
export function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const letters = atob(base64);
  const bytes = new Uint8Array(letters.length);
  for (let n = 0; n < bytes.length; n++) bytes[n] = letters.charCodeAt(n);
  return bytes;
}

async function decode(dtype, base64) {
  const stream = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = await new Response(stream).arrayBuffer();
  return dtype === "json" ? JSON.parse(new TextDecoder().decode(bytes)) : new TYPES[dtype](bytes);
}

/** Join the parts of a column; each may have the smallest type that its numbers need. */
function joined(values) {
  if (values.length === 1) return values[0];
  if (Array.isArray(values[0])) return values.flat();
  const widest = values.reduce((a, b) => (a.BYTES_PER_ELEMENT >= b.BYTES_PER_ELEMENT ? a : b)).constructor;
  const whole = new widest(values.reduce((n, each) => n + each.length, 0));
  let begin = 0;
  for (const each of values) {
    whole.set(each, begin);
    begin += each.length;
  }
  return whole;
}
