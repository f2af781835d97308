/** Many cases in one process: a line of JSON in ({bundle | anchor | conviction, trust, at, convictions}), a line of JSON out. */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { LaterVersion, Malformed } from "../src/base/errors.ts";
import { parseTime } from "../src/base/time.ts";
import { examineAnchor } from "../src/evm/examine.ts";
import { examineConviction } from "../src/evm/conviction.ts";
import { withFile } from "../src/node/fileSource.ts";
import { readAccusation } from "../src/steps/accusations.ts";
import { parseTrust } from "../src/trust.ts";
import { verify } from "../src/verify.ts";

interface Job {
  bundle?: string;
  anchor?: string;
  conviction?: string;
  trust: string;
  at: string;
  convictions?: string[];
}

async function answer({ bundle, anchor, conviction, trust: file, at, convictions = [] }: Job): Promise<object> {
  try {
    parseTime(at);
    const trust = parseTrust(readFileSync(file));
    if (anchor !== undefined) return examineAnchor(readFileSync(anchor), trust, at);
    if (conviction !== undefined) return examineConviction(readFileSync(conviction), trust, at);
    const accusations = convictions.map((each) => readAccusation(readFileSync(each)));
    return await withFile(bundle!, (source) => verify(source, { trust, at, accusations }));
  } catch (error) {
    if (error instanceof LaterVersion) return { verdict: "not_proved", claims: [], error: error.message };
    if (error instanceof Malformed) return { verdict: "malformed", claims: [], error: error.message };
    return { verdict: "broken", claims: [], error: String((error as Error).stack) };
  }
}

for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(await answer(JSON.parse(line))));
