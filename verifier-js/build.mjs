// node build.mjs [FOLDER]: the page verifier.html, the command cli.mjs and what tests run, into dist/ or FOLDER.
// The same sources and the same packages give the same bytes, wherever they stand.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const target = process.argv[2] ?? join(here, "dist");

const common = {
  bundle: true, absWorkingDir: here, write: false, charset: "utf8", target: "es2022", legalComments: "none", logLevel: "warning",
  preserveSymlinks: true, metafile: true,
};

/** Text of one bundle, and the packages that went into it. */
async function bundled(entry, options) {
  const { outputFiles, metafile } = await build({ ...common, ...options, entryPoints: [entry] });
  const packages = Object.keys(metafile.inputs).flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+\//.exec(path) ?? []);
  return { text: outputFiles[0].text, packages };
}

/** Name, version and licence of each package, in order. */
function notices(folders) {
  return [...new Set(folders)].sort().map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(here, folder, "package.json"), "utf8"));
    const file = readdirSync(join(here, folder)).find((each) => /^licen[cs]e/i.test(each));
    return `${name} ${version}\n\n${file === undefined ? "" : readFileSync(join(here, folder, file), "utf8").trim()}`;
  }).join("\n\n--------\n\n");
}

const policyHash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
const inScript = (text) => text.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
const inHtml = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

async function page() {
  const worker = await bundled("src/page/worker.ts", { platform: "browser", format: "iife" });
  const main = await bundled("src/page/main.ts", { platform: "browser", format: "iife" });
  const script = inScript(main.text);
  const style = readFileSync(join(here, "src/page/page.css"), "utf8");
  const parts = {
    STYLE: style, SCRIPT: script, WORKER: inScript(worker.text), NOTICES: inHtml(notices([...worker.packages, ...main.packages])),
    POLICY: [
      "default-src 'none'", `script-src ${policyHash(script)} blob:`, "worker-src blob:", `style-src ${policyHash(style)}`, "base-uri 'none'", "form-action 'none'",
    ].join("; "),
  };
  const template = readFileSync(join(here, "src/page/page.html"), "utf8");
  return template.replace(/@([A-Z]+)@/g, (_, name) => parts[name]);
}

mkdirSync(target, { recursive: true });
writeFileSync(join(target, "verifier.html"), await page());
for (const [name, entry] of [["cli.mjs", "src/cli.ts"], ["vectors.mjs", "test/vectors.ts"], ["batch.mjs", "test/batch.ts"], ["unit.mjs", "test/unit/all.ts"]])
  writeFileSync(join(target, name), (await bundled(entry, { platform: "node", format: "esm" })).text);
