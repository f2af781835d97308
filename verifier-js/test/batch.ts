/** Many cases in one process: a line of JSON in ({bundle | anchor, trust, at}), a line of JSON out. */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { LaterVersion, Malformed } from "../src/base/errors.ts";
import { parseTime } from "../src/base/time.ts";
import { examineAnchor } from "../src/evm/examine.ts";
import { withFile } from "../src/node/fileSource.ts";
import { parseTrust } from "../src/trust.ts";
import { verify } from "../src/verify.ts";

async function answer({ bundle, anchor, trust: file, at }: { bundle?: string; anchor?: string; trust: string; at: string }): Promise<object> {
  try {
    parseTime(at);
    const trust = parseTrust(readFileSync(file));
    if (anchor !== undefined) return examineAnchor(readFileSync(anchor), trust, at);
    return await withFile(bundle!, (source) => verify(source, { trust, at }));
  } catch (error) {
    if (error instanceof LaterVersion) return { verdict: "not_proved", claims: [], error: error.message };
    if (error instanceof Malformed) return { verdict: "malformed", claims: [], error: error.message };
    return { verdict: "broken", claims: [], error: String((error as Error).stack) };
  }
}

for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(await answer(JSON.parse(line))));
