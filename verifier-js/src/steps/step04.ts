/** Step 4: every entry stands at its index in the signed tree. */
import { verifyInclusion } from "../log/merkle.ts";
import { describe } from "../log/note.ts";
import type { Examination } from "./examination.ts";
import type { Findings } from "./findings.ts";

export function inclusion({ entries, head, case: { proofs } }: Examination, findings: Findings): void {
  if (head === undefined) return;
  const { note } = head;
  let held = 0;
  for (const { position, statement } of entries) {
    const path = proofs.inclusion.get(position);
    if (path === undefined) {
      findings.add("not_proved", `entry ${position} has no inclusion path`, `条目 ${position} 没有包含路径`);
      continue;
    }
    const what = { en: `the inclusion of entry ${position}`, zh: `条目 ${position} 的包含证明` };
    if (findings.check(what, () => verifyInclusion(statement.leaf, BigInt(position), note.size, note.root, path))) held += 1;
  }
  findings.add("proved", `entries that stand at their indexes in ${describe(note)}: ${held} of ${entries.length}`,
    `在签名的树（${note.size} 条）中位于其序号处的条目：${entries.length} 条中的 ${held} 条`);
}
