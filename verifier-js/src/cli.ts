/** `node cli.mjs BUNDLE --trust FILE [--convictions FILE …] [--at TIME] [--json]`. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { LaterVersion, Malformed } from "./base/errors.ts";
import { formatTime, parseTime } from "./base/time.ts";
import { withFile } from "./node/fileSource.ts";
import { EXIT, toJson, type Report } from "./report.ts";
import { lines } from "./page/firstLines.ts";
import { readAccusation } from "./steps/accusations.ts";
import { parseTrust } from "./trust.ts";
import { examined, type Beside } from "./verify.ts";

const USAGE = "usage: node cli.mjs BUNDLE --trust FILE [--convictions FILE …] [--at TIME] [--json]";

function failed(verdict: "malformed" | "not_proved", error: string): number {
  console.log(JSON.stringify({ verdict, claims: [], error }));
  return EXIT[verdict];
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true, options: { trust: { type: "string" }, at: { type: "string" }, json: { type: "boolean" }, convictions: { type: "string", multiple: true } },
  });
  const bundle = positionals[0];
  if (bundle === undefined || values.trust === undefined || positionals.length !== 1) return failed("malformed", USAGE);
  const at = values.at ?? formatTime(Math.floor(Date.now() / 1000));
  parseTime(at);
  const trust = parseTrust(readFileSync(values.trust));
  const accusations = (values.convictions ?? []).map((file) => readAccusation(readFileSync(file)));
  const { report, beside } = await withFile(bundle, (source) => examined(source, { trust, at, accusations }));
  if (values.json ?? false) console.log(toJson(report));
  else print(report, beside);
  return EXIT[report.verdict];
}

/** The verdict before all else, then what speaks against the case, then each claim. */
function print(report: Report, beside: Beside): void {
  console.log(`verdict: ${report.verdict}\ntrust file: ${report.trust_fingerprint}\nat: ${report.at}`);
  for (const { text } of lines(report, beside, "en")) console.log(`! ${text}`);
  for (const claim of report.claims)
    console.log(`${claim.step} ${claim.id}: ${claim.outcome}${claim.required ? " (required)" : ""}\n    ${claim.evidence.map((each) => each.en).join("\n    ")}`);
}

main().then(
  (status) => { process.exitCode = status; },
  (error: unknown) => {
    if (error instanceof LaterVersion) process.exitCode = failed("not_proved", `${error.message}: install a newer program`);
    else if (error instanceof Malformed || (error instanceof Error && "code" in error)) process.exitCode = failed("malformed", error.message);
    else throw error;
  },
);
