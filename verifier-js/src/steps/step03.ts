/** Step 3: every entry is signed by a key that an entry shown declares. */
import { Failed } from "../base/errors.ts";
import type { Key } from "../base/keys.ts";
import { verifyStatement } from "../log/statement.ts";
import type { Examination } from "./examination.ts";
import type { Findings } from "./findings.ts";

export function statementSignature({ entries }: Examination, findings: Findings): void {
  const keys = declared(entries);
  let signed = 0;
  for (const { position, statement } of entries) {
    const key = keys.get(statement.kid);
    if (key === undefined) {
      findings.add("not_proved", `entry ${position} is signed by key ${statement.kid}, which no entry here declares`,
        `条目 ${position} 由密钥 ${statement.kid} 签名，而此处没有条目声明该密钥`);
      continue;
    }
    try {
      verifyStatement(statement, key);
      signed += 1;
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      findings.add("contradicted", `the signature of entry ${position} does not hold: ${error.message}`, `条目 ${position} 的签名不成立：${error.message}`);
    }
  }
  findings.add("proved", `entries signed over their exact bytes by keys that entries of the log declare: ${signed} of ${entries.length}`,
    `由日志条目所声明的密钥对其原始字节签名的条目：${entries.length} 条中的 ${signed} 条`);
}

function declared(entries: Examination["entries"]): Map<string, Key> {
  const keys: Key[] = entries.flatMap(({ position, statement: { event } }) => {
    if (event.type === "log.key-set") return position === 0 ? event.body.keys.map((each) => each.key) : [];
    if (event.type === "log.rotate") return [event.body.key];
    if (event.type === "party.register") return event.body.keys.map((each) => each.key);
    return event.type === "party.key" && event.body.add !== undefined ? [event.body.add.key] : [];
  });
  return new Map(keys.map((key) => [key.kid, key]));
}
