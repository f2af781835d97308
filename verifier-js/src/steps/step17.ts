/** Step 17: documents that the operator declared, and which were in force at the deposit (Facts 3). */
import { samePair } from "../base/hashes.ts";
import type { EventOf } from "../events/event.ts";
import { admitted, type Examination } from "./examination.ts";
import type { Findings, Sentence } from "./findings.ts";

export function isDeclared(examination: Examination): boolean {
  return admitted(examination, "platform.file").length > 0;
}

export const LIMBS = ["qualification", "independence", "system", "process"] as const;
export type DocumentState = "present" | "afterwards" | "expired";

/** Every admitted declaration, and whether it was in force at the deposit; none where there is no deposit. */
export function judgedDocuments(examination: Examination) {
  const deposit = depositOf(examination);
  if (deposit === undefined) return [];
  const [first, last] = deposit;
  return admitted(examination, "platform.file").map(({ position, at, event: { body } }) => {
    const expired = body.valid_from > first || (body.valid_until !== undefined && body.valid_until <= last);
    const state: DocumentState = expired ? "expired" : at <= first ? "present" : "afterwards";
    return { position, at, body, state };
  });
}

/** The very document is in the bundle. */
export function isIncluded({ bag, case: { file } }: Examination, { document, size }: EventOf<"platform.file">["body"]): boolean {
  if (!file.platform?.includes(document.sha256)) return false;
  const found = bag.record(`data/platform/${document.sha256}`);
  return samePair(found, document) && found.size === size;
}

const STATE_WORDS: Record<DocumentState, Sentence> = {
  expired: { en: "not in force at the deposit", zh: "存证时不在有效期内" },
  present: { en: "in force at the deposit", zh: "存证时有效" },
  afterwards: { en: "in force by its dates, declared only later", zh: "依其日期有效，但事后方申报" },
};

export function platform(examination: Examination, findings: Findings): void {
  const declared = admitted(examination, "platform.file");
  const judged = judgedDocuments(examination);
  for (const name of examination.case.file.platform ?? []) {
    if (!declared.some(({ event: { body } }) => body.document.sha256 === name && isIncluded(examination, body)))
      findings.add("contradicted", `the document ${name} is none that the operator declared`, `文件 ${name} 不是运营方所申报者`);
  }
  if (judged.length === 0) {
    findings.add("not_proved", "the operator declared nothing, or nothing is here whose deposit could be compared", "运营方未作申报，或此处没有可供比对的存证");
    return;
  }
  for (const { position, body, state } of judged) {
    const { en, zh } = STATE_WORDS[state];
    findings.add("proved", `entry ${position}, ${body.limb}: “${body.title.en}” of ${body.issuer}, ${en}`, `条目 ${position}，${body.limb}：${body.issuer}《${body.title.zh}》，${zh}`);
  }
  findings.add("needs_external_fact", "what these documents say, and who issued them, is the operator's word: ask their issuers", "上述文件的内容及出具者均为运营方之言：请向出具者查证");
}

/** First and last admission of what the case is about. */
function depositOf({ replay, about }: Examination): [string, string] | undefined {
  const entries = about.map((position) => replay.admitted.get(position)!);
  const registered = entries.filter((entry) => entry.statement.event.type === "object.register");
  const times = (registered.length > 0 ? registered : entries.slice(0, 1)).map((entry) => entry.at).sort();
  return times.length === 0 ? undefined : [times[0]!, times.at(-1)!];
}
