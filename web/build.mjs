// Builds the browser pages into the Python package.
//
//   node build.mjs [--out FOLDER]
//
// Every built file carries a hash of its content in its name, so that the server may let browsers keep
// it for ever. `manifest.json` tells which file a name stands for: {"connect.js": "connect-1A2B3C4D.js"}.

import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({ options: { out: { type: "string" } } });
const out = resolve(values.out ?? join(here, "../src/endorse/server/static"));

const ENTRY_POINTS = [
  "connect/connect.ts",
  "connect/return.ts",
  "connect/form_post.ts",
  "connect/app.ts",
  "connect/connect.css",
  "phone/phone.ts",
  "phone/phone.css",
];
/** Folders whose files are taken as they are. */
const COPIED = ["shared/icons", "phone/icons", "phone/public"];
/** Where the server answers with built files. */
const SERVED = "/static/";

/** Bundles the entry points into `folder`; answers logical name -> file name. */
async function bundle(folder) {
  const { metafile } = await build({
    absWorkingDir: here,
    entryPoints: ENTRY_POINTS,
    outdir: folder,
    bundle: true,
    splitting: true,
    format: "esm",
    target: ["es2022"],
    minify: true,
    legalComments: "none",
    sourcemap: false,
    entryNames: "[name]-[hash]",
    chunkNames: "chunk-[hash]",
    metafile: true,
    logLevel: "warning",
  });
  const names = {};
  for (const [path, output] of Object.entries(metafile.outputs)) {
    if (!output.entryPoint) continue;
    const logical = basename(output.entryPoint).replace(/\.ts$/, ".js");
    names[logical] = basename(path);
  }
  return names;
}

/** Writes `content` into `folder` under a hashed name, which it answers. */
async function place(folder, logical, content) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 8).toUpperCase();
  const extension = extname(logical);
  const name = `${logical.slice(0, -extension.length)}-${hash}${extension}`;
  await writeFile(join(folder, name), content);
  return name;
}

async function copyReader(folder) {
  const wasm = createRequire(import.meta.url).resolve("zxing-wasm/reader/zxing_reader.wasm");
  return { "zxing_reader.wasm": await place(folder, "zxing_reader.wasm", await readFile(wasm)) };
}

async function copyFiles(folder) {
  const names = {};
  for (const source of COPIED.map((path) => join(here, path))) {
    for (const file of await readdir(source)) {
      names[file] = await place(folder, file, await readFile(join(source, file)));
    }
  }
  return names;
}

/** A web app manifest names its icons by logical name in the source, by hashed name when built. */
async function copyWebManifest(folder, files) {
  const manifest = JSON.parse(await readFile(join(here, "phone/phone.webmanifest"), "utf8"));
  for (const icon of manifest.icons) {
    if (!(icon.src in files)) throw new Error(`phone.webmanifest names ${icon.src}, which is not in phone/icons`);
    icon.src = SERVED + files[icon.src];
  }
  const name = await place(folder, "phone.webmanifest", JSON.stringify(manifest));
  return { "phone.webmanifest": name };
}

/** Writes everything into `folder`, which exists and is empty. */
async function fill(folder) {
  const files = await copyFiles(folder);
  const names = {
    ...(await bundle(folder)),
    ...(await copyReader(folder)),
    ...files,
    ...(await copyWebManifest(folder, files)),
  };
  const sorted = Object.fromEntries(Object.entries(names).sort(([a], [b]) => (a < b ? -1 : 1)));
  await writeFile(join(folder, "manifest.json"), `${JSON.stringify(sorted, null, 2)}\n`);
}

// Built beside the old folder and then swapped in, so that a failed build leaves the old one working.
const fresh = `${out}.${process.pid}`;
try {
  await mkdir(fresh, { recursive: true });
  await fill(fresh);
  await rm(out, { recursive: true, force: true });
  await rename(fresh, out);
} finally {
  await rm(fresh, { recursive: true, force: true });
}
