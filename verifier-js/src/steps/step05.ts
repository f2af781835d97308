/** Step 5: the trusted log signed the tree head, and it is the log of entry 0. */
import { Failed } from "../base/errors.ts";
import { sameKey } from "../base/keys.ts";
import { formatTime } from "../base/time.ts";
import type { EventOf } from "../events/event.ts";
import { verifyInclusion } from "../log/merkle.ts";
import { describe } from "../log/note.ts";
import { cosignature } from "../log/signatures.ts";
import { judgeAccusations } from "./accusations.ts";
import type { Examination, Head } from "./examination.ts";
import type { Findings } from "./findings.ts";
import { readHead } from "./logKeys.ts";

/** Sets the head of the examination if all of this holds: nothing rests on another. */
export function checkpointSignature(examination: Examination, findings: Findings): void {
  const { log, trust, case: { file, checkpoint } } = examination;
  if (log === undefined) {
    findings.add("not_proved", `the trust file names no log ${file.log}`, `信任文件没有名为 ${file.log} 的日志`);
    return;
  }
  const what = { en: "the signed tree head", zh: "签名的树头" };
  let head: Head | undefined;
  findings.check(what, () => {
    const found = readHead(examination, checkpoint);
    demandRotationsInTree(examination, found);
    head = found;
  });
  judgeAccusations(examination, findings);
  if (head === undefined) return;
  const { note, time } = head;
  findings.add("proved", `log ${log.origin} signed ${describe(note)} at ${formatTime(time)}: Ed25519, ML-DSA-44 and EIP-712 signatures hold`,
    `日志 ${log.origin} 于 ${formatTime(time)} 签署了 ${note.size} 条的树：Ed25519、ML-DSA-44 与 EIP-712 三个签名均成立`);
  if (time > examination.atSeconds) findings.add("not_proved", `it was signed at ${formatTime(time)}, after the time of examination`, `其签署时间 ${formatTime(time)} 晚于检验时点`);
  if (trust.quorum > 0) quorum(examination, head, findings);
  firstEntry(examination, findings);
  if (findings.outcome === "proved") examination.head = head;
}

function demandRotationsInTree({ entries, case: { proofs } }: Examination, { note }: Head): void {
  for (const { position, statement } of entries) {
    if (statement.event.type !== "log.rotate") continue;
    const path = proofs.inclusion.get(position);
    if (path === undefined) throw new Failed(`the replacement of a key at ${position} has no inclusion path`);
    verifyInclusion(statement.leaf, BigInt(position), note.size, note.root, path);
  }
}

function quorum({ trust, atSeconds }: Examination, { note }: Head, findings: Findings): void {
  // By names: of a witness that signs with two keys both may stand in the trust file.
  const timely = new Set<string>();
  for (const witness of trust.witnesses) {
    try {
      const found = cosignature(note, witness);
      if (found !== undefined && found.time <= atSeconds) timely.add(witness.name);
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      findings.add("not_proved", `the line of witness ${witness.name} does not hold: ${error.message}`, `见证人 ${witness.name} 的签名行不成立：${error.message}`);
    }
  }
  const count = timely.size;
  findings.add(count >= trust.quorum ? "proved" : "not_proved", `witnesses of the trust file that cosigned: ${count}; demanded: ${trust.quorum}`,
    `信任文件中已联署的见证人：${count}；要求：${trust.quorum}`);
}

function firstEntry({ entries, log }: Examination, findings: Findings): void {
  const first = entries.find((entry) => entry.position === 0)?.statement.event;
  if (first?.type !== "log.key-set") {
    findings.add("not_proved", "entry 0, the key set of the log, is not here", "缺少第 0 条（日志的密钥集）");
    return;
  }
  const { origin, keys } = (first as EventOf<"log.key-set">).body;
  const { log: ed25519, "log-pq": mlDsa, authority } = log!.keys;
  const trusted = { log: ed25519, "log-pq": mlDsa, authority, registrar: log!.registrar };
  const same = Object.entries(trusted).every(([role, key]) => keys.filter((each) => each.role === role).every((each) => sameKey(each.key, key)) && keys.some((each) => each.role === role));
  if (!same || origin !== log!.origin) findings.add("contradicted", "entry 0 names another log or other keys than the trust file", "第 0 条所载日志或密钥与信任文件不同");
}
