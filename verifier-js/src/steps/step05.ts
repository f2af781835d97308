/** Step 5: the trusted log signed the tree head, and it is the log of entry 0. */
import { Failed, NotShown } from "../base/errors.ts";
import { sameKey, type Key } from "../base/keys.ts";
import { formatTime } from "../base/time.ts";
import type { EventOf } from "../events/event.ts";
import { verifyInclusion } from "../log/merkle.ts";
import { describe, type Checkpoint } from "../log/note.ts";
import { cosignature } from "../log/signatures.ts";
import { judgeAccusations } from "./accusations.ts";
import type { Examination, Head } from "./examination.ts";
import type { Findings } from "./findings.ts";
import { readHead } from "./logKeys.ts";

/** The tree head is set only where all of this holds: else nothing may rest on it. */
export function checkpointSignature(examination: Examination, findings: Findings): void {
  const { log, case: { file, checkpoint } } = examination;
  if (log === undefined) {
    findings.add("not_proved", `the trust file names no log ${file.log}`, `信任文件未列出日志 ${file.log}`);
    return;
  }
  const accused = { en: "what was brought against the log", zh: "对该日志的指控" };
  findings.check(accused, () => judgeAccusations(examination, findings));
  let head: Head | undefined;
  findings.check({ en: "the checkpoint of the case", zh: "本案的检查点" }, () => {
    head = readHead(examination, checkpoint);
    demandRotations(examination, head.note);
  });
  if (head === undefined || findings.outcome !== "proved") return;
  const { note, time } = head;
  findings.check({ en: "the time of the tree head", zh: "树头的时间" }, () => {
    if (time > examination.atSeconds) throw new NotShown(`it was signed at ${formatTime(time)}, after the time of examination`);
  });
  findings.check({ en: "the witnesses of the tree head", zh: "树头的见证人" }, () => demandQuorum(examination, note));
  findings.check({ en: "entry 0", zh: "条目 0" }, () => demandKeySet(examination));
  if (findings.outcome !== "proved") return;
  examination.head = head;
  findings.add("proved", `log ${file.log} signed ${describe(note)}: Ed25519, ML-DSA-44 and EIP-712 signatures hold`, `日志 ${file.log} 签署了 ${note.size} 条的树：Ed25519、ML-DSA-44 与 EIP-712 签名均成立`);
}

/** Each replacement of a key that is shown stands in the tree that it helps to verify. */
function demandRotations({ entries, case: { proofs } }: Examination, { size, root }: Checkpoint): void {
  for (const { position, statement } of entries) {
    if (statement.event.type !== "log.rotate") continue;
    const path = proofs.inclusion.get(position);
    if (path === undefined) throw new Failed(`the replacement of a key at ${position} is not shown to stand in the tree`);
    verifyInclusion(statement.leaf, BigInt(position), size, root, path);
  }
}

/** A witness is its name: of several keys under one name one line counts, and none may fail. */
function demandQuorum({ trust: { witnesses, quorum }, atSeconds }: Examination, note: Checkpoint): void {
  if (quorum === 0) return;
  const names = new Set<string>();
  for (const witness of witnesses) {
    let time: number | undefined;
    try {
      time = cosignature(note, witness)?.time;
    } catch (error) {
      if (error instanceof Failed) throw new NotShown(`the line of witness ${witness.name} does not hold: ${error.message}`);
      throw error;
    }
    if (time !== undefined && time <= atSeconds) names.add(witness.name);
  }
  if (names.size < quorum) throw new NotShown(`${names.size} trusted witnesses cosigned by then, ${quorum} are demanded`);
}

/** Entry 0 is the key set of the trusted log. */
function demandKeySet({ entries, log }: Examination): void {
  const event = entries.find(({ position }) => position === 0)?.statement.event;
  if (event?.type !== "log.key-set") throw new NotShown("it is not here, or is no key set");
  const { keys, origin } = (event as EventOf<"log.key-set">).body;
  const trusted: Record<string, Key> = { ...log!.keys, registrar: log!.registrar };
  if (origin !== log!.origin) throw new Failed(`it is the key set of ${origin}`);
  for (const [role, key] of Object.entries(trusted)) {
    const found = keys.filter((each) => each.role === role);
    if (found.length === 0 || found.some((each) => !sameKey(each.key, key))) throw new Failed(`its key for ${role} is not the one of the trust file`);
  }
}
