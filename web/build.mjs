// Build the scripts and styles of the pages: node build.mjs [FOLDER]
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, "../src/castgraph/pages/web"));

const built = await build({
  absWorkingDir: here,
  entryPoints: {
    explorer: "src/explorer/main.js",
    labelling: "src/labelling/main.js",
    map: "src/map/main.js",
    review: "src/review/main.js",
  },
  bundle: true,
  minify: true,
  format: "iife",
  // What Chromium and Firefox ESR have that pages from a file may use (DecompressionStream in both).
  target: ["chrome114", "firefox115"],
  charset: "utf8",
  legalComments: "none",
  metafile: true,
  outdir: out,
  logLevel: "warning",
});

// The licence of each package of which a line is in what was built.
const packages = new Set();
for (const { inputs } of Object.values(built.metafile.outputs)) {
  for (const path of Object.keys(inputs)) {
    const name = path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1];
    if (name) packages.add(name);
  }
}
const licences = [...packages].sort().map((name) => {
  const folder = join(here, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = ["LICENSE", "LICENSE.txt", "LICENSE.md", "License"].map((each) => join(folder, each));
  const text = file.flatMap((path) => {
    try {
      return [readFileSync(path, "utf8").replace(/\r\n/g, "\n").trim()];
    } catch {
      return [];
    }
  });
  if (!text.length) throw new Error(`${name} has no licence file`);
  return `${name} ${version} (${license})\n\n${text[0]}\n`;
});
writeFileSync(join(out, "LICENSES.txt"), licences.join(`\n${"-".repeat(80)}\n\n`));
