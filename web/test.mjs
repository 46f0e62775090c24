// Bundles the `*.test.ts` files and runs them with Node's own test runner.

import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const files = (await readdir(here, { recursive: true })).filter(
  (path) => path.endsWith(".test.ts") && !path.startsWith("node_modules"),
);
const folder = await mkdtemp(join(here, "node_modules", ".tests-"));
try {
  await build({
    absWorkingDir: here,
    entryPoints: files,
    outdir: folder,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    outExtension: { ".js": ".mjs" },
    sourcemap: "inline",
    logLevel: "warning",
  });
  const built = (await readdir(folder, { recursive: true })).filter((path) => path.endsWith(".mjs"));
  const run = spawnSync(
    process.execPath,
    ["--test", "--test-reporter=spec", ...built.map((path) => join(folder, path))],
    { cwd: here, stdio: "inherit" },
  );
  process.exitCode = run.status ?? 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
