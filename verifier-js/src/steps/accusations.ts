/** What the reader brought against the log (Convictions 5): step 5 judges the evidence in it. */
import { hex, type Bytes } from "../base/bytes.ts";
import { Failed, LaterVersion, Malformed } from "../base/errors.ts";
import { anyObject } from "../base/forms.ts";
import type { Json } from "../base/json.ts";
import { formatTime } from "../base/time.ts";
import { parseConviction, verifyConviction, type ConvictionProof } from "../evm/conviction.ts";
import { forkFile, parseAccusation, verifyFork, type Fork, type ForkEvidence } from "../log/fork.ts";
import type { Checkpoint } from "../log/note.ts";
import type { LogRole } from "../log/signatures.ts";
import type { Examination } from "./examination.ts";
import type { Findings, Sentence } from "./findings.ts";
import { keysAt } from "./logKeys.ts";

export interface Accusation {
  evidence: ForkEvidence;
  conviction: ConvictionProof | undefined;
}

/** Fork evidence or a conviction proof, as its file says. */
export function readAccusation(bytes: Bytes): Accusation {
  const value: Json = parseAccusation(bytes);
  if (anyObject(value).kind !== "conviction") return { evidence: forkFile(value), conviction: undefined };
  const conviction = parseConviction(value);
  return { evidence: conviction.evidence, conviction };
}

const NAMES: Record<LogRole, string> = { log: "Ed25519", "log-pq": "ML-DSA-44", authority: "EIP-712" };

export function judgeAccusations(examination: Examination, findings: Findings): void {
  for (const { evidence, conviction } of examination.accusations) {
    const { origin } = examination.log!;
    let fork: Fork;
    try {
      fork = verifyFork(evidence, origin, (size) => keysAt(examination, size));
    } catch (error) {
      if (!(error instanceof Failed || error instanceof Malformed)) throw error;
      findings.add("proved", `a file says that the log forked; it does not show it: ${error.message}`, `有文件称该日志已分叉，但未能证明：${error.message}`);
      continue;
    }
    const signed = fork.signed.map((role) => NAMES[role]);
    findings.add("contradicted", `the log forked: its keys (${signed.join(", ")}) signed ${told(fork.first)} and ${told(fork.second)}, which cannot both be true; nothing rests on its word`,
      `该日志已分叉：其密钥（${signed.join("、")}）签署了互相矛盾的两份检查点：大小 ${fork.first.size} 与 ${fork.second.size}；其陈述不足为据`);
    const shown = conviction === undefined ? undefined : ofCourt(examination, conviction);
    if (shown !== undefined) findings.add("contradicted", shown.en, shown.zh);
    examination.forks.push({ kind: fork.kind, log: origin, first: fact(fork.first), second: fact(fork.second), signed_by: signed, ...(shown === undefined ? {} : { conviction: shown.en }) });
  }
}

const told = ({ size, root }: Checkpoint): string => `a tree of ${size} entries with root ${hex(root)}`;
const fact = ({ size, root }: Checkpoint): object => ({ size: Number(size), root: hex(root) });

/** Since when it stands in public, and on whose word. */
function ofCourt(examination: Examination, proof: ConvictionProof): Sentence {
  try {
    const found = verifyConviction(proof, examination.log!.origin, (size) => keysAt(examination, size), examination.trust);
    const block = `block ${found.block} of chain ${found.chainId} (${formatTime(found.blockTime)})`;
    const zh = `链 ${found.chainId} 的区块 ${found.block}（${formatTime(found.blockTime)}）`;
    if (found.blockTime > examination.atSeconds) return { en: `a conviction in ${block} was shown; it is later than the time of examination`, zh: `所示定罪位于${zh}，晚于检验时点` };
    if (found.vouchedBy === "nobody") return { en: `convicted by ${found.court} in ${block}, if that block has hash ${found.blockHash}: compare`, zh: `由 ${found.court} 在${zh}定罪，前提是该区块之哈希为 ${found.blockHash}：请核对` };
    return { en: `convicted by ${found.court} in ${block}, ${found.vouchedBy === "operator" ? "by the word of the chain's operator" : "in a block that the trust file names"}`, zh: `由 ${found.court} 在${zh}定罪` };
  } catch (error) {
    if (!(error instanceof Failed || error instanceof Malformed || error instanceof LaterVersion)) throw error;
    return { en: `a conviction was shown that does not hold: ${error.message}`, zh: `所示定罪不成立：${error.message}` };
  }
}
