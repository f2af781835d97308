// node build.mjs [FOLDER]: the page verifier.html, the command cli.mjs and the tests' vectors.mjs, into dist/ or FOLDER.
// The same sources and the same node_modules give the same bytes.
import { readFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const target = process.argv[2] ?? join(here, "dist");
mkdirSync(target, { recursive: true });

const common = { bundle: true, absWorkingDir: here, write: false, charset: "utf8", target: "es2022", legalComments: "none", logLevel: "warning" };

async function bundled(entry, options) {
  const { outputFiles } = await build({ ...common, ...options, entryPoints: [entry] });
  return outputFiles[0].text;
}

for (const [name, entry] of [["cli.mjs", "src/cli.ts"], ["vectors.mjs", "test/vectors.ts"], ["batch.mjs", "test/batch.ts"]])
  writeFileSync(join(target, name), await bundled(entry, { platform: "node", format: "esm" }));
