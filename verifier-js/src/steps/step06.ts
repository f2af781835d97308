/** Step 6: the rules admit every entry again. */
import type { Examination } from "./examination.ts";
import type { Findings } from "./findings.ts";

/** Codes that may come from an entry that is not shown. */
const NOT_SHOWN = new Set(["unregistered", "no-batch", "log-not-begun", "no-policy", "unknown-signer"]);

export function entitlement({ entries, replay, at }: Examination, findings: Findings): void {
  if (entries[0]?.position !== 0) findings.add("not_proved", "entry 0, the key set of the log, is not here", "缺少第 0 条（日志的密钥集）");
  for (const [position, code] of replay.refused)
    findings.add(NOT_SHOWN.has(code) ? "not_proved" : "contradicted", `the rules refuse entry ${position}: ${code}`, `准入规则拒绝条目 ${position}：${code}`);
  for (const entry of replay.admitted.values())
    if (entry.at > at) findings.add("not_proved", `entry ${entry.position} was admitted at ${entry.at}, after the time of examination`, `条目 ${entry.position} 的准入时间 ${entry.at} 晚于检验时点`);
  findings.add("proved", `the admission rules, applied again, admit ${replay.admitted.size} of ${entries.length} entries`,
    `重新适用准入规则，${entries.length} 条中准入 ${replay.admitted.size} 条`);
}
