/** Step 7: every disclosure opens a commitment. */
import { samePair } from "../base/hashes.ts";
import { admitted, type Examination } from "./examination.ts";
import type { Findings } from "./findings.ts";

export function disclosure(examination: Examination, findings: Findings): void {
  const { entries, disclosures } = examination;
  let opened = 0;
  let all = 0;
  for (const { position, statement } of entries) {
    const commitments = statement.event.private ?? new Map();
    all += commitments.size;
    const names = new Set<string>();
    for (const { name, commitment } of disclosures.get(position) ?? []) {
      const committed = commitments.get(name);
      if (names.has(name) || committed === undefined || !samePair(committed, commitment))
        findings.add("contradicted", `a disclosure of entry ${position} opens none of its commitments, or one twice: ${name}`,
          `条目 ${position} 的一项披露与其承诺不符，或重复：${name}`);
      else opened += 1;
      names.add(name);
    }
  }
  findings.add("proved", `private values opened, each matching its salted commitment: ${opened}; withheld: ${all - opened}`,
    `已披露且与加盐承诺相符的私密值：${opened}；未披露：${all - opened}`);
  for (const { position, at, event } of admitted(examination, "disclosure.erase"))
    findings.add("proved", `${at}: entry ${position} erased ${event.body.names.join(", ")} of entry ${event.body.position}, on the grounds ${event.body.grounds}`,
      `${at}：条目 ${position} 删除了条目 ${event.body.position} 的 ${event.body.names.join("、")}，理由 ${event.body.grounds}`);
}
