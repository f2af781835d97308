/** Many cases in one process: a line of JSON in ({bundle | anchor | conviction | picture | document, trust, at, convictions}), a line of JSON out. */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { hex } from "../src/base/bytes.ts";
import { Failed, LaterVersion, Malformed } from "../src/base/errors.ts";
import { formatTime, parseTime } from "../src/base/time.ts";
import { judgeFile } from "../src/credentials/claim.ts";
import { told } from "../src/credentials/revoked.ts";
import { Open } from "../src/credentials/open.ts";
import { examineAnchor } from "../src/evm/examine.ts";
import { examineConviction } from "../src/evm/conviction.ts";
import { withFile } from "../src/node/fileSource.ts";
import { judgeDocument } from "../src/pdf/verdict.ts";
import { readAccusation } from "../src/steps/accusations.ts";
import { parseTrust, type Trust } from "../src/trust.ts";
import { verify } from "../src/verify.ts";

interface Job {
  bundle?: string;
  anchor?: string;
  conviction?: string;
  /** A signed PNG alone. */
  picture?: string;
  /** A certificate as PDF alone. */
  document?: string;
  trust: string;
  at: string;
  convictions?: string[];
}

async function answer({ bundle, anchor, conviction, picture, document, trust: file, at, convictions = [] }: Job): Promise<object> {
  try {
    parseTime(at);
    const trust = parseTrust(readFileSync(file));
    if (anchor !== undefined) return examineAnchor(readFileSync(anchor), trust, at);
    if (conviction !== undefined) return examineConviction(readFileSync(conviction), trust, at);
    if (picture !== undefined) return pictureOutcome(picture, trust, at);
    if (document !== undefined) return documentOutcome(document, trust, at);
    const accusations = convictions.map((each) => readAccusation(readFileSync(each)));
    return await withFile(bundle!, (source) => verify(source, { trust, at, accusations }));
  } catch (error) {
    if (error instanceof LaterVersion) return { verdict: "not_proved", claims: [], error: error.message };
    if (error instanceof Malformed) return { verdict: "malformed", claims: [], error: error.message };
    return { verdict: "broken", claims: [], error: String((error as Error).stack) };
  }
}

function pictureOutcome(picture: string, trust: Trust, at: string): object {
  try {
    const { signer, revocation, problems } = judgeFile(new Uint8Array(readFileSync(picture)), trust, parseTime(at));
    return { outcome: "proved", signer, ...told(revocation), problems: problems.map(({ en }) => en) };
  } catch (error) {
    if (error instanceof Failed) return { outcome: "contradicted", reason: error.message };
    if (error instanceof Open || error instanceof Malformed) return { outcome: "needs_external_fact", reason: error.message };
    throw error;
  }
}

function documentOutcome(document: string, trust: Trust, at: string): object {
  try {
    const { signer, judgedAt, attachment, revocation, problems } = judgeDocument(new Uint8Array(readFileSync(document)), trust, parseTime(at));
    return { outcome: "proved", signer, judged_at: formatTime(judgedAt), attachment: hex(attachment), ...told(revocation), problems: problems.length };
  } catch (error) {
    if (error instanceof Failed || error instanceof Malformed) return { outcome: "contradicted", reason: error.message };
    if (error instanceof Open) return { outcome: "needs_external_fact", reason: error.message };
    throw error;
  }
}

for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(await answer(JSON.parse(line))));
